/*
 * Any number of timers over one of the loop's: a heap, with the earliest of them
 * at the top.
 *
 * The callback of a timer that has come runs from the loop alone. It may set and
 * unset any, itself too, and free whatever they are in.
 */
#ifndef FLOW_TIMERS_H
#define FLOW_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

struct event_base;

struct timer {
	void (*fn)(struct timer *); /* it has come, and is set no longer */
	uint64_t at;  /* clock_ms(); 0: in the next turn of the loop */
	size_t place; /* in the heap, counted from 1; 0: it is not set */
};

struct timers {
	struct timer **heap; /* owned; [0..n) are set */
	size_t n, room;
	uint64_t armed; /* when the event comes; UINT64_MAX: it does not */
	struct event event;
};

/* Keeps base. What is set when it is cleared never comes. */
void timers_init(struct timers *, struct event_base *base);
void timers_clear(struct timers *);

/* Set one (kept until it comes), whenever it was to come before; or not. */
void timers_set(struct timers *, struct timer *, uint64_t at);
void timers_unset(struct timers *, struct timer *);

#endif
