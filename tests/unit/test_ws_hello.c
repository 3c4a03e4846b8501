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
#include "codec/ws_hello.h"

#define HOST "Host: a\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST

static void
read_text(struct http1_head *head, const char *text)
{
	size_t scanned = 0, used = 0;
	enum http1_result rc = http1_read_request(head, (const uint8_t *)text,
	    strlen(text), &scanned, &used);

	if (rc != HTTP1_HEAD)
		fail_msg("%s: %s", text, http1_strresult(rc));
}

static const struct {
	const char *name;
	const char *in;
	enum ws_hello_result end;
	unsigned status;
} cases[] = {
	{ "plain", GET UPGRADE CONN V13 KEY "\r\n", WS_HELLO_OK, 101 },
	{ "case of everything (H3)",
	    GET "upgrade: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n"
		"sec-websocket-version: 13\r\n"
		"sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	    WS_HELLO_OK, 101 },
	{ "other protocols first",
	    GET "Upgrade: h2c, websocket\r\n" CONN V13 KEY "\r\n", WS_HELLO_OK,
	    101 },
	{ "two Connections (H3)",
	    GET UPGRADE "Connection: close\r\n" CONN V13 KEY "\r\n",
	    WS_HELLO_OK, 101 },
	{ "an empty body", GET UPGRADE CONN V13 KEY "Content-Length: 0\r\n\r\n",
	    WS_HELLO_OK, 101 },
	{ "not an upgrade", GET "\r\n", WS_HELLO_NONE, 426 },
	{ "another upgrade", GET "Upgrade: h2c\r\n" CONN "\r\n", WS_HELLO_NONE,
	    426 },
	{ "not an upgrade, POST", "POST / HTTP/1.1\r\n" HOST "\r\n",
	    WS_HELLO_NONE, 426 },
	{ "POST", "POST / HTTP/1.1\r\n" HOST UPGRADE CONN V13 KEY "\r\n",
	    WS_HELLO_ERR_METHOD, 405 },
	{ "HEAD", "HEAD / HTTP/1.1\r\n" HOST UPGRADE CONN V13 KEY "\r\n",
	    WS_HELLO_ERR_METHOD, 405 },
	{ "lower case get",
	    "get / HTTP/1.1\r\n" HOST UPGRADE CONN V13 KEY "\r\n",
	    WS_HELLO_ERR_METHOD, 405 },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n" HOST UPGRADE CONN V13 KEY "\r\n",
	    WS_HELLO_ERR_HTTP, 400 },
	{ "no Connection (H3)", GET UPGRADE V13 KEY "\r\n",
	    WS_HELLO_ERR_CONNECTION, 400 },
	{ "keep-alive alone",
	    GET UPGRADE "Connection: keep-alive\r\n" V13 KEY "\r\n",
	    WS_HELLO_ERR_CONNECTION, 400 },
	{ "no version (H4)", GET UPGRADE CONN KEY "\r\n", WS_HELLO_ERR_VERSION,
	    426 },
	{ "version 8 (H4)",
	    GET UPGRADE CONN KEY "Sec-WebSocket-Version: 8\r\n\r\n",
	    WS_HELLO_ERR_VERSION, 426 },
	{ "version 130",
	    GET UPGRADE CONN KEY "Sec-WebSocket-Version: 130\r\n\r\n",
	    WS_HELLO_ERR_VERSION, 426 },
	{ "two versions", GET UPGRADE CONN KEY V13 V13 "\r\n",
	    WS_HELLO_ERR_VERSION, 426 },
	{ "a list of versions",
	    GET UPGRADE CONN KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n",
	    WS_HELLO_ERR_VERSION, 426 },
	{ "no key (H2)", GET UPGRADE CONN V13 "\r\n", WS_HELLO_ERR_KEY, 400 },
	{ "two keys", GET UPGRADE CONN V13 KEY KEY "\r\n", WS_HELLO_ERR_KEY,
	    400 },
	{ "empty key (H2)", GET UPGRADE CONN V13 "Sec-WebSocket-Key:\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "15 bytes (H2)",
	    GET UPGRADE CONN V13
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "17 bytes (H2)",
	    GET UPGRADE CONN V13
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "18 bytes (H2)",
	    GET UPGRADE CONN V13
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "not base64 (H2)",
	    GET UPGRADE CONN V13
	    "Sec-WebSocket-Key: AAAAAAAAAA-AAAAAAAAAAA==\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "padding inside (H2)",
	    GET UPGRADE CONN V13
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAA===\r\n\r\n",
	    WS_HELLO_ERR_KEY, 400 },
	{ "a body", GET UPGRADE CONN V13 KEY "Content-Length: 1\r\n\r\n",
	    WS_HELLO_ERR_BODY, 400 },
	{ "a chunked body",
	    GET UPGRADE CONN V13 KEY "Transfer-Encoding: chunked\r\n\r\n",
	    WS_HELLO_ERR_BODY, 400 },
};

