#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "feed.h"
#include "ipc/ipc.h"
#include "ipc/ipc_path.h"

static void
judges_paths(void **state)
{
	static const struct {
		const char *path;
		size_t len;
		bool ok;
	} rows[] = {
#define IS(s) s, sizeof(s) - 1
		{ IS("a"), true },
		{ IS("a/b/c"), true },
		{ IS("a/"), true },
		{ IS("a.b/c.d"), true },
		{ IS("a./b.."), true },
		{ IS("a b\n\xff*"), true },
		{ IS("~"), true },
		{ IS("-x"), true },
		{ IS("a\\..\\b"), true }, /* one name, if a strange one */
		{ IS(""), false },
		{ IS("/"), false },
		{ IS("/a"), false },
		{ IS("//"), false },
		{ IS("a//"), false },
		{ IS("a//b"), false },
		{ IS("."), false },
		{ IS(".."), false },
		{ IS("./a"), false },
		{ IS("../a"), false },
		{ IS("a/."), false },
		{ IS("a/.."), false },
		{ IS("a/./b"), false },
		{ IS("a/../b"), false },
		{ IS("..."), false },
		{ IS(".a"), false },
		{ IS("a/.git/config"), false },
		{ IS("\0"), false },
		{ IS("a\0"), false },
		{ IS("a\0/.."), false },
		{ IS("a/\0"), false },
#undef IS
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct guarded g = guarded_new(rows[i].path, rows[i].len);

		if (ipc_path_ok((const char *)g.data, rows[i].len) !=
		    rows[i].ok)
			fail_msg("row %zu: %s", i, rows[i].path);
		guarded_free(&g);
	}
}

static void
has_a_limit(void **state)
{
	char path[IPC_PATH_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof(path));
	assert_true(ipc_path_ok(path, IPC_PATH_MAX));
	assert_false(ipc_path_ok(path, IPC_PATH_MAX + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_paths),
		cmocka_unit_test(has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
