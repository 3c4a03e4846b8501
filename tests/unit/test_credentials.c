#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/credentials.h"
#include "codec/http1.h"
#include "codec/url.h"
#include "feed.h"

enum ways { BASIC = 1, BEARER = 2, COOKIE = 4, QUERY = 8, ALL = 15 };

static const struct test_case {
	const char *name;
	const char *target;
	const char *fields;
	int ways;
	enum credentials_result rc;
	const char *who; /* user:password, or a token */
} cases[] = {
#define A(v) "Authorization: " v "\r\n"
#define C(v) "Cookie: " v "\r\n"
#define P(v) "Sec-WebSocket-Protocol: " v "\r\n"
#define NONE CREDENTIALS_NONE
#define USER CREDENTIALS_BASIC
#define TOKEN CREDENTIALS_BEARER
	{ "nothing", "/", "", ALL, NONE, "" },

	{ "basic", "/", A("Basic YTpi"), ALL, USER, "a:b" },
	{ "any case", "/", A("bAsIc YTpi"), ALL, USER, "a:b" },
	{ "blanks", "/", A("Basic   YTpi  "), ALL, USER, "a:b" },
	{ "first colon", "/", A("Basic YTpiOmM="), ALL, USER, "a:b:c" },
	{ "empty password", "/", A("Basic YTo="), ALL, USER, "a:" },
	{ "empty user", "/", A("Basic OmE="), ALL, USER, ":a" },
	{ "both empty", "/", A("Basic Og=="), ALL, USER, ":" },
	{ "UTF-8", "/", A("Basic w7w6w7Y="), ALL, USER, "\xc3\xbc:\xc3\xb6" },
	{ "basic unasked", "/", A("Basic YTpi"), BEARER, NONE, "" },
	{ "no colon", "/", A("Basic YWI="), ALL, CREDENTIALS_ERR_BASIC, "" },
	{ "a control", "/", A("Basic YToKYg=="), ALL, CREDENTIALS_ERR_BASIC,
	    "" },
	{ "a NUL", "/", A("Basic YToAYg=="), ALL, CREDENTIALS_ERR_BASIC, "" },
	{ "no padding", "/", A("Basic YTo"), ALL, CREDENTIALS_ERR_BASIC, "" },
	{ "stray bits", "/", A("Basic YTp="), ALL, CREDENTIALS_ERR_BASIC, "" },
	{ "stray bits of two", "/", A("Basic Ox=="), ALL, CREDENTIALS_ERR_BASIC,
	    "" },
	{ "too much padding", "/", A("Basic YTpiYT======"), ALL,
	    CREDENTIALS_ERR_BASIC, "" },
	{ "three of padding", "/", A("Basic Y==="), ALL, CREDENTIALS_ERR_BASIC,
	    "" },
	{ "other alphabet", "/", A("Basic YTp-"), ALL, CREDENTIALS_ERR_BASIC,
	    "" },
	{ "padding inside", "/", A("Basic YQ==YTpi"), ALL,
	    CREDENTIALS_ERR_MALFORMED, "" },
	{ "two words", "/", A("Basic YTpi YTpi"), ALL,
	    CREDENTIALS_ERR_MALFORMED, "" },
	{ "a list", "/", A("Basic YTpi, Basic YTpi"), ALL,
	    CREDENTIALS_ERR_MALFORMED, "" },
	{ "scheme alone", "/", A("Basic"), ALL, CREDENTIALS_ERR_MALFORMED, "" },
	{ "a tab", "/", A("Basic\tYTpi"), ALL, CREDENTIALS_ERR_MALFORMED, "" },
	{ "empty", "/", A(""), ALL, CREDENTIALS_ERR_MALFORMED, "" },
	{ "twice", "/", A("Basic YTpi") A("Basic YTpi"), ALL,
	    CREDENTIALS_ERR_SEVERAL, "" },
	{ "inside another (H23)", "/", A("Digest x=\"Basic YTpi\""), ALL, NONE,
	    "" },
	{ "behind another (H23)", "/", A("XBasic YTpi"), ALL, NONE, "" },
	{ "glued (H23)", "/", A("BasicYTpi"), ALL, NONE, "" },

	{ "bearer", "/", A("Bearer a.b-c_d~e+f/g=="), ALL, TOKEN,
	    "a.b-c_d~e+f/g==" },
	{ "bearer unasked", "/", A("Bearer abc"), BASIC, NONE, "" },
	{ "no token", "/", A("Bearer abc def"), ALL, CREDENTIALS_ERR_MALFORMED,
	    "" },
	{ "padding alone", "/", A("Bearer =="), ALL, CREDENTIALS_ERR_MALFORMED,
	    "" },

	{ "cookie", "/", C("t=abc"), ALL, TOKEN, "abc" },
	{ "cookie among others", "/", C("a=b; t=abc; c=d"), ALL, TOKEN, "abc" },
	{ "cookie in quotes", "/", C("t=\"abc\""), ALL, TOKEN, "abc" },
	{ "cookie unnamed", "/", C("t=abc"), BEARER, NONE, "" },
	{ "longer name", "/", C("tt=abc"), ALL, NONE, "" },
	{ "shorter name", "/", C("=abc; t"), ALL, NONE, "" },
	{ "other case", "/", C("T=abc"), ALL, NONE, "" },
	{ "name in a value", "/", C("a=t=abc"), ALL, NONE, "" },
	{ "cookie twice", "/", C("t=abc; t=abc"), ALL, TOKEN, "abc" },
	{ "cookies differ", "/", C("t=abc; t=abd"), ALL, TOKEN, "abc" },
	{ "cookie empty", "/", C("t="), ALL, NONE, "" },
	{ "cookie malformed", "/", C("t=a b"), ALL, NONE, "" },
	{ "half a quote", "/", C("t=\"a"), ALL, NONE, "" },
	{ "cookie encoded", "/", C("t=a%2Bb%3D"), ALL, TOKEN, "a+b=" },
	{ "cookie half encoded", "/", C("t=a%2"), ALL, NONE, "" },
	{ "one malformed, one not", "/", C("t=a b; t=abc"), ALL, TOKEN, "abc" },

	{ "protocol", "/", P("bearer.abc, app"), ALL, TOKEN, "abc" },
	{ "protocols in fields", "/", P("app") P("bearer.abc"), ALL, TOKEN,
	    "abc" },
	{ "protocol unasked", "/", P("bearer.abc, app"), BASIC, NONE, "" },
	{ "no token behind it", "/", P("bearer., app"), ALL,
	    CREDENTIALS_ERR_TOKEN, "" },
	{ "another prefix", "/", P("Bearer.abc, xbearer.abc"), ALL, NONE, "" },
	{ "protocols differ", "/", P("bearer.abc, bearer.abd"), ALL,
	    CREDENTIALS_ERR_CONFLICT, "" },

	{ "query", "/?k=abc", "", ALL, TOKEN, "abc" },
	{ "query among others", "/?a=b&k=abc&c=d", "", ALL, TOKEN, "abc" },
	{ "query encoded", "/?k=a%2Fb%3d", "", ALL, TOKEN, "a/b=" },
	{ "query not enabled", "/?k=abc", "", BEARER | COOKIE, NONE, "" },
	{ "query empty", "/?k=", "", ALL, CREDENTIALS_ERR_TOKEN, "" },
	{ "query half encoded", "/?k=a%2", "", ALL, CREDENTIALS_ERR_TOKEN, "" },
	{ "query twice", "/?k=abc&k=abd", "", ALL, CREDENTIALS_ERR_CONFLICT,
	    "" },
	{ "in the path", "/k=abc", "", ALL, NONE, "" },

	{ "four agree", "/?k=abc",
	    A("Bearer abc") C("t=abc") P("bearer.abc, a"), ALL, TOKEN, "abc" },
	{ "header and cookie differ", "/", A("Bearer abc") C("t=abd"), ALL,
	    TOKEN, "abc" },
	{ "header and query differ", "/?k=ab", A("Bearer abc"), ALL,
	    CREDENTIALS_ERR_CONFLICT, "" },
	{ "cookie and protocol differ", "/", C("t=abc") P("bearer.abd, a"), ALL,
	    TOKEN, "abd" },
	{ "user and cookie", "/", A("Basic YTpi") C("t=abc"), ALL, USER,
	    "a:b" },
	{ "user and token", "/", A("Basic YTpi") P("bearer.abc, a"), ALL,
	    CREDENTIALS_ERR_CONFLICT, "" },
	{ "unasked user and token", "/", A("Basic YTpi") C("t=abc"),
	    BEARER | COOKIE, TOKEN, "abc" },
#undef USER
#undef TOKEN
#undef NONE
};

