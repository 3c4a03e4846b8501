/*
 * The floor of the client: the least work with which standard input and output
 * can be joined to a WebSocket.
 *
 *	pump [-P PIPE] [-T SECONDS] PORT
 *
 * Connects on loopback, sends one fixed handshake and does not look at the
 * answer, then moves bytes: what standard input has leaves in masked binary
 * frames as it was read, the payload of what comes goes to standard output. Ends
 * when the server closes.
 *
 * It checks nothing and waits where it writes, so it is good for one direction
 * at a time: it is a number to compare with, not a client.
 *
 * Used by: tests/bench/bench. Built without config.h: cc -D_GNU_SOURCE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ 65536
#define HEAD 16 /* room before what is read, for a frame's head */
#define PIECES 64

/* The key that load.c sends as well. */
static const char hello[] = "GET / HTTP/1.1\r\n"
			    "Host: 127.0.0.1\r\n"
			    "Upgrade: websocket\r\n"
			    "Connection: Upgrade\r\n"
			    "Sec-WebSocket-Version: 13\r\n"
			    "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
			    "\r\n";
static const uint8_t key[4] = { 0x12, 0x34, 0x56, 0x78 };
static const uint8_t goodbye[] = { 0x88, 0x80 | 2, 0x12, 0x34, 0x56, 0x78,
	(1000 >> 8) ^ 0x12, (1000 & 0xff) ^ 0x34 };

static uint8_t buf[HEAD + READ];

/* The frame being received. */
static uint8_t head[10];
static size_t head_len;
static uint64_t left;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "pump: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
put(int fd, struct iovec *v, int n)
{
	while (n > 0) {
		ssize_t done = writev(fd, v, n);

		if (done == -1)
			die("write");
		for (; n > 0 && (size_t)done >= v->iov_len; v++, n--)
			done -= (ssize_t)v->iov_len;
		if (n > 0) {
			v->iov_base = (uint8_t *)v->iov_base + done;
			v->iov_len -= (size_t)done;
		}
	}
}

static void
put_bytes(int fd, const void *data, size_t len)
{
	struct iovec v = { (void *)(uintptr_t)data, len };

	put(fd, &v, 1);
}

/* ---- up ---- */

static void
mask(uint8_t *p, size_t n)
{
	uint64_t k, v;
	size_t i;

	memcpy(&k, key, 4);
	k |= k << 32;
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, p + i, 8);
		v ^= k;
		memcpy(p + i, &v, 8);
	}
	for (; i < n; i++)
		p[i] ^= key[i & 3];
}

static size_t
put_head(uint8_t *to, size_t n)
{
	size_t more = n < 126 ? 0 : n < 65536 ? 2 : 8;

	to[0] = 0x82;
	to[1] = (uint8_t)(0x80 | (more == 0 ? n : more == 2 ? 126 : 127));
	for (size_t i = 0; i < more; i++)
		to[2 + i] = (uint8_t)((uint64_t)n >> 8 * (more - 1 - i));
	memcpy(to + 2 + more, key, 4);
	return 6 + more;
}

/* False: there is no more. */
static bool
pump_up(int sock)
{
	uint8_t small[HEAD];
	ssize_t n = read(0, buf + HEAD, READ);
	size_t len;

	if (n <= 0)
		return false;
	len = put_head(small, (size_t)n);
	memcpy(buf + HEAD - len, small, len);
	mask(buf + HEAD, (size_t)n);
	put_bytes(sock, buf + HEAD - len, len + (size_t)n);
	return true;
}

/* ---- down ---- */

static size_t
head_size(void)
{
	if (head_len < 2)
		return 2;
	return head[1] == 127 ? 10 : head[1] == 126 ? 4 : 2;
}

static void
start_payload(void)
{
	left = head_len == 2 ? head[1] : 0;
	for (size_t i = 2; i < head_len; i++)
		left = left << 8 | head[i];
	head_len = 0;
}

/* False: the server has said Close. */
static bool
unframe(uint8_t *p, uint8_t *stop)
{
	struct iovec v[PIECES];
	int n = 0;

	while (p < stop) {
		if (left == 0) {
			head[head_len++] = *p++;
			if (head_len < 2 || head_len < head_size())
				continue;
			if ((head[0] & 0x0f) == 8)
				break;
			start_payload();
			continue;
		}
		v[n].iov_base = p;
		v[n].iov_len = (size_t)(stop - p);
		if (left < v[n].iov_len)
			v[n].iov_len = (size_t)left;
		left -= v[n].iov_len;
		p += v[n].iov_len;
		if (++n == PIECES) {
			put(1, v, n);
			n = 0;
		}
	}
	put(1, v, n);
	return p == stop;
}

static bool
pump_down(int sock)
{
	ssize_t n = read(sock, buf, READ);

	return n > 0 && unframe(buf, buf + n);
}

/* ---- both ---- */

static void
pump(int sock)
{
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
		{ .fd = 0, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) == -1)
			die("poll");
		if (p[1].revents != 0 && !pump_up(sock))
			p[1].fd = -1;
		if (p[0].revents != 0 && !pump_down(sock))
			return;
	}
}

/* On loopback the answer is one segment; frames may lie behind it. */
static void
shake_hands(int sock)
{
	uint8_t *end;
	ssize_t n;

	put_bytes(sock, hello, sizeof(hello) - 1);
	if ((n = read(sock, buf, READ)) <= 0 ||
	    (end = memmem(buf, (size_t)n, "\r\n\r\n", 4)) == NULL)
		die("handshake");
	(void)unframe(end + 4, buf + n);
}

static int
dial(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fd == -1 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		die("connect");
	return fd;
}

static _Noreturn void
usage(void)
{
	fputs("usage: pump [-P PIPE] [-T SECONDS] PORT\n", stderr);
	exit(2);
}

/* Those of the two that are pipes. */
static void
grow_pipes(int size)
{
	(void)fcntl(0, F_SETPIPE_SZ, size);
	(void)fcntl(1, F_SETPIPE_SZ, size);
}

int
main(int argc, char **argv)
{
	unsigned int seconds = 60;
	int opt, sock;

	while ((opt = getopt(argc, argv, "P:T:")) != -1) {
		switch (opt) {
		case 'P':
			grow_pipes(atoi(optarg));
			break;
		case 'T':
			seconds = (unsigned int)atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc)
		usage();
	alarm(seconds);
	sock = dial((uint16_t)strtoul(argv[optind], NULL, 10));
	shake_hands(sock);
	pump(sock);
	put_bytes(sock, goodbye, sizeof(goodbye));
	return 0;
}
