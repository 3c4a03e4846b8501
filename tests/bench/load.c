/*
 * A load generator for servers that join a WebSocket to a command.
 *
 *	load connect|echo|down|up|idle -p PORT [options]     (see usage())
 *
 * One thread, epoll, libc only; built with WITH_TLS, over TLS. Connects to 127.0.0.1 and nowhere else, has a
 * ceiling on sessions, sizes and time, and ends by itself. Prints one line of
 * JSON; the exit status is 0 if nothing went wrong, 3 if the JSON counts
 * errors, 1 if the machine refused something, 2 for wrong usage.
 *
 * connect	open a session, one message there and back, close; again
 * echo		keep messages in flight in sessions that answer with the same
 * down		read what the command prints
 * up		send as much as is taken
 * idle		open sessions, one message there and back, then silence
 *
 * Every head of a frame is checked, every byte that comes back is compared,
 * and every session ends with a Close each way and the end of the connection.
 *
 * Used by: tests/bench/bench. Built without config.h: cc -D_GNU_SOURCE.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define nitems(a) (sizeof(a) / sizeof((a)[0]))

#define MAX_SESSIONS 10000
#define MAX_FLIGHT 1024
#define MAX_SIZE (1 << 20)
#define MAX_SECONDS 60
#define SETUP_SECONDS 20 /* for all sessions to be open */
#define QUIET_SECONDS 3  /* for messages in flight to come back */
#define CLOSE_SECONDS 5  /* from our Close to the end of the connection */
#define GATE_SECONDS 30  /* for the line on standard input */
#define MAX_ERRORS 100   /* then it is not worth going on */
#define READ_SIZE (256 << 10)
#define BATCH_SIZE (256 << 10)
#define MAX_DAEMON 64 /* processes of the server */
#define SECOND 1000000000u

/* A fixed nonce and its answer, which floor.c gives without looking. */
#define KEY "c3RhbmRwaXBlIGJlbmNoLg=="
#define ACCEPT "80sqpElwdWIB8oTAErJWExFfgx8="

enum state {
	NONE,
	DIALING,
	UPGRADING,
	GREETING, /* ttyd: until the command has said that it runs */
	OPEN,
	CLOSING, /* our Close is sent or about to be */
};

enum trouble {
	REFUSED, /* no connection */
	UPGRADE, /* no 101, or a wrong one */
	FRAME,   /* a head that RFC 6455 forbids, or the wrong opcode */
	DATA,    /* bytes that are not those that were expected */
	LOST,    /* a session that ended before its time */
	CLOSE,   /* no Close in answer to ours, a wrong one, or no end */
	TROUBLES,
};
static const char *const trouble_names[] = { "refused", "upgrade", "frame",
	"data", "lost", "close" };

enum mode {
	BINARY, /* bytes in binary frames, cut anywhere */
	LINES,  /* a text frame is a message; the newline is the server's */
	TTYD,   /* bytes in binary frames behind a letter */
};

struct session {
	int fd;
	void *wire;
	enum state state;
	bool want_out;           /* EPOLLOUT is registered */
	bool settled;            /* it has worked once */
	uint64_t dialed, closed; /* when we began, when we sent Close */

	/* going out: whole frames, copies of one */
	uint64_t frames;  /* yet to be written, a begun one included */
	size_t frame_pos; /* bytes of the begun one already written */
	uint8_t ctl[131]; /* a control frame, between two others */
	size_t ctl_len, ctl_pos;

	/* coming in: frames */
	uint8_t head[14];
	size_t head_len;
	bool in_payload, in_message, close_seen;
	uint64_t left;
	uint8_t payload[125]; /* of a control frame */
	size_t payload_len;
	uint8_t letter; /* TTYD: 0 until the first byte of a frame */

	/* coming in: messages */
	size_t got;      /* bytes of the message that is arriving */
	size_t greeting; /* TTYD: bytes of it yet to come */
	unsigned int flight, oldest;
	uint64_t *sent; /* when; a ring of -w entries */

	char *answer; /* to the upgrade, until it is whole */
	size_t answer_len;
};

/* What a scenario does that the others do not. */
struct scenario {
	const char *name, *unit;
	void (*opened)(struct session *);
	void (*begin)(struct session *); /* NULL: nothing */
	void (*take)(struct session *, const uint8_t *, size_t);
	void (*message)(struct session *, uint64_t latency);
};

struct tally {
	uint64_t sessions, messages, frames, bytes;
};

static const struct scenario *scenario;
static enum mode mode;
static uint16_t port;
static const char *path = "/";
static size_t nsessions = 1;
static unsigned int flight = 1;
static size_t size = 64; /* of a message, with its newline */
static unsigned int together = 32;
static double seconds = 1, warm = 0.3;
static pid_t daemon_pid;
static bool gated;

static struct session *sessions;
static int loop;
static uint8_t *in_buf;
static uint8_t *message; /* what is sent and expected back */
static size_t message_len;
static uint8_t *batch; /* the same frame several times */
static size_t frame_len, batch_frames;

