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
#include "codec/cgi.h"
#include "codec/http1.h"
#include "codec/url.h"

/* What ipc/ipc_vars.c lists; a name made here must be one that passes there. */
#include "ipc/ipc_vars.h"

struct request {
	struct http1_head head;
	struct url url;
	struct cgi_request rq;
};

static void
request_read(struct request *r, const char *text)
{
	size_t scanned = 0, used = 0;
	enum http1_result rc = http1_read_request(&r->head,
	    (const uint8_t *)text, strlen(text), &scanned, &used);

	if (rc != HTTP1_HEAD)
		fail_msg("%s: %s", text, http1_strresult(rc));
	url_split(r->head.target, r->head.target_len, &r->url);
	r->rq = (struct cgi_request){
		.head = &r->head,
		.url = &r->url,
		.server_software = "standpipe/1.0",
		.server_name = "fallback",
		.server_port = 8080,
		.script_name = "",
		.path_info = "/a b",
		.path_info_len = 4,
		.remote_addr = "::1",
		.remote_port = 4711,
		.unique_id = "u1",
		.framing = "lines",
	};
}

/* The block as lines, with each NUL a newline. */
static void
assert_block(const struct cgi_request *rq, const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	assert_true(cgi_put(&b, rq));
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] == '\0')
			b.data[i] = '\n';
	}
	assert_true(buf_add_byte(&b, '\0'));
	assert_string_equal((char *)b.data, want);
	buf_clear(&b);
}

static void
makes_the_block(void **state)
{
	struct request r;

	(void)state;
	request_read(&r,
	    "GET /a%20b?c=%64 HTTP/1.1\r\nHost: Example.com:99\r\n"
	    "Authorization: x\r\n\r\n");
	assert_block(&r.rq,
	    "SERVER_SOFTWARE=standpipe/1.0\n"
	    "SERVER_NAME=Example.com\n"
	    "SERVER_PORT=8080\n"
	    "SERVER_PROTOCOL=HTTP/1.1\n"
	    "GATEWAY_INTERFACE=CGI/1.1\n"
	    "REQUEST_METHOD=GET\n"
	    "REQUEST_URI=/a%20b?c=%64\n"
	    "SCRIPT_NAME=\n"
	    "PATH_INFO=/a b\n"
	    "QUERY_STRING=c=%64\n"
	    "REMOTE_ADDR=::1\n"
	    "REMOTE_HOST=::1\n"
	    "REMOTE_PORT=4711\n"
	    "UNIQUE_ID=u1\n"
	    "STANDPIPE_FRAMING=lines\n"
	    "HTTP_HOST=Example.com:99\n"
	    "HTTP_AUTHORIZATION=x\n");

	r.rq.path_translated = "/srv/a b";
	r.rq.remote_user = "someone with a rather long name (P32)";
	r.rq.auth_type = "Basic";
	r.rq.remote_host = "a.example";
	r.rq.https = true;
	r.rq.subprotocol = "chat";
	assert_block(&r.rq,
	    "SERVER_SOFTWARE=standpipe/1.0\n"
	    "SERVER_NAME=Example.com\n"
	    "SERVER_PORT=8080\n"
	    "SERVER_PROTOCOL=HTTP/1.1\n"
	    "GATEWAY_INTERFACE=CGI/1.1\n"
	    "REQUEST_METHOD=GET\n"
	    "REQUEST_URI=/a%20b?c=%64\n"
	    "SCRIPT_NAME=\n"
	    "PATH_INFO=/a b\n"
	    "PATH_TRANSLATED=/srv/a b\n"
	    "QUERY_STRING=c=%64\n"
	    "REMOTE_ADDR=::1\n"
	    "REMOTE_HOST=a.example\n"
	    "REMOTE_PORT=4711\n"
	    "REMOTE_USER=someone with a rather long name (P32)\n"
	    "AUTH_TYPE=Basic\n"
	    "UNIQUE_ID=u1\n"
	    "HTTPS=on\n"
	    "STANDPIPE_PROTOCOL=chat\n"
	    "STANDPIPE_FRAMING=lines\n"
	    "HTTP_HOST=Example.com:99\n");
}

