/*
 * flow/shared.c: bytes that many streams are to get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/shared.h"
#include "stream_world.h"

enum { SHARERS = 100 };

static struct shared *
new_shared(const void *bytes, size_t len)
{
	struct shared *sh;
	struct buf b;

	buf_init(&b, BIG);
	assert_true(buf_add(&b, bytes, len));
	sh = shared_new(&b);
	assert_int_equal(b.len, 0);
	return sh;
}

/* Each of them gets all, whoever goes before with some of it in his queue. */
static void
shared_bytes_are_not_copied(void **state)
{
	struct world *w = *state, many[SHARERS];
	uint8_t *bytes = new_bytes();
	struct shared *sh = new_shared(bytes, BIG);
	struct buf got;

	for (size_t i = 0; i < SHARERS; i++) {
		many[i] = (struct world){ .loop = w->loop };
		open_kind(&many[i], writers[i % 2], 0);
	}
	refused.asked = 0;
	for (size_t i = 0; i < SHARERS; i++)
		stream_write_shared(many[i].stream, sh);
	assert_int_equal(sh->holders, SHARERS + 1);
	assert_in_range(refused.asked, 1, BIG / 2); /* by all of them */
	for (size_t i = 0; i < SHARERS / 2; i++)
		close_all(&many[i]);
	assert_int_equal(sh->holders, SHARERS / 2 + 1);
	for (size_t i = SHARERS / 2; i < SHARERS; i++) {
		buf_init(&got, BIG);
		read_everything(&many[i], &got);
		assert_memory_equal(got.data, bytes, BIG);
		assert_int_equal(sh->holders, SHARERS - i);
		buf_clear(&got);
		close_all(&many[i]);
	}
	shared_drop(sh);
	free(bytes);
}

/* It is a write like any other: in its place, and nothing behind the end. */
static void
shared_bytes_keep_their_place(void **state)
{
	struct world *w = *state;
	struct shared *sh = new_shared("shared", 6), *none = new_shared("", 0);
	uint8_t *bytes = new_bytes();
	struct buf got;

	buf_init(&got, BIG + 6);
	open_kind(w, STREAM_SOCKET, 0);
	stream_write_shared(w->stream, none);
	stream_write_shared(w->stream, sh); /* is taken at once */
	assert_int_equal(sh->holders, 1);
	stream_write(w->stream, bytes, BIG - 12);
	stream_write_shared(w->stream, sh);
	stream_end(w->stream);
	stream_write_shared(w->stream, sh);
	assert_int_equal(sh->holders, 2);
	read_everything(w, &got);
	assert_memory_equal(got.data, "shared", 6);
	assert_memory_equal(got.data + 6, bytes, BIG - 12);
	assert_memory_equal(got.data + BIG - 6, "shared", 6);
	assert_int_equal(read(w->fd, bytes, 1), 0);
	assert_int_equal(sh->holders, 1);
	shared_drop(sh);
	shared_drop(none);
	buf_clear(&got);
	free(bytes);
}

static void
shared_bytes_that_nobody_takes(void **state)
{
	struct world *w = *state;
	uint8_t *bytes = new_bytes();
	struct shared *sh = new_shared(bytes, BIG);

	open_kind(w, STREAM_SOCKET, 0);
	refused.memory = true;
	stream_write_shared(w->stream, sh);
	assert_short(w, ENOMEM, "out of memory");
	open_kind(w, STREAM_SOCKET, 0);
	stream_write(w->stream, bytes, BIG);
	refused.memory = true;
	stream_write_shared(w->stream, sh);
	assert_short(w, ENOMEM, "out of memory");
	open_kind(w, STREAM_SINK, 0);
	stream_write_shared(w->stream, sh);
	assert_int_equal(sh->holders, 2);
	fd_close(&w->fd);
	turn(w);
	assert_int_equal(w->err, EPIPE);
	assert_int_equal(sh->holders, 1);
	shared_drop(sh);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(shared_bytes_are_not_copied),
		stream_test(shared_bytes_keep_their_place),
		stream_test(shared_bytes_that_nobody_takes),
	};

	return cmocka_run_group_tests(tests, setup_memory, NULL);
}
