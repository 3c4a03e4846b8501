#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

const char *__asan_default_options(void);

/* One test asks for more than there is; AddressSanitizer would stop at it. */
const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
assert_holds(const struct buf *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	if (b->len > 0)
		assert_memory_equal(b->data, want, b->len);
}

static void
needs_nothing_at_first(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_null(b.data);
	assert_true(buf_add(&b, "", 0));
	assert_null(b.data);
	buf_drain(&b, 1);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void
appends(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_true(buf_add(&b, "abc", 3));
	assert_true(buf_add_byte(&b, 'd'));
	assert_true(buf_add_str(&b, "ef"));
	assert_true(buf_add_str(&b, ""));
	assert_holds(&b, "abcdef");
	buf_clear(&b);
	assert_null(b.data);
	assert_true(buf_add_str(&b, "again"));
	assert_holds(&b, "again");
	buf_clear(&b);
}

static void
stops_at_its_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_true(buf_add_str(&b, "abc"));
	assert_false(buf_add_str(&b, "def"));
	assert_holds(&b, "abc");
	assert_null(buf_reserve(&b, 3));
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(buf_add_str(&b, "de"));
	assert_false(buf_add_byte(&b, 'f'));
	assert_holds(&b, "abcde");
	assert_int_equal(b.cap, 5);
	buf_drain(&b, 1);
	assert_true(buf_add_byte(&b, 'f'));
	assert_holds(&b, "bcdef");
	buf_clear(&b);

	buf_init(&b, 0);
	assert_true(buf_add(&b, "x", 0));
	assert_false(buf_add_byte(&b, 'x'));
	assert_non_null(buf_reserve(&b, 0));
	buf_clear(&b);
}

static void
fails_without_memory(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_true(buf_add_str(&b, "abc"));
	assert_null(buf_reserve(&b, SIZE_MAX - 4096));
	assert_holds(&b, "abc");
	buf_clear(&b);
}

static void
holds_about_twice_the_contents(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < 100000; i++) {
		assert_true(buf_add_byte(&b, (uint8_t)i));
		assert_true(b.cap <= 64 || b.cap <= 2 * b.len);
	}
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	buf_clear(&b);
}

static void
commits_what_was_reserved(void **state)
{
	struct buf b;
	uint8_t *room;

	(void)state;
	buf_init(&b, 1000);
	assert_true(buf_add_str(&b, "ab"));
	assert_non_null(room = buf_reserve(&b, 500));
	memcpy(room, "cde", 3);
	assert_holds(&b, "ab");
	buf_commit(&b, 3);
	assert_holds(&b, "abcde");
	buf_clear(&b);
}

static void
drains(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_true(buf_add_str(&b, "abcdef"));
	buf_drain(&b, 0);
	assert_holds(&b, "abcdef");
	buf_drain(&b, 4);
	assert_holds(&b, "ef");
	buf_drain(&b, 3);
	assert_holds(&b, "");
	assert_non_null(b.data);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_nothing_at_first),
		cmocka_unit_test(appends),
		cmocka_unit_test(stops_at_its_ceiling),
		cmocka_unit_test(fails_without_memory),
		cmocka_unit_test(holds_about_twice_the_contents),
		cmocka_unit_test(commits_what_was_reserved),
		cmocka_unit_test(drains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
