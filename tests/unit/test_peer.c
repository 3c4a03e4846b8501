/*
 * A peer over a transport that is this test, by a clock that this test moves:
 * when it is asked for a sign of life, when it is sent away, and how the two
 * part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/peer.h"
#include "flow_fakes.h"

enum { PING = 10000, PONG = 3000, IDLE = 60000, CLOSE = 2000, STALL = 20000 };

static const struct peer_rules all_rules = {
	.ping = PING,
	.ping_timeout = PONG,
	.idle_timeout = IDLE,
	.close_timeout = CLOSE,
	.stall = STALL,
};

static const struct peer_rules quiet = {
	.close_timeout = CLOSE,
	.stall = STALL,
};

static const struct peer_rules strict = { .close_timeout = CLOSE };

struct fixture {
	struct loop loop;
	struct fake_transport transport;
	struct peer *peer;
};

/* ------------------------------------------------- the owner */

static void
on_batch(void *owner)
{
	(void)owner;
}

static void
on_close(void *owner)
{
	struct fixture *f = owner;

	hear("closed-by-it %u %s; ", f->peer->code,
	    f->peer->reason == NULL ? "" : f->peer->reason);
}

static void
on_fault(void *owner, unsigned code, const char *reason)
{
	(void)owner;
	hear("fault %u %s; ", code, reason);
}

static void
on_drain(void *owner)
{
	(void)owner;
	hear("drained ");
}

static void
on_late(void *owner, unsigned code, const char *reason)
{
	(void)owner;
	hear("late %u %s; ", code, reason);
}

static void
on_gone(void *owner)
{
	(void)owner;
	hear("gone ");
}

static const struct peer_ops peer_ops = {
	.on_batch = on_batch,
	.on_close = on_close,
	.on_fault = on_fault,
	.on_drain = on_drain,
	.on_late = on_late,
	.on_gone = on_gone,
};

static void
to_endpoint(void *owner, const struct piece *p)
{
	(void)owner;
	hear("got:%.*s ", (int)p->len, (const char *)p->data);
}

static const struct dialect_ops dialect_ops = { .to_endpoint = to_endpoint };

static void
begin(struct fixture *f, const struct peer_rules *rules)
{
	clock_replace(loop_clock);
	loop_open(&f->loop);
	f->peer = peer_new(&(struct peer_start){
	    .flow = &f->loop.flow,
	    .transport = fake_transport_init(&f->transport),
	    .dialect = &dialect_plain,
	    .rules = rules,
	});
	peer_set_owner(f->peer, &peer_ops, &dialect_ops, f);
	peer_resume(f->peer);
}

static void
end(struct fixture *f)
{
	assert_heard("");
	peer_free(f->peer);
	assert_true(f->transport.freed);
	loop_close(&f->loop);
	clock_replace(NULL);
}

static void
pass(struct fixture *f, uint64_t ms)
{
	loop_pass(&f->loop, ms);
}

/* ------------------------------------------------- signs of life */

static void
a_ping_is_answered_by_any_byte(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	pass(&f, PING - 1);
	assert_heard("");
	pass(&f, 1);
	assert_heard("ping ");
	f.transport.base.heard = loop_now;
	pass(&f, PONG);
	assert_heard("");
	pass(&f, PING - PONG);
	assert_heard("ping ");
	end(&f);
}

static void
no_answer_to_a_ping(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	pass(&f, PING);
	pass(&f, PONG - 1);
	assert_heard("ping ");
	pass(&f, 1);
	assert_heard("late 1011 ping timeout; ");
	end(&f);
}

/* While we do not read, its answer may lie unread. */
static void
no_answer_can_be_seen(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	peer_pause(f.peer);
	pass(&f, PING);
	pass(&f, PONG);
	pass(&f, PONG);
	assert_heard("ping ");
	peer_resume(f.peer);
	pass(&f, PONG - 1);
	assert_heard("");
	pass(&f, 1);
	assert_heard("late 1011 ping timeout; ");
	end(&f);
}

/* A ping that waits to be written is not late, and no other joins it. */
static void
a_ping_that_waits(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	f.transport.queued = 1;
	pass(&f, PING);
	pass(&f, PING);
	assert_heard("ping ");
	peer_drains(&f.transport);
	pass(&f, PONG - 1);
	assert_heard("drained ");
	pass(&f, 1);
	assert_heard("late 1011 ping timeout; ");
	end(&f);
}

