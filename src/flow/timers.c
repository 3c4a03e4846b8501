#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "flow/timers.h"
#include "flow/watch.h"

enum {
	PER_TURN = 64, /* that come in a turn of the loop */
	ROOM = 16,     /* of a heap at first */
};

/* ------------------------------------------------- the heap */

/* Places are counted from 1: those beneath i are 2i and 2i + 1. */
static void
put(struct timers *t, size_t place, struct timer *timer)
{
	t->heap[place - 1] = timer;
	timer->place = place;
}

static struct timer *
at(const struct timers *t, size_t place)
{
	return t->heap[place - 1];
}

/* It moves up past those that come after it. */
static void
rise(struct timers *t, struct timer *timer, size_t place)
{
	for (; place > 1 && timer->at < at(t, place / 2)->at; place /= 2)
		put(t, place, at(t, place / 2));
	put(t, place, timer);
}

/* And down past those that come before it. */
static void
sink(struct timers *t, struct timer *timer, size_t place)
{
	size_t next;

	for (; (next = 2 * place) <= t->n; place = next) {
		if (next < t->n && at(t, next + 1)->at < at(t, next)->at)
			next++;
		if (timer->at <= at(t, next)->at)
			break;
		put(t, place, at(t, next));
	}
	put(t, place, timer);
}

static void
settle(struct timers *t, struct timer *timer, size_t place)
{
	rise(t, timer, place);
	sink(t, timer, timer->place);
}

/* ------------------------------------------------- the event */

static uint64_t
first(const struct timers *t)
{
	return t->n == 0 ? UINT64_MAX : at(t, 1)->at;
}

static void
arm(struct timers *t, uint64_t next)
{
	uint64_t now = clock_ms();

	t->armed = next;
	watch_after(&t->event, next > now ? next - now : 0);
}

/*
 * libevent takes the activation of a timer back when it is added once more, so
 * an event that comes at once is left alone.
 */
static void
arm_before(struct timers *t, uint64_t next)
{
	if (next >= t->armed)
		return;
	if (next > 0) {
		arm(t, next);
		return;
	}
	t->armed = 0;
	event_active(&t->event, EV_TIMEOUT, 1);
}

static void
timers_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct timers *t = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	t->armed = 0; /* it is armed when they have come */
	for (int i = 0; i < PER_TURN && first(t) <= now; i++) {
		struct timer *timer = at(t, 1);

		timers_unset(t, timer);
		timer->fn(timer);
	}
	t->armed = UINT64_MAX;
	if (first(t) != UINT64_MAX)
		arm(t, first(t));
}

void
timers_init(struct timers *t, struct event_base *base)
{
	*t = (struct timers){
		.heap = mem_new(ROOM, sizeof(*t->heap)),
		.room = ROOM,
		.armed = UINT64_MAX,
	};
	(void)evtimer_assign(&t->event, base, timers_on_event, t);
}

void
timers_clear(struct timers *t)
{
	(void)event_del(&t->event);
	free(t->heap);
	t->heap = NULL;
	t->n = t->room = 0;
}

void
timers_set(struct timers *t, struct timer *timer, uint64_t when)
{
	timer->at = when;
	if (timer->place == 0) {
		if (t->n == t->room) {
			t->room *= 2;
			t->heap = mem_grow(t->heap, t->room, sizeof(*t->heap));
		}
		rise(t, timer, ++t->n);
	} else {
		settle(t, timer, timer->place);
	}
	arm_before(t, first(t));
}

void
timers_unset(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (place == 0)
		return;
	timer->place = 0;
	last = at(t, t->n--);
	if (last != timer)
		settle(t, last, place);
}
