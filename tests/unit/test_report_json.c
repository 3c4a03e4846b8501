#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/report_json.h"

static const struct test_case {
	const char *in, *want;
} cases[] = {
	{ "plain", "plain" },
	{ "\"\\\n\t/", "\\\"\\\\\\n\\t/" },
	{ "\x1b[2J\x01\x7f", "\\u001b[2J\\u0001\\u007f" },
	{ "\xc2\x9b", "\\u009b" },
	{ "\xc3\xa4", "\\u00e4" },
	{ "\xe2\x80\xae", "\\u202e" },
	{ "\xef\xbf\xbf", "\\uffff" },
	{ "\xf0\x90\x80\x80", "\\ud800\\udc00" },
	{ "\xf0\x9f\x98\x80!", "\\ud83d\\ude00!" },
	{ "\xf4\x8f\xbf\xbf", "\\udbff\\udfff" },
	{ "a\xff z", "a\\ufffd z" },
	{ "a\xe2\x80", "a\\ufffd" },
};

static void
check_line(struct report_json *l, const char *want)
{
	report_json_end(l);
	assert_true(buf_add_byte(&l->text, '\0'));
	assert_string_equal((char *)l->text.data, want);
	report_json_clear(l);
}

static void
texts_become_ascii(void **state)
{
	char want[128];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct report_json l;

		report_json_init(&l);
		report_json_text(&l, "t", cases[i].in);
		strcpy(want, "{\"t\":\"");
		strcat(want, cases[i].want);
		strcat(want, "\"}\n");
		check_line(&l, want);
	}
}

static void
members_have_commas_between_them(void **state)
{
	struct report_json l;

	(void)state;
	report_json_init(&l);
	report_json_text(&l, "none", NULL);
	report_json_text(&l, "empty", "");
	report_json_number(&l, "a", -1);
	report_json_bytes(&l, "b", "x\0y", 3);
	report_json_bytes(&l, "c", "", 0);
	report_json_number(&l, "d", INT64_MAX);
	check_line(&l,
	    "{\"a\":-1,\"b\":\"x\\u0000y\",\"c\":\"\","
	    "\"d\":9223372036854775807}\n");
	report_json_init(&l);
	check_line(&l, "{}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_ascii),
		cmocka_unit_test(members_have_commas_between_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
