#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "parent/engine.h"
#include "parent_world.h"

enum { PLACES = 3, STEP = 64 /* 16 numbers for each, a power of two */ };

struct world {
	struct parent_world w;
	struct engine engine[PLACES];
	bool takes;    /* what it is told when it begins */
	bool agrees;   /* with what it says */
	bool replaces; /* one that was lost */
	unsigned begun, failed, said, lost;
	enum ipc_type last;   /* that was said */
	uint32_t lost_number; /* of the latest */
};

static struct world *
world_of(const struct engine *e)
{
	return e->engines->owner;
}

static bool
on_begin(struct engine *e)
{
	static const uint8_t settings[1];

	world_of(e)->begun++;
	return engine_put(e, IPC_CONF, 0, settings, sizeof(settings)) &&
	    world_of(e)->takes;
}

static void
on_failed(struct engine *e)
{
	world_of(e)->failed++;
}

static bool
on_msg(struct engine *e, const struct ipc_msg *m)
{
	world_of(e)->said++;
	world_of(e)->last = m->type;
	return world_of(e)->agrees;
}

static void
on_lost(struct engine *e, uint32_t number)
{
	struct world *t = world_of(e);

	t->lost++;
	t->lost_number = number;
	assert_int_equal(e->number, 0);
	assert_false(engine_runs(e));
	if (t->replaces && e->fate == ENGINE_WANTED)
		engine_replace(e);
}

static const struct engine_ops ops = {
	.spawn = world_spawn,
	.on_begin = on_begin,
	.on_failed = on_failed,
	.on_msg = on_msg,
	.on_lost = on_lost,
};

static int
setup(void **state)
{
	static struct world t;

	t = (struct world){ .takes = true, .agrees = true, .replaces = true };
	world_open(&t.w, &ops, &t);
	engines_set_step(&t.w.engines, PLACES);
	for (uint32_t i = 0; i < PLACES; i++)
		engine_init(&t.engine[i], &t.w.engines, NULL, IPC_ROLE_ENGINE,
		    i);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;

	t->replaces = false;
	for (size_t i = 0; i < PLACES; i++)
		engine_clear(&t->engine[i]);
	world_close(&t->w);
	return 0;
}

/* One runs in the first place. */
static struct fake *
begin(struct world *t)
{
	engine_begin(&t->engine[0]);
	world_turn(&t->w);
	return &t->w.fake[t->w.n - 1];
}

/* ------------------------------------------------- beginning */

static void
begins(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);

	assert_int_equal(t->begun, 1);
	assert_int_equal(f->told[IPC_CONF], 1);
	assert_true(engine_runs(f->engine));
	assert_in_range(f->engine->number, 1, STEP);
	assert_ptr_equal(engines_find(&t->w.engines, f->engine->number),
	    f->engine);
	assert_ptr_equal(engines_find_pid(&t->w.engines, f->pid), f->engine);
	assert_true(engines_remain(&t->w.engines));
}

static void
is_tried_again_when_it_cannot_start(void **state)
{
	struct world *t = *state;

	t->w.spawn_errno = EAGAIN;
	engine_begin(&t->engine[0]);
	assert_int_equal(t->failed, 1);
	assert_false(engine_is_there(&t->engine[0]));
	world_pass(&t->w, 999);
	assert_int_equal(t->failed, 1);
	world_pass(&t->w, 1);
	assert_int_equal(t->failed, 2);
	t->w.spawn_errno = 0;
	world_pass(&t->w, 1000);
	assert_int_equal(t->begun, 1);
	assert_int_equal(t->lost, 0);
}

static void
that_takes_nothing_is_killed_and_tried_again(void **state)
{
	struct world *t = *state;
	struct fake *f;

	t->takes = false;
	f = begin(t);
	assert_int_equal(t->failed, 1);
	assert_int_equal(t->lost, 0);
	assert_false(engine_runs(f->engine));
	assert_true(engine_is_there(f->engine));
	t->takes = true;
	world_pass(&t->w, 5000);
	assert_int_equal(t->begun, 1); /* the old one is reaped first */
	fake_is_reaped(&t->w, f);
	world_turn(&t->w);
	assert_int_equal(t->begun, 2);
}

