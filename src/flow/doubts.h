/*
 * Looks that are due after a moment of silence: one timer for all who wait for
 * one. A doubt that is renewed costs next to nothing.
 */
#ifndef FLOW_DOUBTS_H
#define FLOW_DOUBTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

struct event_base;

/* What its owner embeds; zeroed: none. */
struct doubt {
	uint32_t place; /* among all, from one on; 0: it waits for none */
	bool renewed;   /* since the timer fired */
};

struct doubts {
	struct doubt **each; /* owned, but not what it refers to */
	size_t n;
	size_t room; /* 0: the timer is not set */
	void (*look)(struct doubt *);
	struct event timer;
};

/*
 * Keeps base. look is called once for each doubt that was not renewed for 100 to
 * 200 ms; it may begin and forget none.
 */
void doubts_init(struct doubts *, struct event_base *base,
    void (*look)(struct doubt *));
void doubts_clear(struct doubts *);

/* doubts_renew() for one that is not waiting. Keeps it. */
void doubts_begin(struct doubts *, struct doubt *);

/* Before it is freed. */
void doubts_forget(struct doubts *, struct doubt *);

/* Something happened: its look is due when nothing more has for a moment. */
static inline void
doubts_renew(struct doubts *all, struct doubt *d)
{
	d->renewed = true;
	if (d->place == 0)
		doubts_begin(all, d);
}

#endif
