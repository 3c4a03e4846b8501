#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/utf8.h"
#include "feed.h"

/*
 * The reference knows no table of lead bytes, only code points: what has come
 * of a character leaves a range of code points open, and it may go on if that
 * range holds one which this length of encoding is for.
 */

static bool
holds(uint32_t from, uint32_t to, uint32_t first, uint32_t last)
{
	return from <= last && to >= first;
}

enum prefix { BAD, OPEN, WHOLE };

static enum prefix
judge(const uint8_t *s, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const uint32_t most[] = { 0, 0x7f, 0x7ff, 0xffff, 0x10ffff };
	size_t want = s[0] < 0x80 ? 1
	    : s[0] >> 5 == 6      ? 2
	    : s[0] >> 4 == 14     ? 3
	    : s[0] >> 3 == 30     ? 4
				  : 0;
	uint32_t from, to;

	if (want == 0 || len > want)
		return BAD;
	from = want == 1 ? s[0] : s[0] & (0xffu >> (want + 1));
	for (size_t i = 1; i < len; i++) {
		if (s[i] >> 6 != 2)
			return BAD;
		from = from << 6 | (s[i] & 0x3f);
	}
	to = from;
	for (size_t i = len; i < want; i++) {
		from = from << 6;
		to = to << 6 | 0x3f;
	}
	from = from < least[want] ? least[want] : from;
	to = to > most[want] ? most[want] : to;
	if (from > to ||
	    !(holds(from, to, 0, 0xd7ff) || holds(from, to, 0xe000, 0x10ffff)))
		return BAD;
	return len == want ? WHOLE : OPEN;
}

/* The index of the byte that spoils it, or len; *open if it ends inside. */
static size_t
spoiler_of(const uint8_t *s, size_t len, bool *open)
{
	size_t start = 0;

	*open = false;
	for (size_t i = 0; i < len; i++) {
		enum prefix p = judge(s + start, i + 1 - start);

		if (p == BAD)
			return i;
		*open = p == OPEN;
		if (p == WHOLE)
			start = i + 1;
	}
	return len;
}

static size_t
repaired_of(const uint8_t *s, size_t len, uint8_t *out)
{
	size_t o = 0, n;

	for (size_t i = 0; i < len; i += n) {
		enum prefix p = BAD, next;

		for (n = 0; i + n < len && p != WHOLE; n++) {
			if ((next = judge(s + i, n + 1)) == BAD)
				break;
			p = next;
		}
		if (p == WHOLE) {
			memcpy(out + o, s + i, n);
			o += n;
		} else {
			memcpy(out + o, "\xef\xbf\xbd", 3);
			o += 3;
			n = n == 0 ? 1 : n;
		}
	}
	return o;
}

/* Every text is put right before a forbidden page. */

enum { ROOM = 256 };
static struct guarded guard;

static int
guard_up(void **state)
{
	static const uint8_t zeros[ROOM];

	(void)state;
	guard = guarded_new(zeros, ROOM);
	return 0;
}

static int
guard_down(void **state)
{
	(void)state;
	guarded_free(&guard);
	return 0;
}

static size_t
check_piece(struct utf8 *u, const uint8_t *s, size_t len)
{
	uint8_t *at = guard.data + ROOM - len;

	if (len > 0)
		memcpy(at, s, len);
	return utf8_check(u, at, len);
}

static size_t
repair_piece(struct utf8 *u, const uint8_t *s, size_t len, uint8_t *out)
{
	uint8_t *at = guard.data + ROOM - len;
	size_t n;

	if (len > 0)
		memcpy(at, s, len);
	n = utf8_repair(u, at, len, out);
	assert_true(n <= UTF8_REPAIR_GROWTH * len + UTF8_REPAIR_EXTRA);
	return n;
}

static void
fail_text(const char *what, const uint8_t *s, size_t len, size_t cut)
{
	char hex[3 * ROOM + 1] = "";

	for (size_t i = 0; i < len; i++)
		snprintf(hex + 3 * i, 4, "%02x ", s[i]);
	fail_msg("%s: %scut at %zu", what, hex, cut);
}

static void
try_check(const uint8_t *s, size_t len, size_t cut)
{
	struct utf8 u;
	bool open;
	size_t want = spoiler_of(s, len, &open), got;

	utf8_init(&u);
	got = check_piece(&u, s, cut);
	if (got == cut)
		got += check_piece(&u, s + cut, len - cut);
	if (got != want || (got == len && utf8_complete(&u) == open))
		fail_text("check", s, len, cut);
}

static void
try_repair(const uint8_t *s, size_t len, size_t cut)
{
	uint8_t want[4 * ROOM], got[4 * ROOM];
	size_t nwant = repaired_of(s, len, want), n;
	struct utf8 u;

	utf8_init(&u);
	n = repair_piece(&u, s, cut, got);
	n += repair_piece(&u, s + cut, len - cut, got + n);
	n += utf8_repair_end(&u, got + n);
	if (n != nwant || memcmp(got, want, n) != 0 || !utf8_complete(&u))
		fail_text("repair", s, len, cut);
}

