#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/term_keys.h"
#include "feed.h"

static const struct test_case {
	const char *in;
	size_t ready; /* of whole keys; fewer bytes are none */
} cases[] = {
	{ "a", 1 },
	{ "\r", 1 },
	{ "\xc3\xa4", 2 },
	{ "\xe2\x82\xac", 3 },
	{ "\xf0\x9f\x98\x80", 4 },
	{ "\033[A", 3 },
	{ "\033[1;5C", 6 },
	{ "\033[3~", 4 },
	{ "\033OP", 3 },
	{ "\033b", 2 },
	{ "\033\xc3\xa4", 3 },
	{ "\033\033[A", 4 },
	{ "\026\033[A", 4 },
	{ "\030\030\030a", 4 },
};

static size_t
ready(const char *in, size_t len)
{
	struct guarded g = guarded_new(in, len);
	size_t n = term_keys_ready(g.data, len);

	guarded_free(&g);
	return n;
}

static void
a_key_is_whole_or_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		size_t len = strlen(c->in);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(ready(c->in, cut), 0);
		assert_int_equal(ready(c->in, len), c->ready);
	}
}

static void
what_follows_is_another_key(void **state)
{
	(void)state;
	assert_int_equal(ready("ab", 2), 1);
	assert_int_equal(ready("\x80\x80", 2), 1);
	assert_int_equal(ready("\xe4\r", 2), 1);
	assert_int_equal(ready("\033[A\033[A", 6), 3);
	assert_int_equal(ready("\033[\n\n~x", 6), 5);
}

static void
no_sequence_is_endless(void **state)
{
	static char many[4096];

	(void)state;
	memset(many, '\033', sizeof(many));
	assert_in_range(ready(many, sizeof(many)), 1, TERM_KEYS_SEQUENCE + 1);
	memset(many + 1, '0', sizeof(many) - 1);
	many[1] = '[';
	assert_int_equal(ready(many, sizeof(many)), TERM_KEYS_SEQUENCE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_whole_or_waits),
		cmocka_unit_test(what_follows_is_another_key),
		cmocka_unit_test(no_sequence_is_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
