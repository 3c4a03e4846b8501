#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/http_range.h"

static const struct {
	const char *value;
	uint64_t size;
	enum http_range_result rc;
	uint64_t first, length;
} cases[] = {
	{ "bytes=0-4", 10, HTTP_RANGE_PART, 0, 5 },
	{ "bytes=0-0", 10, HTTP_RANGE_PART, 0, 1 },
	{ "Bytes=9-9", 10, HTTP_RANGE_PART, 9, 1 },
	{ "bytes=5-", 10, HTTP_RANGE_PART, 5, 5 },
	{ "bytes=0-", 10, HTTP_RANGE_PART, 0, 10 },
	{ "bytes=5-10", 10, HTTP_RANGE_PART, 5, 5 },
	{ "bytes=5-99999999999999999999", 10, HTTP_RANGE_PART, 5, 5 },
	{ "bytes=-3", 10, HTTP_RANGE_PART, 7, 3 },
	{ "bytes=-10", 10, HTTP_RANGE_PART, 0, 10 },
	{ "bytes=-99999999999999999999", 10, HTTP_RANGE_PART, 0, 10 },
	{ "bytes= 1-2 ", 10, HTTP_RANGE_PART, 1, 2 },
	{ "bytes=0-18446744073709551615", UINT64_MAX, HTTP_RANGE_PART, 0,
	    UINT64_MAX },

	{ "bytes=10-", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=10-11", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=99999999999999999999-", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=-0", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=10-,11-,-0", 10, HTTP_RANGE_NONE, 0, 0 },

	{ "bytes=0-1,4-5", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0-,0-,0-,0-", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0-1, 10-", 10, HTTP_RANGE_PART, 0, 2 },
	{ "bytes=, ,4-5,", 10, HTTP_RANGE_PART, 4, 2 },

	{ "", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=-", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=4", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=5-4", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=a-b", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0-1x", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=--1", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0 - 1", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0-1;", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes =0-1", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "lines=0-1", 10, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=0-0", 0, HTTP_RANGE_WHOLE, 0, 0 },
	{ "bytes=-5", 0, HTTP_RANGE_WHOLE, 0, 0 },
};

static void
reads_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct http_range r = { 0 };
		enum http_range_result rc = http_range_read(cases[i].value,
		    strlen(cases[i].value), cases[i].size, &r);

		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].value, (int)rc);
		if (rc == HTTP_RANGE_PART &&
		    (r.first != cases[i].first || r.length != cases[i].length))
			fail_msg("%s: %llu bytes from %llu", cases[i].value,
			    (unsigned long long)r.length,
			    (unsigned long long)r.first);
	}
}

static void
writes_ranges(void **state)
{
	const struct http_range r = { .first = 2, .length = 3 };
	const struct http_range all = { .first = UINT64_MAX - 1, .length = 1 };
	char out[HTTP_RANGE_SIZE];

	(void)state;
	http_range_put(out, &r, 10);
	assert_string_equal(out, "bytes 2-4/10");
	http_range_put(out, NULL, 10);
	assert_string_equal(out, "bytes */10");
	http_range_put(out, &all, UINT64_MAX);
	assert_string_equal(out,
	    "bytes 18446744073709551614-18446744073709551614/"
	    "18446744073709551615");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ranges),
		cmocka_unit_test(writes_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
