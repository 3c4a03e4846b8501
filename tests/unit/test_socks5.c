#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/authority.h"
#include "codec/socks5.h"
#include "feed.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG FIFTY FIFTY FIFTY FIFTY FIFTY "12345"

/* What we send. */
#define HELLO "\5\1\0"
#define HELLO_USER "\5\2\0\2"
#define ASK_NAME "\5\1\0\3\3a.b\x1f\x90"
#define OK_V4 "\5\0\0\1\0\0\0\0\0\0"

static const struct test_case {
	const char *name;
	const char *to, *as;
	const char *in;
	size_t in_len;
	enum socks5_result end;
	const char *out; /* everything we sent */
	size_t out_len;
	size_t behind; /* bytes that are the server's */
} cases[] = {
#define B(s) s, sizeof(s) - 1
	{ "a name", "a.b:8080", "p", B("\5\0" OK_V4), SOCKS5_THROUGH,
	    B(HELLO ASK_NAME), 0 },
	{ "bytes behind", "a.b:8080", "p", B("\5\0" OK_V4 "xyz"),
	    SOCKS5_THROUGH, B(HELLO ASK_NAME), 3 },
	{ "IPv4", "192.0.2.7:80", "p", B("\5\0" OK_V4), SOCKS5_THROUGH,
	    B(HELLO "\5\1\0\1\xc0\0\2\7\0\x50"), 0 },
	{ "IPv6", "[::1]:80", "p", B("\5\0" OK_V4), SOCKS5_THROUGH,
	    B(HELLO "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"), 0 },
	{ "it answers with IPv6", "a.b:8080", "p",
	    B("\5\0\5\0\0\4" TEN "012345xx"), SOCKS5_THROUGH, B(HELLO ASK_NAME),
	    0 },
	{ "it answers with a name", "a.b:8080", "p", B("\5\0\5\0\0\3\3abcxxy"),
	    SOCKS5_THROUGH, B(HELLO ASK_NAME), 1 },
	{ "it answers with no name", "a.b:8080", "p", B("\5\0\5\0\0\3\0xx"),
	    SOCKS5_THROUGH, B(HELLO ASK_NAME), 0 },
	{ "it answers with the longest", "a.b:8080", "p",
	    B("\5\0\5\0\0\3\xff" LONG "xx"), SOCKS5_THROUGH, B(HELLO ASK_NAME),
	    0 },
	{ "incomplete", "a.b:8080", "p", B("\5\0\5\0\0\1\0\0\0\0\0"),
	    SOCKS5_MORE, B(HELLO ASK_NAME), 0 },
	{ "user and password", "a.b:8080", "u:pw@p", B("\5\2\1\0" OK_V4),
	    SOCKS5_THROUGH, B(HELLO_USER "\1\1u\2pw" ASK_NAME), 0 },
	{ "user, not asked for", "a.b:8080", "u:pw@p", B("\5\0" OK_V4),
	    SOCKS5_THROUGH, B(HELLO_USER ASK_NAME), 0 },
	{ "user without password", "a.b:8080", "u@p", B("\5\2\5\0"),
	    SOCKS5_MORE, B(HELLO_USER "\1\1u\0" ASK_NAME), 0 },
	{ "wrong password", "a.b:8080", "u:pw@p", B("\5\2\1\1"),
	    SOCKS5_ERR_USER, B(HELLO_USER "\1\1u\2pw"), 0 },
	{ "a user is wanted", "a.b:8080", "p", B("\5\2"), SOCKS5_ERR_METHOD,
	    B(HELLO), 0 },
	{ "nothing will do", "a.b:8080", "u@p", B("\5\xff"), SOCKS5_ERR_METHOD,
	    B(HELLO_USER), 0 },
	{ "GSSAPI", "a.b:8080", "u@p", B("\5\1"), SOCKS5_ERR_METHOD,
	    B(HELLO_USER), 0 },
	{ "HTTP", "a.b:8080", "p", B("HTTP/1.1 400"), SOCKS5_ERR_OTHER,
	    B(HELLO), 10 },
	{ "another version of users", "a.b:8080", "u@p", B("\5\2\2\0"),
	    SOCKS5_ERR_OTHER, B(HELLO_USER "\1\1u\0"), 0 },
	{ "another version of replies", "a.b:8080", "p", B("\5\0\4\0\0\1\0"),
	    SOCKS5_ERR_OTHER, B(HELLO ASK_NAME), 0 },
	{ "another kind of address", "a.b:8080", "p", B("\5\0\5\0\0\2\0"),
	    SOCKS5_ERR_OTHER, B(HELLO ASK_NAME), 0 },
#define REPLY(code, rc)                                              \
	{                                                            \
#rc, "a.b:8080", "p", B("\5\0\5" code "\0\1\0"), rc, \
		    B(HELLO ASK_NAME), 0                             \
	}
	REPLY("\1", SOCKS5_ERR_FAILED),
	REPLY("\2", SOCKS5_ERR_RULES),
	REPLY("\3", SOCKS5_ERR_NETWORK),
	REPLY("\4", SOCKS5_ERR_HOST),
	REPLY("\5", SOCKS5_ERR_REFUSED),
	REPLY("\6", SOCKS5_ERR_TTL),
	REPLY("\7", SOCKS5_ERR_COMMAND),
	REPLY("\10", SOCKS5_ERR_ADDRESS),
	REPLY("\11", SOCKS5_ERR_FAILED),
	REPLY("\xff", SOCKS5_ERR_FAILED),
#undef REPLY
#undef B
};

