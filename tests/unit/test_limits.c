#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/base.h"
#include "conf/conf.h"
#include "parent/limits.h"

enum { START = 1000000, MINUTE = 60000 };

/* A parent with so many engines. */
struct world {
	struct conf conf;
	struct limits *limits;
	struct limits_seats seats[2];
	uint64_t now;
	uint32_t retry; /* of the last refusal */
	uint32_t seat;  /* of the last who may stay */
};

static int
setup(void **state)
{
	static struct world w;

	w = (struct world){ .now = START };
	conf_init(&w.conf);
	w.conf.max_per_address = 3;
	w.conf.rate = 10;
	w.conf.max_failed_logins = 4;
	w.limits = limits_new(&w.conf);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < nitems(w->seats); i++)
		limits_leave_all(w->limits, &w->seats[i]);
	limits_free(w->limits);
	conf_clear(&w->conf);
	return 0;
}

static struct addr
addr_of(const char *text)
{
	struct addr a = { 0 };

	if (strcmp(text, "unix") != 0 && !addr_read(&a, text, strlen(text)))
		fail_msg("%s", text);
	return a;
}

static enum ipc_admission
admit(struct world *w, size_t engine, const struct ipc_admit *a)
{
	struct ipc_admitted answer;

	limits_admit(w->limits, &w->seats[engine], a, w->now, &answer);
	if (answer.verdict == IPC_ADMIT_YES)
		w->seat = answer.seat;
	else
		w->retry = answer.retry;
	return answer.verdict;
}

static enum ipc_admission
connects(struct world *w, size_t engine, const char *from)
{
	return admit(w, engine,
	    &(struct ipc_admit){ true, true, true, addr_of(from) });
}

static enum ipc_admission
asks(struct world *w, const char *from)
{
	return admit(w, 0,
	    &(struct ipc_admit){ .counted = true, .addr = addr_of(from) });
}

/* ------------------------------------------------- connections */

static void
counts_connections(void **state)
{
	struct world *w = *state;
	uint32_t seat;

	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 1, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 1, "::ffff:192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_ADDRESS);
	assert_true(w->retry > 0);
	assert_int_equal(connects(w, 0, "192.0.2.2"), IPC_ADMIT_YES);

	seat = w->seat;
	assert_true(limits_leave(w->limits, &w->seats[0], seat));
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_ADDRESS);
	assert_true(limits_leave(w->limits, &w->seats[1], 1));
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_ADDRESS);
}

static void
counts_customers(void **state)
{
	struct world *w = *state;

	assert_int_equal(connects(w, 0, "2001:db8::1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "2001:db8::2"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "2001:db8::ffff:0:0:1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "2001:db8::4"), IPC_ADMIT_ADDRESS);
	assert_int_equal(connects(w, 0, "2001:db8:0:1::1"), IPC_ADMIT_YES);
}

/* Local clients are limited by what was written, not by defaults. */
static void
spares_local_clients(void **state)
{
	static const char *const local[] = { "127.0.0.1", "::1", "unix" };
	struct world *w = *state;

	for (size_t i = 0; i < nitems(local); i++) {
		for (int n = 0; n < 50; n++)
			assert_int_equal(connects(w, 0, local[i]),
			    IPC_ADMIT_YES);
	}
	w->conf.max_per_address_given = true;
	for (size_t i = 0; i < nitems(local); i++) {
		for (int n = 0; n < 3; n++)
			assert_int_equal(connects(w, 0, local[i]),
			    IPC_ADMIT_YES);
		assert_int_equal(connects(w, 0, local[i]), IPC_ADMIT_ADDRESS);
	}
}

static void
counts_all_connections(void **state)
{
	const struct ipc_admit any = { .connection = true };
	struct world *w = *state;

	w->conf.max_connections = 2;
	assert_int_equal(admit(w, 0, &any), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 1, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(admit(w, 0, &any), IPC_ADMIT_FULL);
	assert_int_equal(connects(w, 1, "192.0.2.2"), IPC_ADMIT_FULL);
	assert_int_equal(asks(w, "192.0.2.2"), IPC_ADMIT_YES);
	assert_int_equal(w->seat, 0);
	assert_int_equal(w->seats[0].connections, 1);
	limits_leave_all(w->limits, &w->seats[1]);
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(admit(w, 1, &any), IPC_ADMIT_FULL);
}

/* What an engine gives back it must have got, itself. */
static void
knows_its_seats(void **state)
{
	static const uint32_t wrong[] = { 0, 2, 3, 100000, UINT32_MAX };
	struct world *w = *state;

	assert_false(limits_leave(w->limits, &w->seats[0], 1));
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(w->seat, 1);
	for (size_t i = 0; i < nitems(wrong); i++)
		assert_false(limits_leave(w->limits, &w->seats[0], wrong[i]));
	assert_false(limits_leave(w->limits, &w->seats[1], 1));
	assert_true(limits_leave(w->limits, &w->seats[0], 1));
	assert_false(limits_leave(w->limits, &w->seats[0], 1));
}

static void
takes_back_what_a_lost_engine_had(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 1, "192.0.2.1"), IPC_ADMIT_YES);
	limits_leave_all(w->limits, &w->seats[0]);
	limits_leave_all(w->limits, &w->seats[0]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_ADDRESS);
}

/* ------------------------------------------------- rates */

