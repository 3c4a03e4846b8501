#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/str.h"

enum { BAD = 4711 }; /* what *out keeps when a text is refused */

static const struct number_case {
	const char *name;
	const char *in;
	bool ok;
	uint64_t want;
} uints[] = {
	{ "zero", "0", true, 0 },
	{ "the limit", "65535", true, 65535 },
	{ "leading zeros", "00080", true, 80 },
	{ "over the limit", "65536", false, BAD },
	{ "over 64 bits", "18446744073709551616", false, BAD },
	{ "far over 64 bits", "99999999999999999999999", false, BAD },
	{ "empty", "", false, BAD },
	{ "minus", "-1", false, BAD },
	{ "plus", "+1", false, BAD },
	{ "hexadecimal", "0x10", false, BAD },
	{ "blank before", " 1", false, BAD },
	{ "blank behind", "1 ", false, BAD },
	{ "newline behind", "1\n", false, BAD },
};

static const struct number_case sizes[] = {
	{ "zero", "0", true, 0 },
	{ "bytes", "4096", true, 4096 },
	{ "K", "64K", true, 65536 },
	{ "M", "16M", true, 16 << 20 },
	{ "G", "2G", true, UINT64_C(2) << 30 },
	{ "all 64 bits", "18446744073709551615", true, UINT64_MAX },
	{ "largest G", "17179869183G", true, UINT64_C(17179869183) << 30 },
	{ "over by its unit", "17179869184G", false, BAD },
	{ "small letter", "64k", false, BAD },
	{ "unknown unit", "1Q", false, BAD },
	{ "two units", "1KK", false, BAD },
	{ "bytes spelt out", "1KB", false, BAD },
	{ "unit alone", "K", false, BAD },
	{ "fraction", "1.5M", false, BAD },
	{ "empty", "", false, BAD },
	{ "minus", "-1K", false, BAD },
};

static const struct number_case durations[] = {
	{ "zero", "0", true, 0 },
	{ "bare seconds", "30", true, 30000 },
	{ "milliseconds", "500ms", true, 500 },
	{ "seconds", "2s", true, 2000 },
	{ "minutes", "1m", true, 60000 },
	{ "hours", "1h", true, 3600000 },
	{ "half a second", "0.5s", true, 500 },
	{ "bare fraction", "0.25", true, 250 },
	{ "fraction of an hour", "1.5h", true, 5400000 },
	{ "fraction of a minute", "0.005m", true, 300 },
	{ "many decimals that end in 0", "0.100000s", true, 100 },
	{ "would be rounded to 0", "0.0001s", false, BAD },
	{ "half a millisecond", "0.5ms", false, BAD },
	{ "no digit before the point (fault_W13)", ".5s", true, 500 },
	{ "and no unit (fault_W13)", ".25", true, 250 },
	{ "a point alone", ".", false, BAD },
	{ "a point and a unit", ".s", false, BAD },
	{ "less than a millisecond", ".0001", false, BAD },
	{ "no digit behind the point", "1.s", false, BAD },
	{ "two points", "1.5.5s", false, BAD },
	{ "unknown unit", "1q", false, BAD },
	{ "day", "1d", false, BAD },
	{ "two parts", "1m30s", false, BAD },
	{ "unit alone", "s", false, BAD },
	{ "empty", "", false, BAD },
	{ "minus", "-1s", false, BAD },
	{ "blank", "1 s", false, BAD },
	{ "over 64 bits by its unit", "18446744073709551615h", false, BAD },
	{ "decimals over 64 bits", "0.000000000000000000000", false, BAD },
};

static void
assert_number(const struct number_case *c, bool ok, uint64_t got)
{
	if (ok != c->ok || got != c->want)
		fail_msg("%s: %s: %s, %ju", c->name, c->in,
		    ok ? "taken" : "refused", (uintmax_t)got);
}

static void
reads_uints(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(uints); i++) {
		uint64_t v = BAD;
		bool ok = str_uint(uints[i].in, 65535, &v);

		assert_number(&uints[i], ok, v);
	}
}

static void
reads_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(sizes); i++) {
		uint64_t v = BAD;
		bool ok = str_size(sizes[i].in, &v);

		assert_number(&sizes[i], ok, v);
	}
}

static void
reads_durations(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(durations); i++) {
		uint64_t v = BAD;
		bool ok = str_duration(durations[i].in, &v);

		assert_number(&durations[i], ok, v);
	}
}

