#include <event2/event.h>

#include "base/base.h"
#include "base/clock.h"
#include "flow/deadlines.h"
#include "flow/watch.h"

/* Set the timer to the earliest of all; later is found out when it fires. */
static void
arm(struct deadlines *d)
{
	uint64_t next = UINT64_MAX, now;

	for (size_t i = 0; i < d->n; i++)
		if (d->at[i] < next)
			next = d->at[i];
	if (next >= d->armed)
		return;
	now = clock_ms();
	next = next > now ? next - now : 0;
	d->armed = now + next;
	watch_after(&d->timer, next);
}

static void
deadlines_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct deadlines *d = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	d->armed = UINT64_MAX;
	for (size_t i = 0; i < d->n; i++) {
		if (d->at[i] > now)
			continue;
		d->at[i] = UINT64_MAX;
		d->ops->on_due(d->owner, i);
	}
	arm(d);
	if (d->ops->on_turn != NULL)
		d->ops->on_turn(d->owner);
}

void
deadlines_init(struct deadlines *d, struct event_base *base, uint64_t *at,
    size_t n, const struct deadlines_ops *ops, void *owner)
{
	*d = (struct deadlines){
		.ops = ops,
		.owner = owner,
		.at = at,
		.n = n,
		.armed = UINT64_MAX,
	};
	for (size_t i = 0; i < n; i++)
		at[i] = UINT64_MAX;
	(void)evtimer_assign(&d->timer, base, deadlines_on_timer, d);
}

void
deadlines_clear(struct deadlines *d)
{
	(void)event_del(&d->timer);
}

void
deadlines_set(struct deadlines *d, size_t which, uint64_t ms)
{
	d->at[which] = clock_ms() + ms;
	arm(d);
}

void
deadlines_forget(struct deadlines *d, size_t which)
{
	d->at[which] = UINT64_MAX;
}

void
deadlines_forget_set(struct deadlines *d, unsigned set)
{
	for (size_t i = 0; i < d->n; i++)
		if (set & 1u << i)
			d->at[i] = UINT64_MAX;
}

bool
deadlines_awaits(const struct deadlines *d, size_t which)
{
	return d->at[which] != UINT64_MAX;
}

/*
 * libevent takes the activation of a timer back when it is added once more, so
 * arm() leaves it alone until it has fired.
 */
void
deadlines_wake(struct deadlines *d)
{
	d->armed = 0;
	event_active(&d->timer, EV_TIMEOUT, 1);
}