static struct guarded
read_head(struct http1_head *head, const char *target, const char *fields)
{
	char text[8192];
	size_t scanned = 0, used;
	struct guarded g;
	int n;

	n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n",
	    target, fields);
	assert_in_range(n, 1, sizeof(text) - 1);
	g = guarded_new(text, (size_t)n);
	if (http1_read_request(head, g.data, (size_t)n, &scanned, &used) !=
	    HTTP1_HEAD)
		fail_msg("not a head: %s", text);
	return g;
}

static enum credentials_result
read_case(struct credentials *c, int ways, const char *target,
    const char *fields)
{
	const struct credentials_ways w = {
		.basic = ways & BASIC,
		.bearer = ways & BEARER,
		.cookie = ways & COOKIE ? "t" : NULL,
		.query = ways & QUERY ? "k" : NULL,
	};
	enum credentials_result rc;
	struct http1_head head;
	struct url url;
	struct guarded g = read_head(&head, target, fields);

	url_split(head.target, head.target_len, &url);
	rc = credentials_read(c, &w, &head, url.query, url.query_len);
	guarded_free(&g);
	return rc;
}

static void
reads(void **state)
{
	struct credentials c;
	char who[2048];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *t = &cases[i];
		enum credentials_result rc;

		rc = read_case(&c, t->ways, t->target, t->fields);
		if (rc != t->rc)
			fail_msg("%s: %d", t->name, rc);
		snprintf(who, sizeof(who), "%s%s%s",
		    rc == CREDENTIALS_BASIC        ? c.user
			: rc == CREDENTIALS_BEARER ? c.token[0]
						   : "",
		    rc == CREDENTIALS_BASIC ? ":" : "",
		    rc == CREDENTIALS_BASIC ? c.password : "");
		if (strcmp(who, t->who) != 0)
			fail_msg("%s: %s", t->name, who);
		assert_non_null(credentials_strresult(rc));
	}
}

