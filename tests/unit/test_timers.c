/*
 * A heap of timers by a clock that this test moves: they come in the order of
 * their times, whatever was set, put off and unset in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "loop.h"

enum { COUNT = 300 };

struct one {
	struct timer timer;
	size_t came;  /* how often */
	uint64_t set; /* the time that was asked for; 0: none */
};

struct fixture {
	struct loop loop;
	struct one v[COUNT];
	size_t came;
	uint64_t last; /* the time of the one that came last */
};

static struct fixture *now;

static void
on_timer(struct timer *t)
{
	struct one *one = container_of(t, struct one, timer);

	assert_int_equal(t->place, 0);
	assert_true(one->set != 0 && one->set <= loop_now);
	assert_true(one->set >= now->last);
	now->last = one->set;
	now->came++;
	one->came++;
	one->set = 0;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	clock_replace(loop_clock);
	loop_open(&f->loop);
	for (size_t i = 0; i < COUNT; i++)
		f->v[i].timer.fn = on_timer;
	now = *state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_close(&f->loop);
	clock_replace(NULL);
	free(f);
	return 0;
}

static void
set(struct fixture *f, size_t i, uint64_t ms)
{
	f->v[i].set = loop_now + ms;
	timers_set(&f->loop.flow.timers, &f->v[i].timer, f->v[i].set);
}

static void
unset(struct fixture *f, size_t i)
{
	f->v[i].set = 0;
	timers_unset(&f->loop.flow.timers, &f->v[i].timer);
}

/* Numbers in no order, the same ones each time. */
static uint64_t
any(uint64_t below)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static void
they_come_in_order(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT; i++)
		set(f, i, 1 + any(1000));
	for (int i = 0; i < 2000; i++)
		if (i % 3 == 0)
			unset(f, any(COUNT));
		else
			set(f, any(COUNT), 1 + any(1000));
	for (size_t i = 0; i < COUNT; i++)
		if (f->v[i].set == 0)
			set(f, i, 1 + any(1000));
	for (int i = 0; i < 1000; i++) {
		loop_pass(&f->loop, 1);
		loop_turns(&f->loop, 3);
	}
	assert_int_equal(f->came, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(f->v[i].came, 1);
}

static void
one_that_is_unset_does_not_come(void **state)
{
	struct fixture *f = *state;

	set(f, 0, 10);
	set(f, 1, 20);
	unset(f, 0);
	unset(f, 0);
	loop_pass(&f->loop, 19);
	assert_int_equal(f->came, 0);
	loop_pass(&f->loop, 1);
	assert_int_equal(f->came, 1);
	assert_int_equal(f->v[1].came, 1);
}

/* Many that come together leave the loop to others in between. */
static void
so_many_in_a_turn(void **state)
{
	struct fixture *f = *state;
	size_t before;

	for (size_t i = 0; i < COUNT; i++)
		set(f, i, 5);
	loop_now += 5;
	event_active(&f->loop.flow.timers.event, EV_TIMEOUT, 1);
	for (before = 0; f->came < COUNT; before = f->came) {
		loop_turn(&f->loop);
		assert_true(f->came > before && f->came - before <= 64);
	}
}

/* One that sets itself to the next turn does not keep the loop in this one. */
static void
on_again(struct timer *t)
{
	timers_set(&now->loop.flow.timers, t, 0);
	now->came++;
}

static void
one_that_comes_again(void **state)
{
	struct fixture *f = *state;

	f->v[0].timer.fn = on_again;
	timers_set(&f->loop.flow.timers, &f->v[0].timer, 0);
	set(f, 1, 1);
	loop_turn(&f->loop);
	assert_in_range(f->came, 1, 64);
	unset(f, 0);
	f->came = 0;
	loop_pass(&f->loop, 1);
	assert_int_equal(f->came, 1);
}

/* The callback may unset another that has come as well. */
static void
on_unset_next(struct timer *t)
{
	(void)t;
	now->came++;
	unset(now, 1);
	set(now, 2, 0);
}

static void
they_may_unset_each_other(void **state)
{
	struct fixture *f = *state;

	f->v[0].timer.fn = on_unset_next;
	set(f, 0, 1);
	set(f, 1, 2);
	loop_pass(&f->loop, 2);
	assert_int_equal(f->v[1].came, 0);
	assert_int_equal(f->v[2].came, 1);
	assert_int_equal(f->came, 2);
}

#define timers_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		timers_test(they_come_in_order),
		timers_test(one_that_is_unset_does_not_come),
		timers_test(so_many_in_a_turn),
		timers_test(one_that_comes_again),
		timers_test(they_may_unset_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
