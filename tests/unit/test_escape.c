#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/escape.h"
#include "feed.h"

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	const char *out;
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "nothing", IN(""), "" },
	{ "text", IN("a b\tc\n"), "a b\tc\n" },
	{ "UTF-8", IN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "C9: a colour and a title", IN("\x1b[31m\x1b]0;x\a"),
	    "\\x1b[31m\\x1b]0;x\\x07" },
	{ "C9: C1 in UTF-8",
	    IN("\xc2\x9b"
	       "2J\xc2\x80\xc2\xa0"),
	    "\\u009b2J\\u0080\xc2\xa0" },
	{ "C9: C1 as a byte",
	    IN("\x9b"
	       "2J"),
	    "\\x9b2J" },
	{ "other controls", IN("\0\r\b\x7f\v"), "\\x00\\x0d\\x08\\x7f\\x0b" },
	{ "direction", IN("\xe2\x80\xae|\xe2\x81\xa6|\xe2\x80\xa9"),
	    "\\u202e|\\u2066|\xe2\x80\xa9" },
	{ "bytes that never occur", IN("\xff\xc0\x80\xf5"),
	    "\\xff\\xc0\\x80\\xf5" },
	{ "cut by text",
	    IN("\xe2\x82"
	       "a\xe2\n"),
	    "\\xe2\\x82a\\xe2\n" },
	{ "cut by a control", IN("\xe2\x82\x1b"), "\\xe2\\x82\\x1b" },
	{ "cut by another", IN("\xf0\x9f\xc3\xa4"), "\\xf0\\x9f\xc3\xa4" },
	{ "cut by the end", IN("a\xf0\x9f\x98"), "a\\xf0\\x9f\\x98" },
	{ "surrogate", IN("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
	{ "overlong", IN("\xe0\x9b\x9b"), "\\xe0\\x9b\\x9b" },
#undef IN
};

struct got {
	struct escape escape;
	char out[512];
	size_t len;
};

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;

	g->len +=
	    escape_put(&g->escape, piece, len, (uint8_t *)g->out + g->len);
	return true;
}

static void
check(const struct test_case *c, struct got *g)
{
	g->len += escape_end(&g->escape, (uint8_t *)g->out + g->len);
	g->out[g->len] = '\0';
	if (strcmp(g->out, c->out) != 0)
		fail_msg("%s: %s", c->name, g->out);
}

static void
in_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			struct got g = { 0 };

			feed(cut, c->in, c->in_len, take, &g);
			check(c, &g);
		}
		struct got g = { 0 };

		feed_bytes(c->in, c->in_len, take, &g);
		check(c, &g);
	}
}

static void
another_character_set(void **state)
{
	struct got g = { .escape = { .ascii = true } };

	(void)state;
	feed_bytes("a\xdb\x9b\033\n", 5, take, &g);
	g.len += escape_end(&g.escape, (uint8_t *)g.out + g.len);
	g.out[g.len] = '\0';
	assert_string_equal(g.out, "a\\xdb\\x9b\\x1b\n");
	assert_true(g.escape.ascii);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_every_cut),
		cmocka_unit_test(another_character_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