static uint64_t now; /* refreshed by every turn of the loop */
static size_t alive, settled;
static size_t next_dial;
static bool running;      /* what came back is sent again */
static bool measuring;    /* latencies are noted */
static struct tally done; /* since it was last cleared */
static uint64_t errors[TROUBLES], nerrors;
static char first_error[160];

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
allocate(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		die("calloc");
	return p;
}

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1)
		return 0;
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

/* ---- latencies: 32 steps to each doubling, 3 % ---- */

#define STEPS 32
static uint64_t steps[64 * STEPS], nlatencies, max_latency;

static void
latency_add(uint64_t ns)
{
	unsigned int shift = 0;

	while (ns >> shift >= 2 * STEPS)
		shift++;
	steps[shift * STEPS + (ns >> shift)]++;
	nlatencies++;
	if (ns > max_latency)
		max_latency = ns;
}

static double
latency_us(double share)
{
	uint64_t rank = (uint64_t)(share * (double)nlatencies);
	uint64_t seen = 0;
	size_t shift;

	for (size_t i = 0; i < nitems(steps); i++) {
		if ((seen += steps[i]) <= rank)
			continue;
		shift = i < 2 * STEPS ? 0 : i / STEPS - 1;
		return (double)((uint64_t)(i - shift * STEPS) << shift) / 1e3;
	}
	return (double)max_latency / 1e3;
}

/* ---- the server's processes ---- */

struct process {
	pid_t pid, parent;
	char name[64];
	bool ours;
};

static struct daemon {
	size_t n;
	pid_t pid[MAX_DAEMON];
	clockid_t clock[MAX_DAEMON];
} server;

/* The file it runs; its short name where we may not see the file. */
static bool
process_read(struct process *p, pid_t pid)
{
	char file[64], line[512], *open, *close, *name;
	ssize_t n;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%ld/stat", (long)pid);
	if ((f = fopen(file, "r")) == NULL)
		return false;
	name = fgets(line, sizeof(line), f);
	fclose(f);
	if (name == NULL || (open = strchr(line, '(')) == NULL ||
	    (close = strrchr(line, ')')) == NULL || strlen(close) < 4)
		return false;
	*close = '\0';
	p->pid = pid;
	p->parent = (pid_t)strtol(close + 4, NULL, 10);
	p->ours = false;
	snprintf(p->name, sizeof(p->name), "%.63s", open + 1);
	snprintf(file, sizeof(file), "/proc/%ld/exe", (long)pid);
	if ((n = readlink(file, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		if ((name = strrchr(line, '/')) != NULL)
			snprintf(p->name, sizeof(p->name), "%.63s", name + 1);
	}
	return true;
}

/* PROGRAM itself or PROGRAM-engine; short names are cut after 15 bytes. */
static bool
same_program(const char *name, const char *program)
{
	char engine[80];
	size_t n = strlen(name);

	snprintf(engine, sizeof(engine), "%s-engine", program);
	return strcmp(name, program) == 0 || strcmp(name, engine) == 0 ||
	    (n == 15 &&
		(strncmp(name, engine, n) == 0 ||
		    strncmp(name, program, n) == 0));
}

static struct process *
process_list(size_t *n)
{
	struct process *list = NULL;
	size_t room = 0;
	struct dirent *e;
	DIR *dir;

	*n = 0;
	if ((dir = opendir("/proc")) == NULL)
		return NULL;
	while ((e = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (*n == room) {
			room = room * 2 + 256;
			list = realloc(list, room * sizeof(*list));
			if (list == NULL)
				die("realloc");
		}
		if (process_read(&list[*n], (pid_t)strtol(e->d_name, NULL, 10)))
			++*n;
	}
	closedir(dir);
	return list;
}

static bool
process_adopt(struct process *list, size_t n, struct process *p)
{
	if (p->ours)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].ours && list[i].pid == p->parent)
			return p->ours = true;
	}
	return false;
}

/* The server and its descendants that run the same program or its engine. */
static void
server_find(void)
{
	struct process *list, root;
	bool more = true;
	size_t n;

	server.n = 0;
	if (daemon_pid == 0 || !process_read(&root, daemon_pid))
		return;
	list = process_list(&n);
	for (size_t i = 0; i < n; i++)
		list[i].ours = list[i].pid == daemon_pid;
	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++)
			more |= same_program(list[i].name, root.name) &&
			    process_adopt(list, n, &list[i]);
	}
	for (size_t i = 0; i < n && server.n < MAX_DAEMON; i++) {
		if (list[i].ours &&
		    clock_getcpuclockid(list[i].pid, &server.clock[server.n]) ==
			0)
			server.pid[server.n++] = list[i].pid;
	}
	free(list);
}

/* All threads, the ended ones included; commands are not in it. */
static uint64_t
server_cpu(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < server.n; i++)
		sum += clock_ns(server.clock[i]);
	return sum;
}

