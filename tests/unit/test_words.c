#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "conf/words.h"

static const struct row {
	const char *in;
	const char *words[4]; /* none: refused */
} rows[] = {
	{ "a", { "a" } },
	{ "a b", { "a", "b" } },
	{ " \ta  b\n", { "a", "b" } },
	{ "'a b'", { "a b" } },
	{ "\"a b\"", { "a b" } },
	{ "a\\ b", { "a b" } },
	{ "a'b'\"c\"d", { "abcd" } },
	{ "a '' \"\"", { "a", "", "" } },
	{ "'\\'", { "\\" } },
	{ "'\"'", { "\"" } },
	{ "\"'\"", { "'" } },
	{ "\"\\\"\\\\\\$\\`\"", { "\"\\$`" } },
	{ "\"\\a\\'\"", { "\\a\\'" } },
	{ "\\a\\'\\\"", { "a'\"" } },
	{ "$HOME `x` *", { "$HOME", "`x`", "*" } },
	{ "a|b; c&d >e", { "a|b;", "c&d", ">e" } },
	{ "#a ~ {b,c}", { "#a", "~", "{b,c}" } },
	{ "a\\\nb", { "ab" } },
	{ "a \\\n b", { "a", "b" } },
	{ "\"a\\\nb\"", { "ab" } },
	{ "'a\nb'", { "a\nb" } },
	{ "\xc3\xa4", { "\xc3\xa4" } },
	{ "", { NULL } },
	{ " \n", { NULL } },
	{ "\\\n", { NULL } },
	{ "'", { NULL } },
	{ "a 'b", { NULL } },
	{ "a \"b", { NULL } },
	{ "\"a\\\"", { NULL } },
	{ "a\\", { NULL } },
	{ "\\", { NULL } },
};

static void
splits_as_a_shell(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct row *r = &rows[i];
		char **words = words_split(r->in);
		size_t n = 0;

		if ((words == NULL) != (r->words[0] == NULL))
			fail_msg("%s", r->in);
		for (; words != NULL && words[n] != NULL; n++)
			if (n == nitems(r->words) || r->words[n] == NULL ||
			    strcmp(words[n], r->words[n]) != 0)
				fail_msg("%s: word %zu is %s", r->in, n,
				    words[n]);
		if (r->words[n] != NULL)
			fail_msg("%s: %zu words", r->in, n);
		words_free(words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_as_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
