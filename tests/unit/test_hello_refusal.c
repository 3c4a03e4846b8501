/*
 * What is shown of a refusal; its body is fed in every cut.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "client/hello_refusal.h"
#include "codec/http1.h"

#define OK_LINE "HTTP/1.1 403 No\r\n"

static const struct test_case {
	const char *name, *in, *want;
	bool complete; /* the body's end can be seen */
} cases[] = {
	{ "no fields, no body", OK_LINE "Content-Length: 0\r\n\r\n", "", true },
	{ "in our order",
	    OK_LINE "Server: s\r\nX: y\r\nlocation: /\r\n"
		    "Content-Length: 0\r\n\r\n",
	    "Location: /\nServer: s\n", true },
	{ "several of one name",
	    OK_LINE
	    "WWW-Authenticate: A\r\nServer: s\r\nWWW-Authenticate: B\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "WWW-Authenticate: A\nWWW-Authenticate: B\nServer: s\n", true },
	{ "body", OK_LINE "Content-Length: 5\r\n\r\nabcdefgh", "\nabcde",
	    true },
	{ "body as far as it goes", OK_LINE "\r\nabc", "\nabc", false },
	{ "chunks",
	    OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
		    "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	    "\nabc", true },
	{ "no chunks", OK_LINE "Transfer-Encoding: chunked\r\n\r\nxyz", "",
	    true },
	{ "an image", OK_LINE "Content-Type: image/png\r\n\r\nabc",
	    "Content-Type: image/png\n", true },
	{ "compressed", OK_LINE "Content-Encoding: gzip\r\n\r\nabc", "", true },
	{ "JSON", OK_LINE "Content-Type: application/json\r\n\r\n{}",
	    "Content-Type: application/json\n\n{}", false },
};

static bool
read_body(struct hello_refusal *r, const char *body, size_t len, size_t cut)
{
	const uint8_t *p = (const uint8_t *)body;

	return hello_refusal_read(r, p, cut) ||
	    hello_refusal_read(r, p + cut, len - cut);
}

static void
check_case(const struct test_case *c, const struct http1_head *head,
    const char *body, size_t cut)
{
	struct hello_refusal r;
	struct buf out;
	bool complete;

	buf_init(&out, 65536);
	complete = hello_refusal_begin(&r, head, &out) ||
	    read_body(&r, body, strlen(body), cut);
	assert_true(buf_add_byte(&out, '\0'));
	if (strcmp((char *)out.data, c->want) != 0 || complete != c->complete)
		fail_msg("%s, cut %zu: %s", c->name, cut, (char *)out.data);
	buf_clear(&out);
}

static void
shows_what_helps(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const char *in = cases[i].in;
		size_t scanned = 0, used;
		struct http1_head head;

		assert_int_equal(http1_read_response(&head, (const uint8_t *)in,
				     strlen(in), &scanned, &used),
		    HTTP1_HEAD);
		for (size_t cut = 0; cut <= strlen(in + used); cut++)
			check_case(&cases[i], &head, in + used, cut);
	}
}

static void
bounds_the_body(void **state)
{
	static const char in[] = OK_LINE "\r\n";
	static uint8_t body[HELLO_REFUSAL_BODY_MAX + 1];
	size_t scanned = 0, used;
	struct http1_head head;
	struct hello_refusal r;
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(http1_read_response(&head, (const uint8_t *)in,
			     sizeof(in) - 1, &scanned, &used),
	    HTTP1_HEAD);
	memset(body, 'x', sizeof(body));
	assert_false(hello_refusal_begin(&r, &head, &out));
	assert_true(hello_refusal_read(&r, body, sizeof(body)));
	assert_int_equal(out.len, 1 + HELLO_REFUSAL_BODY_MAX);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_helps),
		cmocka_unit_test(bounds_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