struct got {
	struct authority to, as;
	struct socks5 socks;
	struct buf out;
	enum socks5_result rc;
	size_t behind;
};

static void
begin(struct got *g, const struct test_case *c)
{
	*g = (struct got){ .rc = SOCKS5_MORE };
	buf_init(&g->out, 1024);
	assert_int_equal(authority_read(&g->to, c->to, strlen(c->to)),
	    AUTHORITY_OK);
	assert_int_equal(authority_read(&g->as, c->as, strlen(c->as)),
	    AUTHORITY_OK);
	assert_true(socks5_begin(&g->socks, &g->to, &g->as, &g->out));
}

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	size_t used = 0;

	if (g->rc == SOCKS5_MORE)
		g->rc = socks5_read(&g->socks, piece, len, &used, &g->out);
	assert_true(g->rc != SOCKS5_MORE || used == len);
	g->behind += len - used;
	return true;
}

static void
check(const struct test_case *c, struct got *g)
{
	if (g->rc != c->end || g->behind != c->behind)
		fail_msg("%s: %s, %zu", c->name, socks5_strresult(g->rc),
		    g->behind);
	if (g->out.len != c->out_len ||
	    memcmp(g->out.data, c->out, c->out_len) != 0)
		fail_msg("%s: sent %zu bytes", c->name, g->out.len);
	buf_clear(&g->out);
}

static void
in_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		struct got g;

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			begin(&g, c);
			feed(cut, c->in, c->in_len, take, &g);
			check(c, &g);
		}
		begin(&g, c);
		feed_bytes(c->in, c->in_len, take, &g);
		check(c, &g);
	}
}

static void
stays_through(void **state)
{
	struct got g;
	size_t used = 9;

	(void)state;
	begin(&g, &cases[0]);
	feed(0, cases[0].in, cases[0].in_len, take, &g);
	assert_int_equal(socks5_read(&g.socks, (const uint8_t *)"x", 1, &used,
			     &g.out),
	    SOCKS5_THROUGH);
	assert_int_equal(used, 0);
	buf_clear(&g.out);
}

static void
every_result_has_words(void **state)
{
	(void)state;
	for (int rc = SOCKS5_ERR_ADDRESS; rc <= SOCKS5_THROUGH; rc++)
		assert_string_not_equal(socks5_strresult(
					    (enum socks5_result)rc),
		    "unknown result");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_every_cut),
		cmocka_unit_test(stays_through),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
