/*
 * The floor: the least work with which a WebSocket can be joined to a command.
 *
 *	floor [-l] [-p PORT] [-r READ] [-P PIPE] [-T SECONDS] [-c PEM]
 *	    -- COMMAND [ARG...]
 *
 * Accepts on loopback, answers one fixed handshake, starts the command with
 * vfork and exec behind two pipes, and moves bytes with epoll. Without -l the
 * command's bytes leave in binary frames as they were read; with -l every
 * line is a text frame and every message a line. Built with WITH_TLS it does
 * so behind TLS, with certificate and key of the PEM file.
 *
 * It checks nothing, limits nothing, logs nothing and stops by itself after
 * SECONDS: it is a number to compare with, not a server. It keeps whatever a
 * slow side cannot take, but reads no more from the other side meanwhile.
 *
 * Used by: tests/bench/bench. Built without config.h: cc -D_GNU_SOURCE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define HEAD 16 /* room before what is read, for a frame's head or a newline */
#define EVENTS 256
#define BACKLOG 4096
#define MAX_READ (16 << 20)

/* The answer to the one key that load.c sends. */
static const char hello[] = "HTTP/1.1 101 Switching Protocols\r\n"
			    "Upgrade: websocket\r\n"
			    "Connection: Upgrade\r\n"
			    "Sec-WebSocket-Accept: "
			    "80sqpElwdWIB8oTAErJWExFfgx8=\r\n\r\n";
static const uint8_t goodbye[] = { 0x88, 2, 1000 >> 8, 1000 & 0xff };

enum end { SOCK, IN, OUT, NENDS }; /* IN and OUT as the command sees them */

/* One descriptor of a session, as epoll knows it. */
struct watch {
	struct session *session;
	int fd;
	uint32_t events; /* registered now */
};

/* Bytes that their destination could not take yet; empty most of the time. */
struct rest {
	uint8_t *data; /* owned */
	size_t off, len;
};

struct session {
	struct watch end[NENDS];
	void *wire;
	struct rest up, down;
	struct rest line; /* -l: a line whose end has not come */
	bool upgraded;
	bool dead;
	struct session *next_dead;

	/* the frame being received */
	uint8_t head[14];
	size_t head_len;
	uint64_t left;
	uint8_t mask[4];
	unsigned int phase; /* which mask byte comes next */
	bool in_payload;
};

static bool lines;
static size_t read_size = 65536;
static int pipe_size;
static char **command;

static int loop;
static uint8_t *in_buf, *out_buf;
static struct session *graveyard;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
grow(void *p, size_t size)
{
	if ((p = realloc(p, size)) == NULL)
		die("realloc");
	return p;
}

static void
rest_add(struct rest *r, const uint8_t *p, size_t n)
{
	r->data = grow(r->data, r->len + n);
	memcpy(r->data + r->len, p, n);
	r->len += n;
}

static void
rest_clear(struct rest *r)
{
	free(r->data);
	*r = (struct rest){ 0 };
}

/* ---- what is waited for ---- */

static void
watch(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	int op = EPOLL_CTL_MOD;

	if (w->fd == -1 || events == w->events)
		return;
	if (w->events == 0)
		op = EPOLL_CTL_ADD;
	else if (events == 0)
		op = EPOLL_CTL_DEL;
	if (epoll_ctl(loop, op, w->fd, &ev) == -1)
		die("epoll_ctl");
	w->events = events;
}

/* A side is read only while the other has taken everything. */
static void
rearm(struct session *s)
{
	bool up = s->up.len > 0, down = s->down.len > 0;
	uint32_t sock = 0;

	if (!up)
		sock |= EPOLLIN;
	if (down)
		sock |= EPOLLOUT;
	watch(&s->end[SOCK], sock);
	watch(&s->end[IN], up ? EPOLLOUT : 0);
	watch(&s->end[OUT], down ? 0 : EPOLLIN);
}

static void
end_session(struct session *s)
{
	if (s->dead)
		return;
	wire_close(&s->wire);
	for (int i = 0; i < NENDS; i++) {
		if (s->end[i].fd != -1)
			close(s->end[i].fd);
	}
	rest_clear(&s->up);
	rest_clear(&s->down);
	rest_clear(&s->line);
	s->dead = true;
	s->next_dead = graveyard;
	graveyard = s;
}

static ssize_t
put_some(struct watch *w, const uint8_t *p, size_t n)
{
	ssize_t done;

	if (w == &w->session->end[SOCK])
		done = wire_send(w->session->wire, w->fd, p, n);
	else
		done = write(w->fd, p, n);
	return done == -1 && errno == EAGAIN ? 0 : done;
}

/* Write what fits and keep the rest; false if the other end is gone. */
static bool
put(struct watch *w, struct rest *r, const uint8_t *p, size_t n)
{
	ssize_t done = 0;

	if (r->len == 0 && (done = put_some(w, p, n)) == -1)
		return false;
	if ((size_t)done < n) {
		rest_add(r, p + done, n - (size_t)done);
		rearm(w->session);
	}
	return true;
}