/* In KiB; -1 if the system does not say. */
static long
server_pss(void)
{
	char file[64], line[256];
	long sum = 0;
	bool found;
	FILE *f;

	for (size_t i = 0; i < server.n; i++) {
		snprintf(file, sizeof(file), "/proc/%ld/smaps_rollup",
		    (long)server.pid[i]);
		if ((f = fopen(file, "r")) == NULL)
			return -1;
		found = false;
		while (!found && fgets(line, sizeof(line), f) != NULL) {
			if ((found = strncmp(line, "Pss:", 4) == 0))
				sum += strtol(line + 4, NULL, 10);
		}
		fclose(f);
		if (!found)
			return -1;
	}
	return server.n > 0 ? sum : -1;
}

/* ---- sessions: the descriptor ---- */

static void
session_drop(struct session *s)
{
	if (s->state == NONE)
		return;
	if (s->settled)
		settled--;
	s->settled = false;
	wire_close(&s->wire);
	close(s->fd);
	free(s->answer);
	s->answer = NULL;
	s->state = NONE;
	alive--;
}

static __attribute__((format(printf, 3, 4))) void
session_fail(struct session *s, enum trouble t, const char *fmt, ...)
{
	va_list ap;

	if (s->state == NONE)
		return;
	errors[t]++;
	nerrors++;
	if (first_error[0] == '\0') {
		va_start(ap, fmt);
		vsnprintf(first_error, sizeof(first_error), fmt, ap);
		va_end(ap);
	}
	session_drop(s);
}

static void
session_watch(struct session *s, bool out)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	if (out == s->want_out)
		return;
	if (out)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(loop, EPOLL_CTL_MOD, s->fd, &ev) == -1)
		die("epoll_ctl");
	s->want_out = out;
}

static void
session_dial(struct session *s)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = s };
	uint64_t *sent = s->sent;
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*s = (struct session){ .fd = fd,
		.state = DIALING,
		.want_out = true,
		.dialed = clock_ns(CLOCK_MONOTONIC),
		.greeting = 2,
		.sent = sent };
	alive++;
	if (!wire_open(&s->wire, fd))
		die("TLS");
	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS)
		session_fail(s, REFUSED, "connect: %s", strerror(errno));
}

/* ---- sessions: going out ---- */

static size_t
put_frame(uint8_t *to, unsigned int op, const uint8_t *p, size_t n)
{
	static const uint8_t mask[4] = { 0x9d, 0x41, 0xe2, 0x7b };
	size_t more = n < 126 ? 0 : n < 65536 ? 2 : 8;
	uint8_t *const start = to;

	*to++ = (uint8_t)(0x80 | op);
	*to++ = (uint8_t)(0x80 | (more == 0 ? n : more == 2 ? 126 : 127));
	while (more > 0)
		*to++ = (uint8_t)((uint64_t)n >> 8 * --more);
	memcpy(to, mask, sizeof(mask));
	to += sizeof(mask);
	for (size_t i = 0; i < n; i++)
		*to++ = p[i] ^ mask[i & 3];
	return (size_t)(to - start);
}

/* 1: all written; 0: the socket is full; -1: the connection is gone. */
static int
push(struct session *s, const uint8_t *p, size_t n, size_t *pos)
{
	ssize_t w = wire_send(s->wire, s->fd, p, n);

	if (w == -1 && errno != EAGAIN)
		return -1; /* reading will tell */
	*pos += w == -1 ? 0 : (size_t)w;
	return w == (ssize_t)n;
}

static void send_endless(struct session *);

static int
push_frames(struct session *s)
{
	size_t pos = s->frame_pos, whole, n;
	int rc;

	n = s->frames < batch_frames ? (size_t)s->frames : batch_frames;
	rc = push(s, batch + pos, n * frame_len - pos, &pos);
	whole = pos / frame_len;
	s->frame_pos = pos % frame_len;
	s->frames -= whole;
	if (scenario->begin == send_endless) { /* what is taken is done */
		done.messages += whole;
		done.bytes += whole * message_len;
	}
	return rc;
}

static int
push_ctl(struct session *s)
{
	int rc =
	    push(s, s->ctl + s->ctl_pos, s->ctl_len - s->ctl_pos, &s->ctl_pos);

	if (s->ctl_pos == s->ctl_len)
		s->ctl_pos = s->ctl_len = 0;
	return rc;
}

/*
 * At most one batch for each turn of the loop, so that one session that takes
 * everything does not keep us from reading the others.
 */
static void
session_push(struct session *s)
{
	int rc = 1;

	if (s->frames > 0 && (s->frame_pos > 0 || s->ctl_len == 0))
		rc = push_frames(s);
	if (rc == 1 && s->frame_pos == 0 && s->ctl_len > 0)
		rc = push_ctl(s);
	session_watch(s, rc != -1 && (s->frames > 0 || s->ctl_len > 0));
}

/* One that is on its way stays; a Pong may be skipped (section 5.5.3). */
static void
session_ctl(struct session *s, unsigned int op, const uint8_t *p, size_t n)
{
	if (s->ctl_pos > 0)
		return;
	s->ctl_len = put_frame(s->ctl, op, p, n);
	session_push(s);
}