/* Lengths at their limits, in base64 without padding: 'aaa' is YWFh. */
static void
limits_lengths(void **state)
{
	static const struct {
		size_t user, password;
		enum credentials_result rc;
	} rows[] = {
		{ 255, 511, CREDENTIALS_BASIC },
		{ 255, 512, CREDENTIALS_ERR_BASIC },
		{ 256, 510, CREDENTIALS_ERR_BASIC },
		{ 3, 1000, CREDENTIALS_ERR_BASIC },
	};
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct credentials c;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		unsigned char raw[2048] = { 0 };
		char text[4096];
		size_t len = rows[i].user + 1 + rows[i].password, n;

		memset(raw, 'a', len);
		raw[rows[i].user] = ':';
		n = (size_t)snprintf(text, sizeof(text),
		    "Authorization: Basic ");
		for (size_t k = 0; k < len; k += 3) {
			unsigned v = (unsigned)raw[k] << 16 |
			    (unsigned)raw[k + 1] << 8 | raw[k + 2];

			for (int s = 18; s >= 0; s -= 6)
				text[n++] = alphabet[v >> s & 63];
		}
		for (size_t pad = (3 - len % 3) % 3; pad > 0; pad--)
			text[n - pad] = '=';
		memcpy(text + n, "\r\n", 3);
		assert_int_equal(read_case(&c, ALL, "/", text), rows[i].rc);
	}
	for (size_t len = CREDENTIALS_TOKEN_MAX;
	     len <= CREDENTIALS_TOKEN_MAX + 1; len++) {
		char text[2048], t[CREDENTIALS_TOKEN_MAX + 2];

		memset(t, 'x', len);
		t[len] = '\0';
		snprintf(text, sizeof(text), "Cookie: t=%s\r\n", t);
		assert_int_equal(read_case(&c, ALL, "/", text),
		    len > CREDENTIALS_TOKEN_MAX ? CREDENTIALS_NONE
						: CREDENTIALS_BEARER);
	}
}