static bool
flush(struct watch *w, struct rest *r)
{
	ssize_t done = put_some(w, r->data + r->off, r->len - r->off);

	if (done == -1)
		return false;
	r->off += (size_t)done;
	if (r->off == r->len) {
		rest_clear(r);
		rearm(w->session);
	}
	return true;
}

/* The end of a session: what is left goes out, however long that takes. */
static bool
say_goodbye(struct session *s)
{
	struct watch *w = &s->end[SOCK];

	put(w, &s->down, goodbye, sizeof(goodbye));
	if (s->down.len > 0 && fcntl(w->fd, F_SETFL, 0) != -1)
		flush(w, &s->down);
	return false;
}

/* ---- the command ---- */

/*
 * In a function of its own, so that the parent has no local variable that
 * the child could have changed. What the parent ignores would survive exec.
 */
static __attribute__((noinline)) pid_t
run(int in, int out)
{
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	if (dup2(in, 0) != -1 && dup2(out, 1) != -1)
		execv(command[0], command);
	_exit(127);
}

static void
start_command(struct session *s)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		die("pipe2");
	if (pipe_size > 0 &&
	    (fcntl(in[1], F_SETPIPE_SZ, pipe_size) == -1 ||
		fcntl(out[0], F_SETPIPE_SZ, pipe_size) == -1))
		die("F_SETPIPE_SZ");
	if (run(in[0], out[1]) == -1)
		die("vfork");
	close(in[0]);
	close(out[1]);
	if (fcntl(in[1], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == -1)
		die("O_NONBLOCK");
	s->end[IN].fd = in[1];
	s->end[OUT].fd = out[0];
}

/* ---- client to command ---- */

/* The request is one segment on loopback; nothing in it is looked at. */
static bool
upgrade(struct session *s, const uint8_t *p, size_t n)
{
	if (n < 4 || memcmp(p + n - 4, "\r\n\r\n", 4) != 0)
		return false;
	s->upgraded = true;
	start_command(s);
	rearm(s);
	return put(&s->end[SOCK], &s->down, (const uint8_t *)hello,
	    sizeof(hello) - 1);
}

static size_t
head_size(const struct session *s)
{
	if (s->head_len < 2)
		return 2;
	switch (s->head[1] & 0x7f) {
	case 127:
		return 14;
	case 126:
		return 8;
	default:
		return 6;
	}
}

static void
start_payload(struct session *s)
{
	size_t n = s->head_len - 6;

	s->left = s->head[1] & 0x7f;
	if (n > 0)
		s->left = 0;
	for (size_t i = 0; i < n; i++)
		s->left = s->left << 8 | s->head[2 + i];
	memcpy(s->mask, s->head + 2 + n, sizeof(s->mask));
	s->phase = 0;
	s->in_payload = true;
	s->head_len = 0;
}

/* Eight bytes at a time; to may lie before from, never behind it. */
static void
unmask(struct session *s, uint8_t *to, const uint8_t *from, size_t n)
{
	uint8_t key[8];
	uint64_t k, v;
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = s->mask[(s->phase + i) & 3];
	memcpy(&k, key, sizeof(k));
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, from + i, sizeof(v));
		v ^= k;
		memcpy(to + i, &v, sizeof(v));
	}
	for (; i < n; i++)
		to[i] = from[i] ^ key[i & 7];
	s->phase = (unsigned int)(s->phase + n) & 3;
}

/*
 * Take the frames apart where they lie. The output never overtakes the input:
 * an added newline has room where the frame's head was, and the one of a
 * frame begun in an earlier read has the byte before p.
 */
static bool
unframe(struct session *s, uint8_t *p, size_t n)
{
	uint8_t *const start = p - HEAD, *const stop = p + n;
	uint8_t *to = start;
	uint8_t op;

	while (p < stop || (s->in_payload && s->left == 0)) {
		if (!s->in_payload) {
			s->head[s->head_len++] = *p++;
			if (s->head_len >= 2 && s->head_len == head_size(s))
				start_payload(s);
			continue;
		}
		n = (size_t)(stop - p);
		if (s->left < n)
			n = (size_t)s->left;
		op = s->head[0] & 0x0f;
		if (op < 8) {
			unmask(s, to, p, n);
			to += n;
		}
		p += n;
		s->left -= n;
		if (s->left > 0)
			break;
		s->in_payload = false;
		if (op == 8)
			return say_goodbye(s);
		if (lines && op < 8 && (s->head[0] & 0x80))
			*to++ = '\n';
	}
	return to == start ||
	    put(&s->end[IN], &s->up, start, (size_t)(to - start));
}

static bool
on_socket(struct session *s)
{
	ssize_t n;
	bool ok;

	do {
		n = wire_recv(s->wire, s->end[SOCK].fd, in_buf + HEAD,
		    read_size);
		if (n <= 0)
			return n == -1 && errno == EAGAIN;
		ok = s->upgraded ? unframe(s, in_buf + HEAD, (size_t)n)
				 : upgrade(s, in_buf + HEAD, (size_t)n);
	} while (ok && wire_holds(s->wire));
	return ok;
}