static void
an_idle_peer(void **state)
{
	static const struct peer_rules rules = { .idle_timeout = IDLE };
	struct fixture f;

	(void)state;
	begin(&f, &rules);
	pass(&f, IDLE - 1);
	peer_says(&f.transport, "hi");
	assert_heard("got:hi ");
	pass(&f, IDLE - 1);
	peer_flush(f.peer); /* which is no message */
	assert_heard("");
	pass(&f, 1);
	assert_heard("late 1008 idle timeout; ");
	end(&f);
}

static void
what_is_sent_is_activity(void **state)
{
	static const struct peer_rules rules = { .idle_timeout = IDLE };
	struct piece p = piece_whole(true, "yes", 3);
	struct fixture f;

	(void)state;
	begin(&f, &rules);
	pass(&f, IDLE - 1);
	peer_put(f.peer, NULL, 0, &p);
	peer_put(f.peer, "no, ", 4, &p);
	peer_flush_messages(f.peer);
	assert_heard("yes\" no, yes\" ");
	pass(&f, IDLE - 1);
	assert_heard("");
	pass(&f, 1);
	assert_heard("late 1008 idle timeout; ");
	end(&f);
}

/* ------------------------------------------------- parting */

static void
we_close(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	peer_close(f.peer, 1000, "done");
	peer_close(f.peer, 1001, "once only");
	peer_close_back(f.peer);
	assert_heard("close 1000 done; ");
	assert_true(f.peer->ours && f.peer->code == 1000);
	peer_closes(&f.transport, 1000, "");
	fake_gone(&f.transport.base);
	pass(&f, IDLE + PING + CLOSE);
	assert_heard("gone ");
	end(&f);
}

static void
our_close_has_no_answer(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	peer_close(f.peer, 1000, "");
	pass(&f, CLOSE - 1);
	assert_heard("close 1000 ; ");
	pass(&f, 1);
	assert_heard("abort gone ");
	end(&f);
}

static void
it_closes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	peer_closes(&f.transport, 4001, "enough");
	assert_heard("closed-by-it 4001 enough; ");
	assert_true(peer_hears(f.peer) && !f.peer->ours);
	peer_close_back(f.peer);
	assert_heard("close 4001 ; ");
	pass(&f, CLOSE);
	assert_heard("abort gone ");
	assert_string_equal(f.peer->reason, "enough");
	end(&f);
}

/* An answer may have a code of its own; that of the log is the first. */
static void
it_closes_and_is_told_more(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	peer_closes(&f.transport, 1000, "");
	peer_close(f.peer, 4003, "exit status 3");
	assert_heard("closed-by-it 1000 ; close 4003 exit status 3; ");
	assert_int_equal(f.peer->code, 1000);
	assert_false(f.peer->ours);
	fake_gone(&f.transport.base);
	assert_heard("gone ");
	end(&f);
}

/* Whatever is said to one that has broken the rules is that; nobody waits. */
static void
it_breaks_the_rules(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	peer_breaks_rules(&f.transport, "bad opcode");
	assert_heard("fault 1002 bad opcode; ");
	assert_true(peer_hears(f.peer));
	peer_close(f.peer, 1000, "done");
	assert_heard("close 1002 bad opcode!; ");
	pass(&f, CLOSE);
	assert_heard("abort gone ");
	end(&f);
}

static void
it_breaks_the_rules_after_our_close(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	peer_close(f.peer, 1000, "done");
	peer_breaks_rules(&f.transport, "bad opcode");
	assert_heard("close 1000 done; fault 1002 bad opcode; ");
	assert_int_equal(f.peer->code, 1000);
	assert_false(f.peer->faulted);
	end(&f);
}

/* What is on its way is waited for as long as it gets less; no ping follows. */
static void
it_takes_its_time(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &all_rules);
	f.transport.unsent = 3000;
	peer_close(f.peer, 1000, "");
	assert_heard("close 1000 ; ");
	for (int i = 0; i < 100; i++) {
		pass(&f, CLOSE);
		f.transport.unsent -= 10;
		pass(&f, CLOSE);
	}
	f.transport.unsent = 0;
	peer_drains(&f.transport);
	pass(&f, CLOSE - 1);
	assert_heard("");
	pass(&f, 1);
	assert_heard("abort gone ");
	end(&f);
}

