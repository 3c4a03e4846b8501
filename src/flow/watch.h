/*
 * How an event is added. That fails where memory is out, and for a descriptor
 * where the system has no more watches for this user (fs.epoll.max_user_watches):
 * what was not added would be waited for for ever. So nobody calls event_add()
 * but these.
 */
#ifndef FLOW_WATCH_H
#define FLOW_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/base.h"

/* Says why, by errno, and ends the process, as a lack of memory does. */
void watch_die(void) attr_noreturn;

/* False with errno: the caller tells what waits for it. tv may be NULL. */
static inline bool
watch_try(struct event *ev, const struct timeval *tv)
{
	return event_add(ev, tv) == 0;
}

/*
 * For timers and signals, which only a lack of memory refuses, and for what a
 * process is nothing without.
 */
static inline void
watch_need(struct event *ev, const struct timeval *tv)
{
	if (event_add(ev, tv) == -1)
		watch_die();
}

/*
 * Sets a timer: it fires once, so many milliseconds from now, whatever it was set
 * to before.
 */
static inline void
watch_after(struct event *timer, uint64_t ms)
{
	const struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	watch_need(timer, &tv);
}

#endif
