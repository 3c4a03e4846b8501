/*
 * What an engine knows of limits: what it asks the parent, what an answer means,
 * and who is blocked from logging in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/refusal.h"
#include "engine_world.h"

static struct engine_world w;
static uint64_t now;

static uint64_t
clock_of_test(void)
{
	return now;
}

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_read(&a, text, strlen(text)));
	return a;
}

static void
what_no_limit_is_about_costs_no_message(void **state)
{
	struct addr near = addr("127.0.0.1"), far = addr("192.0.2.1");
	struct ipc_admit a;

	(void)state;
	world_set(world_conf(&w), "max-connections", "0");
	world_start(&w, 1);
	assert_false(limits_ask(w.engine, 7, &near, false));
	assert_false(world_hears(&w, IPC_ADMIT));
	assert_true(limits_ask(w.engine, 7, &near, true));
	assert_true(world_hears(&w, IPC_ADMIT));
	assert_true(ipc_read_admit(&w.told, &a) && !a.counted && !a.stays);
	assert_true(limits_ask(w.engine, 8, &far, false));
	assert_true(world_hears(&w, IPC_ADMIT));
	assert_int_equal(w.told.session, 8);
	assert_true(ipc_read_admit(&w.told, &a));
	assert_true(a.connection && a.counted && a.stays);
}

static void
a_request_stays_if_it_takes_a_connection(void **state)
{
	struct addr far = addr("192.0.2.1");
	struct ipc_admit a;

	(void)state;
	world_set(world_conf(&w), "rate", "0");
	world_start(&w, 1);
	assert_false(limits_ask_request(w.engine, 7, &far, false));
	assert_true(limits_ask_request(w.engine, 7, &far, true));
	assert_true(world_hears(&w, IPC_ADMIT));
	assert_true(ipc_read_admit(&w.told, &a));
	assert_true(!a.connection && a.counted && a.stays);
}

static void
an_answer_is_a_refusal_or_none(void **state)
{
	static const struct {
		struct ipc_admitted a;
		unsigned status; /* 0: it is yes */
	} rows[] = {
		{ { .verdict = IPC_ADMIT_YES, .seat = 3 }, 0 },
		{ { .verdict = IPC_ADMIT_FULL, .retry = 5 }, 503 },
		{ { .verdict = IPC_ADMIT_ADDRESS, .retry = 6 }, 429 },
		{ { .verdict = IPC_ADMIT_RATE, .retry = 7 }, 429 },
	};

	(void)state;
	world_start(&w, 1);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct refusal r = { .status = 0 };

		assert_int_equal(limits_refuse(&rows[i].a, &r),
		    rows[i].status != 0);
		assert_int_equal(r.status, rows[i].status);
		assert_int_equal(r.retry_after, rows[i].a.retry);
	}
}

static void
a_seat_is_given_back_once(void **state)
{
	uint32_t seat = 9, none = 0, got;

	(void)state;
	world_start(&w, 1);
	limits_leave(w.engine, &none);
	limits_leave(w.engine, &seat);
	limits_leave(w.engine, &seat);
	assert_true(world_hears(&w, IPC_LEAVE));
	assert_true(ipc_read_u32(&w.told, &got) && got == 9);
	assert_false(world_hears(&w, IPC_LEAVE));
}

/* Those that came at once are judged before the parent has said anything. */
static void
who_fails_too_often_is_blocked_for_a_while(void **state)
{
	struct addr bad = addr("192.0.2.1"), good = addr("192.0.2.2");
	struct refusal r;

	(void)state;
	world_set(world_conf(&w), "max-failed-logins", "2");
	world_start(&w, 1);
	assert_false(limits_refuse_login(w.engine, &bad, &r));
	for (int i = 0; i < 3; i++)
		limits_failed_login(w.engine, &bad);
	assert_true(world_hears(&w, IPC_FAILED_LOGIN));
	assert_true(limits_refuse_login(w.engine, &bad, &r));
	assert_int_equal(r.status, 429);
	assert_true(r.retry_after > 0 && r.retry_after <= 60);
	assert_false(limits_refuse_login(w.engine, &good, &r));
	now += r.retry_after * 1000;
	assert_false(limits_refuse_login(w.engine, &bad, &r));
}

/* It failed elsewhere. */
static void
the_parent_blocks_whom_it_names(void **state)
{
	struct addr bad = addr("192.0.2.1");
	uint8_t body[IPC_BLOCKED_BODY];
	struct ipc_msg m = { .type = IPC_BLOCKED, .body = body };
	struct refusal r;

	(void)state;
	world_start(&w, 1);
	m.len = ipc_put_blocked(body, &bad, 1500);
	assert_true(limits_on_blocked(w.engine, &m));
	assert_true(limits_refuse_login(w.engine, &bad, &r));
	assert_int_equal(r.retry_after, 2);
	now += 1500;
	assert_false(limits_refuse_login(w.engine, &bad, &r));
	m.len--;
	assert_false(limits_on_blocked(w.engine, &m));
}

static void
a_few_are_heard_though_they_are_turned_away(void **state)
{
	size_t n = 0;

	(void)state;
	world_start(&w, 1);
	while (limits_hearing_begin(w.engine))
		n++;
	assert_int_equal(n, 64);
	limits_hearing_end(w.engine);
	assert_true(limits_hearing_begin(w.engine));
	assert_false(limits_hearing_begin(w.engine));
}

static int
setup(void **state)
{
	(void)state;
	now = 1000000;
	clock_replace(clock_of_test);
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	clock_replace(NULL);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_no_limit_is_about_costs_no_message),
		TEST(a_request_stays_if_it_takes_a_connection),
		TEST(an_answer_is_a_refusal_or_none),
		TEST(a_seat_is_given_back_once),
		TEST(who_fails_too_often_is_blocked_for_a_while),
		TEST(the_parent_blocks_whom_it_names),
		TEST(a_few_are_heard_though_they_are_turned_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
