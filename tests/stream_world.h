/*
 * A stream that a test owns, and holds the other end of. What the owner hears
 * is noted as characters: the bytes that were read, and
 *
 *	|  ^  !  ~                       end, hang-up, lost, drained
 *
 * Included once, after cmocka.h: it has an epoll_ctl() of its own, and memory
 * for libevent that may be refused.
 */
#ifndef TESTS_STREAM_WORLD_H
#define TESTS_STREAM_WORLD_H

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/fd.h"
#include "flow/stream.h"
#include "loop.h"

enum { BIG = 1024 * 1024, SAID_MAX = 64, TURNS = 10000 };

struct world {
	struct loop loop;
	struct stream *stream;
	int fd;       /* the other end */
	size_t takes; /* bytes at a time; 0: all */
	char said[SAID_MAX];
	size_t nsaid;
	size_t reads;
	int err; /* of on_lost */
};

/* ------------------------------------------------- what may be refused */

static struct {
	int watches; /* errno of the next; 0: none is refused */
	bool memory;
	size_t asked; /* bytes of memory, by libevent */
} refused;

int
epoll_ctl(int set, int op, int fd, struct epoll_event *ev)
{
	if (op == EPOLL_CTL_ADD && refused.watches != 0) {
		errno = refused.watches;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, ev);
}

static inline void *
counting_malloc(size_t len)
{
	refused.asked += len;
	return refused.memory ? NULL : malloc(len);
}

static inline void *
counting_realloc(void *p, size_t len)
{
	refused.asked += len;
	return refused.memory ? NULL : realloc(p, len);
}

/* ------------------------------------------------- the owner */

static inline void
say(struct world *w, char c)
{
	assert_true(w->nsaid < SAID_MAX - 1);
	w->said[w->nsaid++] = c;
}

/* He pauses at a 'p', takes so many at a time, and puts the rest back. */
static inline size_t
take(struct world *w, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && (w->takes == 0 || n < w->takes)) {
		say(w, (char)data[n]);
		if (data[n++] == 'p') {
			stream_pause(w->stream);
			break;
		}
	}
	return n;
}

static inline void
on_read(void *owner, uint8_t *data, size_t len)
{
	struct world *w = owner;
	size_t n;

	assert_int_equal(w->err, 0);
	w->reads++;
	n = take(w, data, len);
	memset(data, '?', n); /* it may be written to */
	stream_put_back(w->stream, data + n, len - n);
}

static inline void
on_end(void *owner)
{
	say(owner, '|');
}

static inline void
on_hangup(void *owner)
{
	say(owner, '^');
}

static inline void
on_lost(void *owner, int err)
{
	struct world *w = owner;

	say(w, '!');
	assert_true(err > 0);
	w->err = err;
}

static inline void
on_drain(void *owner)
{
	say(owner, '~');
}

static const struct stream_ops ops = {
	.on_read = on_read,
	.on_end = on_end,
	.on_hangup = on_hangup,
	.on_lost = on_lost,
	.on_drain = on_drain,
};

static inline int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	memset(&refused, 0, sizeof(refused));
	loop_open(&w->loop);
	w->fd = -1;
	*state = w;
	return 0;
}

static inline int
teardown(void **state)
{
	struct world *w = *state;

	stream_free(w->stream);
	fd_close(&w->fd);
	loop_close(&w->loop);
	free(w);
	return 0;
}

/* ------------------------------------------------- both ends */

static inline void
make_pipe(int fd[2])
{
	assert_int_equal(fd_pipe_nonblock(fd), 0);
}

static inline void
make_sockets(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
}

static inline void
own(struct world *w, struct stream *s, int other)
{
	w->stream = s;
	w->fd = other;
	stream_set_owner(s, &ops, w);
}

static inline void
open_kind(struct world *w, enum stream_kind kind, uint64_t max_pipe)
{
	int fd[2];
	bool sink = kind == STREAM_SINK;

	if (kind == STREAM_SOCKET)
		make_sockets(fd);
	else
		make_pipe(fd);
	own(w, stream_new(&w->loop.flow, kind, fd[sink], max_pipe), fd[!sink]);
}

static inline void
close_all(struct world *w)
{
	stream_free(w->stream);
	w->stream = NULL;
	fd_close(&w->fd);
	memset(w->said, 0, sizeof(w->said));
	w->nsaid = w->reads = w->takes = 0;
	w->err = 0;
}

static inline void
turn(struct world *w)
{
	loop_turn(&w->loop);
}

static inline void
drain_other(struct world *w, struct buf *to)
{
	uint8_t room[4096];
	ssize_t n;

	while ((n = read(w->fd, room, sizeof(room))) > 0)
		if (to != NULL)
			assert_true(buf_add(to, room, (size_t)n));
}

/* As much as the other end can write now. */
static inline size_t
fill_other(struct world *w)
{
	static const uint8_t bytes[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = write(w->fd, bytes, sizeof(bytes))) > 0)
		len += (size_t)n;
	return len;
}

/* ------------------------------------------------- much to write */

static const enum stream_kind writers[] = { STREAM_SOCKET, STREAM_SINK };

/* No two pieces of them alike. */
static inline uint8_t *
new_bytes(void)
{
	uint8_t *bytes = malloc(BIG);

	assert_non_null(bytes);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
	return bytes;
}

static inline void
read_everything(struct world *w, struct buf *got)
{
	for (int i = 0; i < TURNS && got->len < BIG; i++) {
		drain_other(w, got);
		turn(w);
	}
	assert_int_equal(got->len, BIG);
}

static inline void
assert_short(struct world *w, int err, const char *what)
{
	assert_string_equal(w->said, "");
	refused.watches = 0;
	refused.memory = false;
	turn(w);
	assert_string_equal(w->said, "!");
	assert_int_equal(w->err, err);
	assert_string_equal(stream_strshort(w->err), what);
	turn(w);
	assert_string_equal(w->said, "!");
	close_all(w);
}

#define stream_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Of all the tests of a program, before libevent has any memory. */
static inline int
setup_memory(void **state)
{
	(void)state;
	event_set_mem_functions(counting_malloc, counting_realloc, free);
	return 0;
}

#endif
