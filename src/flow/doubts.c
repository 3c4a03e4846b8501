#include <stdlib.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/mem.h"
#include "flow/doubts.h"
#include "flow/watch.h"

enum {
	MOMENT_MS = 100,
	ROOM_MIN = 16,
};

static void
start_timer(struct doubts *all)
{
	watch_after(&all->timer, MOMENT_MS);
}

static void
drop_room(struct doubts *all)
{
	free(all->each);
	all->each = NULL;
	all->room = 0;
}

/* From the last to the first: the one that takes a place has had its turn. */
static void
doubts_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct doubts *all = arg;

	(void)fd;
	(void)what;
	for (size_t i = all->n; i-- > 0;) {
		struct doubt *d = all->each[i];

		if (!d->renewed) {
			doubts_forget(all, d);
			all->look(d);
		}
		d->renewed = false;
	}
	if (all->n > 0)
		start_timer(all);
	else
		drop_room(all);
}

void
doubts_init(struct doubts *all, struct event_base *base,
    void (*look)(struct doubt *))
{
	*all = (struct doubts){ .look = look };
	(void)evtimer_assign(&all->timer, base, doubts_on_timer, all);
}

void
doubts_clear(struct doubts *all)
{
	(void)event_del(&all->timer);
	drop_room(all);
}

static void
grow(struct doubts *all)
{
	if (all->room == 0)
		start_timer(all);
	all->room = all->room == 0 ? ROOM_MIN : 2 * all->room;
	all->each = mem_grow(all->each, all->room, sizeof(struct doubt *));
}

void
doubts_begin(struct doubts *all, struct doubt *d)
{
	if (all->n == all->room)
		grow(all);
	all->each[all->n++] = d;
	d->place = (uint32_t)all->n;
}

/* The last one takes its place. */
void
doubts_forget(struct doubts *all, struct doubt *d)
{
	struct doubt *last;

	if (d->place == 0)
		return;
	last = all->each[--all->n];
	all->each[d->place - 1] = last;
	last->place = d->place;
	d->place = 0;
}