static void
sets_what_websocketd_sets(void **state)
{
	struct request r;

	(void)state;
	request_read(&r, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	r.rq.websocketd = true;
	r.rq.script_name = "/";
	r.rq.path_info = r.rq.path_translated = "/";
	r.rq.path_info_len = 1;
	r.rq.remote_addr = "unix-socket";
	r.rq.remote_port = 0;
	assert_block(&r.rq,
	    "SERVER_SOFTWARE=standpipe/1.0\n"
	    "SERVER_NAME=a\n"
	    "SERVER_PORT=8080\n"
	    "SERVER_PROTOCOL=HTTP/1.1\n"
	    "GATEWAY_INTERFACE=CGI/1.1\n"
	    "REQUEST_METHOD=GET\n"
	    "REQUEST_URI=/\n"
	    "SCRIPT_NAME=/\n"
	    "PATH_INFO=/\n"
	    "PATH_TRANSLATED=/\n"
	    "QUERY_STRING=\n"
	    "REMOTE_ADDR=unix-socket\n"
	    "REMOTE_HOST=unix-socket\n"
	    "REMOTE_PORT=\n"
	    "REMOTE_USER=\n"
	    "AUTH_TYPE=\n"
	    "REMOTE_IDENT=\n"
	    "CONTENT_LENGTH=\n"
	    "CONTENT_TYPE=\n"
	    "UNIQUE_ID=u1\n"
	    "STANDPIPE_FRAMING=lines\n"
	    "HTTP_HOST=a\n");
}

static void
leaves_the_place_to_who_finds_it(void **state)
{
	struct request r;
	struct buf b;

	(void)state;
	request_read(&r, "GET /a/b HTTP/1.1\r\nHost: a\r\n\r\n");
	r.rq.script_name = NULL;
	r.rq.framing = NULL;
	buf_init(&b, SIZE_MAX / 2);
	assert_true(cgi_put(&b, &r.rq));
	assert_null(memmem(b.data, b.len, "SCRIPT_NAME", 11));
	assert_null(memmem(b.data, b.len, "PATH_", 5));
	assert_null(memmem(b.data, b.len, "STANDPIPE_FRAMING", 17));
	buf_clear(&b);
}

/* The variable in a block, or NULL; it counts how often the name is there. */
static const char *
find_var(const struct buf *b, const char *name, size_t *times)
{
	const char *p = (const char *)b->data, *end = p + b->len;
	const char *found = NULL;

	*times = 0;
	for (; p < end; p += strlen(p) + 1) {
		size_t n = strcspn(p, "=");

		if (strlen(name) == n && memcmp(p, name, n) == 0) {
			found = p + n + 1;
			++*times;
		}
	}
	return found;
}

static const struct {
	const char *name;
	const char *fields;
	const char *var;
	const char *value; /* NULL: not there */
} rows[] = {
	{ "a header", "X-Foo: 1\r\n", "HTTP_X_FOO", "1" },
	{ "an empty one", "X-Foo:\r\n", "HTTP_X_FOO", "" },
	{ "digits and case", "x-9A: 1\r\n", "HTTP_X_9A", "1" },
	{ "repeated", "X-Foo: 1\r\nY: 2\r\nx-foo: 3\r\n", "HTTP_X_FOO",
	    "1, 3" },
	{ "cookies (P28)", "Cookie: a=1\r\nCookie: b=2\r\n", "HTTP_COOKIE",
	    "a=1; b=2" },
	{ "underscore (P27)", "X_Foo: 1\r\n", "HTTP_X_FOO", NULL },
	{ "underscore beside hyphen (P27)", "X_Foo: 1\r\nX-Foo: 2\r\n",
	    "HTTP_X_FOO", "2" },
	{ "hyphen before underscore (P27)", "X-Foo: 2\r\nX_Foo: 1\r\n",
	    "HTTP_X_FOO", "2" },
	{ "other token characters", "X.Foo: 1\r\n", "HTTP_X.FOO", NULL },
	{ "Proxy (P26)", "Proxy: evil\r\n", "HTTP_PROXY", NULL },
	{ "PROXY (P26)", "pROXY: evil\r\n", "HTTP_PROXY", NULL },
	{ "Proxy-Authorization", "Proxy-Authorization: x\r\n",
	    "HTTP_PROXY_AUTHORIZATION", NULL },
	{ "length", "Content-Length: 0\r\n", "HTTP_CONTENT_LENGTH", NULL },
	{ "type", "Content-Type: a\r\n", "HTTP_CONTENT_TYPE", NULL },
	{ "shell function", "X: () { :; }; x\r\n", "HTTP_X", "() { :; }; x" },
	{ "bytes over 7f", "X: \xc3\xa4\r\n", "HTTP_X", "\xc3\xa4" },
};

static void
exports_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct request r;
		struct buf b;
		char in[256];
		const char *got;
		size_t times;

		snprintf(in, sizeof(in), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
		    rows[i].fields);
		request_read(&r, in);
		buf_init(&b, 65536);
		assert_true(cgi_put(&b, &r.rq));
		got = find_var(&b, rows[i].var, &times);
		if (times != (rows[i].value != NULL) ||
		    (got != NULL && strcmp(got, rows[i].value) != 0))
			fail_msg("%s: %zu times, %s", rows[i].name, times,
			    got == NULL ? "none" : got);
		buf_clear(&b);
	}
}