static void
judges_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct ws_hello hello = { 0 };
		struct http1_head h;
		enum ws_hello_result rc;

		read_text(&h, cases[i].in);
		rc = ws_hello_read(&h, &hello);
		if (rc != cases[i].end ||
		    ws_hello_status(rc) != cases[i].status)
			fail_msg("%s: %s", cases[i].name,
			    ws_hello_strresult(rc));
		if (rc == WS_HELLO_OK)
			assert_memory_equal(hello.key,
			    "dGhlIHNhbXBsZSBub25jZQ==", WS_HELLO_KEY_LEN);
	}
}

/* RFC 6455, section 1.3. */
static void
accepts_the_sample(void **state)
{
	char accept[WS_HELLO_ACCEPT_SIZE];

	(void)state;
	ws_hello_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void
chooses_protocols(void **state)
{
	static const char *const list[] = { "chat", "binary", "v1.x" };
	static const struct {
		const char *name;
		const char *offer;
		int chosen;
	} rows[] = {
		{ "nothing offered", "", WS_HELLO_NO_PROTOCOL },
		{ "the one", "Sec-WebSocket-Protocol: binary\r\n", 1 },
		{ "the client's order",
		    "Sec-WebSocket-Protocol: v1.x,binary, chat\r\n", 2 },
		{ "blanks (H6)", "Sec-WebSocket-Protocol: a ,\tbinary\t, b\r\n",
		    1 },
		{ "several fields (H6)",
		    "Sec-WebSocket-Protocol: a\r\n"
		    "sec-websocket-protocol: chat\r\n",
		    0 },
		{ "none in common", "Sec-WebSocket-Protocol: a, b\r\n",
		    WS_HELLO_NO_PROTOCOL },
		{ "case matters", "Sec-WebSocket-Protocol: Chat\r\n",
		    WS_HELLO_NO_PROTOCOL },
		{ "a prefix", "Sec-WebSocket-Protocol: cha, chats\r\n",
		    WS_HELLO_NO_PROTOCOL },
		{ "empty (fault_F6)", "Sec-WebSocket-Protocol:\r\n",
		    WS_HELLO_NO_PROTOCOL },
		{ "commas alone (fault_F6)", "Sec-WebSocket-Protocol: , ,\r\n",
		    WS_HELLO_NO_PROTOCOL },
		{ "empty beside a full one (fault_F6)",
		    "Sec-WebSocket-Protocol:\r\n"
		    "Sec-WebSocket-Protocol: ,chat\r\n",
		    0 },
		{ "two words", "Sec-WebSocket-Protocol: chat binary\r\n",
		    WS_HELLO_BAD_PROTOCOL },
		{ "no token behind a match",
		    "Sec-WebSocket-Protocol: chat, \"x\"\r\n",
		    WS_HELLO_BAD_PROTOCOL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct http1_head h;
		char in[256];
		int got;

		snprintf(in, sizeof(in), GET "%s\r\n", rows[i].offer);
		read_text(&h, in);
		got = ws_hello_choose(&h, list, nitems(list));
		if (got != rows[i].chosen)
			fail_msg("%s: %d", rows[i].name, got);
	}
}

/* The spelling is the standard's, letter by letter (H26). */
static void
puts_101(void **state)
{
	static const char plain[] =
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
	static const char chat[] =
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n"
	    "Sec-WebSocket-Protocol: chat\r\n\r\n";
	static const char with[] =
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n"
	    "Sec-WebSocket-Protocol: chat\r\nServer: y\r\n\r\n";
	static const char extension[] =
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n"
	    "Sec-WebSocket-Extensions: z\r\n\r\n";
	const struct http1_out more = { "Server", "y" };
	struct buf b;

	(void)state;
	buf_init(&b, 512);
	assert_true(ws_hello_put_101(&b, "x", NULL, NULL, NULL, 0));
	assert_int_equal(b.len, sizeof(plain) - 1);
	assert_memory_equal(b.data, plain, b.len);
	buf_clear(&b);
	assert_true(ws_hello_put_101(&b, "x", "chat", NULL, NULL, 0));
	assert_int_equal(b.len, sizeof(chat) - 1);
	assert_memory_equal(b.data, chat, b.len);
	buf_clear(&b);
	assert_true(ws_hello_put_101(&b, "x", "chat", NULL, &more, 1));
	assert_int_equal(b.len, sizeof(with) - 1);
	assert_memory_equal(b.data, with, b.len);
	buf_clear(&b);
	assert_true(ws_hello_put_101(&b, "x", NULL, "z", NULL, 0));
	assert_int_equal(b.len, sizeof(extension) - 1);
	assert_memory_equal(b.data, extension, b.len);
	buf_clear(&b);
}

#define TO_US "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void
judges_answers(void **state)
{
	static const struct {
		const char *name;
		const char *in;
		enum ws_hello_answer end;
		const char *protocol; /* NULL: none */
	} rows[] = {
		{ "plain", TO_US UPGRADE CONN ACCEPT "\r\n", WS_ANSWER_AGREED,
		    NULL },
		{ "case",
		    TO_US "upgrade: WebSocket\r\nconnection: upgrade\r\n" ACCEPT
			  "\r\n",
		    WS_ANSWER_AGREED, NULL },
		{ "a subprotocol",
		    TO_US UPGRADE CONN ACCEPT
		    "Sec-WebSocket-Protocol: chat\r\n\r\n",
		    WS_ANSWER_AGREED, "chat" },
		{ "one that was not offered",
		    TO_US UPGRADE CONN ACCEPT
		    "Sec-WebSocket-Protocol: cha\r\n\r\n",
		    WS_ANSWER_ERR_PROTOCOL, NULL },
		{ "two of them",
		    TO_US UPGRADE CONN ACCEPT
		    "Sec-WebSocket-Protocol: chat, v2\r\n\r\n",
		    WS_ANSWER_ERR_PROTOCOL, NULL },
		{ "in two fields",
		    TO_US UPGRADE CONN ACCEPT
		    "Sec-WebSocket-Protocol: chat\r\n"
		    "Sec-WebSocket-Protocol: v2\r\n\r\n",
		    WS_ANSWER_ERR_PROTOCOL, NULL },
		{ "an extension",
		    TO_US UPGRADE CONN ACCEPT
		    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		    WS_ANSWER_ERR_EXTENSION, NULL },
		{ "no Upgrade", TO_US CONN ACCEPT "\r\n", WS_ANSWER_ERR_UPGRADE,
		    NULL },
		{ "no Connection", TO_US UPGRADE ACCEPT "\r\n",
		    WS_ANSWER_ERR_CONNECTION, NULL },
		{ "no Accept", TO_US UPGRADE CONN "\r\n", WS_ANSWER_ERR_ACCEPT,
		    NULL },
		{ "another Accept",
		    TO_US UPGRADE CONN
		    "Sec-WebSocket-Accept: t3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		    "\r\n",
		    WS_ANSWER_ERR_ACCEPT, NULL },
		{ "200", "HTTP/1.1 200 OK\r\n" UPGRADE CONN ACCEPT "\r\n",
		    WS_ANSWER_REFUSED, NULL },
		{ "403", "HTTP/1.0 403\r\n\r\n", WS_ANSWER_REFUSED, NULL },
	};
	const struct ws_hello_wish w = { .protocols = "v2, chat" };

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *text = rows[i].in, *p = NULL;
		size_t scanned = 0, used, len = 0;
		enum ws_hello_answer rc;
		struct http1_head h;

		assert_int_equal(http1_read_response(&h, (const uint8_t *)text,
				     strlen(text), &scanned, &used),
		    HTTP1_HEAD);
		rc = ws_hello_judge(&h, &w, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &p,
		    &len);
		if (rc != rows[i].end)
			fail_msg("%s: %s", rows[i].name,
			    ws_hello_stranswer(rc));
		if (rc == WS_ANSWER_AGREED &&
		    (rows[i].protocol == NULL
			    ? p != NULL
			    : strncmp(p, rows[i].protocol, len) != 0))
			fail_msg("%s: %.*s", rows[i].name, (int)len, p);
	}
}

static void
puts_requests(void **state)
{
	static const char want[] =
	    "GET /x?y HTTP/1.1\r\nHost: a:81\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: k\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n"
	    "Origin: null\r\n\r\n";
	const struct http1_out more = { "Origin", "null" };
	struct ws_hello_wish w = {
		.target = "/x?y",
		.host = "a:81",
		.key = "k",
		.protocols = "a, b",
		.more = &more,
		.nmore = 1,
	};
	struct buf b;

	(void)state;
	buf_init(&b, 512);
	assert_true(ws_hello_put_request(&b, &w));
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.data, want, b.len);
	buf_drain(&b, b.len);
	w.target = "/x y";
	assert_false(ws_hello_put_request(&b, &w));
	w.target = "/x";
	w.host = "a\r\nb: c";
	assert_false(ws_hello_put_request(&b, &w));
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void
makes_keys(void **state)
{
	char a[WS_HELLO_KEY_LEN + 1], b[WS_HELLO_KEY_LEN + 1];

	(void)state;
	ws_hello_make_key(a);
	ws_hello_make_key(b);
	assert_int_equal(strlen(a), WS_HELLO_KEY_LEN);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_answers),
		cmocka_unit_test(puts_requests),
		cmocka_unit_test(makes_keys),
		cmocka_unit_test(judges_requests),
		cmocka_unit_test(accepts_the_sample),
		cmocka_unit_test(chooses_protocols),
		cmocka_unit_test(puts_101),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