/* ---- command to client ---- */

static size_t
put_head(uint8_t *to, unsigned int op, size_t n)
{
	size_t more = n < 126 ? 0 : n < 65536 ? 2 : 8;

	to[0] = (uint8_t)(0x80 | op);
	to[1] = (uint8_t)(more == 0 ? n : more == 2 ? 126 : 127);
	for (size_t i = 0; i < more; i++)
		to[2 + i] = (uint8_t)((uint64_t)n >> 8 * (more - 1 - i));
	return 2 + more;
}

static bool
send_binary(struct session *s, uint8_t *p, size_t n)
{
	uint8_t head[HEAD];
	size_t len = put_head(head, 2, n);

	memcpy(p - len, head, len);
	return put(&s->end[SOCK], &s->down, p - len, n + len);
}

static bool
send_lines(struct session *s, const uint8_t *p, size_t n)
{
	const uint8_t *stop = p + n, *eol;
	struct rest *line = &s->line;
	uint8_t *to;

	out_buf = grow(out_buf, line->len + 2 * n + HEAD);
	to = out_buf;
	while ((eol = memchr(p, '\n', (size_t)(stop - p))) != NULL) {
		n = (size_t)(eol - p);
		to += put_head(to, 1, line->len + n);
		if (line->len > 0) {
			memcpy(to, line->data, line->len);
			to += line->len;
			line->len = 0;
		}
		memcpy(to, p, n);
		to += n;
		p = eol + 1;
	}
	if (p < stop)
		rest_add(line, p, (size_t)(stop - p));
	return to == out_buf ||
	    put(&s->end[SOCK], &s->down, out_buf, (size_t)(to - out_buf));
}

static bool
on_output(struct session *s)
{
	ssize_t n = read(s->end[OUT].fd, in_buf + HEAD, read_size);

	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return say_goodbye(s);
	return lines ? send_lines(s, in_buf + HEAD, (size_t)n)
		     : send_binary(s, in_buf + HEAD, (size_t)n);
}

/* ---- the loop ---- */

static void
on_accept(int listener)
{
	struct session *s;
	int fd, one = 1;

	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s = grow(NULL, sizeof(*s));
	*s = (struct session){ .upgraded = false };
	for (int i = 0; i < NENDS; i++)
		s->end[i] = (struct watch){ .session = s, .fd = -1 };
	s->end[SOCK].fd = fd;
	if (!wire_open(&s->wire, fd))
		die("TLS");
	rearm(s);
}

static bool
on_event(struct session *s, struct watch *w, uint32_t events)
{
	bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

	if (w == &s->end[IN])
		return flush(w, &s->up);
	if (w == &s->end[OUT])
		return s->down.len > 0 || on_output(s);
	if ((events & EPOLLOUT) && !flush(w, &s->down))
		return false;
	return !readable || s->up.len > 0 || on_socket(s);
}

static _Noreturn void
serve(int listener)
{
	struct epoll_event ev[EVENTS];
	struct session *s;
	struct watch *w;
	int n;

	for (;;) {
		n = epoll_wait(loop, ev, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if ((w = ev[i].data.ptr) == NULL)
				on_accept(listener);
			else if (!w->session->dead &&
			    !on_event(w->session, w, ev[i].events))
				end_session(w->session);
		}
		while ((s = graveyard) != NULL) {
			graveyard = s->next_dead;
			free(s);
		}
	}
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event ev = { .events = EPOLLIN };
	socklen_t len = sizeof(sin);
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, BACKLOG) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		die("listen");
	if ((loop = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll");
	fprintf(stderr, "floor: listening on http://127.0.0.1:%u/\n",
	    (unsigned int)ntohs(sin.sin_port));
	return fd;
}

static _Noreturn void
usage(void)
{
	fputs("usage: floor [-l] [-p PORT] [-r READ] [-P PIPE] [-T SECONDS] "
	      "[-c PEM] -- COMMAND [ARG...]\n",
	    stderr);
	exit(2);
}

static long
number(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max)
		usage();
	return n;
}

int
main(int argc, char **argv)
{
	unsigned int seconds = 300;
	const char *pem = NULL;
	uint16_t port = 0;
	int opt;

	while ((opt = getopt(argc, argv, "lp:r:P:T:c:")) != -1) {
		switch (opt) {
		case 'c':
			pem = optarg;
			break;
		case 'l':
			lines = true;
			break;
		case 'p':
			port = (uint16_t)number(optarg, 0, 65535);
			break;
		case 'r':
			read_size = (size_t)number(optarg, 512, MAX_READ);
			break;
		case 'P':
			pipe_size = (int)number(optarg, 0, MAX_READ);
			break;
		case 'T':
			seconds = (unsigned int)number(optarg, 1, 3600);
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	command = argv + optind;
	alarm(seconds);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	in_buf = grow(NULL, HEAD + read_size);
	if (!wire_init(pem))
		die("TLS");
	serve(listen_on(port));
}
