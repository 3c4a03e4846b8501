/*
 * Words into options, with a small table that has letters and one that has
 * none; what the daemon makes of its own is test_cmdline.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "conf/reader.h"

enum { WORDS_MAX = 8, TEXT_MAX = 200 };

static const struct option rows[] = {
	{ .name = "quiet", .letter = 'q', .type = OPT_BOOL },
	{ .name = "verbose", .letter = 'v', .type = OPT_BOOL },
	{ .name = "header", .letter = 'H', .type = OPT_LIST, .metavar = "X" },
	{ .name = "wait", .type = OPT_DURATION, .metavar = "T" },
	{ .name = "color", .letter = 'c', .type = OPT_STRING, .bare = "on" },
	{ .name = NULL },
};

static const struct option_table with_letters = { .rows = rows,
	.letters = true };
static const struct option_table without = { .rows = rows };

/* Everything read, "name=value; ", "word; " or "--; ", then what was wrong. */
static void
read_all(const struct option_table *t, const char *const *words, char *out)
{
	char *argv[WORDS_MAX + 1] = { (char *)(uintptr_t) "self" }, *why = NULL;
	enum reader_result result;
	struct written opt;
	struct reader r;
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	reader_init(&r, t, argc, argv);
	*out = '\0';
	while ((result = reader_next(&r, &opt, &why)) > READER_NONE) {
		if (result == READER_OPTION) {
			strcat(out, opt.row->name);
			strcat(out, "=");
			strcat(out, opt.value);
		} else {
			strcat(out,
			    result == READER_END ? "--" : reader_take(&r));
		}
		strcat(out, "; ");
	}
	if (result == READER_ERROR)
		strcat(out, why);
	free(why);
}

static const struct test_case {
	const struct option_table *table;
	const char *words[WORDS_MAX];
	const char *want;
} cases[] = {
	{ &with_letters, { NULL }, "" },
	{ &with_letters, { "-q" }, "quiet=true; " },
	{ &with_letters, { "-qv", "x" }, "quiet=true; verbose=true; x; " },
	{ &with_letters, { "-qHa:b", "x" }, "quiet=true; header=a:b; x; " },
	{ &with_letters, { "-H", "a: b", "x" }, "header=a: b; x; " },
	{ &with_letters, { "-H", "-q" }, "header=-q; " },
	{ &with_letters, { "-H", "--", "--" }, "header=--; --; " },
	{ &with_letters, { "-H=a" }, "header==a; " },
	{ &with_letters, { "-cq" }, "color=on; quiet=true; " },
	{ &with_letters, { "--color", "x" }, "color=on; x; " },
	{ &with_letters, { "--header", "a", "b" }, "header=a; b; " },
	{ &with_letters, { "--wait=", "b" }, "wait=; b; " },
	{ &with_letters, { "x", "-q", "--", "y" }, "x; quiet=true; --; y; " },
	{ &with_letters, { "-", "-q" }, "-; quiet=true; " },
	{ &with_letters, { "", "-q" }, "; quiet=true; " },
	{ &with_letters, { "-x" }, "-x: unknown option (see --help)" },
	{ &with_letters, { "-wait=1s" },
	    "-wait=1s: unknown option (did you mean --wait?)" },
	{ &with_letters, { "-vx" },
	    "verbose=true; -vx: unknown option (see --help)" },
	{ &with_letters, { "-q=no" },
	    "quiet=true; -q=no: unknown option (see --help)" },
	{ &with_letters, { "-H" }, "--header: needs a value (--header=X)" },
	{ &with_letters, { "--heade=a" },
	    "--heade=a: unknown option (did you mean --header?)" },
	{ &without, { "-wait", "1s", "x" }, "wait=1s; x; " },
	{ &without, { "-quiet=no" }, "quiet=no; " },
	{ &without, { "-q" }, "-q: unknown option (see --help)" },
};

static void
reads_words(void **state)
{
	char got[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		read_all(cases[i].table, cases[i].words, got);
		assert_string_equal(got, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
