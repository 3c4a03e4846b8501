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
#include "codec/url.h"
#include "feed.h"

static void
splits(void **state)
{
	static const struct {
		const char *target, *path, *query;
	} rows[] = {
		{ "/", "/", "" },
		{ "/a/b", "/a/b", "" },
		{ "/a?b=c", "/a", "b=c" },
		{ "/?", "/", "" },
		{ "/a?b?c", "/a", "b?c" },
		{ "/a://b/c", "/a://b/c", "" },
		{ "/?http://b/c", "/", "http://b/c" },
		{ "//a/b", "//a/b", "" },
		{ "http://a", "/", "" },
		{ "http://a/", "/", "" },
		{ "http://a?b", "/", "b" },
		{ "http://a:80/b/c?d/e", "/b/c", "d/e" },
		{ "ws://[::1]/b", "/b", "" },
		{ "*", "*", "" },
		{ "a:80", "a:80", "" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].target);
		struct guarded g = guarded_new(rows[i].target, len);
		struct url u;

		url_split((char *)g.data, len, &u);
		if (u.path_len != strlen(rows[i].path) ||
		    u.query_len != strlen(rows[i].query) ||
		    memcmp(u.path, rows[i].path, u.path_len) != 0 ||
		    memcmp(u.query, rows[i].query, u.query_len) != 0)
			fail_msg("%s: %.*s %.*s", rows[i].target,
			    (int)u.path_len, u.path, (int)u.query_len, u.query);
		guarded_free(&g);
	}
}

static void
decodes(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} rows[] = {
		{ "", "" },
		{ "/a", "/a" },
		{ "/a%20b", "/a b" },
		{ "%41%4a%4A", "AJJ" },
		{ "/a+b", "/a+b" },
		{ "/%2e%2E%2f", "/../" },
		{ "%25%32%30", "%20" },
		{ "%c3%a4", "\xc3\xa4" },
		{ "%01%ff", "\1\xff" },
		{ "%10", "\20" },
		{ "%00", NULL },
		{ "/a%00b", NULL },
		{ "%", NULL },
		{ "%4", NULL },
		{ "a%", NULL },
		{ "%%41", NULL },
		{ "%4g", NULL },
		{ "%g4", NULL },
		{ "% 4", NULL },
		{ "%+4", NULL },
		{ "%0x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].in), n = 0;
		struct guarded g = guarded_new(rows[i].in, len);
		char *p = (char *)g.data; /* in place */
		bool ok = url_decode(p, len, p, &n);

		if (ok != (rows[i].out != NULL) ||
		    (ok &&
			(n != strlen(rows[i].out) ||
			    memcmp(p, rows[i].out, n) != 0)))
			fail_msg("%s", rows[i].in);
		guarded_free(&g);
	}
}

static void
encodes(void **state)
{
	static const char *const rows[][2] = {
		{ "/a/B-c.d_e~0", "/a/B-c.d_e~0" },
		{ "a b", "a%20b" },
		{ "a%2f?b#c", "a%252f%3Fb%23c" },
		{ "javascript:x", "javascript%3Ax" },
		{ "\\e\xc3\xa4\n", "%5Ce%C3%A4%0A" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_true(url_encode(&b, rows[i][0], strlen(rows[i][0])));
		assert_true(buf_add_byte(&b, '\0'));
		assert_string_equal((char *)b.data, rows[i][1]);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(decodes),
		cmocka_unit_test(encodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
