#include "base/base.h"
#include "base/clock.h"
#include "flow/deadlines.h"
#include "flow/flow.h"

static bool
is_set_before(const struct deadlines *d, uint64_t next)
{
	return d->timer.place != 0 && d->timer.at <= next;
}

/* Set the timer to the earliest of all; later is found out when it comes. */
static void
arm(struct deadlines *d)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < d->n; i++)
		if (d->at[i] < next)
			next = d->at[i];
	if (next != UINT64_MAX && !is_set_before(d, next))
		timers_set(d->timers, &d->timer, next);
}

static void
deadlines_on_timer(struct timer *timer)
{
	struct deadlines *d = container_of(timer, struct deadlines, timer);
	uint64_t now = clock_ms();

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
deadlines_init(struct deadlines *d, struct flow *flow, uint64_t *at, size_t n,
    const struct deadlines_ops *ops, void *owner)
{
	*d = (struct deadlines){
		.ops = ops,
		.owner = owner,
		.at = at,
		.n = n,
		.timers = &flow->timers,
		.timer.fn = deadlines_on_timer,
	};
	for (size_t i = 0; i < n; i++)
		at[i] = UINT64_MAX;
}

void
deadlines_clear(struct deadlines *d)
{
	timers_unset(d->timers, &d->timer);
}

void
deadlines_set(struct deadlines *d, size_t which, uint64_t ms)
{
	d->at[which] = clock_ms() + ms;
	if (!is_set_before(d, d->at[which]))
		timers_set(d->timers, &d->timer, d->at[which]);
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

void
deadlines_wake(struct deadlines *d)
{
	timers_set(d->timers, &d->timer, 0);
}
