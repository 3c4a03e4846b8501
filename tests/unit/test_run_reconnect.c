#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/client_conf.h"
#include "client/facts.h"
#include "client/outcome.h"
#include "client/run_reconnect.h"

static struct client_conf
conf_of(uint64_t tries)
{
	return (struct client_conf){
		.reconnect = true,
		.reconnect_min = 1000,
		.reconnect_max = 10000,
		.reconnect_tries = tries,
	};
}

/* How a call ended. */
static const struct test_case {
	const char *name;
	int status;
	unsigned http, code;
	bool opened, by_us, lost;
	bool again;
} cases[] = {
	{ "all went well", OUTCOME_OK, 101, 1000, true, false, false, false },
	{ "the program's status", 3, 101, 4003, true, false, false, false },
	{ "usage", OUTCOME_USAGE, 0, 0, false, false, false, false },
	{ "our output", OUTCOME_LOCAL, 101, 1001, true, true, false, false },
	{ "a name", OUTCOME_NO_NAME, 0, 0, false, false, false, true },
	{ "no connection", OUTCOME_NO_CONNECT, 0, 0, false, false, false,
	    true },
	{ "time", OUTCOME_TIMEOUT, 0, 0, false, false, false, true },
	{ "no pong", OUTCOME_TIMEOUT, 101, 1011, true, true, false, true },
	{ "lost", OUTCOME_BROKEN, 101, 0, true, false, false, true },
	{ "lost in the handshake", OUTCOME_BROKEN, 0, 0, false, false, false,
	    true },
	{ "an impossible answer", OUTCOME_BROKEN, 101, 0, false, false, false,
	    false },
	{ "going away", OUTCOME_BROKEN, 101, 1001, true, false, false, true },
	{ "protocol", OUTCOME_BROKEN, 101, 1002, true, false, false, false },
	{ "policy", OUTCOME_BROKEN, 101, 1008, true, false, false, false },
	{ "too big", OUTCOME_BROKEN, 101, 1009, true, false, false, false },
	{ "internal", OUTCOME_BROKEN, 101, 1011, true, false, false, true },
	{ "restart", OUTCOME_BROKEN, 101, 1012, true, false, false, true },
	{ "later", OUTCOME_BROKEN, 101, 1013, true, false, false, true },
	{ "gateway", OUTCOME_BROKEN, 101, 1014, true, false, false, true },
	{ "a code of its own", OUTCOME_BROKEN, 101, 3000, true, false, false,
	    false },
	{ "what it sent is wrong", OUTCOME_BROKEN, 101, 1011, true, true, false,
	    false },
	{ "not found", OUTCOME_REFUSED, 404, 0, false, false, false, false },
	{ "unauthorized", OUTCOME_REFUSED, 401, 0, false, false, false, false },
	{ "moved", OUTCOME_REFUSED, 301, 0, false, false, false, false },
	{ "too many", OUTCOME_REFUSED, 429, 0, false, false, false, true },
	{ "no answer of a gateway", OUTCOME_REFUSED, 502, 0, false, false,
	    false, true },
	{ "not implemented", OUTCOME_REFUSED, 501, 0, false, false, false,
	    false },
	{ "a certificate", OUTCOME_TLS, 0, 0, false, false, false, false },
	{ "lost in TLS", OUTCOME_TLS, 0, 0, false, false, true, true },
};

static void
knows_what_may_pass(void **state)
{
	const struct client_conf conf = conf_of(0);

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		const struct outcome o = { .status = c->status,
			.lost = c->lost };
		const struct facts f = { .status = c->http,
			.code = c->code,
			.opened = c->opened,
			.closed_by_us = c->by_us,
			.over = 2 };
		struct run_reconnect r;
		uint64_t ms;

		run_reconnect_init(&r, &conf);
		if (run_reconnect_again(&r, &o, &f, &ms) != c->again)
			fail_msg("%s", c->name);
	}
}

static const struct outcome no_connection = { .status = OUTCOME_NO_CONNECT };

