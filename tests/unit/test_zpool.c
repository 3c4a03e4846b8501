#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/ws_inflate.h"
#include "flow/deflate.h"
#include "flow/zpool.h"

enum {
	KIB = 1024,
	BITS = 15,
	STREAM = 272 * KIB, /* more than one to deflate with takes */
	SESSIONS = 4,
};

/* What the other side would be: everything that was sent is inflated. */
struct peer {
	struct ws_inflate *inflate;
	uint8_t text[256 * KIB];
	size_t len;
};

static void
read_frame(struct peer *p, const struct iovec *frame, bool last)
{
	size_t used, made;

	assert_int_equal(ws_inflate_read(p->inflate, frame->iov_base,
			     frame->iov_len, last, &used, p->text + p->len,
			     sizeof(p->text) - p->len, &made),
	    WS_INFLATE_MORE);
	p->len += made;
}

/* A message of these parts; how many frames it took. */
static size_t
send_message(struct deflate *d, struct peer *p, const struct iovec *v, size_t n)
{
	struct deflate_job job;
	struct iovec out;
	size_t len = 0, frames = 0;

	for (size_t i = 0; i < n; i++)
		len += v[i].iov_len;
	p->len = 0;
	assert_true(deflate_wants(d, true, true, len));
	deflate_begin(d, &job, v, len, true);
	do {
		while (!deflate_next(d, &job, &out))
			deflate_written(d);
		read_frame(p, &out, job.left == 0);
		frames++;
	} while (job.left > 0);
	return frames;
}

static const struct ws_terms taking_over = { { true, BITS }, { true, BITS } };

struct world {
	struct zpool shared;
	struct deflate *session[SESSIONS];
	struct zmemory theirs;
	struct peer peer[SESSIONS];
};

static struct world w;

static void
begin(size_t memory, const struct ws_terms *terms)
{
	memset(&w, 0, sizeof(w));
	w.theirs.max = SIZE_MAX;
	zpool_init(&w.shared, 6, memory);
	assert_true(zpool_prepare(&w.shared, BITS));
	for (size_t i = 0; i < SESSIONS; i++) {
		w.session[i] = deflate_new(&w.shared, WS_SERVER, terms, 0);
		w.peer[i].inflate = ws_inflate_new(&w.theirs, BITS);
	}
}

static void
end(void)
{
	for (size_t i = 0; i < SESSIONS; i++) {
		deflate_free(w.session[i]);
		ws_inflate_free(w.peer[i].inflate);
	}
	zpool_clear(&w.shared);
	assert_int_equal(w.shared.memory.used, 0);
	assert_int_equal(w.shared.own_memory, 0);
	assert_int_equal(w.theirs.used, 0);
}

static void
say(size_t session, const char *text)
{
	struct iovec v = { (void *)(uintptr_t)text, strlen(text) };
	struct peer *p = &w.peer[session];

	assert_int_equal(send_message(w.session[session], p, &v, 1), 1);
	assert_int_equal(p->len, v.iov_len);
	assert_memory_equal(p->text, text, v.iov_len);
}

/* Which sessions have a stream of their own. */
static void
assert_own(const bool own[SESSIONS])
{
	for (size_t i = 0; i < SESSIONS; i++)
		assert_int_equal(w.session[i]->own != NULL, own[i]);
}

static void
each_has_its_own_while_there_is_memory(void **state)
{
	(void)state;
	begin(64 * KIB * KIB, &taking_over);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < SESSIONS; i++)
			say(i, "the quick brown fox jumps over the lazy dog");
	assert_own((bool[SESSIONS]){ true, true, true, true });
	end();
}

/* Room for the common one and two more. */
static void
the_longest_unused_is_given_up(void **state)
{
	(void)state;
	begin(3 * STREAM, &taking_over);
	say(0, "the first of them");
	say(1, "the second of them");
	assert_own((bool[SESSIONS]){ true, true, false, false });
	say(0, "the first of them again");
	say(2, "the third of them");
	assert_own((bool[SESSIONS]){ true, false, true, false });
	say(1, "the second of them again");
	assert_own((bool[SESSIONS]){ false, true, true, false });
	say(3, "the fourth of them");
	say(0, "the first of them again, and again");
	assert_own((bool[SESSIONS]){ true, false, false, true });
	end();
}

static void
without_memory_the_common_one_does(void **state)
{
	(void)state;
	begin(STREAM, &taking_over);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < SESSIONS; i++)
			say(i, "again and again and again and again");
	assert_own((bool[SESSIONS]){ false, false, false, false });
	end();
}

/* To inflate is a must, to refer back is not. */
static void
what_is_inflated_comes_first(void **state)
{
	struct ws_inflate *more[8]; /* more than fit into one to deflate */
	size_t n = 0;

	(void)state;
	begin(3 * STREAM, &taking_over);
	say(0, "the first of them");
	say(1, "the second of them");
	assert_true(zpool_can_keep(&w.shared, ws_inflate_cost(BITS)));
	while (n < nitems(more)) {
		more[n] = zpool_get_inflate(&w.shared, BITS, true);
		assert_non_null(more[n]);
		if (n++ == 0)
			assert_own(
			    (bool[SESSIONS]){ false, true, false, false });
	}
	assert_own((bool[SESSIONS]){ false, false, false, false });
	while (n > 0)
		zpool_put_inflate(&w.shared, more[--n], true);
	end();
}

static void
parts_and_pieces_become_one_message(void **state)
{
	static uint8_t big[200 * KIB];
	struct iovec v[] = { { NULL, 0 }, { big, 1 }, { NULL, 0 },
		{ big + 1, sizeof(big) - 2 }, { big + sizeof(big) - 1, 1 },
		{ NULL, 0 } };
	struct peer *p = &w.peer[0];

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * i >> 7 & 15);
	begin(64 * KIB * KIB, &taking_over);
	assert_int_equal(send_message(w.session[0], p, v, nitems(v)), 4);
	assert_int_equal(p->len, sizeof(big));
	assert_memory_equal(p->text, big, sizeof(big));
	assert_int_equal(send_message(w.session[0], p, v, 1), 1);
	assert_int_equal(p->len, 0);
	end();
}

/* Whole messages that do not shrink: more and more of them pass untried. */
static void
learns_what_is_in_vain(void **state)
{
	static const bool wanted[] = { true, true, false, true, false, false,
		false, true, false };
	uint8_t noise[1000];
	struct iovec v = { noise, sizeof(noise) }, out;
	uint32_t seed = 1;

	(void)state;
	begin(64 * KIB * KIB, &taking_over);
	for (size_t i = 0; i < nitems(wanted); i++) {
		struct deflate *d = w.session[0];
		struct deflate_job job;

		for (size_t k = 0; k < sizeof(noise); k++) {
			seed = seed * 1664525 + 1013904223;
			noise[k] = (uint8_t)(seed >> 24);
		}
		assert_int_equal(deflate_wants(d, true, true, sizeof(noise)),
		    wanted[i]);
		if (!wanted[i])
			continue;
		deflate_begin(d, &job, &v, sizeof(noise), true);
		assert_true(deflate_next(d, &job, &out));
		assert_true(deflate_take_back(d, &job));
		deflate_written(d);
	}
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_own_while_there_is_memory),
		cmocka_unit_test(the_longest_unused_is_given_up),
		cmocka_unit_test(without_memory_the_common_one_does),
		cmocka_unit_test(what_is_inflated_comes_first),
		cmocka_unit_test(parts_and_pieces_become_one_message),
		cmocka_unit_test(learns_what_is_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
