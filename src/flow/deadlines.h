/*
 * Many deadlines over one timer: what an owner waits for, each at a time of its
 * own or not at all.
 *
 * A deadline that is put off costs nothing: the timer comes at the old time,
 * finds nothing due, and is set again.
 */
#ifndef FLOW_DEADLINES_H
#define FLOW_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/timers.h"

struct flow;

struct deadlines_ops {
	/* That one has come, and is awaited no longer. May set any. */
	void (*on_due)(void *owner, size_t which);
	/*
	 * All that were due have been told; here alone the owner may be freed.
	 * May be NULL.
	 */
	void (*on_turn)(void *owner);
};

struct deadlines {
	const struct deadlines_ops *ops; /* kept */
	void *owner;                     /* kept */
	uint64_t *at; /* kept: clock_ms() of each; UINT64_MAX: not awaited */
	size_t n;     /* of those */
	struct timers *timers; /* kept: the flow's */
	struct timer timer;
};

/* Keeps flow, at[0..n), ops and owner; nothing is awaited. */
void deadlines_init(struct deadlines *, struct flow *, uint64_t *at, size_t n,
    const struct deadlines_ops *, void *owner);
void deadlines_clear(struct deadlines *);

/* Await one `ms` from now, whenever it was to come before; or not at all. */
void deadlines_set(struct deadlines *, size_t which, uint64_t ms);
void deadlines_forget(struct deadlines *, size_t which);

/* Await none of a set: 1u << which of each. */
void deadlines_forget_set(struct deadlines *, unsigned set);

bool deadlines_awaits(const struct deadlines *, size_t which);

/* Have on_turn() called in the next turn of the loop. */
void deadlines_wake(struct deadlines *);

#endif
