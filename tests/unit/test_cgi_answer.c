#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/cgi_answer.h"
#include "feed.h"

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	enum cgi_answer_result end;
	unsigned status;
	const char *local;
	const char *fields; /* passed on, as NAME=VALUE; */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
#define TYPE "Content-Type: text/plain\n"
	{ "document", IN(TYPE "\nhello"), CGI_ANSWER_DONE, 200, NULL,
	    "Content-Type=text/plain;" },
	{ "document with CRLF", IN("Content-Type: text/plain\r\n\r\nhello"),
	    CGI_ANSWER_DONE, 200, NULL, "Content-Type=text/plain;" },
	{ "line ends mixed", IN(TYPE "A: b\r\n\nhello"), CGI_ANSWER_DONE, 200,
	    NULL, "Content-Type=text/plain;A=b;" },
	{ "blanks around", IN("A:\t b c \t\nB:\n\n"), CGI_ANSWER_DONE, 200,
	    NULL, "A=b c;B=;" },
	{ "colons in a value", IN("A: b: c\n\n"), CGI_ANSWER_DONE, 200, NULL,
	    "A=b: c;" },
	{ "fields repeat", IN("Set-Cookie: a\nSet-Cookie: b\n\n"),
	    CGI_ANSWER_DONE, 200, NULL, "Set-Cookie=a;Set-Cookie=b;" },
	{ "nothing", IN(""), CGI_ANSWER_MORE, 0, NULL, "" },
	{ "no empty line", IN(TYPE), CGI_ANSWER_MORE, 0, NULL, "" },
	{ "half an empty line", IN(TYPE "\r"), CGI_ANSWER_MORE, 0, NULL, "" },

	{ "status", IN("Status: 404 Not Found\n" TYPE "\n"), CGI_ANSWER_DONE,
	    404, NULL, "Content-Type=text/plain;" },
	{ "status without words", IN("status:599\n\n"), CGI_ANSWER_DONE, 599,
	    NULL, "" },
	{ "status twice", IN("Status: 200\nStatus: 200\n\n"),
	    CGI_ANSWER_ERR_TWICE, 0, NULL, "" },
	{ "status 101", IN("Status: 101 Switching\n\n"), CGI_ANSWER_ERR_STATUS,
	    0, NULL, "" },
	{ "status 600", IN("Status: 600\n\n"), CGI_ANSWER_ERR_STATUS, 0, NULL,
	    "" },
	{ "status of four digits", IN("Status: 2000\n\n"),
	    CGI_ANSWER_ERR_STATUS, 0, NULL, "" },
	{ "status of words", IN("Status: OK\n\n"), CGI_ANSWER_ERR_STATUS, 0,
	    NULL, "" },
	{ "status is empty", IN("Status:\n\n"), CGI_ANSWER_ERR_STATUS, 0, NULL,
	    "" },

	{ "local redirect", IN("Location: /a?b\n\n"), CGI_ANSWER_DONE, 302,
	    "/a?b", "Location=/a?b;" },
	{ "redirect", IN("Location: http://a/b\n\n"), CGI_ANSWER_DONE, 302,
	    NULL, "Location=http://a/b;" },
	{ "redirect to another host", IN("Location: //a/b\n\n"),
	    CGI_ANSWER_DONE, 302, NULL, "Location=//a/b;" },
	{ "redirect with a status", IN("Status: 303\nLocation: /a\n\n"),
	    CGI_ANSWER_DONE, 303, NULL, "Location=/a;" },
	{ "created", IN("Location: /a\nStatus: 201\n\n"), CGI_ANSWER_DONE, 201,
	    NULL, "Location=/a;" },
	{ "redirect with a fragment", IN("Location: /a#b\n\n"), CGI_ANSWER_DONE,
	    302, NULL, "Location=/a#b;" },
	{ "redirect to nowhere", IN("Location:\n\n"), CGI_ANSWER_ERR_LOCATION,
	    0, NULL, "" },
	{ "redirect with a blank", IN("Location: /a b\n\n"),
	    CGI_ANSWER_ERR_LOCATION, 0, NULL, "" },
	{ "redirect with bytes over 7f", IN("Location: /\xc3\xa4\n\n"),
	    CGI_ANSWER_ERR_LOCATION, 0, NULL, "" },
	{ "redirect twice", IN("Location: /a\nLocation: /b\n\n"),
	    CGI_ANSWER_ERR_TWICE, 0, NULL, "" },
	{ "type twice", IN(TYPE TYPE "\n"), CGI_ANSWER_ERR_TWICE, 0, NULL, "" },

	{ "what is ours",
	    IN("Connection: close\nkeep-alive: 1\nTRANSFER-ENCODING: chunked\n"
	       "Upgrade: h2c\nTrailer: A\nTE: trailers\nDate: now\nServer: x\n"
	       "Proxy-Connection: close\nProxy-Authenticate: x\n"
	       "Sec-WebSocket-Accept: x\nX-CGI-a: b\nSec-WebSocke: y\n\n"),
	    CGI_ANSWER_DONE, 200, NULL, "Sec-WebSocke=y;" },

	{ "no field", IN("\nhello"), CGI_ANSWER_ERR_FIELDS, 0, NULL, "" },
	{ "no field, CRLF", IN("\r\nhello"), CGI_ANSWER_ERR_FIELDS, 0, NULL,
	    "" },
	{ "no colon", IN("hello\n\n"), CGI_ANSWER_ERR_FIELD, 0, NULL, "" },
	{ "a status line", IN("HTTP/1.1 200 OK\n" TYPE "\n"),
	    CGI_ANSWER_ERR_FIELD, 0, NULL, "" },
	{ "no name", IN(": a\n\n"), CGI_ANSWER_ERR_FIELD, 0, NULL, "" },
	{ "blank before the colon", IN("A : b\n\n"), CGI_ANSWER_ERR_FIELD, 0,
	    NULL, "" },
	{ "folded", IN("A: b\n c\n\n"), CGI_ANSWER_ERR_FIELD, 0, NULL, "" },
	{ "NUL", IN("A: b\0c\n\n"), CGI_ANSWER_ERR_CHAR, 0, NULL, "" },
	{ "CR in a value", IN("A: b\rSet-Cookie: c\n\n"), CGI_ANSWER_ERR_CHAR,
	    0, NULL, "" },
	{ "CR CR LF", IN("A: b\r\r\n\n"), CGI_ANSWER_ERR_CHAR, 0, NULL, "" },
	{ "escape", IN("A: \33[m\n\n"), CGI_ANSWER_ERR_CHAR, 0, NULL, "" },
	{ "DEL", IN("A: \x7f\n\n"), CGI_ANSWER_ERR_CHAR, 0, NULL, "" },
	{ "not text",
	    IN("\x7f"
	       "ELF"),
	    CGI_ANSWER_ERR_CHAR, 0, NULL, "" },
