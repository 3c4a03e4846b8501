#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/term_typed.h"
#include "feed.h"

#define B32 "0123456789abcdef0123456789abcdef"
#define B123 B32 B32 B32 "0123456789abcdef01234567890"

static const struct test_case {
	const char *line;
	const char *out; /* behind a !: part of the sentence */
} cases[] = {
	{ "", "line " },
	{ "text", "line text" },
	{ " /ping", "line  /ping" },
	{ "//ping", "line /ping" },
	{ "//", "line /" },
	{ "///", "line //" },
	{ "/ping", "ping " },
	{ "/ping  two words ", "ping two words " },
	{ "/ping " B123 "45", "ping " B123 "45" },
	{ "/ping " B123 "456", "!at most 125" },
	{ "/close", "close 1000 " },
	{ "/close ", "close 1000 " },
	{ "/close 1001", "close 1001 " },
	{ "/close 4999\t no more", "close 4999 no more" },
	{ "/close 1000 " B123, "close 1000 " B123 },
	{ "/close 1000 " B123 "x", "!at most 123" },
	{ "/close 1000 \xff", "!not UTF-8" },
	{ "/close 1000 \xc3", "!not UTF-8" },
	{ "/close 1005", "!a close code is" },
	{ "/close 1006 x", "!a close code is" },
	{ "/close 999", "!a close code is" },
	{ "/close 5000", "!a close code is" },
	{ "/close 01000000000", "!a close code is" },
	{ "/close now", "!a close code is" },
	{ "/help", "help" },
	{ "/", "!no command /;" },
	{ "/pin g", "!no command /pin;" },
	{ "/pings", "!no command /pings;" },
	{ "/Ping", "!no command /Ping;" },
	{ "/" B32 "x", "!no command /" B32 ";" },
};

static const char *
told(const struct term_typed *t)
{
	static char out[512];

	switch (t->kind) {
	case TERM_TYPED_LINE:
	case TERM_TYPED_PING:
		(void)snprintf(out, sizeof(out), "%s %.*s",
		    t->kind == TERM_TYPED_LINE ? "line" : "ping", (int)t->len,
		    t->text);
		break;
	case TERM_TYPED_CLOSE:
		(void)snprintf(out, sizeof(out), "close %u %s", t->code,
		    t->reason);
		break;
	case TERM_TYPED_HELP:
		return "help";
	}
	return out;
}

static void
reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		size_t len = strlen(c->line);
		struct guarded g = guarded_new(c->line, len);
		char *why = NULL;
		struct term_typed t;

		if (term_typed_read(&t, (const char *)g.data, len, &why)) {
			assert_null(why);
			assert_string_equal(told(&t), c->out);
		} else {
			assert_int_equal(c->out[0], '!');
			if (strstr(why, c->out + 1) == NULL)
				fail_msg("%s: %s", c->line, why);
			free(why);
		}
		guarded_free(&g);
	}
}

static void
help_names_every_command(void **state)
{
	(void)state;
	assert_non_null(strstr(term_typed_help(), "/ping"));
	assert_non_null(strstr(term_typed_help(), "/close"));
	assert_non_null(strstr(term_typed_help(), "/help"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(help_names_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