/* ------------------------------------------------- its end */

static void
that_dies_is_replaced_once_it_is_reaped(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);
	uint32_t number = f->engine->number;

	fake_hangs_up(&t->w, f);
	assert_int_equal(t->lost, 1);
	assert_int_equal(t->lost_number, number);
	assert_true(fake_was_killed(f));
	world_pass(&t->w, 1000);
	assert_int_equal(t->begun, 1);
	fake_is_reaped(&t->w, f);
	assert_int_equal(t->lost, 1);
	assert_int_equal(t->begun, 2);
	assert_int_not_equal(f->engine->number, number);
}

static void
that_is_reaped_before_its_socket_ends(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);
	int fd = f->fd;

	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* a child of it has it */
	fake_is_reaped(&t->w, f);
	assert_int_equal(t->lost, 1);
	assert_int_equal(t->begun, 2);
	close(fd);
	world_turn(&t->w);
	assert_int_equal(t->lost, 1);
}

static void
dies_again_and_again_and_waits_longer(void **state)
{
	static const uint64_t waits[] = { 0, 200, 400, 800, 1600, 3200, 5000,
		5000 };
	struct world *t = *state;

	begin(t);
	for (size_t i = 0; i < nitems(waits); i++) {
		fake_is_reaped(&t->w, &t->w.fake[t->w.n - 1]);
		if (waits[i] > 0) {
			world_pass(&t->w, waits[i] - 1);
			assert_int_equal(t->begun, i + 1);
			world_pass(&t->w, 1);
		}
		assert_int_equal(t->begun, i + 2);
	}
	world_pass(&t->w, 60001); /* stable: it starts afresh */
	fake_is_reaped(&t->w, &t->w.fake[t->w.n - 1]);
	assert_int_equal(t->begun, nitems(waits) + 2);
}

static void
dies_once_more_while_the_next_one_waits(void **state)
{
	struct world *t = *state;

	begin(t);
	fake_is_reaped(&t->w, &t->w.fake[0]);
	fake_is_reaped(&t->w, &t->w.fake[1]);
	engine_lost(&t->engine[0], "it is not there");
	assert_int_equal(t->lost, 2);
	engine_stop(&t->engine[0]);
	world_pass(&t->w, 60000);
	assert_int_equal(t->begun, 2);
}

static void
that_is_not_wanted_is_not_replaced(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);

	t->replaces = false;
	fake_is_reaped(&t->w, f);
	world_pass(&t->w, 60000);
	assert_int_equal(t->begun, 1);
	assert_false(engines_remain(&t->w.engines));
}

/* ------------------------------------------------- leaving */

typedef void leave_fn(struct engine *);

static const struct {
	const char *name;
	leave_fn *leave;
	enum ipc_type told;
} ways[] = {
	{ "retired", engine_retire, IPC_RETIRE },
	{ "stopped", engine_stop, IPC_STOP },
};

/* It ends without a word: no reason to kill it, nor for another one. */
static void
ends_as_it_was_told(void **state)
{
	struct world *t = *state;

	for (size_t i = 0; i < nitems(ways); i++) {
		struct fake *f;

		t->engine[0].fate = ENGINE_WANTED;
		f = begin(t);
		ways[i].leave(f->engine);
		world_turn(&t->w);
		if (f->told[ways[i].told] != 1)
			fail_msg("%s: not told", ways[i].name);
		fake_hangs_up(&t->w, f);
		assert_true(fake_lives(f));
		assert_int_equal(t->lost, i + 1);
		assert_true(engine_is_there(f->engine));
		fake_is_reaped(&t->w, f);
		assert_int_equal(t->lost, i + 1);
		assert_false(engine_is_there(f->engine));
		world_pass(&t->w, 60000);
		assert_int_equal(t->begun, i + 1);
	}
}

static void
goes_on_while_it_leaves(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);

	engine_retire(f->engine);
	world_turn(&t->w);
	fake_is_ready(&t->w, f); /* it answers late */
	assert_int_equal(t->said, 1);
	assert_int_equal(t->lost, 0);
	engine_tell(f->engine, IPC_LIST, 0, NULL, 0);
	world_turn(&t->w);
	assert_int_equal(f->told[IPC_LIST], 1);
}

