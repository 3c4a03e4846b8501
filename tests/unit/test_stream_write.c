/*
 * How flow/stream.c writes, in the plain, and what it does when something is short:
 * sockets and pipes whose other end the test holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "stream_world.h"

enum { PIPE = 64 * 1024 };

/* ------------------------------------------------- writing */

/* Everything is written in pieces of growing size, many in a call. */
static void
write_pieces(struct world *w, uint8_t *bytes)
{
	struct iovec iov[16];
	size_t at = 0, n = 0, size = 0;

	while (at < BIG) {
		size = size * 2 % 65521 + 1;
		iov[n] = (struct iovec){ bytes + at,
			size < BIG - at ? size : BIG - at };
		at += iov[n++].iov_len;
		if (n == nitems(iov) || at == BIG) {
			stream_writev(w->stream, iov, n);
			n = 0;
		}
	}
}

static void
what_is_not_taken_waits(void **state)
{
	struct world *w = *state;
	uint8_t *bytes = new_bytes();
	struct buf got;

	for (size_t i = 0; i < nitems(writers); i++) {
		buf_init(&got, BIG);
		open_kind(w, writers[i], 0);
		write_pieces(w, bytes);
		assert_in_range(stream_queued(w->stream), 1, BIG - 1);
		assert_true(
		    stream_unsent(w->stream) >= stream_queued(w->stream));
		turn(w);
		assert_string_equal(w->said, ""); /* not before all is out */
		read_everything(w, &got);
		turn(w);
		assert_memory_equal(got.data, bytes, BIG);
		assert_string_equal(w->said, "~");
		assert_int_equal(stream_queued(w->stream), 0);
		buf_clear(&got);
		close_all(w);
	}
	free(bytes);
}

/* Nothing overtakes what waits, and the end comes behind it. */
static void
the_end_waits_as_well(void **state)
{
	struct world *w = *state;
	uint8_t *bytes = new_bytes();
	struct buf got;

	for (size_t i = 0; i < nitems(writers); i++) {
		buf_init(&got, BIG);
		open_kind(w, writers[i], 0);
		stream_write(w->stream, bytes, BIG - 4);
		stream_write(w->stream, bytes + BIG - 4, 4);
		stream_end(w->stream);
		stream_write(w->stream, "more", 4); /* is not written */
		assert_false(stream_ended(w->stream));
		read_everything(w, &got);
		turn(w);
		assert_true(stream_ended(w->stream));
		assert_int_equal(read(w->fd, &(char){ 0 }, 1), 0);
		assert_memory_equal(got.data, bytes, BIG);
		assert_string_equal(w->said, "~");
		buf_clear(&got);
		close_all(w);
	}
	free(bytes);
}

static void
last_bytes_and_the_end(void **state)
{
	struct iovec iov[] = { { (char[]){ "by" }, 2 },
		{ (char[]){ "e" }, 1 } };
	struct world *w = *state;
	char got[8];

	for (size_t i = 0; i < nitems(writers); i++) {
		open_kind(w, writers[i], 0);
		stream_writev_last(w->stream, iov, nitems(iov));
		assert_true(stream_ended(w->stream));
		assert_int_equal(read(w->fd, got, sizeof(got)), 3);
		assert_memory_equal(got, "bye", 3);
		assert_int_equal(read(w->fd, got, sizeof(got)), 0);
		assert_int_equal(stream_fd(w->stream) == -1,
		    writers[i] == STREAM_SINK);
		turn(w);
		assert_string_equal(w->said, "");
		close_all(w);
	}
}

static void
nothing_is_no_write(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < nitems(writers); i++) {
		open_kind(w, writers[i], 0);
		fd_close(&w->fd);
		stream_write(w->stream, "", 0);
		turn(w);
		assert_int_equal(w->err, 0);
		close_all(w);
	}
}

/* Nobody expects to be called while he writes: the loop tells. */
static void
nobody_takes_it(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < nitems(writers); i++) {
		open_kind(w, writers[i], 0);
		fd_close(&w->fd);
		stream_write(w->stream, "a", 1);
		stream_write(w->stream, "b", 1);
		assert_string_equal(w->said, "");
		assert_int_equal(stream_queued(w->stream), 0);
		turn(w);
		assert_int_equal(w->err, EPIPE);
		stream_end(w->stream);
		assert_false(stream_ended(w->stream));
		turn(w);
		assert_string_equal(w->said, "!");
		close_all(w);
	}
}

