/*
 * A loop that a test turns by itself, and what all of flow/ shares. Nothing here
 * waits: what a turn does not bring is not there.
 */
#ifndef TESTS_LOOP_H
#define TESTS_LOOP_H

#include <stdlib.h>

#include <event2/event.h>

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

/* Some time without a byte has passed: those in doubt look (flow/doubts.h). */
static inline void
loop_be_silent(struct loop *l)
{
	loop_fire(l, &l->flow.doubts.timer);
	loop_fire(l, &l->flow.doubts.timer);
}

#endif