static void
try_every_cut(const uint8_t *s, size_t len)
{
	for (size_t cut = 0; cut <= len; cut++) {
		try_check(s, len, cut);
		try_repair(s, len, cut);
	}
}

/* Bytes at both sides of every border of table 3-7. */
static const uint8_t edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
	0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1,
	0xf3, 0xf4, 0xf5, 0xff };

static void
one_and_two_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0x10000; i++) {
		uint8_t s[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		try_every_cut(s, 2);
		if (i < 0x100)
			try_every_cut(s + 1, 1);
	}
}

static void
three_and_four_bytes(void **state)
{
	size_t n = nitems(edges);

	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t s[4] = { edges[i / n / n / n], edges[i / n / n % n],
			edges[i / n % n], edges[i % n] };

		try_every_cut(s, 4);
		if (i % n == 0)
			try_every_cut(s, 3);
	}
}

static size_t
encode(uint32_t c, uint8_t *out)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (uint8_t)(marks[len] | c);
	return len;
}

static void
every_code_point(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		bool valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
		uint8_t s[8];
		size_t len = encode(c, s), got;
		struct utf8 u;

		memcpy(s + len, "abc", 3);
		utf8_init(&u);
		got = check_piece(&u, s, len + 3);
		if ((got == len + 3) != valid)
			fail_msg("U+%04X", (unsigned)c);
	}
}

/* The wide path for ASCII: something odd at every place behind it. */
static void
behind_ascii(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
	} tails[] = {
		{ "one byte that is none", "\xff" },
		{ "a character", "\xe2\x82\xac" },
		{ "half a character", "\xe2\x82" },
		{ "a surrogate", "\xed\xa0\x80z" },
		{ "two characters and text",
		    "\xc3\xa4\xf0\x9f\x98\x80, and then some more of it" },
		{ "Autobahn 6.4", "\xf4\x90\x80\x80" },
	};
	uint8_t s[ROOM];

	(void)state;
	for (size_t i = 0; i < nitems(tails); i++) {
		for (size_t pad = 0; pad < 150; pad++) {
			size_t len = strlen(tails[i].bytes);

			memset(s, 'a', pad);
			memcpy(s + pad, tails[i].bytes, len);
			try_check(s, pad + len, 0);
			try_check(s, pad + len, pad / 2);
			try_repair(s, pad + len, 0);
			try_repair(s, pad + len, pad / 2);
		}
	}
}

/* Unicode 15, section 3.9, tables 3-8 to 3-11, and what we promise ourselves. */
static const struct {
	const char *name;
	const char *in;
	const char *out;
} repairs[] = {
#define R "\xef\xbf\xbd"
	{ "non-shortest forms", "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
	    R R R R R R R R "\x41" },
	{ "surrogates", "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
	    R R R R R R R R "\x41" },
	{ "other ill-formed", "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42",
	    R R R R R "\x41" R R "\x42" },
	{ "truncated", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", R R R R "\x41" },
	{ "cut at the end", "a\xf0\x9f\x98", "a" R },
	{ "nothing wrong", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "empty", "", "" },
#undef R
};

static void
repairs_as_unicode_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(repairs); i++) {
		const uint8_t *in = (const void *)repairs[i].in;
		size_t len = strlen(repairs[i].in);
		uint8_t out[ROOM];

		for (size_t cut = 0; cut <= len; cut++) {
			struct utf8 u;
			size_t n;

			utf8_init(&u);
			n = repair_piece(&u, in, cut, out);
			n += repair_piece(&u, in + cut, len - cut, out + n);
			n += utf8_repair_end(&u, out + n);
			out[n] = '\0';
			if (strcmp((char *)out, repairs[i].out) != 0)
				fail_msg("%s, cut at %zu", repairs[i].name,
				    cut);
		}
	}
}

/* framing.c looks ahead with a copy of the state that it repairs with. */
static void
copy_of_repair_checks(void **state)
{
	struct utf8 u, ahead;
	uint8_t out[16];

	(void)state;
	utf8_init(&u);
	assert_int_equal(repair_piece(&u, (const void *)"\xe2\x82", 2, out), 0);
	assert_false(utf8_complete(&u));
	ahead = u;
	assert_int_equal(check_piece(&ahead, (const void *)"\xac!", 2), 2);
	assert_true(utf8_complete(&ahead));
	ahead = u;
	assert_int_equal(check_piece(&ahead, (const void *)"!", 1), 0);
	assert_int_equal(repair_piece(&u, (const void *)"\xac!", 2, out), 4);
	assert_memory_equal(out, "\xe2\x82\xac!", 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_and_two_bytes),
		cmocka_unit_test(three_and_four_bytes),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(behind_ascii),
		cmocka_unit_test(repairs_as_unicode_says),
		cmocka_unit_test(copy_of_repair_checks),
	};

	return cmocka_run_group_tests(tests, guard_up, guard_down);
}