static void
session_send(struct session *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		s->sent[(s->oldest + s->flight++) % flight] = now;
	s->frames += n;
	session_push(s);
}

static void
session_close(struct session *s)
{
	static const uint8_t code[] = { 1000 >> 8, 1000 & 0xff };

	s->state = CLOSING;
	s->closed = now;
	s->frames = s->frame_pos > 0;
	s->ctl_len = s->ctl_pos = 0;
	session_ctl(s, 8, code, sizeof(code));
}

/* ---- scenarios ---- */

static void
settle(struct session *s)
{
	if (!s->settled) {
		s->settled = true;
		settled++;
	}
}

/* The command surely runs once it has answered. */
static void
send_one(struct session *s)
{
	session_send(s, 1);
}

static void
send_flight(struct session *s)
{
	session_send(s, flight);
}

static void
send_endless(struct session *s)
{
	s->frames = UINT64_MAX;
	session_push(s);
}

static void
message_done(struct session *s)
{
	uint64_t sent = s->sent[s->oldest];

	s->got = 0;
	if (s->flight == 0) {
		session_fail(s, DATA, "more came back than was sent");
		return;
	}
	s->oldest = (s->oldest + 1) % flight;
	s->flight--;
	done.messages++;
	scenario->message(s, now - sent);
}

/* Both ends of a message are counted in bytes; LINES ends with its frame. */
static void
take_echo(struct session *s, const uint8_t *p, size_t n)
{
	size_t k;

	for (; n > 0 && s->state >= OPEN; p += k, n -= k) {
		k = message_len - s->got;
		if (k > n)
			k = n;
		if (k == 0 || memcmp(p, message + s->got, k) != 0) {
			session_fail(s, DATA, "a message came back different");
			return;
		}
		s->got += k;
		if (s->got == message_len && mode != LINES)
			message_done(s);
	}
}

/* A line is the message; without lines the command prints zeroes. */
static void
take_print(struct session *s, const uint8_t *p, size_t n)
{
	static const uint8_t zeroes[READ_SIZE];

	settle(s);
	if (mode == LINES) {
		if (n > message_len - s->got ||
		    memcmp(p, message + s->got, n) != 0)
			session_fail(s, DATA, "not the line that was printed");
		s->got += n;
	} else if (memcmp(p, zeroes, n) != 0) {
		session_fail(s, DATA, "not the zeroes that were printed");
	}
}

static void
take_nothing(struct session *s, const uint8_t *p, size_t n)
{
	(void)p;
	session_fail(s, DATA, "%zu bytes from a silent command", n);
}

static void
echo_message(struct session *s, uint64_t latency)
{
	if (measuring)
		latency_add(latency);
	settle(s);
}

static void
connect_message(struct session *s, uint64_t latency)
{
	(void)latency;
	session_close(s);
}

static void
idle_message(struct session *s, uint64_t latency)
{
	(void)latency;
	settle(s);
}

static const struct scenario scenarios[] = {
	{ "connect", "sessions", send_one, NULL, take_echo, connect_message },
	{ "echo", "messages", send_one, send_flight, take_echo, echo_message },
	{ "down", "frames", NULL, NULL, take_print, NULL },
	{ "up", "messages", settle, send_endless, take_nothing, NULL },
	{ "idle", "sessions", send_one, NULL, take_echo, idle_message },
};

/* ---- sessions: coming in ---- */

static void
frame_fail(struct session *s, const char *what)
{
	session_fail(s, FRAME, "frame %02x %02x: %s", s->head[0], s->head[1],
	    what);
}

static size_t
head_size(const struct session *s)
{
	if (s->head_len < 2 || (s->head[1] & 0x7f) < 126)
		return 2;
	return (s->head[1] & 0x7f) == 126 ? 4 : 10;
}

static void
read_length(struct session *s)
{
	s->left = s->head[1] & 0x7f;
	if (s->head_len == 2)
		return;
	s->left = 0;
	for (size_t i = 2; i < s->head_len; i++)
		s->left = s->left << 8 | s->head[i];
	if (s->left < (s->head_len == 4 ? 126u : 65536u))
		frame_fail(s, "not the shortest length");
}

/* Section 5.2, and 5.4 for the order of fragments. */
static void
start_frame(struct session *s)
{
	unsigned int op = s->head[0] & 0x0f;
	bool fin = s->head[0] >> 7;

	if (s->head[0] & 0x70)
		frame_fail(s, "reserved bits");
	if (s->head[1] & 0x80)
		frame_fail(s, "masked by the server");
	if (s->close_seen)
		frame_fail(s, "after Close");
	read_length(s);
	if (op >= 8) {
		if (op > 10 || !fin || s->left > sizeof(s->payload))
			frame_fail(s, "bad control frame");
	} else {
		if (op != (s->in_message ? 0u : mode == LINES ? 1u : 2u))
			frame_fail(s, "wrong opcode");
		s->in_message = !fin;
	}
	s->payload_len = 0;
	s->letter = 0;
	s->in_payload = true;
}