static const struct {
	const char *name;
	const char *target;
	const char *fields;
	const char *var;
	const char *value; /* NULL: not there */
} tokens[] = {
#define COOKIE "HTTP_COOKIE"
#define PROTOCOL "HTTP_SEC_WEBSOCKET_PROTOCOL"
#define OFFER(v) "Sec-WebSocket-Protocol: " v "\r\n"
	{ "no cookie", "/", "Cookie: a=b\r\n", COOKIE, "a=b" },
	{ "cookie", "/", "Cookie: t=x; a=b\r\n", COOKIE, "a=b" },
	{ "cookie alone", "/", "Cookie: t=x\r\n", COOKIE, NULL },
	{ "cookie fields", "/", "Cookie: a\r\nCookie: t=x\r\nCookie: b\r\n",
	    COOKIE, "a; b" },
	{ "empty cookie", "/", "Cookie:\r\n", COOKIE, "" },
	{ "protocols", "/", OFFER("a") OFFER("bearer.x") OFFER("b"), PROTOCOL,
	    "a, b" },
	{ "protocol alone", "/", OFFER("bearer.x"), PROTOCOL, NULL },
	{ "query", "/a?k=x&b=c", "", "QUERY_STRING", "b=c" },
	{ "query and URI", "/a?k=x&b=c", "", "REQUEST_URI", "/a?b=c" },
	{ "query alone", "/a?k=x", "", "QUERY_STRING", "" },
	{ "query alone and URI", "/a?k=x", "", "REQUEST_URI", "/a" },
	{ "empty query", "/a?", "", "REQUEST_URI", "/a?" },
	{ "another query", "/a?b&&c", "", "REQUEST_URI", "/a?b&&c" },
	{ "no query", "/a", "", "REQUEST_URI", "/a" },
	{ "page", "/", "Referer: http://a/b?k=x&c\r\n", "HTTP_REFERER",
	    "http://a/b?c" },
	{ "page without", "/", "Referer: http://a/k=x\r\n", "HTTP_REFERER",
	    "http://a/k=x" },
	{ "another header", "/", "X: t=x\r\n", "HTTP_X", "t=x" },
};

static void
hides_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(tokens); i++) {
		struct request r;
		struct buf b;
		char in[256];
		const char *got;
		size_t times;

		snprintf(in, sizeof(in), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n",
		    tokens[i].target, tokens[i].fields);
		request_read(&r, in);
		r.rq.token_cookie = "t";
		r.rq.token_query = "k";
		r.rq.token_protocol = true;
		buf_init(&b, 65536);
		assert_true(cgi_put(&b, &r.rq));
		got = find_var(&b, tokens[i].var, &times);
		if (times != (tokens[i].value != NULL) ||
		    (got != NULL && strcmp(got, tokens[i].value) != 0))
			fail_msg("%s: %zu times, %s", tokens[i].name, times,
			    got == NULL ? "none" : got);
		buf_clear(&b);
	}
}

