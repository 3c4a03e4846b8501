#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/json.h"

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	const char *out;
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "nothing", IN(""), "" },
	{ "plain", IN("a b/c"), "a b/c" },
	{ "quote and backslash", IN("\"\\"), "\\\"\\\\" },
	{ "short forms", IN("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
	{ "other controls", IN("\0\x01\x1b\x1f"),
	    "\\u0000\\u0001\\u001b\\u001f" },
	{ "delete is no control character of JSON", IN("\x7f"), "\x7f" },
	{ "UTF-8 stays", IN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
#undef IN
};

static void
escapes(void **state)
{
	uint8_t out[256];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		size_t n = json_escape((const uint8_t *)c->in, c->in_len, out);

		out[n] = '\0';
		if (strcmp((const char *)out, c->out) != 0)
			fail_msg("%s: %s", c->name, (const char *)out);
		assert_true(n <= JSON_GROWTH * c->in_len);
	}
}

static void
grows_no_further(void **state)
{
	uint8_t in[32], out[JSON_GROWTH * sizeof(in)];

	(void)state;
	memset(in, 0, sizeof(in));
	assert_int_equal(json_escape(in, sizeof(in), out), sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(grows_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