#undef IN
};

struct got {
	struct cgi_answer a;
	size_t used;
	enum cgi_answer_result rc;
};

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	size_t used;

	g->rc = cgi_answer_read(&g->a, piece, len, &used);
	assert_true(g->rc == CGI_ANSWER_MORE ? used == len : used <= len);
	g->used += used;
	return g->rc == CGI_ANSWER_MORE;
}

static void
assert_case(const struct test_case *c, const char *how, size_t cut,
    struct got *g)
{
	char fields[256] = "";

	if (g->rc != c->end)
		fail_msg("%s, %s %zu: %s, not %s", c->name, how, cut,
		    cgi_answer_strresult(g->rc), cgi_answer_strresult(c->end));
	if (g->rc == CGI_ANSWER_DONE) {
		for (size_t i = 0; i < g->a.nfields; i++) {
			strcat(fields, g->a.field[i].name);
			strcat(fields, "=");
			strcat(fields, g->a.field[i].value);
			strcat(fields, ";");
		}
		if (g->a.status != c->status || strcmp(fields, c->fields) != 0)
			fail_msg("%s, %s %zu: %u %s", c->name, how, cut,
			    g->a.status, fields);
		assert_int_equal(c->local == NULL, g->a.local == NULL);
		if (c->local != NULL)
			assert_string_equal(c->local, g->a.local);
		assert_true(strcmp(c->in + g->used, "hello") == 0 ||
		    g->used == c->in_len);
	}
	cgi_answer_clear(&g->a);
}