/* Those that may be sent (section 7.4). */
static bool
good_code(unsigned int code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* Ours may be on its way already; the server speaks first when it ends. */
static void
on_close(struct session *s)
{
	unsigned int code = 0;

	if (s->payload_len >= 2)
		code = (unsigned int)s->payload[0] << 8 | s->payload[1];
	s->close_seen = true;
	if (s->state != CLOSING)
		session_fail(s, LOST, "the server closed, code %u", code);
	else if (s->payload_len == 1 ||
	    (s->payload_len > 1 && !good_code(code)))
		session_fail(s, CLOSE, "Close answered with code %u", code);
}

static void
end_frame(struct session *s)
{
	unsigned int op = s->head[0] & 0x0f;

	s->in_payload = false;
	s->head_len = 0;
	if (op == 8) {
		on_close(s);
	} else if (op == 9) {
		if (s->state == OPEN)
			session_ctl(s, 10, s->payload, s->payload_len);
	} else if (op < 8) {
		done.frames++;
		if (mode != LINES || s->in_message ||
		    (s->state == CLOSING && scenario->take == take_echo))
			return;
		if (s->got != message_len)
			session_fail(s, DATA, "a line of %zu bytes", s->got);
		else if (scenario->take == take_echo)
			message_done(s);
		s->got = 0;
	}
}

/* ttyd: the letter 0 is output, the others are title and preferences. */
static void
take_ttyd(struct session *s, const uint8_t *p, size_t n)
{
	size_t skip;

	if (n > 0 && s->letter == 0) {
		s->letter = *p++;
		n--;
	}
	if (s->letter != '0')
		return;
	skip = s->greeting < n ? s->greeting : n;
	s->greeting -= skip;
	if (s->state == GREETING && s->greeting == 0) {
		s->state = OPEN;
		if (scenario->opened != NULL)
			scenario->opened(s);
	}
	if (n > skip)
		scenario->take(s, p + skip, n - skip);
}

static void
take_payload(struct session *s, const uint8_t *p, size_t n)
{
	if ((s->head[0] & 0x0f) >= 8) {
		memcpy(s->payload + s->payload_len, p, n);
		s->payload_len += n;
		return;
	}
	done.bytes += n;
	if (s->state == CLOSING && scenario->take != take_print)
		return; /* what was in flight */
	if (mode == TTYD)
		take_ttyd(s, p, n);
	else if (n > 0)
		scenario->take(s, p, n);
}

static void
take_frames(struct session *s, const uint8_t *p, size_t n)
{
	size_t k;

	while (s->state != NONE && (n > 0 || (s->in_payload && s->left == 0))) {
		if (!s->in_payload) {
			s->head[s->head_len++] = *p++;
			n--;
			if (s->head_len >= 2 && s->head_len == head_size(s))
				start_frame(s);
			continue;
		}
		k = s->left < n ? (size_t)s->left : n;
		s->left -= k;
		take_payload(s, p, k);
		p += k;
		n -= k;
		if (s->left == 0 && s->state != NONE)
			end_frame(s);
	}
}

static void
on_upgraded(struct session *s)
{
	static const char hello[] = "{\"columns\":80,\"rows\":24}";

	free(s->answer);
	s->answer = NULL;
	if (mode == TTYD) {
		s->state = GREETING;
		session_ctl(s, 2, (const uint8_t *)hello, sizeof(hello) - 1);
		return;
	}
	s->state = OPEN;
	if (scenario->opened != NULL)
		scenario->opened(s);
}

static void
take_answer(struct session *s, const uint8_t *p, size_t n)
{
	static const size_t room = 4096;
	size_t k = room - s->answer_len, before = s->answer_len;
	char *end;

	k = k < n ? k : n;
	memcpy(s->answer + before, p, k);
	s->answer_len += k;
	s->answer[s->answer_len] = '\0';
	if ((end = strstr(s->answer, "\r\n\r\n")) == NULL) {
		if (s->answer_len == room)
			session_fail(s, UPGRADE, "endless answer");
		return;
	}
	if (strncmp(s->answer, "HTTP/1.1 101", 12) != 0 ||
	    strstr(s->answer, ACCEPT) == NULL) {
		s->answer[strcspn(s->answer, "\r\n")] = '\0';
		session_fail(s, UPGRADE, "answer: %.80s", s->answer);
		return;
	}
	k = (size_t)(end + 4 - s->answer) - before;
	on_upgraded(s);
	take_frames(s, p + k, n - k);
}

static void
on_connected(struct session *s)
{
	char request[512];
	int error = 0, n;
	socklen_t len = sizeof(error);
	size_t pos = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    error != 0) {
		session_fail(s, REFUSED, "connect: %s", strerror(error));
		return;
	}
	if (!wire_greet(s->wire, s->fd)) {
		session_fail(s, REFUSED, "handshake of TLS");
		return;
	}
	n = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: " KEY "\r\n%s\r\n",
	    path, (unsigned int)port,
	    mode == TTYD ? "Sec-WebSocket-Protocol: tty\r\n" : "");
	s->answer = allocate(4096 + 1);
	s->state = UPGRADING;
	session_watch(s, false);
	if (push(s, (const uint8_t *)request, (size_t)n, &pos) != 1)
		session_fail(s, REFUSED, "request not taken");
}

