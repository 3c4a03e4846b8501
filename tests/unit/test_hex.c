#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/hex.h"
#include "feed.h"

static const struct test_case {
	const char *name;
	const char *in;
	const char *out; /* what was read, printed again */
} cases[] = {
	{ "nothing", "", "" },
	{ "an empty line", "\n", "\n" },
	{ "pairs", "48656c6c6f\n", "48656c6c6f\n" },
	{ "blanks, prefixes, cases", " 48 65\t6C6c 0x6f0X0a\r\n",
	    "48656c6c6f0a\n" },
	{ "zeros", "00 000000 0x00\n", "0000000000\n" },
	{ "lines", "61\n\n62\n", "61\n\n62\n" },
	{ "no newline", "61\n62", "61\n62\n" },
	{ "blanks are an empty line", "61\n ", "61\n\n" },
	{ "half a byte", "61\n6", "61\n1: -2" },
	{ "half a byte before a newline", "616\n", "610: -2" },
	{ "half a byte before a blank", "6 16\n", "0: -2" },
	{ "half a zero", "0\n", "0: -2" },
	{ "0x and nothing", "0x\n", "0: -2" },
	{ "0x and a blank", "0x 61\n", "0: -1" },
	{ "0x twice", "0x0x61\n", "0: -1" },
	{ "x alone", "x61\n", "0: -1" },
	{ "not a digit", "61\n\n6g\n", "61\n\n2: -1" },
	{ "a comment", "# 61\n", "0: -1" },
};

struct got {
	struct hex hex;
	enum hex_result rc;
	char out[128];
	size_t len;
};

static void
take_piece(struct got *g, const uint8_t *data, size_t len, bool last)
{
	g->len += hex_put(data, len, (uint8_t *)g->out + g->len);
	if (last)
		g->out[g->len++] = '\n';
}

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	size_t at = 0, used, out_len;
	bool last;

	while (at < len) {
		g->rc = hex_read(&g->hex, piece + at, len - at, &used, &out_len,
		    &last);
		/* What came before the fault may be sent or not. */
		take_piece(g, piece + at, out_len, last);
		at += used;
		if (g->rc <= 0)
			break;
	}
	assert_true(g->rc < 0 || at == len);
	return g->rc >= 0;
}

static void
check(const struct test_case *c, struct got *g)
{
	bool last;

	if (g->rc >= 0 && (g->rc = hex_end(&g->hex, &last)) == HEX_PIECE)
		take_piece(g, NULL, 0, last);
	if (g->rc < 0)
		g->len += (size_t)snprintf(g->out + g->len, 16, "%d: %d",
		    (int)g->hex.line, (int)g->rc);
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
		size_t len = strlen(c->in);

		for (size_t cut = 0; cut <= len; cut++) {
			struct got g = { 0 };

			feed(cut, c->in, len, take, &g);
			check(c, &g);
		}
		struct got g = { 0 };

		feed_bytes(c->in, len, take, &g);
		check(c, &g);
	}
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int rc = HEX_ERR_HALF; rc <= HEX_PIECE; rc++)
		assert_string_not_equal(hex_strresult((enum hex_result)rc),
		    "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_every_cut),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