static void
it_takes_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	f.transport.unsent = 3000;
	peer_close(f.peer, 1000, "");
	pass(&f, STALL - 1);
	assert_heard("close 1000 ; ");
	pass(&f, STALL);
	assert_heard("abort gone ");
	end(&f);
}

/* Without such a rule, and where there is no time for it, that is no reason. */
static void
there_is_no_time_for_that(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &strict);
	f.transport.unsent = 3000;
	peer_close(f.peer, 1000, "");
	pass(&f, CLOSE - 1);
	assert_heard("close 1000 ; ");
	pass(&f, 1);
	assert_heard("abort gone ");
	end(&f);
	begin(&f, &quiet);
	f.transport.unsent = 3000;
	peer_hurry(f.peer);
	peer_close(f.peer, 1000, "");
	pass(&f, CLOSE - 1);
	assert_heard("close 1000 ; ");
	pass(&f, 1);
	assert_heard("abort gone ");
	end(&f);
}

static void
there_is_no_time_any_more(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	f.transport.unsent = 3000;
	peer_close(f.peer, 1000, "");
	pass(&f, STALL / 2);
	peer_hurry(f.peer);
	pass(&f, CLOSE - 1);
	assert_heard("close 1000 ; ");
	pass(&f, 1);
	assert_heard("abort gone ");
	end(&f);
}

/* ------------------------------------------------- hang-ups */

static void
hang_up(struct fixture *f)
{
	f->transport.base.ops->on_hangup(f->peer);
}

static void
it_hangs_up_and_is_read_on(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	hang_up(&f);
	for (int i = 0; i < 3; i++) {
		pass(&f, STALL - 1);
		peer_says(&f.transport, "x");
		pass(&f, 1);
		assert_heard("got:x ");
	}
	pass(&f, STALL);
	assert_heard("abort gone ");
	end(&f);
}

/* Where there is no such rule, what it said is read whenever there is time. */
static void
it_hangs_up_and_may_wait(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &strict);
	hang_up(&f);
	pass(&f, 10 * STALL);
	assert_heard("");
	end(&f);
}

static void
it_hangs_up_and_has_closed(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &quiet);
	hang_up(&f);
	peer_closes(&f.transport, 1000, "");
	pass(&f, 10 * STALL); /* its owner has time limits for that */
	assert_heard("closed-by-it 1000 ; ");
	end(&f);
}

/* ------------------------------------------------- owners */

static void
another_owner(void **state)
{
	struct fixture f, other;

	(void)state;
	begin(&f, &all_rules);
	pass(&f, IDLE / 2);
	f.transport.base.heard = loop_now;
	assert_heard("ping ");
	other = f;
	peer_set_owner(f.peer, &peer_ops, &dialect_ops, &other);
	for (int i = 0; i < IDLE / PING; i++) {
		f.transport.base.heard = loop_now;
		pass(&f, PING - 1);
		f.transport.base.heard = loop_now;
		pass(&f, 1);
	}
	assert_heard("ping ping ping ping ping ping late 1008 idle timeout; ");
	peer_says(&f.transport, "to whom?");
	assert_heard("got:to whom? ");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_is_answered_by_any_byte),
		cmocka_unit_test(no_answer_to_a_ping),
		cmocka_unit_test(no_answer_can_be_seen),
		cmocka_unit_test(a_ping_that_waits),
		cmocka_unit_test(an_idle_peer),
		cmocka_unit_test(what_is_sent_is_activity),
		cmocka_unit_test(we_close),
		cmocka_unit_test(our_close_has_no_answer),
		cmocka_unit_test(it_closes),
		cmocka_unit_test(it_closes_and_is_told_more),
		cmocka_unit_test(it_breaks_the_rules),
		cmocka_unit_test(it_breaks_the_rules_after_our_close),
		cmocka_unit_test(it_takes_its_time),
		cmocka_unit_test(it_takes_nothing),
		cmocka_unit_test(there_is_no_time_for_that),
		cmocka_unit_test(there_is_no_time_any_more),
		cmocka_unit_test(it_hangs_up_and_is_read_on),
		cmocka_unit_test(it_hangs_up_and_may_wait),
		cmocka_unit_test(it_hangs_up_and_has_closed),
		cmocka_unit_test(another_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
