#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/term_cursor.h"

enum { WIDTH = 10 };

static const struct test_case {
	const char *text;
	struct term_cursor place;
} cases[] = {
	{ "", { 0, 0 } },
	{ "> abc", { 0, 5 } },
	{ "123456789", { 0, 9 } },
	{ "1234567890", { 1, 0 } },
	{ "1234567890123456789012", { 2, 2 } },
	{ "\xc3\xa4\xe2\x82\xac", { 0, 2 } },
	{ "\xe4\xb8\xad\xe4\xb8\xad", { 0, 4 } },
	{ "123456789\xe4\xb8\xad", { 1, 2 } },
	{ "12345678\xe4\xb8\xad", { 1, 0 } },
	{ "e\xcc\x81", { 0, 1 } },
	{ "\x01\x7f", { 0, 4 } },
	{ "a\tb", { 0, 9 } },
	{ "a\xff", { 0, 1 } },
};

static void
the_cursor(void **state)
{
	(void)state;
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		struct term_cursor at = { 0 };

		term_cursor_advance(&at, c->text, strlen(c->text), WIDTH);
		if (at.row != c->place.row || at.column != c->place.column)
			fail_msg("%zu: %u, %u", i, at.row, at.column);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
