/*
 * flow/gather.c over streams of the test's own, which note what they are given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "flow/gather.h"
#include "flow/stream.h"

enum { LARGE = GATHER_COPY + 1 };

struct stream {
	struct buf got;
	const void *first; /* where the first piece of the last write lay */
	size_t pieces;     /* of the last write */
	size_t writes;
	bool ended;
};

struct world {
	struct gather gather;
	struct stream a, b;
	uint8_t large[LARGE];
};

void
stream_writev(struct stream *s, const struct iovec *iov, size_t n)
{
	assert_true(n > 0);
	assert_false(s->ended);
	s->writes++;
	s->pieces = n;
	s->first = iov[0].iov_base;
	for (size_t i = 0; i < n; i++)
		assert_true(buf_add(&s->got, iov[i].iov_base, iov[i].iov_len));
}

void
stream_writev_last(struct stream *s, const struct iovec *iov, size_t n)
{
	stream_writev(s, iov, n);
	s->ended = true;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	gather_init(&w->gather);
	buf_init(&w->a.got, SIZE_MAX / 2);
	buf_init(&w->b.got, SIZE_MAX / 2);
	memset(w->large, 'L', LARGE);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	gather_clear(&w->gather);
	buf_clear(&w->a.got);
	buf_clear(&w->b.got);
	free(w);
	return 0;
}

static void
add(struct world *w, struct stream *to, const char *text)
{
	gather_add(&w->gather, to, text, strlen(text));
}

static void
reserve(struct world *w, struct stream *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(gather_reserve(&w->gather, to), text, len);
	gather_commit(&w->gather, len);
}

static void
assert_got(const struct stream *s, const char *text, size_t writes)
{
	assert_int_equal(s->got.len, strlen(text));
	assert_memory_equal(s->got.data, text, strlen(text));
	assert_int_equal(s->writes, writes);
}

static void
small_pieces_are_one(void **state)
{
	struct world *w = *state;
	char text[] = "one ";

	add(w, &w->a, text);
	memset(text, 'x', 4); /* it was copied */
	reserve(w, &w->a, "two ");
	add(w, &w->a, "three");
	assert_int_equal(w->a.writes, 0);
	gather_flush(&w->gather);
	assert_got(&w->a, "one two three", 1);
	assert_int_equal(w->a.pieces, 1);
}

static void
large_pieces_stay_where_they_are(void **state)
{
	struct world *w = *state;

	gather_add(&w->gather, &w->a, w->large, LARGE);
	add(w, &w->a, "small");
	gather_flush(&w->gather);
	assert_ptr_equal(w->a.first, w->large);
	assert_int_equal(w->a.pieces, 2);
	assert_int_equal(w->a.got.len, LARGE + 5);
	assert_memory_equal(w->a.got.data + LARGE, "small", 5);
}

/* Each stream has its own bytes, in their order, and nobody else's. */
static void
another_stream_is_a_flush(void **state)
{
	static void (*const adds[])(struct world *, struct stream *,
	    const char *) = { add, reserve };
	struct world *w = *state;

	for (size_t i = 0; i < nitems(adds); i++) {
		adds[i](w, &w->a, "a1");
		adds[i](w, &w->b, "b1");
		adds[i](w, &w->b, "b2");
		adds[i](w, &w->a, "a2");
	}
	gather_flush(&w->gather);
	assert_got(&w->a, "a1a2a1a2", 3);
	assert_got(&w->b, "b1b2b1b2", 2);
}

static void
another_stream_gets_no_end(void **state)
{
	struct world *w = *state;

	add(w, &w->a, "stays open");
	add(w, &w->b, "ends");
	gather_flush_last(&w->gather);
	assert_got(&w->a, "stays open", 1);
	assert_got(&w->b, "ends", 1);
	assert_false(w->a.ended);
	assert_true(w->b.ended);
}

static void
nothing_is_not_written(void **state)
{
	struct world *w = *state;

	gather_flush(&w->gather);
	gather_flush_last(&w->gather);
	add(w, &w->a, "some");
	add(w, &w->b, ""); /* changes nothing */
	assert_int_equal(w->a.writes, 0);
	gather_flush(&w->gather);
	gather_flush(&w->gather);
	assert_got(&w->a, "some", 1);
	assert_got(&w->b, "", 0);
}

/* As many pieces as a write may have, and one more. */
static void
too_many_pieces_leave(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < GATHER_PIECES; i++)
		gather_add(&w->gather, &w->a, w->large, LARGE);
	assert_int_equal(w->a.writes, 0);
	gather_add(&w->gather, &w->a, w->large, LARGE);
	assert_int_equal(w->a.writes, 1);
	assert_int_equal(w->a.pieces, GATHER_PIECES);
	gather_flush(&w->gather);
	assert_int_equal(w->a.got.len, (GATHER_PIECES + 1) * LARGE);
}

static void
a_full_room_leaves(void **state)
{
	struct world *w = *state;
	size_t n = GATHER_ROOM / GATHER_COPY;

	for (size_t i = 0; i < n; i++)
		gather_add(&w->gather, &w->a, w->large, GATHER_COPY);
	assert_int_equal(w->a.writes, 0);
	assert_int_equal(gather_left(&w->gather), 0);
	assert_non_null(gather_reserve(&w->gather, &w->a));
	assert_int_equal(w->a.writes, 1);
	assert_int_equal(w->a.pieces, 1);
	assert_int_equal(w->a.got.len, n * GATHER_COPY);
	assert_int_equal(gather_left(&w->gather), GATHER_ROOM);
}

#define gather_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		gather_test(small_pieces_are_one),
		gather_test(large_pieces_stay_where_they_are),
		gather_test(another_stream_is_a_flush),
		gather_test(another_stream_gets_no_end),
		gather_test(nothing_is_not_written),
		gather_test(too_many_pieces_leave),
		gather_test(a_full_room_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
