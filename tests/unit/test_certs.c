#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/value.h"
#include "ipc/ipc_codec.h"
#include "parent/certs.h"

enum { ENGINES = 3, START = 1000000, JUDGE = 10000 };

/* What stands for one: it only counts. */
struct engine {
	struct certs_user user;
	struct certs *certs;
	unsigned told[IPC_TYPES];
	uint32_t set[IPC_TYPES]; /* of the latest */
	bool deaf;
	unsigned lost;
};

struct world {
	struct conf conf;
	struct loop loop;
	struct loop_timer awake;
	struct certs certs;
	struct engine engine[ENGINES];
	unsigned unusable;
	char file[64];
};

static uint64_t now;

static uint64_t
the_clock(void)
{
	return now;
}

/* ------------------------------------------------- what owns engines */

static bool
on_tell(struct engine *e, enum ipc_type type, uint32_t set, const void *body,
    size_t len)
{
	(void)body;
	(void)len;
	e->told[type]++;
	e->set[type] = set;
	return !e->deaf;
}

static void
on_lose(struct engine *e, const char *why)
{
	assert_non_null(why);
	if (e->user.state == CERTS_AWAY)
		return;
	e->lost++;
	certs_on_gone(e->certs, &e->user);
}

static void
on_unusable(void *arg)
{
	struct world *t = arg;

	t->unusable++;
}

static const struct certs_ops ops = {
	.tell = on_tell,
	.lose = on_lose,
	.on_unusable = on_unusable,
};

/* ------------------------------------------------- the world */

