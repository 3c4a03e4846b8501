/*
 * A call that the loop makes: for what may not happen inside the callback that
 * finds it out, or is not to happen before others had their turn.
 */
#ifndef FLOW_LATER_H
#define FLOW_LATER_H

#include <event2/event_struct.h>

struct event_base;

struct later {
	void (*call)(void *owner); /* kept */
	void *owner;               /* kept */
	struct event ev;
};

/* Keeps base, call and owner. No call is to be made yet. */
void later_init(struct later *, struct event_base *base,
    void (*call)(void *owner), void *owner);

/* Once, after the callback that runs now and before the loop looks for news. */
void later_soon(struct later *);

/* Once, in the next turn of the loop, together with what is new by then. */
void later_in_turn(struct later *);

/* Not any more, if it was to be. */
void later_forget(struct later *);

#endif