static void
puts_what_it_reads(void **state)
{
	static const struct {
		uint64_t v;
		const char *size, *duration;
	} rows[] = {
		{ 0, "0", "0" },
		{ 1, "1", "1ms" },
		{ 500, "500", "500ms" },
		{ 1000, "1000", "1s" },
		{ 1024, "1K", "1024ms" },
		{ 1500, "1500", "1500ms" },
		{ 90000, "90000", "90s" },
		{ 120000, "120000", "2m" },
		{ 3600000, "3600000", "1h" },
		{ 16 << 20, "16M", "16777216ms" },
		{ UINT64_C(3) << 30, "3G", "3221225472ms" },
		{ UINT64_MAX, "18446744073709551615",
		    "18446744073709551615ms" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		uint64_t again = BAD;
		char out[32];

		str_put_size(out, sizeof(out), rows[i].v);
		assert_string_equal(out, rows[i].size);
		assert_true(str_size(out, &again));
		assert_true(again == rows[i].v);
		str_put_duration(out, sizeof(out), rows[i].v);
		assert_string_equal(out, rows[i].duration);
		assert_true(str_duration(out, &again));
		assert_true(again == rows[i].v);
	}
}

static void
puts_no_more_than_fits(void **state)
{
	char out[4] = "xyz";

	(void)state;
	str_put_size(out, 3, 123456);
	assert_string_equal(out, "12");
}

static void
compares_without_case(void **state)
{
	static const struct {
		const char *name, *a, *b;
		bool equal;
	} rows[] = {
		{ "same", "host", "host", true },
		{ "case", "HoSt", "hOsT", true },
		{ "prefix", "host", "hos", false },
		{ "empty", "", "", true },
		{ "bits of a letter", "[", "{", false },
		{ "bits of a letter, at", "@", "`", false },
		{ "not ASCII", "\xc4", "\xe4", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *a = rows[i].a, *b = rows[i].b;

		if (str_ieq(a, b) != rows[i].equal ||
		    str_ieqn(a, strlen(a), b, strlen(b)) != rows[i].equal)
			fail_msg("%s", rows[i].name);
	}
	assert_true(str_ieqn("a\0B", 3, "A\0b", 3));
	assert_false(str_ieqn("a\0b", 3, "a\0c", 3));
}

static void
copies_with_an_end(void **state)
{
	char out[4];

	(void)state;
	assert_true(str_copy(out, sizeof(out), "abc"));
	assert_string_equal(out, "abc");
	assert_false(str_copy(out, sizeof(out), "wxyz"));
	assert_string_equal(out, "wxy");
	assert_true(str_copy(out, sizeof(out), ""));
	assert_string_equal(out, "");
	assert_false(str_copy(out, 0, ""));
}

static void
names_signals(void **state)
{
	static const struct {
		const char *name;
		int sig;
	} rows[] = {
		{ "HUP", SIGHUP },
		{ "INT", SIGINT },
		{ "QUIT", SIGQUIT },
		{ "KILL", SIGKILL },
		{ "TERM", SIGTERM },
		{ "SEGV", SIGSEGV },
		{ "PIPE", SIGPIPE },
		{ "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		assert_int_equal(str_signal(rows[i].name), rows[i].sig);
		assert_string_equal(str_signal_name(rows[i].sig), rows[i].name);
	}
	assert_int_equal(str_signal("term"), SIGTERM);
	assert_int_equal(str_signal("SIGTERM"), 0);
	assert_int_equal(str_signal(""), 0);
	assert_int_equal(str_signal("9"), 0);
	assert_null(str_signal_name(0));
	assert_null(str_signal_name(-1));
	assert_null(str_signal_name(4711));
}

static void
puts_hex(void **state)
{
	char out[] = "........";

	(void)state;
	str_put_hex(out, "\x00\x9a\xff", 3);
	assert_string_equal(out, "009aff..");
	str_put_hex(out, "", 0);
	assert_string_equal(out, "009aff..");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_uints),
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(puts_what_it_reads),
		cmocka_unit_test(puts_no_more_than_fits),
		cmocka_unit_test(compares_without_case),
		cmocka_unit_test(copies_with_an_end),
		cmocka_unit_test(names_signals),
		cmocka_unit_test(puts_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