static void
on_end(struct session *s, int error)
{
	if (s->state < OPEN)
		session_fail(s, UPGRADE, "connection ended before the upgrade");
	else if (s->state == OPEN)
		session_fail(s, LOST, "connection lost: %s",
		    error ? strerror(error) : "end");
	else if (!s->close_seen)
		session_fail(s, CLOSE, "connection ended without Close: %s",
		    error ? strerror(error) : "end");
	if (s->state == NONE)
		return;
	done.sessions++;
	if (measuring && scenario->message == connect_message)
		latency_add(clock_ns(CLOCK_MONOTONIC) - s->dialed);
	session_drop(s);
}

/* False if there was nothing, or it was the end. */
static bool
read_some(struct session *s)
{
	ssize_t n = wire_recv(s->wire, s->fd, in_buf, READ_SIZE);
	uint64_t before = done.messages;

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		on_end(s, n == 0 ? 0 : errno);
		return false;
	}
	now = clock_ns(CLOCK_MONOTONIC);
	if (s->state == UPGRADING)
		take_answer(s, in_buf, (size_t)n);
	else
		take_frames(s, in_buf, (size_t)n);
	if (s->state == OPEN && running && scenario->begin == send_flight)
		session_send(s, (unsigned int)(done.messages - before));
	return s->state > DIALING;
}

static void
on_readable(struct session *s)
{
	while (read_some(s) && wire_holds(s->wire))
		;
}

static void
on_event(struct session *s, uint32_t events)
{
	if (s->state == DIALING && (events & ~(uint32_t)EPOLLIN))
		on_connected(s);
	else if (s->state > DIALING &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		on_readable(s);
	if (s->state > UPGRADING && (events & EPOLLOUT))
		session_push(s);
}

/* ---- the loop ---- */

static struct session *
free_session(void)
{
	if (scenario->message != connect_message)
		return next_dial < nsessions ? &sessions[next_dial++] : NULL;
	for (size_t i = 0; i < nsessions; i++) {
		if (sessions[i].state == NONE)
			return &sessions[i];
	}
	return NULL;
}

/* Only so many at a time that have not yet shown that they work. */
static void
dial_more(void)
{
	struct session *s;

	while (alive - settled < together && nerrors < MAX_ERRORS &&
	    (s = free_session()) != NULL)
		session_dial(s);
}

static void
check_closing(void)
{
	struct session *s;

	for (size_t i = 0; i < nsessions; i++) {
		s = &sessions[i];
		if (s->state == CLOSING &&
		    now - s->closed > CLOSE_SECONDS * (uint64_t)SECOND)
			session_fail(s, CLOSE, "%s within %d s of ours",
			    s->close_seen ? "no end" : "no Close",
			    CLOSE_SECONDS);
	}
}

/* Until it is enough or the time is over; says whether it was enough. */
static bool
run(bool (*enough)(void), bool dial, double limit)
{
	uint64_t until, checked;
	struct epoll_event ev[256];
	int n, ms;

	now = checked = clock_ns(CLOCK_MONOTONIC);
	until = now + (uint64_t)(limit * SECOND);
	while (now < until && !enough() && nerrors < MAX_ERRORS) {
		if (dial)
			dial_more();
		ms = (int)((until - now) / 1000000) + 1;
		n = epoll_wait(loop, ev, nitems(ev), ms < 100 ? ms : 100);
		now = clock_ns(CLOCK_MONOTONIC);
		for (int i = 0; i < n; i++)
			on_event(ev[i].data.ptr, ev[i].events);
		now = clock_ns(CLOCK_MONOTONIC);
		if (now - checked > SECOND / 10) {
			check_closing();
			checked = now;
		}
	}
	return enough();
}

static bool
never(void)
{
	return false;
}

static bool
all_settled(void)
{
	return settled == nsessions;
}

/* Nobody dials again, so one error means that they never all will. */
static bool
settled_or_failed(void)
{
	return all_settled() || nerrors > 0;
}

static bool
all_gone(void)
{
	return alive == 0;
}

static bool
all_quiet(void)
{
	for (size_t i = 0; i < nsessions; i++) {
		if (sessions[i].state == OPEN && sessions[i].flight > 0)
			return false;
	}
	return true;
}

/* Whoever watches the server has time to begin or to end with it. */
static void
gate(const char *word)
{
	char line[64];

	if (!gated)
		return;
	puts(word);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		exit(1);
}

/* ---- what is measured ---- */

static struct {
	double seconds, server_cpu, own_cpu;
	long pss_start, pss;
	struct tally done;
} result = { .pss_start = -1, .pss = -1 };

static uint64_t began, began_server, began_own;

static void
measure_begin(void)
{
	done = (struct tally){ 0 };
	measuring = true;
	began_own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	began_server = server_cpu();
	began = clock_ns(CLOCK_MONOTONIC);
}

static void
measure_end(void)
{
	result.seconds = (double)(clock_ns(CLOCK_MONOTONIC) - began) / 1e9;
	result.server_cpu = (double)(server_cpu() - began_server) / 1e9;
	result.own_cpu =
	    (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began_own) / 1e9;
	result.done = done;
	measuring = false;
}

/* connect: sessions come and go all the time. */
static void
run_short(void)
{
	gate("ready");
	if (!gated)
		run(never, true, warm);
	measure_begin();
	run(never, true, seconds);
	if (gated)
		run(all_gone, false, CLOSE_SECONDS + 1);
	measure_end();
	gate("done");
	run(all_gone, false, CLOSE_SECONDS + 1);
}

static void
close_all(void)
{
	struct session *s;

	now = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < nsessions; i++) {
		s = &sessions[i];
		if (s->state != NONE && !s->settled)
			session_fail(s, LOST, "never got going");
		else if (s->state != NONE && s->flight > 0)
			session_fail(s, LOST, "%u did not come back",
			    s->flight);
		else if (s->state == OPEN)
			session_close(s);
	}
}