static void
that_is_retired_may_not_speak_nonsense(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);

	engine_retire(f->engine);
	t->agrees = false;
	fake_is_ready(&t->w, f);
	assert_int_equal(t->lost, 1);
	assert_true(fake_was_killed(f));
	fake_is_reaped(&t->w, f);
	world_pass(&t->w, 60000);
	assert_int_equal(t->begun, 1);
}

static void
leaves_before_it_has_begun(void **state)
{
	struct world *t = *state;

	t->w.spawn_errno = ENOMEM;
	engine_begin(&t->engine[0]);
	engine_retire(&t->engine[0]);
	world_pass(&t->w, 60000);
	assert_int_equal(t->failed, 1);
	assert_int_equal(t->lost, 0);
}

static void
is_forced(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);

	engine_stop(f->engine);
	engines_force(&t->w.engines);
	assert_int_equal(t->lost, 1);
	fake_is_reaped(&t->w, f);
	assert_int_equal(t->lost, 1);
	assert_false(engines_remain(&t->w.engines));
}

/* ------------------------------------------------- what it says */

static void
that_speaks_nonsense_is_lost(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
	} rows[] = {
#define IN(s) s, sizeof(s) - 1
		{ "too short", IN("\1") },
		{ "of no type", IN("\xff\xff\0\0\0\0\0\0") },
		{ "the parent's to say", IN("\3\0\0\0\0\0\0\0") },
#undef IN
	};
	struct world *t = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		struct fake *f;

		t->replaces = false;
		f = begin(t);
		assert_int_equal(send(f->fd, rows[i].bytes, rows[i].len,
				     MSG_DONTWAIT),
		    (ssize_t)rows[i].len);
		world_turn(&t->w);
		if (t->lost != i + 1 || !fake_was_killed(f))
			fail_msg("%s: it goes on", rows[i].name);
		fake_is_reaped(&t->w, f);
		assert_int_equal(t->said, 0);
	}
}

