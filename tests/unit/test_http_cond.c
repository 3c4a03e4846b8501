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
#include "codec/http_accept.h"
#include "codec/http_cond.h"

#define MODIFIED 784111777
#define THEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static void
read_head(struct http1_head *head, char *text, size_t size, const char *method,
    const char *fields)
{
	size_t scanned = 0, used;
	int len = snprintf(text, size, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n",
	    method, fields);

	assert_true(len > 0 && (size_t)len < size);
	assert_int_equal(http1_read_request(head, (const uint8_t *)text,
			     (size_t)len, &scanned, &used),
	    HTTP1_HEAD);
}

static const struct {
	const char *name, *method, *etag, *fields;
	enum http_cond_result rc;
} cases[] = {
#define STRONG "\"a\""
#define WEAK "W/\"a\""
	{ "nothing", "GET", STRONG, "", HTTP_COND_GO },

	{ "match", "GET", STRONG, "If-Match: \"a\"\r\n", HTTP_COND_GO },
	{ "match none", "GET", STRONG, "If-Match: \"b\"\r\n",
	    HTTP_COND_FAILED },
	{ "match any", "GET", STRONG, "If-Match: *\r\n", HTTP_COND_GO },
	{ "match of several", "GET", STRONG, "If-Match: \"b\",, \"a\"\r\n",
	    HTTP_COND_GO },
	{ "match of two fields", "GET", STRONG,
	    "If-Match: \"b\"\r\nIf-Match: \"a\"\r\n", HTTP_COND_GO },
	{ "match theirs weak", "GET", STRONG, "If-Match: W/\"a\"\r\n",
	    HTTP_COND_FAILED },
	{ "match ours weak", "GET", WEAK, "If-Match: W/\"a\"\r\n",
	    HTTP_COND_FAILED },
	{ "match empty", "GET", STRONG, "If-Match:\r\n", HTTP_COND_GO },
	{ "match without quotes", "GET", STRONG, "If-Match: a\r\n",
	    HTTP_COND_FAILED },
	{ "match without end", "GET", STRONG, "If-Match: \"a\r\n",
	    HTTP_COND_FAILED },

	{ "unmodified", "GET", STRONG, "If-Unmodified-Since: " THEN "\r\n",
	    HTTP_COND_GO },
	{ "modified", "GET", STRONG, "If-Unmodified-Since: " BEFORE "\r\n",
	    HTTP_COND_FAILED },
	{ "modified, but matching", "GET", STRONG,
	    "If-Unmodified-Since: " BEFORE "\r\nIf-Match: \"a\"\r\n",
	    HTTP_COND_GO },
	{ "unmodified, but not matching", "GET", STRONG,
	    "If-Unmodified-Since: " LATER "\r\nIf-Match: \"b\"\r\n",
	    HTTP_COND_FAILED },
	{ "unmodified since nonsense", "GET", STRONG,
	    "If-Unmodified-Since: yesterday\r\n", HTTP_COND_GO },

	{ "none match", "GET", STRONG, "If-None-Match: \"b\"\r\n",
	    HTTP_COND_GO },
	{ "one matches", "GET", STRONG, "If-None-Match: \"b\", \"a\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "one matches for HEAD", "HEAD", STRONG, "If-None-Match: \"a\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "one matches for PUT", "PUT", STRONG, "If-None-Match: \"a\"\r\n",
	    HTTP_COND_FAILED },
	{ "any matches", "GET", STRONG, "If-None-Match: *\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "weak matches strong", "GET", STRONG, "If-None-Match: W/\"a\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "strong matches weak", "GET", WEAK, "If-None-Match: \"a\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "w/ is not W/", "GET", STRONG, "If-None-Match: w/\"a\"\r\n",
	    HTTP_COND_GO },
	{ "a comma in a tag", "GET", "\"a,\"", "If-None-Match: \"a,\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "a part of a tag", "GET", STRONG, "If-None-Match: \"ab\"\r\n",
	    HTTP_COND_GO },
	{ "nonsense behind a tag", "GET", STRONG, "If-None-Match: \"b\"x\r\n",
	    HTTP_COND_GO },

	{ "not modified", "GET", STRONG, "If-Modified-Since: " THEN "\r\n",
	    HTTP_COND_NOT_MODIFIED },
	{ "not modified later", "GET", STRONG,
	    "If-Modified-Since: " LATER "\r\n", HTTP_COND_NOT_MODIFIED },
	{ "modified since", "GET", STRONG, "If-Modified-Since: " BEFORE "\r\n",
	    HTTP_COND_GO },
	{ "not modified, POST", "POST", STRONG,
	    "If-Modified-Since: " THEN "\r\n", HTTP_COND_GO },
	{ "not modified, but no tag matches", "GET", STRONG,
	    "If-Modified-Since: " THEN "\r\nIf-None-Match: \"b\"\r\n",
	    HTTP_COND_GO },
	{ "two dates", "GET", STRONG,
	    "If-Modified-Since: " THEN "\r\nIf-Modified-Since: " THEN "\r\n",
	    HTTP_COND_GO },
	{ "both sides", "GET", STRONG,
	    "If-Match: \"a\"\r\nIf-None-Match: \"a\"\r\n",
	    HTTP_COND_NOT_MODIFIED },
};