static void
put_file(const struct world *t, const char *text)
{
	FILE *f = fopen(t->file, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void
set(struct world *t, const char *name, const char *value)
{
	const struct option *o = option_find(&daemon_table, name, strlen(name));
	char *why = NULL;

	assert_non_null(o);
	if (!value_set(option_about(&daemon_table, &t->conf, o), o, value,
		&why))
		fail_msg("%s", why);
}

static int
setup(void **state)
{
	static struct world t;
	char *why = NULL;
	int fd;

	t = (struct world){ .file = "/tmp/certsXXXXXX" };
	now = START;
	clock_replace(the_clock);
	log_init(
	    &(struct log_conf){ .program = "test", .level = LOG_LVL_NONE });
	fd = mkstemp(t.file);
	assert_true(fd != -1);
	close(fd);
	put_file(&t, "one");
	conf_init(&t.conf);
	set(&t, "ssl", "on");
	t.conf.port_given = true;
	set(&t, "sslcert", t.file);
	loop_init(&t.loop);
	if (!certs_open(&t.certs, &t.loop, &t.conf, &ops, &t, &why))
		fail_msg("%s", why);
	for (size_t i = 0; i < ENGINES; i++) {
		t.engine[i].certs = &t.certs;
		certs_add(&t.certs, &t.engine[i].user, &t.engine[i]);
	}
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;

	certs_close(&t->certs);
	loop_cancel(&t->awake);
	loop_clear(&t->loop);
	conf_clear(&t->conf);
	unlink(t->file);
	clock_replace(NULL);
	return 0;
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
	for (int i = 0; i < 2; i++) {
		loop_at(&t->loop, &t->awake, 0, on_awake, NULL);
		loop_turn(&t->loop);
	}
}

static bool
says(struct world *t, size_t i, uint32_t number, bool good)
{
	uint8_t body[IPC_VERDICT_HEAD + IPC_TLS_WHY];
	const struct ipc_verdict v = {
		.good = good,
		.kind = IPC_FILE_CERT,
		.why = "so",
		.why_len = 2,
	};
	struct ipc_msg m = {
		.type = IPC_TLS_VERDICT,
		.session = number,
		.body = body,
		.len = ipc_put_verdict(body, &v),
	};

	return certs_on_verdict(&t->certs, &t->engine[i].user, &m);
}

static void
begin(struct world *t, size_t i)
{
	assert_true(certs_on_begin(&t->certs, &t->engine[i].user));
	certs_on_ready(&t->certs, &t->engine[i].user);
}

/* All work with the first set. */
static void
serve(struct world *t)
{
	for (size_t i = 0; i < ENGINES; i++)
		begin(t, i);
	certs_serve(&t->certs);
}

/* All are asked about the second one. */
static void
change(struct world *t, const char *text)
{
	put_file(t, text);
	certs_reload(&t->certs);
}

static void
uses(const struct world *t, uint32_t number)
{
	for (size_t i = 0; i < ENGINES; i++)
		if (t->engine[i].set[IPC_TLS_USE] != number)
			fail_msg("engine %zu uses %u and not %u", i,
			    t->engine[i].set[IPC_TLS_USE], number);
}

/* ------------------------------------------------- the tests */

static void
one_begins_with_the_set_in_use(void **state)
{
	struct world *t = *state;
	struct engine *e = &t->engine[0];

	begin(t, 0);
	assert_int_equal(e->told[IPC_TLS_TICKETS], 1);
	assert_int_equal(e->told[IPC_TLS_PART], 1);
	assert_int_equal(e->told[IPC_TLS_USE], 1);
	assert_int_equal(e->set[IPC_TLS_USE], 1);
	assert_int_equal(e->told[IPC_TLS_CHECK], 0);
	pass(t, 3600 * 1000);
	assert_int_equal(e->told[IPC_TLS_TICKETS], 2);
	assert_int_equal(t->engine[1].told[IPC_TLS_TICKETS], 0);
}

static void
the_first_is_no_good(void **state)
{
	struct world *t = *state;

	assert_true(certs_on_begin(&t->certs, &t->engine[0].user));
	assert_true(says(t, 0, 1, false));
	assert_int_equal(t->unusable, 1);
	assert_int_equal(t->engine[0].lost, 0);
	certs_on_gone(&t->certs, &t->engine[0].user);
	serve(t);
	certs_on_gone(&t->certs, &t->engine[0].user);
	assert_true(certs_on_begin(&t->certs, &t->engine[0].user));
	assert_true(says(t, 0, 1, false)); /* others can: its own fault */
	assert_int_equal(t->unusable, 1);
	assert_int_equal(t->engine[0].lost, 1);
}

static void
all_agree(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	for (size_t i = 0; i < ENGINES; i++) {
		assert_int_equal(t->engine[i].told[IPC_TLS_CHECK], 1);
		assert_int_equal(t->engine[i].set[IPC_TLS_CHECK], 2);
		uses(t, 1);
		assert_true(says(t, i, 2, true));
	}
	uses(t, 2);
	certs_reload(&t->certs); /* nothing has changed since */
	assert_int_equal(t->engine[0].told[IPC_TLS_CHECK], 1);
	pass(t, JUDGE);
	assert_int_equal(t->engine[0].lost, 0);
}

static void
all_refuse(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	for (size_t i = 0; i < ENGINES; i++)
		assert_true(says(t, i, 2, false));
	uses(t, 1);
	assert_int_equal(t->engine[0].told[IPC_TLS_USE], 2);
	change(t, "three");
	for (size_t i = 0; i < ENGINES; i++)
		assert_true(says(t, i, 3, true));
	uses(t, 3);
}

static void
the_fewer_are_lost(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	assert_true(says(t, 0, 2, true));
	assert_true(says(t, 1, 2, false));
	assert_int_equal(t->engine[1].lost, 0);
	assert_true(says(t, 2, 2, true));
	assert_int_equal(t->engine[1].lost, 1);
	assert_int_equal(t->engine[0].lost + t->engine[2].lost, 0);
	assert_int_equal(t->engine[0].set[IPC_TLS_USE], 1); /* not settled */
	begin(t, 1);
	assert_int_equal(t->engine[1].set[IPC_TLS_CHECK], 2);
	assert_true(says(t, 1, 2, true));
	uses(t, 2);
}

static void
one_that_goes_is_not_waited_for(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	assert_true(says(t, 0, 2, true));
	assert_true(says(t, 1, 2, true));
	certs_on_gone(&t->certs, &t->engine[2].user);
	assert_int_equal(t->engine[0].set[IPC_TLS_USE], 2);
	begin(t, 2);
	uses(t, 2);
}

/* It begins with a set that is replaced before it works. */
static void
one_comes_when_all_is_settled(void **state)
{
	struct world *t = *state;

	serve(t);
	certs_on_gone(&t->certs, &t->engine[2].user);
	assert_true(certs_on_begin(&t->certs, &t->engine[2].user));
	change(t, "two");
	assert_true(says(t, 0, 2, true));
	assert_true(says(t, 1, 2, true));
	assert_int_equal(t->engine[2].told[IPC_TLS_CHECK], 0);
	assert_true(says(t, 2, 1, true));
	certs_on_ready(&t->certs, &t->engine[2].user);
	assert_int_equal(t->engine[2].set[IPC_TLS_CHECK], 2);
	assert_true(says(t, 2, 2, true));
	uses(t, 2);
}

static void
the_silent_are_lost(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	assert_true(says(t, 0, 2, true));
	pass(t, JUDGE - 1);
	assert_int_equal(t->engine[1].lost, 0);
	pass(t, 1);
	assert_int_equal(t->engine[1].lost, 1);
	assert_int_equal(t->engine[2].lost, 1);
	assert_int_equal(t->engine[0].lost, 0);
	assert_int_equal(t->engine[0].set[IPC_TLS_USE], 2);
}

static void
the_deaf_are_lost(void **state)
{
	struct world *t = *state;

	serve(t);
	t->engine[1].deaf = true;
	change(t, "two");
	assert_int_equal(t->engine[1].lost, 1);
	t->engine[1].deaf = false;
	assert_true(says(t, 0, 2, true));
	assert_true(says(t, 2, 2, true));
	assert_int_equal(t->engine[0].set[IPC_TLS_USE], 2);
	t->engine[1].deaf = true;
	assert_false(certs_on_begin(&t->certs, &t->engine[1].user));
}

static void
some_verdicts_make_no_sense(void **state)
{
	struct world *t = *state;

	serve(t);
	change(t, "two");
	assert_false(says(t, 0, 0, true));
	assert_false(says(t, 0, 3, true));
	assert_true(says(t, 0, 2, true));
	assert_false(says(t, 0, 2, false)); /* it has said so already */
	certs_stop(&t->certs);
	assert_true(says(t, 1, 2, false)); /* of no interest any more */
	assert_false(says(t, 1, 3, false));
	pass(t, JUDGE);
	for (size_t i = 0; i < ENGINES; i++)
		assert_int_equal(t->engine[i].lost, 0);
}

static void
files_are_left_alone_before_and_after(void **state)
{
	struct world *t = *state;

	begin(t, 0);
	change(t, "two");
	assert_int_equal(t->engine[0].told[IPC_TLS_CHECK], 0);
	certs_serve(&t->certs);
	certs_stop(&t->certs);
	certs_reload(&t->certs);
	assert_int_equal(t->engine[0].told[IPC_TLS_CHECK], 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_begins_with_the_set_in_use),
		T(the_first_is_no_good),
		T(all_agree),
		T(all_refuse),
		T(the_fewer_are_lost),
		T(one_that_goes_is_not_waited_for),
		T(one_comes_when_all_is_settled),
		T(the_silent_are_lost),
		T(the_deaf_are_lost),
		T(some_verdicts_make_no_sense),
		T(files_are_left_alone_before_and_after),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
