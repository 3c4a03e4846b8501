/*
 * The table itself, and the small grammars of its values. That --help fits and
 * names everything is here; that the manual agrees is tests/lint/check-options.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/log.h"
#include "codec/framing.h"
#include "conf/cmdline.h"
#include "conf/ladder.h"
#include "conf/names.h"
#include "conf/options.h"
#include "conf/value.h"

static void
rows_are_complete(void **state)
{
	const struct option *o;

	(void)state;
	for (o = options; o->name != NULL; o++) {
		bool words = (o->words != NULL) != (o->word != NULL);
		bool item = o->item != NULL && o->wanted != NULL;
		bool text = o->type == OPT_STRING || o->type == OPT_LIST ||
		    o->type == OPT_COMMAS;

		if (option_find(&daemon_table, o->name, strlen(o->name)) != o)
			fail_msg("%s: there are two", o->name);
		if (o->help == NULL || words != (o->type == OPT_ENUM) ||
		    item != text ||
		    (o->metavar == NULL) != (o->type == OPT_BOOL))
			fail_msg("%s: something is missing", o->name);
		if (o > options && o->group < o[-1].group)
			fail_msg("%s: out of its group", o->name);
		if (o->group == GROUP_SYNONYM && (o->dflt || o->engine))
			fail_msg("%s: a synonym has no default", o->name);
		if (o->websocketd != NULL && o->apply != NULL)
			fail_msg("%s: a default needs a field", o->name);
	}
}

static void
finds_whole_names_only(void **state)
{
	(void)state;
	assert_string_equal(option_find(&daemon_table, "port", 4)->name,
	    "port");
	assert_string_equal(option_find(&daemon_table, "portable", 4)->name,
	    "port");
	assert_null(option_find(&daemon_table, "por", 3));
	assert_null(option_find(&daemon_table, "ports", 5));
	assert_null(option_find(&daemon_table, "Port", 4));
	assert_null(option_find(&daemon_table, "", 0));
}

static void
finds_the_nearest_name(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "prot", "port" },
		{ "framming", "framing" },
		{ "max_message", "max-message" },
		{ "maxmessage", "max-message" },
		{ "loglevl", "loglevel" },
		{ "same-origin", "sameorigin" },
		{ "x", NULL },
		{ "", NULL },
		{ "nonsense", NULL },
		{ "a-name-that-is-longer-than-any-of-ours", NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *got = option_nearest(&daemon_table, rows[i].in,
		    strlen(rows[i].in));

		if ((got == NULL) != (rows[i].want == NULL) ||
		    (got != NULL && strcmp(got, rows[i].want) != 0))
			fail_msg("%s: %s", rows[i].in, got ? got : "none");
	}
}

static void
sets_defaults(void **state)
{
	struct conf c;

	(void)state;
	conf_init(&c);
	assert_int_equal(c.port, 8080);
	assert_false(c.port_given);
	assert_false(c.route.ping_timeout_given);
	assert_false(c.unixsocket_mode_given);
	assert_int_equal(c.unixsocket_mode, 0600);
	assert_null(c.unixsocket);
	assert_int_equal(c.addresses.n, 0);
	assert_int_equal(c.engines, 0);
	assert_int_equal(c.maxforks, 1024);
	assert_int_equal(c.max_connections, 0);
	assert_int_equal(c.handshake_timeout, 10000);
	assert_int_equal(c.loglevel, LOG_LVL_INFO);
	assert_int_equal(c.log_format, LOG_TEXT);
	assert_int_equal(c.ready_fd, -1);
	assert_false(c.once || c.syslog || c.version || c.help);
	assert_int_equal(c.route.framing, FRAMING_LINES);
	assert_int_equal(c.route.max_message, 16 << 20);
	assert_int_equal(c.route.max_pipe, 256 << 10);
	assert_int_equal(c.route.invalid_utf8, CONF_UTF8_REPLACE);
	assert_int_equal(c.route.multiline, CONF_MULTILINE_ALLOW);
	assert_int_equal(c.route.stderr_to, CONF_STDERR_LOG);
	assert_int_equal(c.route.linger, 1000);
	assert_int_equal(c.route.close_drain, 500);
	assert_int_equal(c.route.close_timeout, 2000);
	assert_int_equal(c.route.ping, 30000);
	assert_int_equal(c.route.ping_timeout, 20000);
	assert_int_equal(c.route.idle_timeout, 0);
	assert_int_equal(c.route.max_session, 0);
	assert_int_equal(c.route.kill.n, 3);
	assert_false(c.route.same_origin || c.route.console ||
	    c.route.subprotocol_required);
	assert_null(c.route.argv);
	conf_clear(&c);
}

static const struct ladder_case {
	const char *name, *in;
	size_t n; /* 0: none, BAD: refused */
	struct conf_rung rung[CONF_LADDER_MAX];
} ladders[] = {
#define BAD SIZE_MAX
	{ "default", "EOF:2s,TERM:3s,KILL", 3,
	    { { 0, 2000 }, { SIGTERM, 3000 }, { SIGKILL, 0 } } },
	{ "none", "none", 0, { { 0, 0 } } },
	{ "one signal", "TERM", 1, { { SIGTERM, 0 } } },
	{ "with SIG", "SIGHUP:0,SIGKILL", 2,
	    { { SIGHUP, 0 }, { SIGKILL, 0 } } },
	{ "small letters", "eof:1s,term", 2, { { 0, 1000 }, { SIGTERM, 0 } } },
	{ "wait after the last", "INT:5s", 1, { { SIGINT, 0 } } },
	{ "fraction", "USR1:0.5s,QUIT", 2,
	    { { SIGUSR1, 500 }, { SIGQUIT, 0 } } },
	{ "eight", "INT:1,INT:1,INT:1,INT:1,INT:1,INT:1,INT:1,KILL", 8,
	    { { SIGINT, 1000 }, { SIGINT, 1000 }, { SIGINT, 1000 },
		{ SIGINT, 1000 }, { SIGINT, 1000 }, { SIGINT, 1000 },
		{ SIGINT, 1000 }, { SIGKILL, 0 } } },
	{ "nine", "INT:1,INT:1,INT:1,INT:1,INT:1,INT:1,INT:1,INT:1,KILL", BAD,
	    { { 0, 0 } } },
	{ "empty", "", BAD, { { 0, 0 } } },
	{ "empty rung", "EOF:1s,,KILL", BAD, { { 0, 0 } } },
	{ "comma at the end", "EOF:1s,", BAD, { { 0, 0 } } },
	{ "no wait", "EOF,KILL", BAD, { { 0, 0 } } },
	{ "empty wait", "EOF:,KILL", BAD, { { 0, 0 } } },
	{ "bad wait", "EOF:x,KILL", BAD, { { 0, 0 } } },
	{ "bad wait after the last", "EOF:1s,KILL:x", BAD, { { 0, 0 } } },
	{ "endless wait", "EOF:9000h,KILL", BAD, { { 0, 0 } } },
	{ "two waits", "EOF:1s:1s,KILL", BAD, { { 0, 0 } } },
	{ "KILL first", "KILL:1s,TERM", BAD, { { 0, 0 } } },
	{ "EOF last", "TERM:1s,EOF", BAD, { { 0, 0 } } },
	{ "EOF alone", "EOF", BAD, { { 0, 0 } } },
	{ "unknown", "NOSUCH:1s,KILL", BAD, { { 0, 0 } } },
	{ "number", "9", BAD, { { 0, 0 } } },
	{ "SIG alone", "SIG", BAD, { { 0, 0 } } },
	{ "SIGEOF", "SIGEOF:1s,KILL", BAD, { { 0, 0 } } },
	{ "none and more", "none,KILL", BAD, { { 0, 0 } } },
	{ "NONE", "NONE", BAD, { { 0, 0 } } },
};