static void
decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct http_cond c = {
			.etag = cases[i].etag,
			.modified = MODIFIED,
			.now = MODIFIED + 1000,
		};
		struct http1_head head;
		char text[512];
		enum http_cond_result rc;

		read_head(&head, text, sizeof(text), cases[i].method,
		    cases[i].fields);
		rc = http_cond_decide(&c, &head);
		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].name, (int)rc);
	}
}

static void
decides_about_ranges(void **state)
{
	static const struct {
		const char *etag, *fields;
		int64_t age;
		bool counts;
	} rows[] = {
		{ STRONG, "", 1000, true },
		{ STRONG, "If-Range: \"a\"\r\n", 0, true },
		{ STRONG, "If-Range: \"b\"\r\n", 1000, false },
		{ STRONG, "If-Range: W/\"a\"\r\n", 1000, false },
		{ WEAK, "If-Range: W/\"a\"\r\n", 1000, false },
		{ WEAK, "If-Range: \"a\"\r\n", 1000, false },
		{ STRONG, "If-Range: \"a\", \"b\"\r\n", 1000, false },
		{ STRONG, "If-Range: *\r\n", 1000, false },
		{ STRONG, "If-Range: " THEN "\r\n", 1000, true },
		{ STRONG, "If-Range: " THEN "\r\n", 1, false },
		{ STRONG, "If-Range: " LATER "\r\n", 1000, false },
		{ STRONG, "If-Range: " BEFORE "\r\n", 1000, false },
		{ STRONG, "If-Range: \"a\"\r\nIf-Range: \"a\"\r\n", 1000,
		    false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct http_cond c = {
			.etag = rows[i].etag,
			.modified = MODIFIED,
			.now = MODIFIED + rows[i].age,
		};
		struct http1_head head;
		char text[512];

		read_head(&head, text, sizeof(text), "GET", rows[i].fields);
		if (http_cond_range(&c, &head) != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

/* b, g and i for what is allowed, in order. */
static void
chooses_codings(void **state)
{
	static const char *const rows[][2] = {
		{ "", "i" },
		{ "Accept-Encoding:\r\n", "i" },
		{ "Accept-Encoding: gzip\r\n", "gi" },
		{ "Accept-Encoding: gzip, deflate, br, zstd\r\n", "bgi" },
		{ "Accept-Encoding: gzip\r\nAccept-Encoding: BR\r\n", "bgi" },
		{ "Accept-Encoding: x-gzip\r\n", "gi" },
		{ "Accept-Encoding: br;q=0.5, gzip;q=0.8\r\n", "gbi" },
		{ "Accept-Encoding: br;q=0, gzip;q=0.001\r\n", "gi" },
		{ "Accept-Encoding: br ; Q=1.000 , gzip ; q=0.999\r\n", "bgi" },
		{ "Accept-Encoding: br;q=2, gzip;q=1.001\r\n", "i" },
		{ "Accept-Encoding: br;q=, gzip;q=0.1234\r\n", "i" },
		{ "Accept-Encoding: br;q=x, gzip;q=.5\r\n", "i" },
		{ "Accept-Encoding: br;level=5;q=0.5\r\n", "bi" },
		{ "Accept-Encoding: *\r\n", "bgi" },
		{ "Accept-Encoding: *;q=0\r\n", "i" },
		{ "Accept-Encoding: gzip, *;q=0\r\n", "gi" },
		{ "Accept-Encoding: *, gzip;q=0\r\n", "bi" },
		{ "Accept-Encoding: identity;q=0, gzip\r\n", "gi" },
		{ "Accept-Encoding: identity, gzip;q=0.5\r\n", "i" },
		{ "Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", "gi" },
		{ "Accept-Encoding: gzipped, brr, ;q=1, ;\r\n", "i" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		enum http_coding out[HTTP_CODINGS];
		char got[HTTP_CODINGS + 1] = "", text[512];
		struct http1_head head;
		size_t n;

		read_head(&head, text, sizeof(text), "GET", rows[i][0]);
		n = http_accept_codings(&head, out);
		for (size_t k = 0; k < n; k++)
			got[k] = "bgi"[out[k]];
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("%s: %s", rows[i][0], got);
	}
}

static void
knows_who_wants_pages(void **state)
{
	static const struct {
		const char *fields;
		bool html;
	} rows[] = {
		{ "", true },
		{ "Accept: */*\r\n", true },
		{ "Accept: text/*\r\n", true },
		{ "Accept: application/json, text/html;q=0.1\r\n", true },
		{ "Accept: text/html;level=1\r\n", true },
		{ "Accept: application/json\r\n", false },
		{ "Accept: text/html;q=0, */*\r\n", false },
		{ "Accept: */*;q=0\r\n", false },
		{ "Accept:\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct http1_head head;
		char text[512];

		read_head(&head, text, sizeof(text), "GET", rows[i].fields);
		if (http_accept_html(&head) != rows[i].html)
			fail_msg("%s", rows[i].fields);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides),
		cmocka_unit_test(decides_about_ranges),
		cmocka_unit_test(chooses_codings),
		cmocka_unit_test(knows_who_wants_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
