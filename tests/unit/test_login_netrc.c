#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/login_netrc.h"

static const struct test_case {
	const char *name, *in, *host, *login;
	enum login_netrc_result rc;
	const char *want; /* "login:password" */
	unsigned line;    /* of an error */
} cases[] = {
	{ "one line", "machine a login b password c", "a", NULL,
	    LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "lines", "machine a\n\tlogin b\n\tpassword c\n", "a", NULL,
	    LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "case of the host", "machine A.b login b password c", "a.B", NULL,
	    LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "password first", "machine a password c login b", "a", NULL,
	    LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "the second",
	    "machine x login y password z machine a login b"
	    " password c",
	    "a", NULL, LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "the first of two",
	    "machine a login b password c machine a login d"
	    " password e",
	    "a", NULL, LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "by login",
	    "machine a login b password c machine a login d"
	    " password e",
	    "a", "d", LOGIN_NETRC_FOUND, "d:e", 0 },
	{ "no such login", "machine a login b password c", "a", "x",
	    LOGIN_NETRC_NONE, NULL, 0 },
	{ "no such host", "machine a login b password c", "x", NULL,
	    LOGIN_NETRC_NONE, NULL, 0 },
	{ "default", "machine a login b password c\ndefault login d password e",
	    "x", NULL, LOGIN_NETRC_FOUND, "d:e", 0 },
	{ "default does not hide", "default login d password e", "x", "f",
	    LOGIN_NETRC_NONE, NULL, 0 },
	{ "nothing of the other",
	    "machine x login y password z\nmachine a"
	    " login b",
	    "a", NULL, LOGIN_NETRC_FOUND, "b:", 0 },
	{ "quotes", "machine a login \"b b\" password \"c\\\"\\\\ c\"", "a",
	    NULL, LOGIN_NETRC_FOUND, "b b:c\"\\ c", 0 },
	{ "empty quotes", "machine a login b password \"\"", "a", NULL,
	    LOGIN_NETRC_FOUND, "b:", 0 },
	{ "comments",
	    "# machine a login x\nmachine a # first\nlogin b\n"
	    "password c#d\n",
	    "a", NULL, LOGIN_NETRC_FOUND, "b:c#d", 0 },
	{ "account", "machine a account z login b password c", "a", NULL,
	    LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "macro",
	    "machine x macdef init\ncd /pub\nmachine a login e\n\n"
	    "machine a login b password c",
	    "a", NULL, LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "macro at the end", "machine a login b password c macdef m\nx", "a",
	    NULL, LOGIN_NETRC_FOUND, "b:c", 0 },
	{ "a name that is a word", "machine login login machine password c",
	    "login", NULL, LOGIN_NETRC_FOUND, "machine:c", 0 },
	{ "empty", "", "a", NULL, LOGIN_NETRC_NONE, NULL, 0 },
	{ "blanks", " \n\t\r\n", "a", NULL, LOGIN_NETRC_NONE, NULL, 0 },
	{ "no machine", "\nlogin b", "a", NULL, LOGIN_NETRC_ERR_ENTRY, NULL,
	    2 },
	{ "odd word", "machine a\nlogin b\nuser c", "a", NULL,
	    LOGIN_NETRC_ERR_WORD, NULL, 3 },
	{ "no host", "machine", "a", NULL, LOGIN_NETRC_ERR_END, NULL, 1 },
	{ "no password", "machine a login b password\n", "a", NULL,
	    LOGIN_NETRC_ERR_END, NULL, 2 },
	{ "open quotes", "machine a login \"b", "a", NULL, LOGIN_NETRC_ERR_END,
	    NULL, 1 },
	{ "backslash at the end", "machine a login \"b\\", "a", NULL,
	    LOGIN_NETRC_ERR_END, NULL, 1 },
};

static void
reads_files(void **state)
{
	char got[2 * LOGIN_NETRC_WORD_MAX + 8];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		struct login_netrc n = { .login = "" };
		unsigned line;
		enum login_netrc_result rc =
		    login_netrc_find(c->in, c->host, c->login, &n, &line);

		if (rc != c->rc)
			fail_msg("%s: %s", c->name, login_netrc_strresult(rc));
		if (rc < 0 && line != c->line)
			fail_msg("%s: line %u", c->name, line);
		snprintf(got, sizeof(got), "%s:%s", n.login, n.password);
		if (c->want != NULL)
			assert_string_equal(got, c->want);
		else
			assert_string_equal(got, ":");
	}
}

static void
bounds_words(void **state)
{
	char in[LOGIN_NETRC_WORD_MAX + 64] = "machine ";
	size_t head = strlen(in);
	struct login_netrc n;
	unsigned line;

	(void)state;
	memset(in + head, 'a', LOGIN_NETRC_WORD_MAX);
	assert_int_equal(login_netrc_find(in, in + head, NULL, &n, &line),
	    LOGIN_NETRC_FOUND);
	in[head + LOGIN_NETRC_WORD_MAX] = 'a';
	assert_int_equal(login_netrc_find(in, in + head, NULL, &n, &line),
	    LOGIN_NETRC_ERR_LONG);
	in[head] = '"';
	in[head + LOGIN_NETRC_WORD_MAX + 1] = 'a';
	assert_int_equal(login_netrc_find(in, "a", NULL, &n, &line),
	    LOGIN_NETRC_ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files),
		cmocka_unit_test(bounds_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