static void
stays_away_unless_asked(void **state)
{
	struct client_conf conf = conf_of(0);
	const struct facts f = { 0 };
	struct outcome o = no_connection;
	struct run_reconnect r;
	uint64_t ms;

	(void)state;
	run_reconnect_init(&r, &conf);
	o.signal = 15;
	assert_false(run_reconnect_again(&r, &o, &f, &ms));
	conf.reconnect = false;
	assert_false(run_reconnect_again(&r, &no_connection, &f, &ms));
}

static void
wait_is(struct run_reconnect *r, const struct facts *f, uint64_t most)
{
	uint64_t ms = 0;

	assert_true(run_reconnect_again(r, &no_connection, f, &ms));
	if (ms > most || ms < most - most / 4)
		fail_msg("%u, not %u", (unsigned)ms, (unsigned)most);
}

static void
waits_double(void **state)
{
	const struct client_conf conf = conf_of(0);
	const struct facts f = { 0 };
	struct run_reconnect r;

	(void)state;
	for (int i = 0; i < 100; i++) {
		run_reconnect_init(&r, &conf);
		wait_is(&r, &f, 1000);
		wait_is(&r, &f, 2000);
		wait_is(&r, &f, 4000);
		wait_is(&r, &f, 8000);
		wait_is(&r, &f, 10000);
		wait_is(&r, &f, 10000);
	}
}

static void
waits_differ(void **state)
{
	const struct client_conf conf = conf_of(0);
	const struct facts f = { 0 };
	uint64_t first = 0, ms = 0;

	(void)state;
	for (int i = 0; i < 100 && ms == first; i++) {
		struct run_reconnect r;

		run_reconnect_init(&r, &conf);
		assert_true(run_reconnect_again(&r, &no_connection, &f, &ms));
		first = i == 0 ? ms : first;
	}
	assert_int_not_equal(ms, first);
}

static void
what_lasted_begins_anew(void **state)
{
	const struct client_conf conf = conf_of(0);
	const struct facts none = { 0 }, brief = { .opened = 5, .over = 505 },
			   longer = { .opened = 5, .over = 8005 };
	struct run_reconnect r;

	(void)state;
	run_reconnect_init(&r, &conf);
	wait_is(&r, &none, 1000);
	wait_is(&r, &none, 2000);
	wait_is(&r, &brief, 4000);
	wait_is(&r, &longer, 1000);
	wait_is(&r, &brief, 2000);
}

static void
gives_up(void **state)
{
	const struct client_conf conf = conf_of(3);
	const struct facts none = { 0 },
			   longer = { .opened = 5, .over = 60005 };
	struct run_reconnect r;
	uint64_t ms;

	(void)state;
	run_reconnect_init(&r, &conf);
	wait_is(&r, &none, 1000);
	wait_is(&r, &none, 2000);
	wait_is(&r, &longer, 1000);
	wait_is(&r, &none, 2000);
	assert_false(run_reconnect_again(&r, &no_connection, &none, &ms));
}

static void
gives_the_server_its_time(void **state)
{
	const struct client_conf conf = conf_of(0);
	struct facts f = { .retry_after = 120000 };
	struct run_reconnect r;
	uint64_t ms;

	(void)state;
	run_reconnect_init(&r, &conf);
	assert_true(run_reconnect_again(&r, &no_connection, &f, &ms));
	assert_int_equal(ms, 120000);
	f.retry_after = UINT64_MAX;
	assert_true(run_reconnect_again(&r, &no_connection, &f, &ms));
	assert_int_equal(ms, RUN_RECONNECT_RETRY_AFTER_MAX);
	f.retry_after = 1;
	wait_is(&r, &f, 4000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_may_pass),
		cmocka_unit_test(stays_away_unless_asked),
		cmocka_unit_test(waits_double),
		cmocka_unit_test(waits_differ),
		cmocka_unit_test(what_lasted_begins_anew),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(gives_the_server_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
