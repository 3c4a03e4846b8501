#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/ws_url.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LABEL FIFTY "."
#define HUNDRED FIFTY FIFTY

enum { PARTS_SIZE = WS_URL_TARGET + 1024 };

static const struct test_case {
	const char *name;
	const char *url;
	int end;
	/* [tls ]USER|PASSWORD|HOST|PORT|PATH|TARGET, and the Host field */
	const char *parts, *host;
} cases[] = {
	{ "short", "ws://a", 0, "||a|80||/", "a" },
	{ "all", "ws://u:p@a.b:81/c?d", 0, "u|p|a.b|81||/c?d", "a.b:81" },
	{ "under TLS", "wss://a", 0, "tls ||a|443||/", "a" },
	{ "http", "http://a/", 0, "||a|80||/", "a" },
	{ "https", "HTTPS://a:443/", 0, "tls ||a|443||/", "a" },
	{ "port 80 under TLS", "wss://a:80", 0, "tls ||a|80||/", "a:80" },
	{ "empty port", "ws://a:/", 0, "||a|80||/", "a" },
	{ "query alone", "ws://a?b=c/d:e", 0, "||a|80||/?b=c/d:e", "a" },
	{ "case stays", "wS://ExAmple/A", 0, "||ExAmple|80||/A", "ExAmple" },
	{ "encoding stays", "ws://a/%2f%zz", 0, "||a|80||/%2f%zz", "a" },
	{ "dots stay", "ws://a/b/../c", 0, "||a|80||/b/../c", "a" },
	{ "@ in the path", "ws://a/@b", 0, "||a|80||/@b", "a" },
	{ "the root's dot", "ws://a.", 0, "||a.|80||/", "a." },
	{ "IPv4", "ws://127.0.0.1:8080", 0, "||127.0.0.1|8080||/",
	    "127.0.0.1:8080" },
	{ "IPv6", "ws://[::1]/", 0, "||::1|80||/", "[::1]" },
	{ "IPv6 and port", "ws://[2001:db8::1]:81/x", 0, "||2001:db8::1|81||/x",
	    "[2001:db8::1]:81" },
	{ "zone", "ws://[fe80::1%25eth0]:81/", 0, "||fe80::1%eth0|81||/",
	    "[fe80::1]:81" },
	{ "zone, written plainly", "ws://[fe80::1%eth0]", 0,
	    "||fe80::1%eth0|80||/", "[fe80::1]" },
	{ "zone that is a number", "ws://[fe80::1%252]", 0, "||fe80::1%2|80||/",
	    "[fe80::1]" },
	{ "user alone", "ws://u@a", 0, "u||a|80||/", "a" },
	{ "no user", "ws://@a", 0, "||a|80||/", "a" },
	{ "encoded user", "ws://u%40x:p%3a%2F@a", 0, "u@x|p:/|a|80||/", "a" },
	{ "@ in the password", "ws://u:p@q@a", 0, "u|p@q|a|80||/", "a" },
	{ "a longest name", "ws://" LABEL LABEL LABEL LABEL LABEL, 0,
	    "||" LABEL LABEL LABEL LABEL LABEL "|80||/",
	    LABEL LABEL LABEL LABEL LABEL },
	{ "longer", "ws://" LABEL LABEL LABEL LABEL LABEL "a",
	    AUTHORITY_ERR_HOST, NULL, NULL },

	{ "Unix", "ws+unix:/run/a.sock:/b?c", 0,
	    "||localhost|80|/run/a.sock|/b?c", "localhost" },
	{ "Unix, slashes", "ws+unix:///run/a.sock:/b", 0,
	    "||localhost|80|/run/a.sock|/b", "localhost" },
	{ "Unix, no target", "ws+unix:/run/a", 0, "||localhost|80|/run/a|/",
	    "localhost" },
	{ "Unix, empty target", "ws+unix:/run/a:", 0, "||localhost|80|/run/a|/",
	    "localhost" },
	{ "Unix, query alone", "ws+unix:/run/a:?b", 0,
	    "||localhost|80|/run/a|/?b", "localhost" },
	{ "Unix, from here", "ws+unix:a.sock", 0, "||localhost|80|a.sock|/",
	    "localhost" },
	{ "Unix, encoded", "ws+unix:/run/a%3ab%20c", 0,
	    "||localhost|80|/run/a:b c|/", "localhost" },
	{ "Unix under TLS", "wss+unix:/a:/b", 0, "tls ||localhost|443|/a|/b",
	    "localhost" },
	{ "Unix, nothing", "ws+unix:", WS_URL_ERR_PATH, NULL, NULL },
	{ "Unix, a query without a target", "ws+unix:/a?b", WS_URL_ERR_PATH,
	    NULL, NULL },
	{ "Unix, longest", "ws+unix:/" HUNDRED "123456", 0,
	    "||localhost|80|/" HUNDRED "123456|/", "localhost" },
	{ "Unix, too long", "ws+unix:/" HUNDRED "1234567", WS_URL_ERR_PATH,
	    NULL, NULL },
	{ "Unix, half a code", "ws+unix:/a%2", WS_URL_ERR_PATH, NULL, NULL },
	{ "Unix, encoded NUL", "ws+unix:/a%00b", WS_URL_ERR_PATH, NULL, NULL },

	{ "nothing", "", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "host and port", "localhost:8080/a", WS_URL_ERR_NO_SCHEME, NULL,
	    NULL },
	{ "host", "example.org", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "path", "/run/a.sock", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "host alone", "//a/b", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "no scheme", "://a", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "a scheme alone", "ws", WS_URL_ERR_NO_SCHEME, NULL, NULL },
	{ "no slashes", "ws:a", WS_URL_ERR_SLASHES, NULL, NULL },
	{ "one slash", "ws:/a", WS_URL_ERR_SLASHES, NULL, NULL },
	{ "another scheme", "ftp://a", WS_URL_ERR_SCHEME, NULL, NULL },
	{ "a scheme of ours and more", "wsx://a", WS_URL_ERR_SCHEME, NULL,
	    NULL },
	{ "fragment", "ws://a/#b", WS_URL_ERR_FRAGMENT, NULL, NULL },
	{ "empty fragment", "ws://a#", WS_URL_ERR_FRAGMENT, NULL, NULL },
	{ "blank", "ws://a/b c", WS_URL_ERR_CHAR, NULL, NULL },
	{ "blank before", " ws://a", WS_URL_ERR_CHAR, NULL, NULL },
	{ "line feed", "ws://a/\r\nX: y", WS_URL_ERR_CHAR, NULL, NULL },
	{ "DEL", "ws://a/\x7f", WS_URL_ERR_CHAR, NULL, NULL },
	{ "beyond ASCII in the path", "ws://a/\xc3\xa9", WS_URL_ERR_CHAR, NULL,
	    NULL },
	{ "beyond ASCII in the name", "ws://\xc3\xa9.org/", AUTHORITY_ERR_ASCII,
	    NULL, NULL },
	{ "no host", "ws:///a", AUTHORITY_ERR_NO_HOST, NULL, NULL },
	{ "no host but a port", "ws://:80/a", AUTHORITY_ERR_NO_HOST, NULL,
	    NULL },
	{ "no host but a user", "ws://u@", AUTHORITY_ERR_NO_HOST, NULL, NULL },
	{ "empty label", "ws://a..b", AUTHORITY_ERR_HOST, NULL, NULL },
	{ "encoded host", "ws://a%2eb", AUTHORITY_ERR_HOST, NULL, NULL },
	{ "backslash", "ws://a\\b", AUTHORITY_ERR_HOST, NULL, NULL },
	{ "port 0", "ws://a:0", AUTHORITY_ERR_PORT, NULL, NULL },
	{ "port over", "ws://a:65536", AUTHORITY_ERR_PORT, NULL, NULL },
	{ "port in letters", "ws://a:b", AUTHORITY_ERR_PORT, NULL, NULL },
	{ "port below", "ws://[::1]:-1", AUTHORITY_ERR_PORT, NULL, NULL },
	{ "bytes behind the bracket", "ws://[::1]a", AUTHORITY_ERR_PORT, NULL,
	    NULL },
	{ "IPv6 without brackets", "ws://::1/", AUTHORITY_ERR_BARE, NULL,
	    NULL },
	{ "IPv4 in brackets", "ws://[127.0.0.1]", AUTHORITY_ERR_IPV6, NULL,
	    NULL },
	{ "no end of bracket", "ws://[::1", AUTHORITY_ERR_IPV6, NULL, NULL },
	{ "nothing in brackets", "ws://[]", AUTHORITY_ERR_IPV6, NULL, NULL },
	{ "empty zone", "ws://[fe80::1%25]", AUTHORITY_ERR_IPV6, NULL, NULL },
	{ "zone alone", "ws://[%25eth0]", AUTHORITY_ERR_IPV6, NULL, NULL },
	{ "zone too long", "ws://[fe80::1%25" FIFTY "]", AUTHORITY_ERR_IPV6,
	    NULL, NULL },
	{ "zone with a slash", "ws://[fe80::1%25a/b]", AUTHORITY_ERR_IPV6, NULL,
	    NULL },
	{ "half a code in the user", "ws://u%4@a", AUTHORITY_ERR_USER, NULL,
	    NULL },
	{ "NUL in the password", "ws://u:%00@a", AUTHORITY_ERR_USER, NULL,
	    NULL },
	{ "a user too long", "ws://" HUNDRED HUNDRED FIFTY "123456@a",
	    AUTHORITY_ERR_USER, NULL, NULL },
};