/* RFC 3875, section 6.3.3. */
static void
fault_F11_the_reason_is_the_programs(void **state)
{
	static const struct {
		const char *in, *reason;
	} rows[] = {
		{ "Status: 418 Teapot\n\n", "Teapot" },
		{ "Status: 404   Nobody here \n\n", "Nobody here" },
		{ "Status: 200 g\xc3\xbcltig\n\n", "g\xc3\xbcltig" },
		{ "Status: 200\n\n", NULL },
		{ "Status: 200 \n\n", NULL },
		{ "A: b\n\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct got g = { 0 };

		cgi_answer_init(&g.a);
		feed_bytes((const uint8_t *)rows[i].in, strlen(rows[i].in),
		    take, &g);
		assert_int_equal(g.rc, CGI_ANSWER_DONE);
		if (rows[i].reason == NULL)
			assert_null(g.a.reason);
		else
			assert_string_equal(g.a.reason, rows[i].reason);
		cgi_answer_clear(&g.a);
	}
}

static void
fault_F10_what_spoils_an_answer_is_known(void **state)
{
	static const struct {
		const char *in, *line;
	} rows[] = {
		{ "A: b\nSecurity Alert!\n\n", "Security Alert!" },
		{ "A: b\n: c\n\n", ": c" },
		{ "Status: OK\n\n", "OK" },
		{ "Location: /a b\n\n", "/a b" },
		{ "Hi\1", "Hi" },
		{ "A: b\nHi\rthere\n", "Hi" },
		{ "A: b\n c\n", "A: b" },
		{ "\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct got g = { 0 };
		const char *line;
		size_t len;

		cgi_answer_init(&g.a);
		feed_bytes((const uint8_t *)rows[i].in, strlen(rows[i].in),
		    take, &g);
		assert_true(g.rc < 0);
		line = cgi_answer_spoiled(&g.a, &len);
		if (len != strlen(rows[i].line) ||
		    memcmp(line, rows[i].line, len) != 0)
			fail_msg("%s: %.*s", rows[i].in, (int)len, line);
		cgi_answer_clear(&g.a);
	}
}

static void
reads_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			struct got g = { 0 };

			cgi_answer_init(&g.a);
			feed(cut, c->in, c->in_len, take, &g);
			assert_case(c, "cut at", cut, &g);
		}
	}
}

static void
reads_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct got g = { 0 };

		cgi_answer_init(&g.a);
		feed_bytes(cases[i].in, cases[i].in_len, take, &g);
		assert_case(&cases[i], "bytes", 1, &g);
	}
}

static void
keeps_good_lengths(void **state)
{
	static const struct {
		const char *fields;
		bool has;
		uint64_t length;
	} rows[] = {
		{ "Content-Length: 5\n\n", true, 5 },
		{ "content-length: 0\n\n", true, 0 },
		{ "Content-Length: 9223372036854775807\n\n", true, INT64_MAX },
		{ "Content-Length: 9223372036854775808\n\n", false, 0 },
		{ "Content-Length: -1\n\n", false, 0 },
		{ "Content-Length: 5, 5\n\n", false, 0 },
		{ "Content-Length:\n\n", false, 0 },
		{ "Content-Length: 5\nContent-Length: 5\n\n", false, 0 },
		{ "A: b\n\n", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct got g = { 0 };

		cgi_answer_init(&g.a);
		feed(0, rows[i].fields, strlen(rows[i].fields), take, &g);
		if (g.rc != CGI_ANSWER_DONE || g.a.has_length != rows[i].has ||
		    (rows[i].has && g.a.length != rows[i].length))
			fail_msg("%s", rows[i].fields);
		cgi_answer_clear(&g.a);
	}
}

static void
holds_its_limits(void **state)
{
	char line[] = "X: y\n";
	struct got g = { 0 };
	size_t n = 0;

	(void)state;
	cgi_answer_init(&g.a);
	while (feed_piece("x", 1, take, &g))
		n++;
	assert_int_equal(g.rc, CGI_ANSWER_ERR_LONG);
	assert_int_equal(n, CGI_ANSWER_MAX_HEAD);
	cgi_answer_clear(&g.a);

	for (n = CGI_ANSWER_MAX_FIELDS; n <= CGI_ANSWER_MAX_FIELDS + 1; n++) {
		cgi_answer_init(&g.a);
		for (size_t i = 0; i < n; i++)
			assert_true(feed_piece(line, 5, take, &g));
		assert_false(feed_piece("\n", 1, take, &g));
		assert_int_equal(g.rc,
		    n == CGI_ANSWER_MAX_FIELDS ? CGI_ANSWER_DONE
					       : CGI_ANSWER_ERR_FIELDS);
		cgi_answer_clear(&g.a);
	}
}

static void
names_results(void **state)
{
	(void)state;
	for (int rc = CGI_ANSWER_ERR_LOCATION; rc < CGI_ANSWER_DONE; rc++)
		assert_string_not_equal(cgi_answer_strresult(
					    (enum cgi_answer_result)rc),
		    cgi_answer_strresult((enum cgi_answer_result)(rc + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_F11_the_reason_is_the_programs),
		cmocka_unit_test(fault_F10_what_spoils_an_answer_is_known),
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(keeps_good_lengths),
		cmocka_unit_test(holds_its_limits),
		cmocka_unit_test(names_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
