#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/ping_times.h"

static const char *
counts(const struct ping_times *p)
{
	static char out[PING_TIMES_LINE];

	ping_times_put_counts(p, out);
	return out;
}

static const char *
trips(const struct ping_times *p)
{
	static char out[PING_TIMES_LINE];

	ping_times_put_trips(p, out);
	return out;
}

static uint64_t
receive(struct ping_times *p, const char *payload, uint64_t now, uint64_t *trip)
{
	uint64_t number;

	if (!ping_times_receive(p, payload, strlen(payload), now, &number,
		trip))
		return 0;
	return number;
}

static void
nothing_yet(void **state)
{
	struct ping_times p = { 0 };
	uint64_t trip;

	(void)state;
	assert_string_equal(counts(&p),
	    "0 pings sent, 0 pongs received, 0% loss");
	assert_string_equal(trips(&p),
	    "rtt min/avg/max/mdev = 0.000/0.000/0.000/0.000 ms");
	assert_int_equal(receive(&p, "", 1, &trip), 0);
}

static void
statistics(void **state)
{
	struct ping_times p = { 0 };
	uint64_t trip;

	(void)state;
	ping_times_send(&p, "1", 1, 1000);
	ping_times_send(&p, "2", 1, 2000);
	ping_times_send(&p, "3", 1, 3000);
	assert_int_equal(receive(&p, "2", 4000, &trip), 2);
	assert_int_equal(trip, 2000);
	assert_int_equal(receive(&p, "1", 5000, &trip), 1);
	assert_string_equal(counts(&p),
	    "3 pings sent, 2 pongs received, 33% loss");
	assert_string_equal(trips(&p),
	    "rtt min/avg/max/mdev = 2.000/3.000/4.000/1.000 ms");
}

static void
a_pong_counts_once(void **state)
{
	struct ping_times p = { 0 };
	uint64_t trip;

	(void)state;
	ping_times_send(&p, "same", 4, 0);
	ping_times_send(&p, "same", 4, 10);
	assert_int_equal(receive(&p, "other", 20, &trip), 0);
	assert_int_equal(receive(&p, "same", 20, &trip), 1);
	assert_int_equal(receive(&p, "same", 21, &trip), 2);
	assert_int_equal(receive(&p, "same", 22, &trip), 0);
	assert_int_equal(p.received, 2);
}

static void
an_old_one_is_given_up(void **state)
{
	struct ping_times p = { 0 };
	uint64_t trip;
	char text[16];

	(void)state;
	for (unsigned i = 0; i <= PING_TIMES_OPEN; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		ping_times_send(&p, text, strlen(text), i);
	}
	assert_int_equal(receive(&p, "0", 100, &trip), 0);
	assert_int_equal(receive(&p, "1", 100, &trip), 2);
}

static void
times_of_any_size(void **state)
{
	struct ping_times p = { 0 };
	uint64_t trip;
	char out[PING_TIMES_LINE];

	(void)state;
	ping_times_put_time(5, out);
	assert_string_equal(out, "0.005 ms");
	ping_times_send(&p, "", 0, 0);
	ping_times_send(&p, "", 0, 0);
	assert_int_equal(receive(&p, "", 3600000000u, &trip), 1);
	assert_int_equal(receive(&p, "", 0, &trip), 2);
	assert_string_equal(trips(&p),
	    "rtt min/avg/max/mdev = "
	    "0.000/1800000.000/3600000.000/1800000.000 ms");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_yet),
		cmocka_unit_test(statistics),
		cmocka_unit_test(a_pong_counts_once),
		cmocka_unit_test(an_old_one_is_given_up),
		cmocka_unit_test(times_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