static void
reads_ladders(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(ladders); i++) {
		const struct ladder_case *l = &ladders[i];
		struct conf_ladder got = { .n = 77 };
		const char *why = NULL;
		bool ok = ladder_read(l->in, &got, &why);

		if (ok != (l->n != BAD) || got.n != (ok ? l->n : 77) ||
		    (!ok && why == NULL))
			fail_msg("%s: %s", l->name, ok ? "taken" : "refused");
		for (size_t r = 0; ok && r < l->n; r++) {
			if (got.rung[r].sig != l->rung[r].sig ||
			    got.rung[r].wait_ms != l->rung[r].wait_ms)
				fail_msg("%s: rung %zu", l->name, r);
		}
	}
}

static const struct name_case {
	const char *name;
	char *(*read)(const char *);
	const char *in;
	const char *want; /* NULL: refused */
} names[] = {
	{ "text", name_text, "a b", "a b" },
	{ "empty text", name_text, "", NULL },
	{ "socket", name_socket, "/run/x.sock", "/run/x.sock" },
	{ "empty socket", name_socket, "", NULL },
	{ "IPv4", name_address, "127.0.0.1", "127.0.0.1" },
	{ "IPv6", name_address, "::1", "::1" },
	{ "IPv6 in brackets", name_address, "[::1]", "::1" },
	{ "IPv6 with zone", name_address, "fe80::1%eth0", "fe80::1%eth0" },
	{ "empty zone", name_address, "fe80::1%", NULL },
	{ "name", name_address, "localhost", "localhost" },
	{ "no name", name_address, ".localhost", NULL },
	{ "name of a container", name_address, "3f2a1b", "3f2a1b" },
	{ "name with digits", name_address, "10.0.0.1.nip", "10.0.0.1.nip" },
	{ "all addresses", name_address, "*", "*" },
	{ "hexadecimal IPv4", name_address, "0x7f.1", NULL },
	{ "last dot", name_address, "localhost.", NULL },
	{ "short IPv4", name_address, "1.2.3", NULL },
	{ "IPv4 in brackets", name_address, "[127.0.0.1]", NULL },
	{ "port", name_address, "127.0.0.1:80", NULL },
	{ "half a bracket", name_address, "[::1", NULL },
	{ "brackets", name_address, "[]", NULL },
	{ "blank", name_address, "::1 ", NULL },
	{ "empty address", name_address, "", NULL },
	{ "long address", name_address,
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
	{ "owner", name_owner, "me", "me" },
	{ "owner and group", name_owner, "me:us", "me:us" },
	{ "group alone", name_owner, ":us", ":us" },
	{ "empty group", name_owner, "me:", NULL },
	{ "two groups", name_owner, "me:us:them", NULL },
	{ "empty owner", name_owner, "", NULL },
	{ "ciphers", name_ciphers, "TLS_A:!B+C:@SECLEVEL=2",
	    "TLS_A:!B+C:@SECLEVEL=2" },
	{ "ciphers with blank", name_ciphers, "A B", NULL },
	{ "no ciphers", name_ciphers, "", NULL },
	{ "token", name_token, "v2.chat", "v2.chat" },
	{ "token, all marks", name_token, "!#$%&'*+-.^_`|~",
	    "!#$%&'*+-.^_`|~" },
	{ "token with blank", name_token, "a b", NULL },
	{ "token with slash", name_token, "a/b", NULL },
	{ "token not ASCII", name_token, "\xc3\xa4", NULL },
	{ "empty token", name_token, "", NULL },
	{ "any origin", name_origin, "*", "*" },
	{ "opaque origin", name_origin, "null", "null" },
	{ "origin", name_origin, "https://Example.ORG", "https://example.org" },
	{ "origin with port", name_origin, "http://a:8080", "http://a:8080" },
	{ "origin without scheme", name_origin, "a.b:1", "a.b:1" },
	{ "origin, IPv6", name_origin, "[::1]:9", "[::1]:9" },
	{ "origin, IPv6 without port", name_origin, "http://[::1]",
	    "http://[::1]" },
	{ "origin, wildcard", name_origin, "*.wild.test:8443",
	    "*.wild.test:8443" },
	{ "origin of an extension", name_origin, "moz-extension://ab-12",
	    "moz-extension://ab-12" },
	{ "two wildcards", name_origin, "*.*.a", NULL },
	{ "wildcard in the middle", name_origin, "a.*.b", NULL },
	{ "wildcard alone", name_origin, "http://*", NULL },
	{ "fault_F5 of local files", name_origin, "file://", "file://" },
	{ "fault_F5 of an application", name_origin, "app://.", "app://." },
	{ "fault_F5 of a scheme", name_origin, "Vscode-Webview://*",
	    "vscode-webview://*" },
	{ "fault_F5 with a path", name_origin, "x://u@a/b", "x://u@a/b" },
	{ "fault_F5 the whole Web", name_origin, "http://*", NULL },
	{ "fault_F5 a star inside", name_origin, "x://a*", NULL },
	{ "fault_F5 a blank", name_origin, "x://a b", NULL },
	{ "fault_F5 no scheme", name_origin, "1x://", NULL },
	{ "origin with path", name_origin, "http://a/", NULL },
	{ "origin without host", name_origin, "http://", NULL },
	{ "origin, port only", name_origin, "http://:80", NULL },
	{ "origin, empty port", name_origin, "http://a:", NULL },
	{ "origin, port is a word", name_origin, "a:b", NULL },
	{ "origin, port 0", name_origin, "a:0", NULL },
	{ "origin, port over", name_origin, "a:65536", NULL },
	{ "origin, bare IPv6", name_origin, "::1", NULL },
	{ "origin with user", name_origin, "http://u@a", NULL },
	{ "origin with blank", name_origin, "a b", NULL },
	{ "scheme of digits", name_origin, "1x://a", NULL },
	{ "no scheme", name_origin, "://a", NULL },
	{ "empty origin", name_origin, "", NULL },
	{ "empty label", name_origin, "a..b", NULL },
	{ "server name", name_host, "Example.ORG.", "example.org" },
	{ "server name, IPv6", name_host, "[2001:DB8::1]", "[2001:db8::1]" },
	{ "server name, wildcard", name_host, "*.dev.test", "*.dev.test" },
	{ "any server name", name_host, "*", "*" },
	{ "server name with port", name_host, "a:80", NULL },
	{ "server name with scheme", name_host, "http://a", NULL },
	{ "server name, bad IPv6", name_host, "[::1", NULL },
	{ "server name, zone", name_host, "[fe80::1%eth0]", NULL },
	{ "dot", name_host, ".", NULL },
	{ "empty server name", name_host, "", NULL },
	{ "variable", name_variable, "LC_ALL", "LC_ALL" },
	{ "odd variable", name_variable, "BASH_FUNC_x%%", "BASH_FUNC_x%%" },
	{ "variable with value", name_variable, "A=B", NULL },
	{ "variable with blank", name_variable, "A B", NULL },
	{ "empty variable", name_variable, "", NULL },
	{ "assignment", name_assignment, "A_1=b=c d", "A_1=b=c d" },
	{ "empty value", name_assignment, "A=", "A=" },
	{ "no value", name_assignment, "A", NULL },
	{ "no name", name_assignment, "=x", NULL },
	{ "digit first", name_assignment, "1A=x", NULL },
	{ "blank in name", name_assignment, "A B=c", NULL },
	{ "empty assignment", name_assignment, "", NULL },
};

static void
reads_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(names); i++) {
		const struct name_case *n = &names[i];
		char *got = n->read(n->in), *again;

		if ((got == NULL) != (n->want == NULL) ||
		    (got != NULL && strcmp(got, n->want) != 0))
			fail_msg("%s: %s", n->name, got ? got : "refused");
		if (got != NULL) {
			again = n->read(got);
			assert_non_null(again);
			assert_string_equal(again, got);
			free(again);
		}
		free(got);
	}
}