static void
is_not_heard_after_it_was_lost(void **state)
{
	struct world *t = *state;
	struct fake *f = begin(t);
	uint8_t packet[IPC_HEAD];

	ipc_put_head(packet, IPC_READY, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(send(f->fd, packet, sizeof(packet),
				     MSG_DONTWAIT),
		    (ssize_t)sizeof(packet));
	t->agrees = false;
	world_turn(&t->w);
	assert_int_equal(t->said, 1);
	assert_int_equal(t->lost, 1);
}

static void
one_does_not_keep_others_from_being_heard(void **state)
{
	struct world *t = *state;
	struct fake *loud = begin(t), *other;
	uint8_t packet[IPC_HEAD];

	engine_begin(&t->engine[1]);
	other = &t->w.fake[1];
	ipc_put_head(packet, IPC_READY, 0);
	for (int i = 0; i < 100; i++)
		(void)send(loud->fd, packet, sizeof(packet), MSG_DONTWAIT);
	ipc_put_head(packet, IPC_LEAVE, 0);
	(void)send(other->fd, packet, sizeof(packet), MSG_DONTWAIT);
	loop_at(&t->w.loop, &t->w.awake, 0, world_on_awake, NULL);
	loop_turn(&t->w.loop);
	assert_in_range(t->said, 1, 99);
	loop_at(&t->w.loop, &t->w.awake, 0, world_on_awake, NULL);
	loop_turn(&t->w.loop);
	assert_in_range(t->said, 99, 101);
}

/* An answer waits in the queue: nothing more is read, and then it is lost. */
static void
that_does_not_read_is_not_read_and_lost(void **state)
{
	static const uint8_t piece[32 * 1024];
	struct world *t = *state;
	struct fake *f = begin(t);

	f->deaf = true;
	while (!ipc_chan_queued(&f->engine->chan))
		engine_tell(f->engine, IPC_CONF, 0, piece, sizeof(piece));
	fake_is_ready(&t->w, f);
	assert_int_equal(t->said, 0);
	f->deaf = false;
	world_turn(&t->w);
	world_turn(&t->w);
	assert_int_equal(t->said, 1);
	assert_int_equal(t->lost, 0);
	f->deaf = true;
	for (int i = 0; i < 1000 && t->lost == 0; i++)
		engine_tell(f->engine, IPC_CONF, 0, piece, sizeof(piece));
	assert_int_equal(t->lost, 1);
	assert_true(fake_was_killed(f));
}

/* ------------------------------------------------- several */

static void
numbers_are_nobody_elses(void **state)
{
	struct world *t = *state;
	bool taken[STEP + 1] = { false };

	t->replaces = false;
	engine_begin(&t->engine[1]);
	taken[t->engine[1].number] = true;
	for (size_t i = 0; i < 40; i++) {
		struct fake *f = begin(t);

		assert_false(t->engine[0].number == t->engine[1].number);
		if (i < STEP - 1)
			assert_false(taken[t->engine[0].number]);
		taken[t->engine[0].number] = true;
		fake_is_reaped(&t->w, f);
		t->w.n = 1; /* its place is free again */
	}
	assert_int_equal(t->w.engines.step, STEP);
	engines_set_step(&t->w.engines, 1000);
	assert_int_equal(t->w.engines.step, STEP);
}

static void
waits_where_all_numbers_are_taken(void **state)
{
	struct world *t = *state;

	t->w.engines.step = 1;
	engine_begin(&t->engine[0]);
	engine_begin(&t->engine[1]);
	assert_int_equal(t->begun, 1);
	assert_int_equal(t->failed, 1);
	t->replaces = false;
	fake_is_reaped(&t->w, &t->w.fake[0]);
	world_pass(&t->w, 1000);
	assert_int_equal(t->begun, 2);
	assert_int_equal(t->engine[1].number, 1);
}

static void
two_get_to_each_other(void **state)
{
	struct world *t = *state;
	struct fake *a = begin(t), *b;
	char text[2];

	assert_int_equal(engine_link(&t->engine[0], &t->engine[1]), 0);
	world_turn(&t->w);
	assert_int_equal(a->told[IPC_LINK], 0); /* the other does not run */
	engine_begin(&t->engine[1]);
	assert_int_equal(engine_link(&t->engine[0], &t->engine[1]), 0);
	world_turn(&t->w);
	b = &t->w.fake[1];
	assert_int_equal(a->told[IPC_LINK], 1);
	assert_int_equal(b->told[IPC_LINK], 1);
	assert_int_equal(send(a->passed[IPC_LINK], "hi", 2, 0), 2);
	assert_int_equal(recv(b->passed[IPC_LINK], text, 2, MSG_DONTWAIT), 2);
}

static void
all_are_told(void **state)
{
	struct world *t = *state;

	begin(t);
	engine_begin(&t->engine[2]);
	t->engine[2].role = IPC_ROLE_AUTH;
	engine_begin(&t->engine[1]);
	engines_tell(&t->w.engines, IPC_LIST, NULL, 0);
	world_turn(&t->w);
	assert_int_equal(t->w.fake[0].told[IPC_LIST], 1);
	assert_int_equal(t->w.fake[1].told[IPC_LIST], 0); /* a worker */
	assert_int_equal(t->w.fake[2].told[IPC_LIST], 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(begins),
		T(is_tried_again_when_it_cannot_start),
		T(that_takes_nothing_is_killed_and_tried_again),
		T(that_dies_is_replaced_once_it_is_reaped),
		T(that_is_reaped_before_its_socket_ends),
		T(dies_again_and_again_and_waits_longer),
		T(dies_once_more_while_the_next_one_waits),
		T(that_is_not_wanted_is_not_replaced),
		T(ends_as_it_was_told),
		T(goes_on_while_it_leaves),
		T(that_is_retired_may_not_speak_nonsense),
		T(leaves_before_it_has_begun),
		T(is_forced),
		T(that_speaks_nonsense_is_lost),
		T(is_not_heard_after_it_was_lost),
		T(one_does_not_keep_others_from_being_heard),
		T(that_does_not_read_is_not_read_and_lost),
		T(numbers_are_nobody_elses),
		T(waits_where_all_numbers_are_taken),
		T(two_get_to_each_other),
		T(all_are_told),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
