#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/proxy_hello.h"
#include "feed.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\2\7\xc0\0\2\1\x04\xd2\x01\xbb"
#define V6_A "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
#define V6_B "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6 V6_A V6_B "\x04\xd2\x01\xbb"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY
#define ENDS "192.0.2.7:1234 192.0.2.1:443"
#define ENDS6 "2001:db8::7:1234 2001:db8::1:443"

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	size_t used; /* of PROXY_HELLO_DONE */
	enum proxy_hello_result end;
	const char *ends; /* "local", or from and to */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
#define LINE(s) IN("PROXY " s "\r\nGET"), sizeof("PROXY " s "\r\n") - 1
#define BAD_LINE(s) IN("PROXY " s "\r\nGET"), 0, PROXY_HELLO_ERR_LINE, NULL
#define BINARY(s) IN(SIG s "GET"), sizeof(SIG s) - 1
	{ "version 1", LINE("TCP4 192.0.2.7 192.0.2.1 1234 443"),
	    PROXY_HELLO_DONE, ENDS },
	{ "version 1, IPv6", LINE("TCP6 2001:db8::7 2001:DB8::1 1234 443"),
	    PROXY_HELLO_DONE, ENDS6 },
	{ "version 1, port 0", LINE("TCP4 192.0.2.7 192.0.2.1 0 65535"),
	    PROXY_HELLO_DONE, "192.0.2.7:0 192.0.2.1:65535" },
	{ "version 1, unknown", LINE("UNKNOWN"), PROXY_HELLO_DONE, "local" },
	{ "version 1, unknown and more",
	    LINE("UNKNOWN ffff:f...f:ffff whatever"), PROXY_HELLO_DONE,
	    "local" },
	{ "version 1, the longest", LINE("UNKNOWN " FIFTY TEN TEN TEN TEN "1"),
	    PROXY_HELLO_DONE, "local" },
	{ "version 1, longer",
	    BAD_LINE("UNKNOWN " FIFTY TEN TEN TEN TEN "12") },
	{ "version 1, far longer", BAD_LINE("UNKNOWN " HUNDRED HUNDRED) },
	{ "small letters", BAD_LINE("tcp4 192.0.2.7 192.0.2.1 1234 443") },
	{ "no family", BAD_LINE("192.0.2.7 192.0.2.1 1234 443") },
	{ "nothing", BAD_LINE("") },
	{ "families mixed", BAD_LINE("TCP4 192.0.2.7 2001:db8::1 1234 443") },
	{ "the other family", BAD_LINE("TCP6 192.0.2.7 192.0.2.1 1234 443") },
	{ "zeros", BAD_LINE("TCP4 192.0.02.7 192.0.2.1 1234 443") },
	{ "a name", BAD_LINE("TCP4 localhost 192.0.2.1 1234 443") },
	{ "nobody", BAD_LINE("TCP6 :: ::1 1234 443") },
	{ "brackets", BAD_LINE("TCP6 [::1] [::1] 1234 443") },
	{ "one port", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234") },
	{ "three ports", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234 443 1") },
	{ "port over", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234 65536") },
	{ "port with zeros", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234 0443") },
	{ "port below", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 -1 443") },
	{ "two blanks", BAD_LINE("TCP4  192.0.2.7 192.0.2.1 1234 443") },
	{ "blank behind", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234 443 ") },
	{ "tab", BAD_LINE("TCP4\t192.0.2.7 192.0.2.1 1234 443") },
	{ "NUL", BAD_LINE("TCP4 192.0.2.7 192.0.2.1 1234 44\0") },
	{ "LF alone", IN("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\n"), 0,
	    PROXY_HELLO_ERR_LINE, NULL },
	{ "CR alone", IN("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\rG"), 0,
	    PROXY_HELLO_ERR_LINE, NULL },
	{ "incomplete", IN("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r"), 0,
	    PROXY_HELLO_MORE, NULL },
	{ "a request", IN("GET / HTTP/1.1\r\n"), 0, PROXY_HELLO_ERR_START,
	    NULL },
	{ "another method", IN("PROXYING"), 0, PROXY_HELLO_ERR_START, NULL },
	{ "TLS", IN("\x16\3\1"), 0, PROXY_HELLO_ERR_START, NULL },
	{ "an empty line", IN("\r\n\r\nG"), 0, PROXY_HELLO_ERR_START, NULL },

	{ "version 2", BINARY("\x21\x11\0\x0c" V4), PROXY_HELLO_DONE, ENDS },
	{ "version 2, IPv6", BINARY("\x21\x21\0\x24" V6), PROXY_HELLO_DONE,
	    ENDS6 },
	{ "version 2, IPv4 as IPv6",
	    BINARY("\x21\x21\0\x24"
		   "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7" V6_B
		   "\x04\xd2\x01\xbb"),
	    PROXY_HELLO_DONE, "192.0.2.7:1234 2001:db8::1:443" },
	{ "version 2, Unix",
	    BINARY("\x21\x31\0\xd8" HUNDRED HUNDRED TEN "123456"),
	    PROXY_HELLO_DONE, "unix:0 unix:0" },
	{ "version 2, local", BINARY("\x20\0\0\0"), PROXY_HELLO_DONE, "local" },
	{ "version 2, local with ends", BINARY("\x20\x11\0\x0c" V4),
	    PROXY_HELLO_DONE, "local" },
	{ "version 2, no family", BINARY("\x21\0\0\3abc"), PROXY_HELLO_DONE,
	    "local" },
	{ "version 2, extras",
	    BINARY("\x21\x11\0\x17" V4 "\4\0\0"
		   "\2\0\5a.org"),
	    PROXY_HELLO_DONE, ENDS },
	{ "version 2, TLS",
	    BINARY("\x21\x11\0\x1e" V4 "\x20\0\x0f\1\0\0\0\0\x21\0\7TLSv1.3"),
	    PROXY_HELLO_DONE, ENDS " tls" },
	{ "version 2, no TLS", BINARY("\x21\x11\0\x14" V4 "\x20\0\5\2\0\0\0\0"),
	    PROXY_HELLO_DONE, ENDS },
	{ "version 3", IN(SIG "\x31"), 0, PROXY_HELLO_ERR_VERSION, NULL },
	{ "command 2", IN(SIG "\x22"), 0, PROXY_HELLO_ERR_COMMAND, NULL },
	{ "datagrams", BINARY("\x21\x12\0\x0c" V4), PROXY_HELLO_ERR_FAMILY,
	    NULL },
	{ "a family of tomorrow", BINARY("\x21\x41\0\0"),
	    PROXY_HELLO_ERR_FAMILY, NULL },
	{ "too short",
	    BINARY("\x21\x11\0\x0b"
		   "01234567890"),
	    PROXY_HELLO_ERR_LENGTH, NULL },
	{ "too short for IPv6", BINARY("\x21\x21\0\x0c" V4),
	    PROXY_HELLO_ERR_LENGTH, NULL },
	{ "too long", IN(SIG "\x21\x11\x0f\xf1"), 0, PROXY_HELLO_ERR_LENGTH,
	    NULL },
	{ "the longest begins", IN(SIG "\x21\x11\x0f\xf0"), 0, PROXY_HELLO_MORE,
	    NULL },
	{ "nobody's address",
	    BINARY("\x21\x21\0\x24"
		   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" V6_B "\0\0\0\0"),
	    PROXY_HELLO_ERR_ADDRESS, NULL },
	{ "half an extra", BINARY("\x21\x11\0\x0e" V4 "\4\0"),
	    PROXY_HELLO_ERR_EXTRA, NULL },
	{ "an extra beyond the end", BINARY("\x21\x11\0\x0f" V4 "\4\0\1"),
	    PROXY_HELLO_ERR_EXTRA, NULL },
	{ "TLS that is too short", BINARY("\x21\x11\0\x10" V4 "\x20\0\1\1"),
	    PROXY_HELLO_ERR_EXTRA, NULL },
#undef IN
#undef LINE
#undef BAD_LINE
#undef BINARY
};

static void
put_ends(const struct proxy_hello *h, char *out, size_t size)
{
	char from[ADDR_TEXT], to[ADDR_TEXT];

	if (h->local) {
		(void)snprintf(out, size, "local");
		return;
	}
	addr_put(&h->from, from);
	addr_put(&h->to, to);
	(void)snprintf(out, size, "%s:%u %s:%u%s", from, h->from_port, to,
	    h->to_port, h->tls ? " tls" : "");
}

/* Whatever has come of it, it is not yet one, or is already known as none. */
static void
reads_every_beginning(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		enum proxy_hello_result rc = PROXY_HELLO_MORE;

		for (size_t len = 0; len <= c->in_len; len++) {
			struct guarded g = guarded_new(c->in, len);
			struct proxy_hello h;
			size_t used = 0;
			char ends[160];

			rc = proxy_hello_read(&h, g.data, len, &used);
			guarded_free(&g);
			if (rc == PROXY_HELLO_MORE)
				continue;
			if (rc != c->end)
				break;
			if (rc < 0)
				break;
			put_ends(&h, ends, sizeof(ends));
			if (used != c->used || used > len ||
			    strcmp(ends, c->ends) != 0)
				fail_msg("%s: %zu of %zu, %s", c->name, used,
				    len, ends);
		}
		if (rc != c->end)
			fail_msg("%s: %s", c->name, proxy_hello_strresult(rc));
	}
}

/* As much as may be waited for. */
static void
reads_the_longest(void **state)
{
	static uint8_t in[PROXY_HELLO_MAX] =
	    SIG "\x21\x11\x0f\xf0" V4 "\4\x0f\xe1";
	struct proxy_hello h;
	size_t used = 0;

	(void)state;
	assert_int_equal(proxy_hello_read(&h, in, sizeof(in) - 1, &used),
	    PROXY_HELLO_MORE);
	assert_int_equal(proxy_hello_read(&h, in, sizeof(in), &used),
	    PROXY_HELLO_DONE);
	assert_int_equal(used, sizeof(in));
}

static void
has_words(void **state)
{
	(void)state;
	for (int rc = PROXY_HELLO_ERR_EXTRA; rc < PROXY_HELLO_DONE; rc++)
		assert_string_not_equal(proxy_hello_strresult(
					    (enum proxy_hello_result)rc),
		    proxy_hello_strresult((enum proxy_hello_result)(rc + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_beginning),
		cmocka_unit_test(reads_the_longest),
		cmocka_unit_test(has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
