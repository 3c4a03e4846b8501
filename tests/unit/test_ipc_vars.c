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
		{ "SSL_PROTOCOL", true },
		{ "SSL_CLIENT_S_DN", true },
		{ "SSL_CLIENT_S_DN_CN", false },
		{ "SSL_CERT_FILE", false },
		{ "SSLKEYLOGFILE", false },
		{ "CONTENT_LENGTH", true },
		{ "CONTENT_TYPE", true },
		{ "HTTP_CONTENT_LENGTH", true },
		{ "REMOTE_IDENT", true },
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

static void
knows_harm(void **state)
{
	static const struct {
		const char *name;
		bool harmful;
	} rows[] = {
		{ "LD_PRELOAD", true },
		{ "LD_", true },
		{ "ld_preload", true },
		{ "BASH_ENV", true },
		{ "PYTHONPATH", true },
		{ "PERL5OPT", true },
		{ "PATH", true },
		{ "Path", true },
		{ "IFS", true },
		{ "ENV", true },
		{ "HTTP_PROXY", true },
		{ "http_proxy", true },
		{ "NO_PROXY", true },
		{ "GATE_", false },
		{ "GATE_PATH", false },
		{ "ENVIRONMENT", false },
		{ "PATHS", false },
		{ "REMOTE_USER", false },
		{ "HTTP_", false },
		{ "L", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		if (ipc_var_harmful(rows[i].name, strlen(rows[i].name)) !=
		    rows[i].harmful)
			fail_msg("%s", rows[i].name);
}

static void
lets_gates_set(void **state)
{
	static char user[] = "AUTH_USER", all[] = "TEAM_*", ld[] = "LD_*",
		    path[] = "PATH", http[] = "HTTP_*";
	static char *const listed[] = { user, all, ld, path, http };
	static const struct {
		const char *name;
		bool by_default, by_list;
	} rows[] = {
		{ "REMOTE_USER", true, false },
		{ "GATE_X", true, false },
		{ "GATE_x1", true, false },
		{ "GATE_", false, false },
		{ "GATE", false, false },
		{ "GATE_A-B", false, false },
		{ "GATE_A\n", false, false },
		{ "AUTH_USER", false, true },
		{ "AUTH_USERS", false, false },
		{ "TEAM_A", false, true },
		{ "TEAM_", false, false },
		{ "team_a", false, false },
		{ "LD_PRELOAD", false, false },
		{ "PATH", false, false },
		{ "HTTP_PROXY", false, false },
		{ "HTTP_X", false, true },
		{ "", false, false },
		{ "1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].name);

		if (ipc_gate_var_allowed(rows[i].name, len, NULL, 0) !=
			rows[i].by_default ||
		    ipc_gate_var_allowed(rows[i].name, len, listed,
			nitems(listed)) != rows[i].by_list)
			fail_msg("%s", rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(counts_bytes),
		cmocka_unit_test(knows_harm),
		cmocka_unit_test(lets_gates_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
