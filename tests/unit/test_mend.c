#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "parent/listen.h"
#include "parent/mend.h"

enum { START = 1000000 };

/* Two listeners of its own, and a clock. */
struct world {
	struct conf conf;
	struct loop loop;
	struct loop_timer awake;
	struct listen_set set;
	struct mend mend;
	unsigned times, again; /* that sockets were made anew */
	uint64_t which;        /* the latest */
};

static uint64_t now;

static uint64_t
the_clock(void)
{
	return now;
}

static void
on_anew(void *arg, uint64_t which, bool again)
{
	struct world *t = arg;

	t->times++;
	t->again += again;
	t->which = which;
}

static const struct mend_ops ops = { .on_anew = on_anew };

static int
setup(void **state)
{
	static struct world t;
	char *why = NULL;

	t = (struct world){ 0 };
	now = START;
	clock_replace(the_clock);
	log_init(
	    &(struct log_conf){ .program = "test", .level = LOG_LVL_NONE });
	conf_init(&t.conf);
	t.conf.port_given = true;
	t.conf.port = 0;
	t.conf.addresses.v = mem_new(2, sizeof(char *));
	t.conf.addresses.v[0] = mem_strdup("127.0.0.1");
	t.conf.addresses.v[1] = mem_strdup("127.0.0.2");
	t.conf.addresses.n = 2;
	loop_init(&t.loop);
	if (!listen_open(&t.set, &t.conf, &why))
		fail_msg("%s", why);
	mend_init(&t.mend, &t.loop, &t.set, &t.conf, &ops, &t);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;

	mend_stop(&t->mend);
	listen_close(&t->set);
	loop_cancel(&t->awake);
	loop_clear(&t->loop);
	conf_clear(&t->conf);
	clock_replace(NULL);
	return 0;
}

static void
spoil(struct world *t, size_t i)
{
	assert_int_equal(shutdown(t->set.v[i].fd, SHUT_RDWR), 0);
}

static void
on_awake(void *arg)
{
	(void)arg;
}

static void
pass(struct world *t, uint64_t ms)
{
	now += ms;
	loop_at(&t->loop, &t->awake, 0, on_awake, NULL);
	loop_turn(&t->loop);
}

static bool
accepts(const struct world *t, size_t i)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(t->set.v[i].fd, SOL_SOCKET, SO_ACCEPTCONN, &on,
		   &len) == 0 &&
	    on;
}

static void
finds_nothing_to_mend(void **state)
{
	struct world *t = *state;

	for (int i = 0; i < 10; i++)
		mend_look(&t->mend);
	assert_int_equal(t->times, 0);
	spoil(t, 0); /* and what found nothing did not count */
	mend_look(&t->mend);
	assert_int_equal(t->times, 1);
	assert_int_equal(t->again, 0);
}

static void
mends_at_once_all_that_are_spoilt(void **state)
{
	struct world *t = *state;

	spoil(t, 1);
	mend_look(&t->mend);
	assert_int_equal(t->which, 2);
	assert_true(accepts(t, 1));
	now += 70000;
	spoil(t, 0);
	spoil(t, 1);
	mend_look(&t->mend);
	assert_int_equal(t->which, 3);
	assert_int_equal(t->times, 2);
	assert_int_equal(t->again, 0); /* the first was long ago */
}

static void
waits_longer_each_time(void **state)
{
	static const uint64_t waits[] = { 200, 400, 800, 1600, 3200, 5000,
		5000 };
	struct world *t = *state;

	spoil(t, 0);
	mend_look(&t->mend);
	for (unsigned i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		spoil(t, i % 2);
		for (int j = 0; j < 3; j++) /* said again and again */
			mend_look(&t->mend);
		pass(t, waits[i] - 1);
		assert_int_equal(t->times, i + 1);
		assert_false(accepts(t, i % 2));
		pass(t, 1);
		assert_int_equal(t->times, i + 2);
		assert_int_equal(t->again, i + 1);
		assert_true(accepts(t, i % 2));
	}
}

static void
gives_up_when_it_is_stopped(void **state)
{
	struct world *t = *state;

	spoil(t, 0);
	mend_look(&t->mend);
	spoil(t, 0);
	mend_look(&t->mend);
	mend_stop(&t->mend);
	pass(t, 60000);
	assert_int_equal(t->times, 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(finds_nothing_to_mend),
		T(mends_at_once_all_that_are_spoilt),
		T(waits_longer_each_time),
		T(gives_up_when_it_is_stopped),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
