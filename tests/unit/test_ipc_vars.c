#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "ipc/ipc_vars.h"

static void
knows_names(void **state)
{
	static const struct {
		const char *name;
		bool allowed;
	} rows[] = {
		{ "SERVER_SOFTWARE", true },
		{ "PATH_INFO", true },
		{ "PATH_TRANSLATED", true },
		{ "HTTPS", true },
		{ "STANDPIPE_PROTOCOL", true },
		{ "STANDPIPE_FRAMING", true },
		{ "HTTP_HOST", true },
		{ "HTTP_X_1", true },
		{ "HTTP_A", true },
		{ "", false },
		{ "HTTP_", false },
		{ "HTTP", false },
		{ "HTTP_PROXY", false },
		{ "HTTP_PROXYY", true },
		{ "HTTP_a", false },
		{ "HTTP_A-B", false },
		{ "HTTP_A=B", false },
		{ "HTTP_A B", false },
		{ "HTTP_\xc3", false },
		{ "http_proxy", false },
		{ "HTTPS_PROXY", false },
		{ "ALL_PROXY", false },
		{ "PATH", false },
		{ "PATH_INFO ", false },
		{ "PATH_INF", false },
		{ "path_info", false },
		{ "IFS", false },
		{ "ENV", false },
		{ "BASH_ENV", false },
		{ "BASH_FUNC_x%%", false },
		{ "LD_PRELOAD", false },
		{ "LD_LIBRARY_PATH", false },
		{ "DYLD_INSERT_LIBRARIES", false },
		{ "PYTHONPATH", false },
		{ "PERL5OPT", false },
		{ "SHELLOPTS", false },
		{ "MALLOC_CHECK_", false },
		{ "STANDPIPE_X", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		if (ipc_var_allowed(rows[i].name, strlen(rows[i].name)) !=
		    rows[i].allowed)
			fail_msg("%s", rows[i].name);
	}
}

static void
counts_bytes(void **state)
{
	(void)state;
	assert_true(ipc_var_allowed("HTTPS=on", 5));
	assert_false(ipc_var_allowed("HTTPS\0X", 7));
	assert_false(ipc_var_allowed("HTTP_A\0B", 8));
	assert_false(ipc_var_allowed("HTTP_A", 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(counts_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