static void
put_parts(const struct ws_url *u, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s|%s|%s|%u|%s|%s", u->tls ? "tls " : "",
	    u->at.user, u->at.password, u->at.host, u->at.port, u->path,
	    u->target);
}

static void
reads_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		char parts[PARTS_SIZE], host[AUTHORITY_FIELD];
		struct ws_url url;
		int rc = ws_url_read(&url, c->url);

		if (rc != c->end)
			fail_msg("%s: %d, %s", c->name, rc,
			    ws_url_strresult((enum ws_url_result)rc));
		if (rc != WS_URL_OK)
			continue;
		put_parts(&url, parts, sizeof(parts));
		ws_url_put_host(&url, host);
		if (strcmp(parts, c->parts) != 0 || strcmp(host, c->host) != 0)
			fail_msg("%s: %s, %s", c->name, parts, host);
	}
}

static void
limits_the_target(void **state)
{
	char text[WS_URL_TARGET + 8] = "ws://a/";
	struct ws_url url;

	(void)state;
	memset(text + 7, 'x', WS_URL_TARGET - 2);
	assert_int_equal(ws_url_read(&url, text), WS_URL_OK);
	assert_int_equal(strlen(url.target), WS_URL_TARGET - 1);
	text[WS_URL_TARGET + 5] = 'x';
	assert_int_equal(ws_url_read(&url, text), WS_URL_ERR_TARGET);
}

