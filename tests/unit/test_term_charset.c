#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/term_charset.h"

static const struct test_case {
	const char *all, *ctype, *lang;
	bool utf8;
} cases[] = {
	{ NULL, NULL, NULL, true },
	{ NULL, NULL, "C", true },
	{ NULL, NULL, "POSIX", true },
	{ NULL, NULL, "de_DE.UTF-8", true },
	{ NULL, NULL, "de_DE.utf8@euro", true },
	{ NULL, NULL, "de_DE.ISO-8859-1", false },
	{ NULL, NULL, "de_DE", false },
	{ NULL, NULL, "de_DE@euro", false },
	{ NULL, NULL, "zh_TW.Big5", false },
	{ NULL, NULL, "C.", false },
	{ NULL, "C.UTF-8", "de_DE", true },
	{ "de_DE", "C.UTF-8", "C.UTF-8", false },
	{ "", "", "de_DE", false },
};

static void
set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static void
what_the_environment_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		set("LC_ALL", cases[i].all);
		set("LC_CTYPE", cases[i].ctype);
		set("LANG", cases[i].lang);
		if (term_charset_is_utf8() != cases[i].utf8)
			fail_msg("case %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_environment_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
