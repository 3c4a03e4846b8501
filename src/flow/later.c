#include <event2/event.h>

#include "base/base.h"
#include "flow/later.h"
#include "flow/watch.h"

static void
later_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct later *l = arg;

	(void)fd;
	(void)what;
	l->call(l->owner);
}

void
later_init(struct later *l, struct event_base *base, void (*call)(void *owner),
    void *owner)
{
	*l = (struct later){ .call = call, .owner = owner };
	(void)evtimer_assign(&l->ev, base, later_on_event, l);
}

void
later_soon(struct later *l)
{
	event_active(&l->ev, EV_TIMEOUT, 1);
}

/* Made active, it would come before anything new is looked for. */
void
later_in_turn(struct later *l)
{
	watch_after(&l->ev, 0);
}

void
later_forget(struct later *l)
{
	(void)event_del(&l->ev);
}
