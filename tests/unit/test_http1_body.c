#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/http1.h"
#include "codec/http1_body.h"
#include "feed.h"

#define END "0\r\n\r\n"

static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	const char *body; /* what is read until the end, or the fault */
	enum http1_body_result end;
	size_t behind; /* bytes of `in` that are not the body's */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "nothing", IN(""), "", HTTP1_BODY_MORE, 0 },
	{ "empty", IN(END), "", HTTP1_BODY_END, 0 },
	{ "one chunk", IN("3\r\nabc\r\n" END), "abc", HTTP1_BODY_END, 0 },
	{ "two chunks", IN("3\r\nabc\r\n1\r\nd\r\n" END), "abcd",
	    HTTP1_BODY_END, 0 },
	{ "the next request", IN("1\r\na\r\n" END "GET /"), "a", HTTP1_BODY_END,
	    5 },
	{ "line ends are data", IN("4\r\n\r\n\r\n\r\n" END), "\r\n\r\n",
	    HTTP1_BODY_END, 0 },
	{ "either case", IN("a\r\n0123456789\r\nA\r\n0123456789\r\n" END),
	    "01234567890123456789", HTTP1_BODY_END, 0 },
	{ "zeros before a size", IN("00000000000000000001\r\na\r\n000\r\n\r\n"),
	    "a", HTTP1_BODY_END, 0 },
	{ "the end is missing", IN("1\r\na\r\n0\r\n"), "a", HTTP1_BODY_MORE,
	    0 },
	{ "data is missing", IN("ff\r\nabc"), "abc", HTTP1_BODY_MORE, 0 },
	{ "the largest chunk", IN("7fffffffffffffff\r\nabc"), "abc",
	    HTTP1_BODY_MORE, 0 },

	{ "no size", IN("\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "no digits", IN("g\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "sign", IN("+1\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "minus", IN("-1\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "0x", IN("0x1\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "underscore", IN("1_0\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "blank before", IN(" 1\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "blank behind", IN("1 \r\n"), "", HTTP1_BODY_ERR_EXTENSION, 0 },
	{ "NUL behind", IN("1\0\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "two sizes", IN("1 1\r\n"), "", HTTP1_BODY_ERR_EXTENSION, 0 },
	{ "no data, then a size", IN("\n1\r\n"), "", HTTP1_BODY_ERR_SIZE, 0 },
	{ "63 bits are not enough", IN("8000000000000000\r\n"), "",
	    HTTP1_BODY_ERR_SIZE, 0 },
	{ "a size that wraps", IN("10000000000000003\r\nabc\r\n" END), "",
	    HTTP1_BODY_ERR_SIZE, 0 },

	{ "extension", IN("1;a\r\nb\r\n0;c=d\r\n\r\n"), "b", HTTP1_BODY_END,
	    0 },
	{ "quoted extension", IN("1 ; a = \"; \xff\"\r\nb\r\n" END), "b",
	    HTTP1_BODY_END, 0 },
	{ "CR in an extension", IN("1;a\rb\r\n"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "LF in an extension", IN("1;a\nb\r\n"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "NUL in an extension", IN("1;\0\r\n"), "", HTTP1_BODY_ERR_EXTENSION,
	    0 },

	{ "LF behind a size", IN("1\na\r\n"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "CR behind a size", IN("1\ra\r\n"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "CR CR LF behind a size", IN("1\r\r\na"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "LF behind the data", IN("1\r\na\n"), "a", HTTP1_BODY_ERR_EOL, 0 },
	{ "CR behind the data", IN("1\r\na\rb"), "a", HTTP1_BODY_ERR_EOL, 0 },
	{ "too much data", IN("1\r\nab\r\n"), "a", HTTP1_BODY_ERR_EOL, 0 },
	{ "LF for the last line", IN("0\r\n\n"), "", HTTP1_BODY_ERR_EOL, 0 },
	{ "CR for the last line", IN("0\r\n\rGET"), "", HTTP1_BODY_ERR_EOL, 0 },

	{ "trailer", IN("0\r\nA: b\r\nC:\r\n\r\nGET"), "", HTTP1_BODY_END, 3 },
	{ "trailer without end", IN("0\r\nA: b\r\n"), "", HTTP1_BODY_MORE, 0 },
	{ "trailer without name", IN("0\r\n: b\r\n"), "",
	    HTTP1_BODY_ERR_TRAILER, 0 },
	{ "trailer without colon", IN("0\r\nA\r\n"), "", HTTP1_BODY_ERR_TRAILER,
	    0 },
	{ "blank in a trailer's name", IN("0\r\nA : b\r\n"), "",
	    HTTP1_BODY_ERR_TRAILER, 0 },
	{ "folded trailer", IN("0\r\nA: b\r\n c\r\n"), "",
	    HTTP1_BODY_ERR_TRAILER, 0 },
	{ "NUL in a trailer", IN("0\r\nA: \0\r\n"), "", HTTP1_BODY_ERR_TRAILER,
	    0 },
	{ "CR in a trailer", IN("0\r\nA: b\rc\r\n"), "", HTTP1_BODY_ERR_EOL,
	    0 },
	{ "LF in a trailer", IN("0\r\nA: b\nc\r\n"), "", HTTP1_BODY_ERR_EOL,
	    0 },
	{ "LF in a trailer's name", IN("0\r\nA\n"), "", HTTP1_BODY_ERR_EOL, 0 },
#undef IN
};

struct got {
	struct http1_body body;
	uint8_t bytes[64];
	size_t len;  /* of bytes */
	size_t used; /* of everything that was fed */
	enum http1_body_result rc;
};

static struct got
got_new(enum http1_body_kind kind, uint64_t length)
{
	const struct http1_head head = { .body = kind, .length = length };
	struct got g = { 0 };

	http1_body_init(&g.body, &head);
	return g;
}

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	const uint8_t *data;
	size_t used, n;

	do {
		g->rc = http1_body_read(&g->body, piece, len, &used, &data, &n);
		assert_true(used <= len);
		g->used += used;
		if (g->rc == HTTP1_BODY_DATA) {
			assert_true(n > 0 && data + n == piece + used);
			if (g->len + n <= sizeof(g->bytes))
				memcpy(g->bytes + g->len, data, n);
			g->len += n;
		}
		piece += used;
		len -= used;
	} while (g->rc == HTTP1_BODY_DATA);
	assert_true(g->rc != HTTP1_BODY_MORE || len == 0);
	return g->rc == HTTP1_BODY_MORE;
}

static void
assert_case(const struct test_case *c, const char *how, size_t cut,
    const struct got *g)
{
	if (g->rc != c->end)
		fail_msg("%s, %s %zu: %s, not %s", c->name, how, cut,
		    http1_body_strresult(g->rc), http1_body_strresult(c->end));
	if (g->rc >= 0 && g->used != c->in_len - c->behind)
		fail_msg("%s, %s %zu: used %zu", c->name, how, cut, g->used);
	if (g->len != strlen(c->body) || memcmp(g->bytes, c->body, g->len) != 0)
		fail_msg("%s, %s %zu: %.*s", c->name, how, cut, (int)g->len,
		    (const char *)g->bytes);
}

static void
reads_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			struct got g = got_new(HTTP1_BODY_CHUNKED, 0);

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
		struct got g = got_new(HTTP1_BODY_CHUNKED, 0);

		feed_bytes(cases[i].in, cases[i].in_len, take, &g);
		assert_case(&cases[i], "bytes", 1, &g);
	}
}

static void
reads_a_length(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= 7; cut++) {
		struct got g = got_new(HTTP1_BODY_LENGTH, 5);

		feed(cut, "helloGET", 8, take, &g);
		assert_int_equal(g.rc, HTTP1_BODY_END);
		assert_int_equal(g.used, 5);
		assert_memory_equal(g.bytes, "hello", 5);
	}
}

static void
is_over_at_once(void **state)
{
	struct got g = got_new(HTTP1_BODY_NONE, 0);

	(void)state;
	feed_piece("", 0, take, &g);
	assert_int_equal(g.rc, HTTP1_BODY_END);
	g = got_new(HTTP1_BODY_LENGTH, 0);
	feed(0, "GET", 3, take, &g);
	assert_int_equal(g.rc, HTTP1_BODY_END);
	assert_int_equal(g.used, 0);
	feed(0, "GET", 3, take, &g);
	assert_int_equal(g.rc, HTTP1_BODY_END);
	assert_int_equal(g.used, 0);
}

/* Feed `before`, n times x, and `behind`. */
static enum http1_body_result
read_long(const char *before, size_t n, const char *behind)
{
	struct got g = got_new(HTTP1_BODY_CHUNKED, 0);
	bool more = feed_piece(before, strlen(before), take, &g);

	while (more && n-- > 0)
		more = feed_piece("x", 1, take, &g);
	if (more)
		feed_piece(behind, strlen(behind), take, &g);
	return g.rc;
}

static void
holds_its_limits(void **state)
{
	char many[HTTP1_MAX_EXTENSIONS + 1024];
	struct got g = got_new(HTTP1_BODY_CHUNKED, 0);
	size_t n = 0;

	(void)state;
	assert_int_equal(read_long("0;", HTTP1_MAX_SIZE_LINE - 3, "\r\n\r\n"),
	    HTTP1_BODY_END);
	assert_int_equal(read_long("0;", HTTP1_MAX_SIZE_LINE - 2, "\r\n\r\n"),
	    HTTP1_BODY_ERR_EXTENSION);
	assert_int_equal(read_long("0\r\nA:", HTTP1_MAX_TRAILERS - 4,
			     "\r\n\r\n"),
	    HTTP1_BODY_END);
	assert_int_equal(read_long("0\r\nA:", HTTP1_MAX_TRAILERS, "\r\n\r\n"),
	    HTTP1_BODY_ERR_TRAILER);

	/* many extensions, none of them long */
	while (n + 128 < sizeof(many)) {
		memcpy(many + n, "1;", 2);
		memset(many + n + 2, 'x', 117);
		memcpy(many + n + 119, "\r\na\r\n", 5);
		n += 124;
	}
	take(&g, (uint8_t *)many, n);
	assert_int_equal(g.rc, HTTP1_BODY_ERR_EXTENSION);
}

static void
writes_chunks(void **state)
{
	struct got g = got_new(HTTP1_BODY_CHUNKED, 0);
	char out[HTTP1_CHUNK_HEAD_MAX];

	(void)state;
	assert_int_equal(http1_chunk_head(out, UINT32_MAX), 10);
	assert_string_equal(out, "ffffffff\r\n");
	assert_int_equal(http1_chunk_head(out, 26), 4);
	assert_string_equal(out, "1a\r\n");
	assert_true(take(&g, (uint8_t *)out, 4));
	assert_true(feed_piece("abcdefghijklmnopqrstuvwxyz", 26, take, &g));
	assert_true(feed_piece(HTTP1_CHUNK_TAIL, 2, take, &g));
	assert_false(feed_piece(HTTP1_LAST_CHUNK, 5, take, &g));
	assert_int_equal(g.rc, HTTP1_BODY_END);
	assert_int_equal(g.len, 26);
}

static void
names_results(void **state)
{
	(void)state;
	for (int rc = HTTP1_BODY_ERR_TRAILER; rc < HTTP1_BODY_END; rc++)
		assert_string_not_equal(http1_body_strresult(
					    (enum http1_body_result)rc),
		    http1_body_strresult((enum http1_body_result)(rc + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(reads_a_length),
		cmocka_unit_test(is_over_at_once),
		cmocka_unit_test(holds_its_limits),
		cmocka_unit_test(writes_chunks),
		cmocka_unit_test(names_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