static void
bounds_names(void **state)
{
	char text[300], *got;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[255] = '\0';
	assert_non_null(got = name_host(text));
	free(got);
	assert_null(name_socket(text));
	text[255] = 'a';
	text[256] = '\0';
	assert_null(name_host(text));
}

/* 80 columns, and every row once at the start of a line. */
static void
help_fits_and_names_all(void **state)
{
	char *text = NULL, *line, *rest, needle[64];
	const struct option *o;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	cmdline_help(f);
	assert_int_equal(fclose(f), 0);
	for (o = options; o->name != NULL; o++) {
		snprintf(needle, sizeof(needle), "\n  --%s%s", o->name,
		    o->bare != NULL          ? "[="
			: o->metavar != NULL ? "="
					     : " ");
		if (strstr(text, needle) == NULL)
			fail_msg("%s: not in --help", o->name);
	}
	assert_non_null(strstr(text, "[EOF:2s,TERM:3s,KILL]\n"));
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		len = strlen(line);
		if (len >= 80 || line[len - 1] == ' ')
			fail_msg("%s", line);
	}
	free(text);
}

static void
version_is_one_line(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	cmdline_version(f);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, "standpiped " PACKAGE_VERSION "\n");
	free(text);
}

/* A row is about the daemon or about a route, and lies in that struct. */
static void
rows_lie_in_what_they_are_about(void **state)
{
	(void)state;
	for (const struct option *o = options; o->name != NULL; o++) {
		size_t size = o->scope == SCOPE_ROUTE
		    ? sizeof(struct conf_route)
		    : offsetof(struct conf, route);

		if (o->field >= size || o->given >= size)
			fail_msg("--%s is not in its struct", o->name);
	}
}

static void
a_route_is_set_alone(void **state)
{
	const struct option *o = option_find(&daemon_table, "realm", 5);
	struct conf_route other = { .realm = NULL };
	struct conf c;
	char *why;

	(void)state;
	conf_init(&c);
	assert_ptr_equal(option_about(&daemon_table, &c, o), &c.route);
	assert_true(value_set(&other, o, "there", &why));
	assert_string_equal(other.realm, "there");
	assert_true(other.realm_given);
	assert_false(c.route.realm_given);
	free(other.realm);
	conf_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(finds_whole_names_only),
		cmocka_unit_test(finds_the_nearest_name),
		cmocka_unit_test(sets_defaults),
		cmocka_unit_test(reads_ladders),
		cmocka_unit_test(reads_names),
		cmocka_unit_test(bounds_names),
		cmocka_unit_test(help_fits_and_names_all),
		cmocka_unit_test(version_is_one_line),
		cmocka_unit_test(rows_lie_in_what_they_are_about),
		cmocka_unit_test(a_route_is_set_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