static void
limits_rates(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_RATE);
	assert_int_equal(w->retry, 1);
	assert_int_equal(asks(w, "192.0.2.2"), IPC_ADMIT_YES);

	/* a refusal costs nothing, and one is due every tenth of a second */
	w->now += 99;
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_RATE);
	w->now += 1;
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_RATE);
	w->now += 1000;
	for (int i = 0; i < 10; i++)
		assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_RATE);

	/* who rests has no more than the burst */
	w->now += 3600 * 1000;
	for (int i = 0; i < 20; i++)
		assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_RATE);
}

static void
rates_count_connections_too(void **state)
{
	struct world *w = *state;

	w->conf.rate = 1;
	assert_int_equal(connects(w, 0, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(asks(w, "192.0.2.1"), IPC_ADMIT_YES);
	assert_int_equal(connects(w, 1, "192.0.2.1"), IPC_ADMIT_RATE);
	assert_int_equal(w->retry, 1);
	w->conf.rate = 0;
	assert_int_equal(connects(w, 1, "192.0.2.1"), IPC_ADMIT_YES);
}

/* ------------------------------------------------- logins */

static bool
note_blocked(void *arg, const struct addr *a, uint32_t ms)
{
	uint32_t *sum = arg;

	(void)a;
	*sum += ms;
	return true;
}

static void
blocks_logins(void **state)
{
	const struct addr a = addr_of("2001:db8::1"), b = addr_of("::1");
	const struct addr same = addr_of("2001:db8::2");
	struct world *w = *state;
	uint32_t sum = 0;

	for (int i = 0; i < 3; i++)
		assert_int_equal(limits_failed_login(w->limits, &a, w->now), 0);
	limits_each_blocked(w->limits, w->now, note_blocked, &sum);
	assert_int_equal(sum, 0);
	assert_int_equal(limits_failed_login(w->limits, &same, w->now), 15000);
	limits_each_blocked(w->limits, w->now, note_blocked, &sum);
	assert_int_equal(sum, 15000);

	/* those that were under way make it no longer */
	for (int i = 0; i < 100; i++)
		assert_int_equal(limits_failed_login(w->limits, &a, w->now),
		    15000);
	w->now += 15000;
	assert_int_equal(limits_failed_login(w->limits, &a, w->now), 15000);
	w->now += MINUTE;
	for (int i = 0; i < 3; i++)
		assert_int_equal(limits_failed_login(w->limits, &a, w->now), 0);

	for (int i = 0; i < 100; i++)
		assert_int_equal(limits_failed_login(w->limits, &b, w->now), 0);
	w->conf.max_failed_logins_given = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(limits_failed_login(w->limits, &b, w->now), 0);
	assert_true(limits_failed_login(w->limits, &b, w->now) > 0);
}

/* ------------------------------------------------- memory */

static struct addr
number(uint32_t n)
{
	struct addr a = addr_of("10.0.0.0");

	a.byte[13] = (uint8_t)(n >> 16);
	a.byte[14] = (uint8_t)(n >> 8);
	a.byte[15] = (uint8_t)n;
	return a;
}

/* The longest idle ones are forgotten, and nobody who is there. */
static void
has_a_ceiling(void **state)
{
	struct world *w = *state;
	struct ipc_admit a = { true, true, true, number(0) };

	for (uint32_t i = 0; i < LIMITS_ROWS; i++) {
		a.addr = number(i);
		a.stays = i % 2 == 0;
		assert_int_equal(admit(w, 0, &a), IPC_ADMIT_YES);
	}
	a.stays = true;
	for (uint32_t i = 0; i < LIMITS_ROWS / 2; i++) {
		a.addr = number(LIMITS_ROWS + i);
		assert_int_equal(admit(w, 0, &a), IPC_ADMIT_YES);
	}
	a.addr = number(2 * LIMITS_ROWS);
	assert_int_equal(admit(w, 0, &a), IPC_ADMIT_ADDRESS);
	a.addr = number(0);
	assert_int_equal(admit(w, 1, &a), IPC_ADMIT_YES);
	assert_int_equal(admit(w, 1, &a), IPC_ADMIT_YES);
	assert_int_equal(admit(w, 1, &a), IPC_ADMIT_ADDRESS);
	limits_leave_all(w->limits, &w->seats[0]);
	a.addr = number(2 * LIMITS_ROWS);
	assert_int_equal(admit(w, 0, &a), IPC_ADMIT_YES);
}

static void
fault_A17_blocks_outlive_the_idle(void **state)
{
	struct world *w = *state;
	struct ipc_admit a = { true, true, false, number(0) };
	struct addr blocked = addr_of("192.0.2.1");

	while (limits_failed_login(w->limits, &blocked, w->now) == 0)
		;
	for (uint32_t i = 0; i < 2 * LIMITS_ROWS; i++) {
		a.addr = number(i);
		assert_int_equal(admit(w, 0, &a), IPC_ADMIT_YES);
	}
	assert_true(limits_failed_login(w->limits, &blocked, w->now) > 0);

	/* where all are blocked, there is room all the same */
	for (uint32_t i = 0; i < 2 * LIMITS_ROWS; i++) {
		a.addr = number(i);
		(void)limits_failed_login(w->limits, &a.addr, w->now);
	}
	a.addr = addr_of("192.0.2.2");
	assert_int_equal(admit(w, 0, &a), IPC_ADMIT_YES);
}

int
main(void)
{
#define world_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		world_test(counts_connections),
		world_test(counts_customers),
		world_test(spares_local_clients),
		world_test(counts_all_connections),
		world_test(knows_its_seats),
		world_test(takes_back_what_a_lost_engine_had),
		world_test(limits_rates),
		world_test(rates_count_connections_too),
		world_test(blocks_logins),
		world_test(has_a_ceiling),
		world_test(fault_A17_blocks_outlive_the_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