static void
nobody_takes_what_waits(void **state)
{
	struct world *w = *state;
	uint8_t *bytes = new_bytes();

	for (size_t i = 0; i < nitems(writers); i++) {
		open_kind(w, writers[i], 0);
		stream_write(w->stream, bytes, BIG);
		stream_end(w->stream);
		fd_close(&w->fd);
		loop_turns(&w->loop, 3);
		assert_string_equal(w->said, "!");
		assert_true(w->err == EPIPE || w->err == ECONNRESET);
		assert_false(stream_ended(w->stream));
		assert_int_equal(stream_queued(w->stream), 0);
		close_all(w);
	}
	free(bytes);
}

static void
drop_on_read(void *owner, uint8_t *data, size_t len)
{
	(void)owner;
	(void)data;
	(void)len;
}

/* Whichever end is read: until nothing is in the pipe. */
static void
empty(struct world *w)
{
	do {
		drain_other(w, NULL);
		turn(w);
	} while (stream_queued(w->stream) > 0);
}

/* A pipe that was full three times is grown, as far as its owner said. */
static void
a_pipe_that_is_often_full(void **state)
{
#ifdef F_GETPIPE_SZ
	static const struct {
		enum stream_kind kind;
		uint64_t max;
		int size; /* in the end */
	} row[] = {
		{ STREAM_SINK, 0, PIPE },
		{ STREAM_SINK, PIPE, PIPE },
		{ STREAM_SINK, 4 * PIPE, 4 * PIPE },
		{ STREAM_SOURCE, 0, PIPE },
		{ STREAM_SOURCE, 4 * PIPE, 4 * PIPE },
	};
	static const struct stream_ops dropping = { .on_read = drop_on_read };
	static const uint8_t bytes[2 * PIPE];
	struct world *w = *state;

	for (size_t i = 0; i < nitems(row); i++) {
		open_kind(w, row[i].kind, row[i].max);
		if (row[i].kind == STREAM_SOURCE)
			stream_set_owner(w->stream, &dropping, w);
		stream_resume(w->stream);
		for (int n = 0; n < 4; n++) {
			assert_int_equal(fcntl(w->fd, F_GETPIPE_SZ),
			    n < 3 ? PIPE : row[i].size);
			if (row[i].kind == STREAM_SINK)
				stream_write(w->stream, bytes, sizeof(bytes));
			else
				(void)fill_other(w);
			empty(w);
		}
		close_all(w);
	}
#else
	(void)state;
#endif
}

/* ------------------------------------------------- what we are short of */

static void
no_watch_is_left(void **state)
{
	static const uint8_t bytes[BIG];
	struct world *w = *state;

	refused.watches = ENOSPC;
	open_kind(w, STREAM_SOCKET, 0);
	assert_short(w, ENOSPC, "out of watches");

	open_kind(w, STREAM_SOURCE, 0);
	refused.watches = ENOSPC;
	stream_resume(w->stream);
	assert_short(w, ENOSPC, "out of watches");

	open_kind(w, STREAM_SINK, 0);
	refused.watches = ENOSPC;
	stream_write(w->stream, bytes, BIG);
	assert_short(w, ENOSPC, "out of watches");

	open_kind(w, STREAM_SINK, 0);
	refused.watches = ENOMEM;
	stream_watch_reader(w->stream);
	assert_short(w, ENOMEM, "out of memory");
}

/* A socket that is watched already may find no watch for what it writes. */
static void
no_memory_is_left(void **state)
{
	static const uint8_t bytes[BIG];
	struct world *w = *state;

	for (size_t i = 0; i < nitems(writers); i++) {
		open_kind(w, writers[i], 0);
		refused.memory = true;
		stream_write(w->stream, bytes, BIG);
		assert_short(w, ENOMEM, "out of memory");

		open_kind(w, writers[i], 0);
		stream_write(w->stream, bytes, BIG);
		refused.memory = true;
		stream_write(w->stream, bytes, BIG);
		assert_short(w, ENOMEM, "out of memory");
	}
}

static void
what_is_no_shortage(void **state)
{
	(void)state;
	assert_null(stream_strshort(EPIPE));
	assert_null(stream_strshort(ECONNRESET));
	assert_string_equal(stream_strshort(ENOBUFS), "out of memory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(what_is_not_taken_waits),
		stream_test(the_end_waits_as_well),
		stream_test(last_bytes_and_the_end),
		stream_test(nothing_is_no_write),
		stream_test(nobody_takes_it),
		stream_test(nobody_takes_what_waits),
		stream_test(a_pipe_that_is_often_full),
		stream_test(no_watch_is_left),
		stream_test(no_memory_is_left),
		stream_test(what_is_no_shortage),
	};

	return cmocka_run_group_tests(tests, setup_memory, NULL);
}
