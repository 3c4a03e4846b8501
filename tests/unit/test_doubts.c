#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/base.h"
#include "flow/doubts.h"

enum { MANY = 100 };

/* One who is in doubt, and how often he was looked at. */
struct sceptic {
	struct doubt doubt;
	int looks;
};

static struct event_base *base;
static struct doubts doubts;
static struct sceptic them[MANY];

static void
look(struct doubt *d)
{
	container_of(d, struct sceptic, doubt)->looks++;
}

static int
setup(void **state)
{
	(void)state;
	base = event_base_new();
	doubts_init(&doubts, base, look);
	for (size_t i = 0; i < MANY; i++) {
		them[i] = (struct sceptic){ 0 };
		doubts_renew(&doubts, &them[i].doubt);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	doubts_clear(&doubts);
	event_base_free(base);
	return 0;
}

/* The loop ends when no timer is set any more. */
static void
once_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < MANY; i++)
		doubts_renew(&doubts, &them[i].doubt);
	assert_int_equal(event_base_dispatch(base), 1);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(them[i].looks, 1);
	assert_null(doubts.each);
}

static void
those_that_are_forgotten(void **state)
{
	(void)state;
	for (size_t i = 0; i < MANY; i += 3)
		doubts_forget(&doubts, &them[i].doubt);
	doubts_forget(&doubts, &them[0].doubt);
	assert_int_equal(event_base_dispatch(base), 1);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(them[i].looks, i % 3 != 0);
}

static void
one_that_is_renewed(void **state)
{
	(void)state;
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	doubts_renew(&doubts, &them[1].doubt);
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(them[0].looks, 1);
	assert_int_equal(them[1].looks, 0);
	assert_int_equal(event_base_dispatch(base), 1);
	assert_int_equal(them[1].looks, 1);
}

static void
one_that_comes_again(void **state)
{
	(void)state;
	assert_int_equal(event_base_dispatch(base), 1);
	doubts_renew(&doubts, &them[7].doubt);
	assert_int_equal(event_base_dispatch(base), 1);
	assert_int_equal(them[6].looks, 1);
	assert_int_equal(them[7].looks, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(once_each, setup, teardown),
		cmocka_unit_test_setup_teardown(those_that_are_forgotten, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(one_that_is_renewed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(one_that_comes_again, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
