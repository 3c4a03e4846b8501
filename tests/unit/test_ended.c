#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/ended.h"

/* A signal that has no name on any system. */
enum { NAMELESS = 120 };

static void
says_how_it_ended(void **state)
{
	static const struct {
		struct ended ended;
		unsigned status;
		const char *words, *brief;
	} rows[] = {
		{ { 0, 0 }, 0, "exit status 0", "0" },
		{ { 0, 3 }, 3, "exit status 3", "3" },
		{ { 0, 255 }, 255, "exit status 255", "255" },
		{ { SIGKILL, 0 }, 137, "killed by SIGKILL", "SIGKILL" },
		{ { SIGSEGV, 0 }, 139, "killed by SIGSEGV", "SIGSEGV" },
		{ { NAMELESS, 0 }, 248, "killed by signal 120", "248" },
		{ { ENDED_LIVES, 0 }, 383, "killed by signal 255", "lives on" },
	};
	char words[ENDED_WORDS], brief[ENDED_BRIEF];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		ended_put_words(rows[i].ended, words);
		ended_put_brief(rows[i].ended, brief);
		assert_string_equal(words, rows[i].words);
		assert_string_equal(brief, rows[i].brief);
		assert_int_equal(ended_status(rows[i].ended), rows[i].status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_how_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
