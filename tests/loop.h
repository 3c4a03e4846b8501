/*
 * A loop that a test turns by itself, and what all of flow/ shares. Nothing here
 * waits: what a turn does not bring is not there.
 */
#ifndef TESTS_LOOP_H
#define TESTS_LOOP_H

#include <stdlib.h>

#include <event2/event.h>

#include "base/clock.h"
#include "flow/flow.h"

struct loop {
	struct event_base *base;
	struct flow flow;
};

static inline void
loop_open(struct loop *l)
{
	if ((l->base = event_base_new()) == NULL)
		abort();
	flow_init(&l->flow, l->base);
}

static inline void
loop_close(struct loop *l)
{
	flow_clear(&l->flow);
	event_base_free(l->base);
}

/* What is ready now, each once. */
static inline void
loop_turn(struct loop *l)
{
	if (event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NONBLOCK) == -1)
		abort();
}

static inline void
loop_turns(struct loop *l, int n)
{
	for (int i = 0; i < n; i++)
		loop_turn(l);
}

/* A timer's time has come, whatever the clock says. */
static inline void
loop_fire(struct loop *l, struct event *timer)
{
	event_active(timer, EV_TIMEOUT, 1);
	loop_turn(l);
}

/* ------------------------------------------------- time, as the test has it */

static uint64_t loop_now = 1000000;

static inline uint64_t
loop_clock(void)
{
	return loop_now;
}

enum { LOOP_TIMERS = 32 };

struct loop_timers {
	struct event *v[LOOP_TIMERS];
	size_t n;
};

static inline int
loop_note_timer(const struct event_base *base, const struct event *ev,
    void *arg)
{
	struct loop_timers *t = arg;

	(void)base;
	if (event_pending(ev, EV_TIMEOUT, NULL) && event_get_fd(ev) == -1) {
		if (t->n == LOOP_TIMERS)
			abort();
		t->v[t->n++] = (struct event *)(uintptr_t)ev;
	}
	return 0;
}

/*
 * Time passes: every timer fires, and finds out from the clock whether it was
 * due. Needs clock_replace(loop_clock).
 */
static inline void
loop_pass(struct loop *l, uint64_t ms)
{
	struct loop_timers timers = { .n = 0 };

	loop_now += ms;
	event_base_foreach_event(l->base, loop_note_timer, &timers);
	for (size_t i = 0; i < timers.n; i++)
		event_active(timers.v[i], EV_TIMEOUT, 1);
	loop_turns(l, 3);
}

/* Some time without a byte has passed: those in doubt look (flow/doubts.h). */
static inline void
loop_be_silent(struct loop *l)
{
	loop_fire(l, &l->flow.doubts.timer);
	loop_fire(l, &l->flow.doubts.timer);
}

#endif