static const struct redirect {
	const char *name;
	const char *base, *location;
	int end;
	const char *parts;
} redirects[] = {
	{ "absolute", "ws://u:p@a/b", "https://c:1/d?e", 0, "tls ||c|1||/d?e" },
	{ "the same scheme", "wss://a/b?c", "//d/e", 0, "tls ||d|443||/e" },
	{ "path", "ws://u:p@a:1/b?c", "/d", 0, "u|p|a|1||/d" },
	{ "relative", "ws://a/b/c?d=/e", "f?g", 0, "||a|80||/b/f?g" },
	{ "up", "ws://a/b/c/d", "../e", 0, "||a|80||/b/e" },
	{ "up and up", "ws://a/b/c/d", "../../../../e", 0, "||a|80||/e" },
	{ "up to a folder", "ws://a/b/c/d", "..", 0, "||a|80||/b/" },
	{ "here", "ws://a/b/c", ".", 0, "||a|80||/b/" },
	{ "dots of a name", "ws://a/b", "..c/.d/...", 0,
	    "||a|80||/..c/.d/..." },
	{ "dots in the query", "ws://a/b", "c?d=/../e", 0,
	    "||a|80||/c?d=/../e" },
	{ "empty segments", "ws://a/b", "/c//../d//", 0, "||a|80||/c/d//" },
	{ "dots of an absolute one", "ws://a/", "ws://b/c/./../d", 0,
	    "||b|80||/d" },
	{ "query", "ws://a/b/c?d", "?e", 0, "||a|80||/b/c?e" },
	{ "nothing", "ws://a/b/c?d", "", 0, "||a|80||/b/c?d" },
	{ "fragment", "ws://a/b", "/c#d", 0, "||a|80||/c" },
	{ "zone", "ws://[fe80::1%25e]/b", "/c", 0, "||fe80::1%e|80||/c" },
	{ "over a Unix socket", "ws+unix:/s:/b/c", "d", 0,
	    "||localhost|80|/s|/b/d" },
	{ "away from a Unix socket", "ws+unix:/s:/b", "ws://a/", 0,
	    "||a|80||/" },
	{ "to a Unix socket", "ws://a/", "ws+unix:/s", WS_URL_ERR_SCHEME,
	    NULL },
	{ "another scheme", "ws://a/", "ftp://b/", WS_URL_ERR_SCHEME, NULL },
	{ "script", "ws://a/", "javascript:b", WS_URL_ERR_NO_SCHEME, NULL },
	{ "blank", "ws://a/", "/b c", WS_URL_ERR_CHAR, NULL },
	{ "no host", "ws://a/", "///b", AUTHORITY_ERR_NO_HOST, NULL },
};

