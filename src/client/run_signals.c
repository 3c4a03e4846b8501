#include <signal.h>
#include <stdbool.h>

#include <event2/event.h>

#include "base/base.h"
#include "client/run_signals.h"
#include "flow/watch.h"

static const int numbers[RUN_SIGNALS_COUNT] = { SIGHUP, SIGINT, SIGTERM };

static void
run_signals_on_event(evutil_socket_t sig, short what, void *arg)
{
	struct run_signals *s = arg;

	(void)what;
	s->on_signal(s->owner, (int)sig);
}

static bool
is_ignored(int sig)
{
	struct sigaction now;

	return sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void
run_signals_watch(struct run_signals *s, struct event_base *base,
    void (*on_signal)(void *owner, int sig), void *owner)
{
	s->on_signal = on_signal;
	s->owner = owner;
	for (size_t i = 0; i < RUN_SIGNALS_COUNT; i++) {
		(void)evsignal_assign(&s->ev[i], base, numbers[i],
		    run_signals_on_event, s);
		if (!is_ignored(numbers[i]))
			watch_need(&s->ev[i], NULL);
	}
}

void
run_signals_clear(struct run_signals *s)
{
	if (s->on_signal == NULL)
		return;
	s->on_signal = NULL;
	for (size_t i = 0; i < RUN_SIGNALS_COUNT; i++)
		(void)event_del(&s->ev[i]);
}
