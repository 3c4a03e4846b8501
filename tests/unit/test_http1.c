#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/http1.h"
#include "feed.h"

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	enum http1_result end; /* HTTP1_MORE: the end of head is missing */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "plain", IN(GET HOST "\r\n"), HTTP1_HEAD },
	{ "bytes behind the head", IN(GET HOST "\r\n\x81\x80"), HTTP1_HEAD },
	{ "empty line first", IN("\r\n" GET HOST "\r\n"), HTTP1_HEAD },
	{ "two empty lines first", IN("\r\n\r\n" GET HOST "\r\n"),
	    HTTP1_ERR_LINE },
	{ "LF first", IN("\n" GET HOST "\r\n"), HTTP1_ERR_EOL },
	{ "no end", IN(GET HOST), HTTP1_MORE },
	{ "nothing", IN(""), HTTP1_MORE },
	{ "CR only", IN("\r"), HTTP1_MORE },
	{ "HTTP/1.0 without host", IN("GET / HTTP/1.0\r\n\r\n"), HTTP1_HEAD },
	{ "HTTP/1.9", IN("GET / HTTP/1.9\r\n" HOST "\r\n"), HTTP1_HEAD },

	{ "TLS hello", IN("\x16\x03\x01"), HTTP1_ERR_LINE },
	{ "blank before the method", IN(" GET"), HTTP1_ERR_LINE },
	{ "separator in the method", IN("G(T / HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "two spaces", IN("GET  / HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "two spaces behind", IN("GET /  HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "space at the end", IN("GET / HTTP/1.1 \r\n"), HTTP1_ERR_LINE },
	{ "tab for a space", IN("GET\t/ HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "HTTP/0.9", IN("GET /\r\n"), HTTP1_ERR_LINE },
	{ "no target", IN("GET HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "fragment", IN("GET /#a HTTP/1.1\r\n"), HTTP1_ERR_LINE },
	{ "raw UTF-8", IN("GET /\xc3"), HTTP1_ERR_LINE },
	{ "NUL in the target", IN("GET /\0"), HTTP1_ERR_LINE },
	{ "DEL in the target", IN("GET /\x7f"), HTTP1_ERR_LINE },
	{ "lower case version", IN("GET / http/1.1\r\n"), HTTP1_ERR_LINE },
	{ "long version", IN("GET / HTTP/1.10\r\n"), HTTP1_ERR_LINE },
	{ "version without minor", IN("GET / HTTP/1\r\n"), HTTP1_ERR_LINE },
	{ "version letter", IN("GET / HTTP/1.x\r\n"), HTTP1_ERR_LINE },
	{ "HTTP/2 preface", IN("PRI * HTTP/2.0\r\n"), HTTP1_ERR_VERSION },
	{ "HTTP/0.9 spelled out", IN("GET / HTTP/0.9\r\n"), HTTP1_ERR_VERSION },

	{ "relative target", IN("GET a/b HTTP/1.1\r\n"), HTTP1_ERR_TARGET },
	{ "asterisk", IN("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), HTTP1_HEAD },
	{ "asterisk for GET", IN("GET * HTTP/1.1\r\n"), HTTP1_ERR_TARGET },
	{ "authority", IN("CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"), HTTP1_HEAD },
	{ "authority without port", IN("CONNECT a HTTP/1.1\r\n"),
	    HTTP1_ERR_TARGET },
	{ "authority for GET", IN("GET a:1 HTTP/1.1\r\n"), HTTP1_ERR_TARGET },
	{ "path for CONNECT", IN("CONNECT / HTTP/1.1\r\n"), HTTP1_ERR_TARGET },
	{ "absolute", IN("GET http://b/c HTTP/1.1\r\n" HOST "\r\n"),
	    HTTP1_HEAD },
	{ "absolute, no path", IN("GET WSS://b?c HTTP/1.1\r\n" HOST "\r\n"),
	    HTTP1_HEAD },
	{ "absolute without host field", IN("GET ws://b/ HTTP/1.1\r\n\r\n"),
	    HTTP1_ERR_HOST },
	{ "absolute ftp", IN("GET ftp://b/ HTTP/1.1\r\n"), HTTP1_ERR_TARGET },
	{ "absolute with user", IN("GET http://u@b/ HTTP/1.1\r\n"),
	    HTTP1_ERR_TARGET },
	{ "absolute, no host", IN("GET http:///c HTTP/1.1\r\n"),
	    HTTP1_ERR_TARGET },

	{ "LF after the line", IN("GET / HTTP/1.1\nHost: a\r\n\r\n"),
	    HTTP1_ERR_EOL },
	{ "LF after a field", IN(GET "Host: a\n\r\n"), HTTP1_ERR_EOL },
	{ "LF for the empty line", IN(GET HOST "\n"), HTTP1_ERR_EOL },
	{ "CR in a value", IN(GET "X: a\rb\r\n"), HTTP1_ERR_EOL },
	{ "CR CR LF", IN(GET HOST "\r\r\n"), HTTP1_ERR_EOL },
	{ "folded", IN(GET "X: a\r\n b\r\n"), HTTP1_ERR_FOLD },
	{ "folded by a tab", IN(GET "X: a\r\n\tb\r\n"), HTTP1_ERR_FOLD },
	{ "blank before the first field", IN(GET " X: a\r\n"), HTTP1_ERR_FOLD },

	{ "no colon", IN(GET HOST "X\r\n\r\n"), HTTP1_ERR_FIELD },
	{ "no name", IN(GET HOST ": x\r\n\r\n"), HTTP1_ERR_FIELD },
	{ "blank before the colon", IN(GET HOST "X : x\r\n\r\n"),
	    HTTP1_ERR_FIELD },
	{ "blank in the name", IN(GET HOST "X Y: x\r\n\r\n"), HTTP1_ERR_FIELD },
	{ "byte over 7f in the name", IN(GET HOST "X\xff: x\r\n\r\n"),
	    HTTP1_ERR_FIELD },
	{ "NUL in a value", IN(GET HOST "X: \0\r\n"), HTTP1_ERR_FIELD },
	{ "escape in a value", IN(GET HOST "X: \33[m\r\n"), HTTP1_ERR_FIELD },
	{ "DEL in a value", IN(GET HOST "X: \x7f\r\n"), HTTP1_ERR_FIELD },
	{ "tab and bytes over 7f", IN(GET HOST "X:\ta\t\x80\xff\t\r\n\r\n"),
	    HTTP1_HEAD },
	{ "empty value", IN(GET HOST "X:\r\nY: \t \r\n\r\n"), HTTP1_HEAD },

	{ "no host (H10)", IN(GET "\r\n"), HTTP1_ERR_HOST },
	{ "empty host (H10)", IN(GET "Host: \r\n\r\n"), HTTP1_ERR_HOST },
	{ "empty host, HTTP/1.0", IN("GET / HTTP/1.0\r\nHost:\r\n\r\n"),
	    HTTP1_ERR_HOST },
	{ "two hosts", IN(GET HOST HOST "\r\n"), HTTP1_ERR_HOST },
	{ "two hosts in one", IN(GET "Host: a, b\r\n\r\n"), HTTP1_ERR_HOST },
	{ "a path in the host", IN(GET "Host: a/b\r\n\r\n"), HTTP1_ERR_HOST },
	{ "bad host beside an absolute target",
	    IN("GET ws://b/ HTTP/1.1\r\nHost: a b\r\n\r\n"), HTTP1_ERR_HOST },

	{ "length", IN(POST "Content-Length: 5\r\n\r\n"), HTTP1_HEAD },
	{ "length twice",
	    IN(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "length list", IN(POST "Content-Length: 5, 5\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "length with sign", IN(POST "Content-Length: +5\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "negative length", IN(POST "Content-Length: -1\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "hexadecimal length", IN(POST "Content-Length: 0x5\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "length with a colon", IN(POST "Content-Length: 5:\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "no length", IN(POST "Content-Length:\r\n\r\n"), HTTP1_ERR_LENGTH },
	{ "largest length",
	    IN(POST "Content-Length: 9223372036854775807\r\n\r\n"),
	    HTTP1_HEAD },
	{ "too large a length",
	    IN(POST "Content-Length: 9223372036854775808\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "length that wraps",
	    IN(POST "Content-Length: 18446744073709551621\r\n\r\n"),
	    HTTP1_ERR_LENGTH },
	{ "length and chunked",
	    IN(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HTTP1_ERR_BOTH },
	{ "chunked", IN(POST "Transfer-Encoding: Chunked\r\n\r\n"),
	    HTTP1_HEAD },
	{ "chunked, HTTP/1.0",
	    IN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "gzip, chunked", IN(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	    HTTP1_ERR_CODING },
	{ "gzip and chunked in two",
	    IN(POST "Transfer-Encoding: gzip\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"),
	    HTTP1_ERR_CODING },
	{ "chunked, gzip", IN(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "chunked twice",
	    IN(POST "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "xchunked", IN(POST "Transfer-Encoding: xchunked\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "identity", IN(POST "Transfer-Encoding: identity\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "chunked with parameter",
	    IN(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
	{ "empty coding", IN(POST "Transfer-Encoding:\r\n\r\n"),
	    HTTP1_ERR_CHUNKED },
#undef IN
};

/* A connection's bytes so far, at the end of a page like everything else. */
struct got {
	uint8_t bytes[HTTP1_MAX_HEAD + 64];
	size_t len, scanned, used;
	enum http1_result rc;
};

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct http1_head head;
	struct got *g = arg;
	struct guarded all;

	memcpy(g->bytes + g->len, piece, len);
	g->len += len;
	all = guarded_new(g->bytes, g->len);
	g->rc =
	    http1_read_request(&head, all.data, g->len, &g->scanned, &g->used);
	guarded_free(&all);
	return g->rc == HTTP1_MORE;
}

static void
assert_case(const struct test_case *c, const char *how, size_t cut,
    const struct got *g)
{
	const char *end = strstr(c->in, "\r\n\r\n");

	if (g->rc != c->end)
		fail_msg("%s, %s %zu: %s, not %s", c->name, how, cut,
		    http1_strresult(g->rc), http1_strresult(c->end));
	if (g->rc == HTTP1_HEAD && g->used != (size_t)(end + 4 - c->in))
		fail_msg("%s, %s %zu: used %zu", c->name, how, cut, g->used);
}

static void
reads_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			struct got g = { 0 };

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

		feed_bytes(cases[i].in, cases[i].in_len, take, &g);
		assert_case(&cases[i], "bytes", 1, &g);
	}
}

/* Rows above that end where the fault is: it is noticed at its last byte. */
static void
fails_early(void **state)
{
	static const char *const faults[] = { " ", "\x16", "\n", "GET /\x80",
		"GET / HTTP/1.1 \r\n", "GET x HTTP/1.1\r\n", GET " ",
		GET "X: \1", GET "X\n", GET "X\rY" };

	(void)state;
	for (size_t i = 0; i < nitems(faults); i++) {
		struct got g = { 0 };

		feed_bytes(faults[i], strlen(faults[i]), take, &g);
		if (g.rc >= 0 || g.len != strlen(faults[i]))
			fail_msg("row %zu: after %zu bytes", i, g.len);
	}
}

/* Limits: n bytes of x in a head that is all right otherwise. */
static struct got
read_long(const char *before, size_t n, const char *behind, size_t piece)
{
	static uint8_t in[2 * HTTP1_MAX_HEAD];
	struct got g = { 0 };
	size_t len = strlen(before);

	memcpy(in, before, len);
	memset(in + len, 'x', n);
	len += n;
	memcpy(in + len, behind, strlen(behind));
	len += strlen(behind);
	for (size_t at = 0; at < len && at < sizeof(g.bytes); at += piece) {
		size_t left = len - at;

		if (!feed_piece(in + at, left < piece ? left : piece, take, &g))
			break;
	}
	return g;
}

static void
holds_its_limits(void **state)
{
	static const struct {
		const char *name, *before, *behind;
		size_t n;
		enum http1_result end;
	} rows[] = {
		{ "longest line", "GET /", " HTTP/1.1\r\nHost: a\r\n\r\n",
		    HTTP1_MAX_LINE - 14, HTTP1_HEAD },
		{ "too long a line", "GET /", " HTTP/1.1\r\nHost: a\r\n\r\n",
		    HTTP1_MAX_LINE - 13, HTTP1_ERR_LONG_LINE },
		{ "a method without end", "", "", HTTP1_MAX_LINE + 1,
		    HTTP1_ERR_LONG_LINE },
		{ "longest head", GET HOST "X: ", "\r\n\r\n",
		    HTTP1_MAX_HEAD - 32, HTTP1_HEAD },
		{ "too long a head", GET HOST "X: ", "\r\n\r\n",
		    HTTP1_MAX_HEAD - 31, HTTP1_ERR_LONG_HEAD },
		{ "a head without end", GET HOST "X: ", "", HTTP1_MAX_HEAD - 28,
		    HTTP1_ERR_LONG_HEAD },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		static const size_t pieces[] = { 61, 4096, 16448 };

		for (size_t p = 0; p < nitems(pieces); p++) {
			struct got g = read_long(rows[i].before, rows[i].n,
			    rows[i].behind, pieces[p]);

			if (g.rc != rows[i].end)
				fail_msg("%s in %zu: %s", rows[i].name,
				    pieces[p], http1_strresult(g.rc));
		}
	}
}

static void
counts_fields(void **state)
{
	(void)state;
	for (size_t extra = 99; extra <= 100; extra++) {
		char in[2048] = GET HOST;
		struct got g = { 0 };

		for (size_t i = 0; i < extra; i++)
			strcat(in, "X: y\r\n");
		strcat(in, "\r\n");
		take(&g, (uint8_t *)in, strlen(in));
		assert_int_equal(g.rc,
		    extra == 99 ? HTTP1_HEAD : HTTP1_ERR_FIELDS);
	}
}

/* Read a head that is right; its bytes are the text. */
static void
read_text(struct http1_head *head, const char *text)
{
	size_t scanned = 0, used = 0;
	enum http1_result rc = http1_read_request(head, (const uint8_t *)text,
	    strlen(text), &scanned, &used);

	if (rc != HTTP1_HEAD)
		fail_msg("%s: %s", text, http1_strresult(rc));
}

#define assert_slice(p, len, text)                   \
	do {                                         \
		assert_int_equal(len, strlen(text)); \
		assert_memory_equal(p, text, len);   \
	} while (0)

static void
takes_apart(void **state)
{
	const struct http1_field *f;
	struct http1_head h;
	uint64_t length;

	(void)state;
	read_text(&h,
	    "POST /a?b=c HTTP/1.1\r\nHOST:Example.com:81\r\nX-A: \t1 \t2\t \r\n"
	    "content-length: 0012\r\nx-a:3\r\nX-B:\r\n\r\n");
	assert_slice(h.method, h.method_len, "POST");
	assert_slice(h.target, h.target_len, "/a?b=c");
	assert_int_equal(h.form, HTTP1_ORIGIN);
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.nfields, 5);
	f = http1_find(&h, "x-a", NULL);
	assert_non_null(f);
	assert_slice(f->name, f->name_len, "X-A");
	assert_slice(f->value, f->value_len, "1 \t2");
	f = http1_find(&h, "X-A", f);
	assert_non_null(f);
	assert_slice(f->value, f->value_len, "3");
	assert_null(http1_find(&h, "X-A", f));
	assert_null(http1_find(&h, "X", NULL));
	assert_int_equal(http1_count(&h, "X-A"), 2);
	assert_int_equal(http1_body(&h, &length), HTTP1_BODY_LENGTH);
	assert_int_equal(length, 12);
	assert_true(http1_method_is(&h, "POST"));
	assert_false(http1_method_is(&h, "post"));
	assert_false(http1_method_is(&h, "POS"));
}

static void
tells_bodies(void **state)
{
	struct http1_head h;
	uint64_t length = 1;

	(void)state;
	read_text(&h, GET HOST "\r\n");
	assert_int_equal(http1_body(&h, &length), HTTP1_BODY_NONE);
	assert_int_equal(length, 0);
	read_text(&h, POST "Transfer-Encoding: , chunked ,\r\n\r\n");
	assert_int_equal(http1_body(&h, &length), HTTP1_BODY_CHUNKED);
}

static void
finds_hosts(void **state)
{
	static const struct {
		const char *in;
		const char *host; /* NULL: malformed */
		unsigned port;
	} rows[] = {
		{ "a", "a", 0 },
		{ "Example.COM", "Example.COM", 0 },
		{ "my_host-1.example.", "my_host-1.example.", 0 },
		{ "a:8080", "a", 8080 },
		{ "a:", "a", 0 },
		{ "a:65535", "a", 65535 },
		{ "a:00080", "a", 80 },
		{ "127.0.0.1:1", "127.0.0.1", 1 },
		{ "[::1]", "[::1]", 0 },
		{ "[2001:db8::1]:443", "[2001:db8::1]", 443 },
		{ "", NULL, 0 },
		{ ".", NULL, 0 },
		{ ".a", NULL, 0 },
		{ "a..b", NULL, 0 },
		{ ":80", NULL, 0 },
		{ "a:0", NULL, 0 },
		{ "a:65536", NULL, 0 },
		{ "a:4294967297", NULL, 0 },
		{ "a:8x", NULL, 0 },
		{ "a:-1", NULL, 0 },
		{ "a:1:2", NULL, 0 },
		{ "a b", NULL, 0 },
		{ "a,b", NULL, 0 },
		{ "u@a", NULL, 0 },
		{ "a%00", NULL, 0 },
		{ "$(x)", NULL, 0 },
		{ "\xc3\xa4", NULL, 0 },
		{ "::1", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[::1]x", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "[a]", NULL, 0 },
		{ "[1.2.3.4]", NULL, 0 },
		{ "[fe80::1%25eth0]", NULL, 0 },
		{ "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
		    NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].in), host_len = 0;
		struct guarded g = guarded_new(rows[i].in, len);
		unsigned port = 0;
		bool ok =
		    http1_split_host((char *)g.data, len, &host_len, &port);

		guarded_free(&g);
		if (ok != (rows[i].host != NULL) ||
		    (ok &&
			(host_len != strlen(rows[i].host) ||
			    port != rows[i].port)))
			fail_msg("%s: %d %zu %u", rows[i].in, ok, host_len,
			    port);
	}
}

static void
bounds_host_names(void **state)
{
	char name[HTTP1_MAX_HOST + 2];
	size_t host_len;
	unsigned port;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(http1_split_host(name, HTTP1_MAX_HOST, &host_len, &port));
	assert_false(
	    http1_split_host(name, HTTP1_MAX_HOST + 1, &host_len, &port));
}

static void
prefers_the_target(void **state)
{
	struct http1_head h;
	const char *host;
	size_t len;
	unsigned port;

	(void)state;
	read_text(&h, "GET ws://B:99/c HTTP/1.1\r\n" HOST "\r\n");
	assert_true(http1_host(&h, &host, &len, &port));
	assert_slice(host, len, "B");
	assert_int_equal(port, 99);
	assert_slice(h.authority, h.authority_len, "B:99");
	assert_int_equal(h.form, HTTP1_ABSOLUTE);

	read_text(&h, GET "Host: [::1]:7\r\n\r\n");
	assert_true(http1_host(&h, &host, &len, &port));
	assert_slice(host, len, "[::1]");
	assert_int_equal(port, 7);

	read_text(&h, "GET / HTTP/1.0\r\n\r\n");
	assert_false(http1_host(&h, &host, &len, &port));
}

static void
finds_tokens(void **state)
{
	static const struct {
		const char *name;
		const char *fields;
		bool found;
	} rows[] = {
		{ "alone", "Connection: upgrade\r\n", true },
		{ "case (H3)", "connection: UpGrade\r\n", true },
		{ "in a list (H3)", "Connection: keep-alive, Upgrade\r\n",
		    true },
		{ "without blanks (H6)", "Connection: a,upgrade,b\r\n", true },
		{ "with many (H6)", "Connection:\ta ,\t upgrade \t, b\r\n",
		    true },
		{ "in the second field (H3)",
		    "Connection: a\r\nConnection: upgrade\r\n", true },
		{ "empty elements", "Connection: ,, ,upgrade,\r\n", true },
		{ "prefix", "Connection: upgrades\r\n", false },
		{ "in two words", "Connection: no upgrade\r\n", false },
		{ "another field", "Connections: upgrade\r\n", false },
		{ "empty", "Connection:\r\n", false },
		{ "none", "", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct http1_head h;
		char in[256];

		snprintf(in, sizeof(in), GET HOST "%s\r\n", rows[i].fields);
		read_text(&h, in);
		if (http1_has_token(&h, "Connection", "Upgrade") !=
		    rows[i].found)
			fail_msg("%s", rows[i].name);
	}
}

static void
reads_responses(void **state)
{
	static const struct {
		const char *name;
		const char *in;
		enum http1_result end;
		unsigned status;
		const char *reason;
		enum http1_body_kind body;
	} rows[] = {
		{ "plain", "HTTP/1.1 403 Not you\r\nA: b\r\n\r\n", HTTP1_HEAD,
		    403, "Not you", HTTP1_BODY_CLOSE },
		{ "101", "HTTP/1.1 101 X\r\n\r\n", HTTP1_HEAD, 101, "X",
		    HTTP1_BODY_NONE },
		{ "no reason", "HTTP/1.1 200 \r\n\r\n", HTTP1_HEAD, 200, "",
		    HTTP1_BODY_CLOSE },
		{ "no blank", "HTTP/1.0 200\r\n\r\n", HTTP1_HEAD, 200, "",
		    HTTP1_BODY_CLOSE },
		{ "a reason beyond ASCII", "HTTP/1.1 404 n\xc3\xa3o\tx\r\n\r\n",
		    HTTP1_HEAD, 404, "n\xc3\xa3o\tx", HTTP1_BODY_CLOSE },
		{ "no body", "HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\n",
		    HTTP1_HEAD, 204, "X", HTTP1_BODY_NONE },
		{ "a length", "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n",
		    HTTP1_HEAD, 200, "X", HTTP1_BODY_LENGTH },
		{ "chunked",
		    "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n",
		    HTTP1_HEAD, 200, "X", HTTP1_BODY_CHUNKED },
		{ "two lengths",
		    "HTTP/1.1 200 X\r\nContent-Length: 3\r\n"
		    "Content-Length: 4\r\n\r\n",
		    HTTP1_ERR_LENGTH, 0, NULL, HTTP1_BODY_NONE },
		{ "a request", "GET / HTTP/1.1\r\n\r\n", HTTP1_ERR_LINE, 0,
		    NULL, HTTP1_BODY_NONE },
		{ "another protocol", "SSH-2.0-OpenSSH\r\n", HTTP1_ERR_LINE, 0,
		    NULL, HTTP1_BODY_NONE },
		{ "two digits", "HTTP/1.1 20\r\n\r\n", HTTP1_ERR_LINE, 0, NULL,
		    HTTP1_BODY_NONE },
		{ "four digits", "HTTP/1.1 2000 X\r\n\r\n", HTTP1_ERR_LINE, 0,
		    NULL, HTTP1_BODY_NONE },
		{ "a status below 100", "HTTP/1.1 099 X\r\n\r\n",
		    HTTP1_ERR_LINE, 0, NULL, HTTP1_BODY_NONE },
		{ "HTTP/2", "HTTP/2.0 200 X\r\n\r\n", HTTP1_ERR_VERSION, 0,
		    NULL, HTTP1_BODY_NONE },
		{ "LF", "HTTP/1.1 200 X\n\n", HTTP1_ERR_EOL, 0, NULL,
		    HTTP1_BODY_NONE },
		{ "folded", "HTTP/1.1 200 X\r\nA: b\r\n c\r\n\r\n",
		    HTTP1_ERR_FOLD, 0, NULL, HTTP1_BODY_NONE },
		{ "the start", "HTTP/1.1 200 X\r\nA: b\r\n", HTTP1_MORE, 0,
		    NULL, HTTP1_BODY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].in);

		for (size_t step = 1; step <= len; step++) {
			size_t scanned = 0, used = 0, n = 0;
			enum http1_result rc = HTTP1_MORE;
			struct http1_head h;

			while (rc == HTTP1_MORE && n < len) {
				n = n + step < len ? n + step : len;
				rc = http1_read_response(&h,
				    (const uint8_t *)rows[i].in, n, &scanned,
				    &used);
			}
			if (rc != rows[i].end)
				fail_msg("%s, by %zu: %s", rows[i].name, step,
				    http1_strresult(rc));
			if (rc != HTTP1_HEAD)
				continue;
			if (used != len || h.status != rows[i].status ||
			    h.body != rows[i].body)
				fail_msg("%s: %u", rows[i].name, h.status);
			assert_slice((const uint8_t *)h.reason, h.reason_len,
			    rows[i].reason);
		}
	}
}

static void
puts_responses(void **state)
{
	static const struct http1_out fields[] = {
		{ "Content-Length", "0" },
		{ "X-Empty", "" },
	};
	static const char want[] = "HTTP/1.1 404 Not Found\r\n"
				   "Content-Length: 0\r\nX-Empty: \r\n\r\n";
	static const struct http1_out bad[][1] = {
		{ { "X", "a\r\nY: b" } },
		{ { "X", "\x7f" } },
		{ { "X Y", "a" } },
		{ { "", "a" } },
	};
	struct buf b;

	(void)state;
	buf_init(&b, sizeof(want) - 1);
	assert_true(http1_put_response(&b, 404, NULL, fields, nitems(fields)));
	assert_slice(b.data, b.len, want);
	buf_clear(&b);

	buf_init(&b, sizeof(want) - 1);
	assert_true(buf_add_byte(&b, 'x'));
	assert_false(http1_put_response(&b, 404, NULL, fields, nitems(fields)));
	assert_int_equal(b.len, 1);
	for (size_t i = 0; i < nitems(bad); i++) {
		assert_false(http1_put_response(&b, 200, NULL, bad[i], 1));
		assert_int_equal(b.len, 1);
	}
	buf_clear(&b);
}

/* Every result has a status that has a reason, and a sentence of its own. */
static void
names_results(void **state)
{
	(void)state;
	for (int rc = HTTP1_ERR_CODING; rc < HTTP1_MORE; rc++) {
		unsigned status = http1_status((enum http1_result)rc);

		assert_in_range(status, 400, 505);
		assert_string_not_equal(http1_reason(status), "Unknown");
		assert_string_not_equal(http1_strresult((enum http1_result)rc),
		    http1_strresult((enum http1_result)(rc + 1)));
	}
	assert_int_equal(http1_status(HTTP1_ERR_LINE), 400);
	assert_int_equal(http1_status(HTTP1_ERR_VERSION), 505);
	assert_int_equal(http1_status(HTTP1_ERR_LONG_LINE), 414);
	assert_int_equal(http1_status(HTTP1_ERR_LONG_HEAD), 431);
	assert_int_equal(http1_status(HTTP1_ERR_FIELDS), 431);
	assert_int_equal(http1_status(HTTP1_ERR_CODING), 501);
	assert_string_equal(http1_reason(999), "Unknown");
}

/* RFC 9110, section 5.6.2: what a token is made of, of all bytes. */
static void
knows_token_characters(void **state)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		bool want = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') ||
		    (c != 0 && memchr(others, c, sizeof(others) - 1) != NULL);

		if (http1_is_token(&one, 1) != want)
			fail_msg("byte %d", c);
	}
	assert_false(http1_is_token("", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(fails_early),
		cmocka_unit_test(holds_its_limits),
		cmocka_unit_test(counts_fields),
		cmocka_unit_test(takes_apart),
		cmocka_unit_test(tells_bodies),
		cmocka_unit_test(finds_hosts),
		cmocka_unit_test(bounds_host_names),
		cmocka_unit_test(prefers_the_target),
		cmocka_unit_test(finds_tokens),
		cmocka_unit_test(knows_token_characters),
		cmocka_unit_test(reads_responses),
		cmocka_unit_test(puts_responses),
		cmocka_unit_test(names_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
