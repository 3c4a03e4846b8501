#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/http_date.h"

#define NOW 1763800000 /* in November 2025 */

static bool
read_text(const char *s, int64_t *t)
{
	return http_date_read(s, strlen(s), NOW, t);
}

static void
reads_all_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
		{ "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
		{ "Thu Feb 29 12:00:00 2024", 1709208000 },
		{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Friday, 01-Jan-75 00:00:00 GMT", 3313526400 },
		{ "Thursday, 01-Jan-76 00:00:00 GMT", 189302400 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		int64_t t = 42;

		if (!read_text(rows[i].text, &t) || t != rows[i].t)
			fail_msg("%s: %lld", rows[i].text, (long long)t);
	}
}

static void
refuses_the_rest(void **state)
{
	static const char *const rows[] = {
		"",
		"0",
		"Sun",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 2023 08:49:37 GMT",
		"Sun, 29 Feb 1900 08:49:37 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 08:4 :37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		int64_t t = 42;

		if (read_text(rows[i], &t) || t != 42)
			fail_msg("%s: %lld", rows[i], (long long)t);
	}
}

static void
writes_one_form(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} rows[] = {
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
		{ 1709251199, "Thu, 29 Feb 2024 23:59:59 GMT" },
		{ 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT" },
	};
	char out[HTTP_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		http_date_put(out, rows[i].t);
		assert_string_equal(out, rows[i].text);
	}
}

/* Some 4000 years, in steps that meet every hour of a day and every month. */
static void
reads_what_it_writes(void **state)
{
	char out[HTTP_DATE_SIZE];

	(void)state;
	for (int64_t t = -62135596800; t < 64000000000; t += 8654321) {
		int64_t back;

		http_date_put(out, t);
		assert_true(read_text(out, &back));
		assert_true(back == t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_forms),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(writes_one_form),
		cmocka_unit_test(reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