static void
begin_all(void)
{
	now = clock_ns(CLOCK_MONOTONIC);
	running = true;
	for (size_t i = 0; i < nsessions && scenario->begin != NULL; i++) {
		if (sessions[i].state == OPEN)
			scenario->begin(&sessions[i]);
	}
}

static void
run_long(void)
{
	result.pss_start = server_pss();
	run(settled_or_failed, true, SETUP_SECONDS);
	if (all_settled()) {
		gate("ready");
		if (gated)
			measure_begin();
		begin_all();
		if (!gated) {
			run(all_gone, false, warm);
			measure_begin();
		}
		run(all_gone, false, seconds);
		if (!gated)
			measure_end();
		running = false;
		if (scenario->begin != send_endless)
			run(all_quiet, false, QUIET_SECONDS);
		if (gated)
			measure_end();
		result.pss = server_pss();
		gate("done");
	}
	close_all();
	run(all_gone, false, CLOSE_SECONDS + 1);
}

/* Text of others, for a string in JSON. */
static void
print_clean(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++)
		putchar(strchr("\"\\", *text) != NULL ||
			    !isprint((unsigned char)*text)
			? '?'
			: *text);
	putchar('"');
}

static uint64_t
units_done(void)
{
	switch (scenario->unit[0]) {
	case 's':
		return result.done.sessions;
	case 'm':
		return result.done.messages;
	default:
		return result.done.frames;
	}
}

static void
report(void)
{
	double t = result.seconds > 0 ? result.seconds : 1;
	uint64_t units = units_done();

	printf("{\"scenario\":\"%s\",\"sessions\":%zu,\"in_flight\":%u,"
	       "\"size\":%zu,\"seconds\":%.4f",
	    scenario->name, nsessions, flight, size, result.seconds);
	printf(",\"unit\":\"%s\",\"units\":%llu,\"rate\":%.1f,"
	       "\"bytes\":%llu,\"bytes_per_s\":%.0f,\"frames\":%llu,"
	       "\"frames_per_s\":%.1f",
	    scenario->unit, (unsigned long long)units, (double)units / t,
	    (unsigned long long)result.done.bytes,
	    (double)result.done.bytes / t,
	    (unsigned long long)result.done.frames,
	    (double)result.done.frames / t);
	if (nlatencies > 0)
		printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f",
		    latency_us(0.5), latency_us(0.99),
		    (double)max_latency / 1e3);
	if (server.n > 0)
		printf(",\"processes\":%zu,\"cpu_s\":%.6f", server.n,
		    result.server_cpu);
	if (server.n > 0 && units > 0)
		printf(",\"cpu_us_per_unit\":%.4f",
		    result.server_cpu * 1e6 / (double)units);
	if (result.pss_start >= 0 && result.pss >= 0)
		printf(",\"pss_start_kib\":%ld,\"pss_kib\":%ld,"
		       "\"pss_kib_per_session\":%.3f",
		    result.pss_start, result.pss,
		    (double)(result.pss - result.pss_start) /
			(double)nsessions);
	printf(",\"own_cpu_share\":%.3f,\"errors\":%llu", result.own_cpu / t,
	    (unsigned long long)nerrors);
	for (size_t i = 0; i < TROUBLES; i++) {
		if (errors[i] > 0)
			printf(",\"errors_%s\":%llu", trouble_names[i],
			    (unsigned long long)errors[i]);
	}
	if (nerrors > 0) {
		printf(",\"first_error\":");
		print_clean(first_error);
	}
	printf("}\n");
}

/* ---- arguments ---- */

