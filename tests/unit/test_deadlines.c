#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/clock.h"
#include "flow/deadlines.h"
#include "loop.h"

enum { HOUR = 3600 * 1000, COUNT = 4, TOLD_MAX = 16 };

struct fixture {
	struct loop loop;
	struct deadlines deadlines;
	uint64_t at[COUNT];
	size_t told[TOLD_MAX]; /* which came, in order */
	size_t ntold;
	size_t turns;
	size_t set_when_told; /* COUNT: none */
};

static uint64_t now;

static uint64_t
test_clock(void)
{
	return now;
}

static void
on_due(void *owner, size_t which)
{
	struct fixture *f = owner;

	assert_true(f->ntold < TOLD_MAX);
	assert_false(deadlines_awaits(&f->deadlines, which));
	f->told[f->ntold++] = which;
	if (f->set_when_told < COUNT)
		deadlines_set(&f->deadlines, f->set_when_told, HOUR);
}

static void
on_turn(void *owner)
{
	struct fixture *f = owner;

	f->turns++;
}

static int
setup(void **state)
{
	static const struct deadlines_ops ops = { on_due, on_turn };
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	loop_open(&f->loop);
	now = 1000;
	clock_replace(test_clock);
	f->set_when_told = COUNT;
	deadlines_init(&f->deadlines, &f->loop.flow, f->at, COUNT, &ops, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	deadlines_clear(&f->deadlines);
	loop_close(&f->loop);
	free(f);
	clock_replace(NULL);
	return 0;
}

/* One turn of the loop, without waiting. */
static void
turn(struct fixture *f)
{
	loop_turn(&f->loop);
}

static void
awaits_nothing_at_first(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT; i++)
		assert_false(deadlines_awaits(&f->deadlines, i));
	turn(f);
	assert_int_equal(f->turns, 0);
}

static void
tells_what_is_due_in_order(void **state)
{
	struct fixture *f = *state;

	deadlines_set(&f->deadlines, 3, 0);
	deadlines_set(&f->deadlines, 2, HOUR);
	deadlines_set(&f->deadlines, 1, 0);
	turn(f);
	assert_int_equal(f->ntold, 2);
	assert_int_equal(f->told[0], 1);
	assert_int_equal(f->told[1], 3);
	assert_int_equal(f->turns, 1);
	assert_true(deadlines_awaits(&f->deadlines, 2));
	turn(f);
	assert_int_equal(f->turns, 1);
}

static void
puts_off_and_forgets(void **state)
{
	struct fixture *f = *state;

	deadlines_set(&f->deadlines, 0, 0);
	deadlines_set(&f->deadlines, 0, HOUR);
	deadlines_set(&f->deadlines, 1, 0);
	deadlines_forget(&f->deadlines, 1);
	turn(f);
	assert_int_equal(f->ntold, 0);
	now += HOUR;
	deadlines_set(&f->deadlines, 2, 0);
	deadlines_wake(&f->deadlines); /* the loop has a clock of its own */
	turn(f);
	assert_int_equal(f->ntold, 2);
	assert_int_equal(f->told[0], 0);
	assert_int_equal(f->told[1], 2);
}

static void
may_be_set_when_told(void **state)
{
	struct fixture *f = *state;

	f->set_when_told = 0;
	deadlines_set(&f->deadlines, 0, 0);
	turn(f);
	assert_int_equal(f->ntold, 1);
	assert_true(deadlines_awaits(&f->deadlines, 0));
}

/* Setting a deadline must not put the wake-up off to that. */
static void
wakes_whatever_is_set_behind_it(void **state)
{
	struct fixture *f = *state;

	deadlines_set(&f->deadlines, 0, HOUR);
	deadlines_wake(&f->deadlines);
	deadlines_set(&f->deadlines, 1, HOUR / 2);
	turn(f);
	assert_int_equal(f->turns, 1);
	assert_int_equal(f->ntold, 0);
	now += HOUR / 2;
	deadlines_wake(&f->deadlines);
	turn(f);
	assert_int_equal(f->ntold, 1);
	assert_int_equal(f->told[0], 1);
}

#define deadlines_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		deadlines_test(awaits_nothing_at_first),
		deadlines_test(tells_what_is_due_in_order),
		deadlines_test(puts_off_and_forgets),
		deadlines_test(may_be_set_when_told),
		deadlines_test(wakes_whatever_is_set_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