/* A browser sends what it has, stale ones too, and not in every order. */
static void
fault_W10_any_cookie_may_be_the_right_one(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(read_case(&c, ALL, "/",
			     C("t=x; t=a b; t=%zz; t=x") C("t=y; t=z")),
	    CREDENTIALS_BEARER);
	assert_int_equal(c.ntokens, 3);
	assert_string_equal(c.token[0], "x");
	assert_string_equal(c.token[1], "y");
	assert_string_equal(c.token[2], "z");
	(void)read_case(&c, ALL, "/", C("t=1; t=2; t=3; t=4; t=5"));
	assert_int_equal(c.ntokens, CREDENTIALS_TOKENS);
}

static void
knows_a_lone_token(void **state)
{
	static const struct {
		const char *fields;
		bool lone;
	} rows[] = {
		{ "", false },
		{ P("app"), false },
		{ P("bearer.abc"), true },
		{ P("bearer.abc") P("bearer.abc"), true },
		{ P("bearer.abc, app"), false },
		{ P("bearer.abc") P("app"), false },
	};
	struct credentials c;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		(void)read_case(&c, ALL, "/", rows[i].fields);
		if (c.lone_protocol != rows[i].lone)
			fail_msg("%s", rows[i].fields);
	}
}

static void
wipes(void **state)
{
	static const struct credentials zero;
	struct credentials c;

	(void)state;
	memset(&c, 'x', sizeof(c));
	credentials_wipe(&c);
	assert_memory_equal(&c, &zero, sizeof(c));
}

static size_t
cut_query(const char *s, size_t len, char *out)
{
	return credentials_cut_query(s, len, "k", out);
}

static size_t
cut_cookie(const char *s, size_t len, char *out)
{
	return credentials_cut_cookie(s, len, "k", out);
}

static void
cuts(void **state)
{
	static const struct {
		size_t (*cut)(const char *, size_t, char *);
		const char *in, *out;
	} rows[] = {
		{ cut_query, "", "" },
		{ cut_query, "a=b&c", "a=b&c" },
		{ cut_query, "&&a&", "&&a&" },
		{ cut_query, "k=x", "" },
		{ cut_query, "k=x&a=b", "a=b" },
		{ cut_query, "a=b&k=x", "a=b" },
		{ cut_query, "a=b&k=x&c=d", "a=b&c=d" },
		{ cut_query, "k=x&k=&k", "k" },
		{ cut_query, "kk=x&a=k=x", "kk=x&a=k=x" },
		{ cut_cookie, "a=b;c=d;  e", "a=b;c=d;  e" },
		{ cut_cookie, "k=x", "" },
		{ cut_cookie, "k=x; a=b", "a=b" },
		{ cut_cookie, "a=b; k=x", "a=b" },
		{ cut_cookie, "a=b; k=x ;c=d", "a=b;c=d" },
		{ cut_cookie, "kk=x", "kk=x" },
		{ credentials_cut_protocols, "app", "app" },
		{ credentials_cut_protocols, "bearer.x", "" },
		{ credentials_cut_protocols, "bearer.x, app", "app" },
		{ credentials_cut_protocols, "app, bearer.x", "app" },
		{ credentials_cut_protocols, "a, bearer.x,b", "a,b" },
		{ credentials_cut_protocols, "a, bearer", "a, bearer" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct guarded g = guarded_new(rows[i].in, strlen(rows[i].in));
		size_t n;

		n = rows[i].cut((char *)g.data, strlen(rows[i].in), out);
		if (n != strlen(rows[i].out) ||
		    memcmp(out, rows[i].out, n) != 0)
			fail_msg("%s: %.*s", rows[i].in, (int)n, out);
		guarded_free(&g);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(limits_lengths),
		cmocka_unit_test(fault_W10_any_cookie_may_be_the_right_one),
		cmocka_unit_test(knows_a_lone_token),
		cmocka_unit_test(wipes),
		cmocka_unit_test(cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