static _Noreturn void
usage(void)
{
	fputs("usage: load connect|echo|down|up|idle -p PORT [options]\n"
	      "  -c N     sessions; for connect: at a time (1)\n"
	      "  -w N     messages in flight in a session (1)\n"
	      "  -s N     bytes of a message, its newline included (64)\n"
	      "  -t S     seconds measured (1)\n"
	      "  -W S     seconds before that (0.3)\n"
	      "  -k N     sessions being opened at a time (32)\n"
	      "  -m MODE  binary, lines or ttyd (binary)\n"
	      "  -u PATH  what is asked for (/)\n"
	      "  -d PID   the server, for its CPU time and memory\n"
	      "  -g       print \"ready\" before the load and \"done\" after "
	      "it,\n"
	      "           wait for a line each time, do not warm up\n"
	      "  -M       print the message that -s N gives and stop\n",
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

static double
duration(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(s >= 0 && s <= MAX_SECONDS))
		usage();
	return s;
}

static enum mode
mode_named(const char *name)
{
	static const char *const names[] = { "binary", "lines", "ttyd" };

	for (size_t i = 0; i < nitems(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum mode)i;
	}
	usage();
}

static const struct scenario *
scenario_named(const char *name)
{
	for (size_t i = 0; i < nitems(scenarios); i++) {
		if (strcmp(name, scenarios[i].name) == 0)
			return &scenarios[i];
	}
	usage();
}

/* True: only the message is wanted. */
static bool
options(int argc, char **argv)
{
	bool only_message = false;
	int opt;

	if (argc < 2)
		usage();
	scenario = scenario_named(argv[1]);
	optind = 2;
	while ((opt = getopt(argc, argv, "p:c:w:s:t:W:k:m:u:d:gM")) != -1) {
		switch (opt) {
		case 'p':
			port = (uint16_t)number(optarg, 1, 65535);
			break;
		case 'c':
			nsessions = (size_t)number(optarg, 1, MAX_SESSIONS);
			break;
		case 'w':
			flight = (unsigned int)number(optarg, 1, MAX_FLIGHT);
			break;
		case 's':
			size = (size_t)number(optarg, 2, MAX_SIZE);
			break;
		case 't':
			seconds = duration(optarg);
			break;
		case 'W':
			warm = duration(optarg);
			break;
		case 'k':
			together =
			    (unsigned int)number(optarg, 1, MAX_SESSIONS);
			break;
		case 'm':
			mode = mode_named(optarg);
			break;
		case 'u':
			path = optarg;
			break;
		case 'd':
			daemon_pid = (pid_t)number(optarg, 1, INT32_MAX);
			break;
		case 'g':
			gated = true;
			break;
		case 'M':
			only_message = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || (port == 0 && !only_message))
		usage();
	return only_message;
}

static void
make_message(void)
{
	message_len = mode == LINES ? size - 1 : size;
	message = allocate(size);
	for (size_t i = 0; i < size - 1; i++)
		message[i] =
		    (uint8_t)("The quick brown fox 0123456789"[i % 30]);
	message[size - 1] = '\n';
}

/* For up a batch is as large as one write may be, otherwise one answer. */
static void
make_batch(void)
{
	size_t n = message_len + (mode == TTYD);
	uint8_t *p = allocate(n), *frame = allocate(n + 14);

	p[0] = '0'; /* overwritten unless TTYD */
	memcpy(p + n - message_len, message, message_len);
	frame_len = put_frame(frame, mode == LINES ? 1 : 2, p, n);
	batch_frames = BATCH_SIZE / frame_len + 1;
	if (scenario->begin != send_endless && batch_frames > flight)
		batch_frames = flight;
	batch = allocate(batch_frames * frame_len);
	for (size_t i = 0; i < batch_frames; i++)
		memcpy(batch + i * frame_len, frame, frame_len);
	free(frame);
	free(p);
}

static void
prepare(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	alarm((unsigned int)(seconds + warm) + SETUP_SECONDS + QUIET_SECONDS +
	    2 * CLOSE_SECONDS + (gated ? 2 * GATE_SECONDS : 0) + 5);
	if ((loop = epoll_create1(EPOLL_CLOEXEC)) == -1)
		die("epoll_create1");
	in_buf = allocate(READ_SIZE);
	sessions = allocate(nsessions * sizeof(*sessions));
	for (size_t i = 0; i < nsessions; i++)
		sessions[i].sent = allocate(flight * sizeof(uint64_t));
	make_batch();
	server_find();
	if (scenario->message == connect_message)
		together = (unsigned int)nsessions;
}

int
main(int argc, char **argv)
{
	bool only_message = options(argc, argv);

	make_message();
	if (only_message) {
		fwrite(message, 1, size, stdout);
		return 0;
	}
	if (!wire_init(NULL))
		die("TLS");
	prepare();
	if (scenario->message == connect_message)
		run_short();
	else
		run_long();
	report();
	return nerrors > 0 ? 3 : 0;
}