/* The target's authority is what a program sees; ours if there is none. */
static void
names_the_server(void **state)
{
	struct request r;
	struct buf b;
	size_t times;

	(void)state;
	buf_init(&b, 65536);
	request_read(&r, "GET ws://B:1/ HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(cgi_put(&b, &r.rq));
	assert_string_equal(find_var(&b, "SERVER_NAME", &times), "B");
	assert_string_equal(find_var(&b, "HTTP_HOST", &times), "B:1");
	assert_string_equal(find_var(&b, "SERVER_PORT", &times), "8080");
	buf_clear(&b);
	request_read(&r, "GET / HTTP/1.0\r\n\r\n");
	assert_true(cgi_put(&b, &r.rq));
	assert_string_equal(find_var(&b, "SERVER_NAME", &times), "fallback");
	assert_string_equal(find_var(&b, "SERVER_PROTOCOL", &times),
	    "HTTP/1.0");
	assert_null(find_var(&b, "HTTP_HOST", &times));
	buf_clear(&b);
}

static void
holds_its_limits(void **state)
{
	static char big[CGI_MAX_VAR];
	struct request r;
	struct buf b;
	size_t all;

	(void)state;
	request_read(&r, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
	buf_init(&b, 1 << 20);
	assert_true(cgi_put(&b, &r.rq));
	all = b.len;
	buf_clear(&b);

	for (size_t max = 0; max < all; max++) {
		buf_init(&b, max + 1);
		assert_true(buf_add_byte(&b, 'x'));
		assert_false(cgi_put(&b, &r.rq));
		assert_int_equal(b.len, 1);
		buf_clear(&b);
	}

	memset(big, 'x', sizeof(big));
	r.rq.path_info = big;
	r.rq.path_info_len = CGI_MAX_VAR - sizeof("PATH_INFO=");
	buf_init(&b, 1 << 20);
	assert_true(cgi_put(&b, &r.rq));
	buf_clear(&b);
	r.rq.path_info_len++;
	assert_false(cgi_put(&b, &r.rq));
	assert_int_equal(b.len, 0);
	r.rq.path_info = "/\0";
	r.rq.path_info_len = 2;
	assert_false(cgi_put(&b, &r.rq));
	buf_clear(&b);
}

static void
makes_what_the_parent_allows(void **state)
{
	struct request r;
	struct buf b;
	const char *p, *end;

	(void)state;
	request_read(&r,
	    "GET / HTTP/1.1\r\nHost: a\r\nProxy: x\r\nX-1: y\r\nX_2: z\r\n"
	    "A.b: c\r\nAccept: d\r\nSec-WebSocket-Key: e\r\n\r\n");
	r.rq.path_translated = r.rq.remote_user = r.rq.auth_type = "x";
	r.rq.subprotocol = "x";
	r.rq.https = true;
	buf_init(&b, 65536);
	assert_true(cgi_put(&b, &r.rq));
	p = (const char *)b.data;
	end = p + b.len;
	for (; p < end; p += strlen(p) + 1) {
		if (!ipc_var_allowed(p, strcspn(p, "=")))
			fail_msg("%s", p);
	}
	buf_clear(&b);
}

static void
tells_of_bodies(void **state)
{
	static const struct {
		const char *head;
		bool body, websocketd;
		const char *length, *type; /* NULL: not there */
	} bodies[] = {
#define HEAD(lines) "POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
		{ HEAD("Content-Length: 5\r\nContent-Type: a/b; c\r\n"), true,
		    false, "5", "a/b; c" },
		{ HEAD("Content-Length: 0\r\n"), true, false, "0", NULL },
		{ HEAD("Content-Length: 4611686018427387904\r\n"), true, true,
		    "4611686018427387904", "" },
		{ HEAD("Transfer-Encoding: chunked\r\nContent-Type: x\r\n"),
		    true, false, NULL, "x" },
		{ HEAD(""), true, false, NULL, NULL },
		{ HEAD("Content-Length: 5\r\nContent-Type: x\r\n"), false,
		    false, NULL, NULL },
		{ HEAD("Content-Length: 5\r\nContent-Type: x\r\n"), false, true,
		    "", "" },
#undef HEAD
	};

	(void)state;
	for (size_t i = 0; i < nitems(bodies); i++) {
		struct request r;
		struct buf b;
		const char *want[] = { bodies[i].length, bodies[i].type };
		static const char *const names[] = { "CONTENT_LENGTH",
			"CONTENT_TYPE" };

		request_read(&r, bodies[i].head);
		r.rq.body = bodies[i].body;
		r.rq.websocketd = bodies[i].websocketd;
		buf_init(&b, SIZE_MAX / 2);
		assert_true(cgi_put(&b, &r.rq));
		for (size_t k = 0; k < nitems(names); k++) {
			size_t times;
			const char *got = find_var(&b, names[k], &times);

			assert_int_equal(times, want[k] != NULL);
			if (want[k] != NULL)
				assert_string_equal(got, want[k]);
		}
		assert_null(memmem(b.data, b.len, "HTTP_CONTENT", 12));
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_block),
		cmocka_unit_test(sets_what_websocketd_sets),
		cmocka_unit_test(leaves_the_place_to_who_finds_it),
		cmocka_unit_test(tells_of_bodies),
		cmocka_unit_test(exports_headers),
		cmocka_unit_test(hides_tokens),
		cmocka_unit_test(names_the_server),
		cmocka_unit_test(holds_its_limits),
		cmocka_unit_test(makes_what_the_parent_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