static void
follows_redirects(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(redirects); i++) {
		const struct redirect *c = &redirects[i];
		struct ws_url base, to;
		char parts[PARTS_SIZE];
		int rc;

		assert_int_equal(ws_url_read(&base, c->base), WS_URL_OK);
		rc =
		    ws_url_follow(&to, &base, c->location, strlen(c->location));
		if (rc != c->end)
			fail_msg("%s: %d", c->name, rc);
		if (rc != WS_URL_OK)
			continue;
		put_parts(&to, parts, sizeof(parts));
		if (strcmp(parts, c->parts) != 0)
			fail_msg("%s: %s", c->name, parts);
	}
}

static void
knows_the_same_server(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "ws://a/b", "http://u@A:80/c", true },
		{ "ws://a", "wss://a", false },
		{ "ws://a", "ws://a:81", false },
		{ "ws://a", "ws://b", false },
		{ "ws+unix:/a", "ws+unix:/b", false },
		{ "ws+unix:/a", "ws://localhost", false },
	};
	struct ws_url a, b;

	(void)state;
	for (size_t i = 0; i < nitems(pairs); i++) {
		assert_int_equal(ws_url_read(&a, pairs[i].a), WS_URL_OK);
		assert_int_equal(ws_url_read(&b, pairs[i].b), WS_URL_OK);
		assert_int_equal(ws_url_same_server(&a, &b), pairs[i].same);
	}
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int rc = WS_URL_ERR_PATH; rc <= WS_URL_ERR_SCHEME; rc++)
		assert_string_not_equal(ws_url_strresult(
					    (enum ws_url_result)rc),
		    "unknown result");
	for (int rc = AUTHORITY_ERR_USER; rc <= AUTHORITY_OK; rc++)
		assert_string_not_equal(authority_strresult(
					    (enum authority_result)rc),
		    "unknown result");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_urls),
		cmocka_unit_test(limits_the_target),
		cmocka_unit_test(follows_redirects),
		cmocka_unit_test(knows_the_same_server),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
