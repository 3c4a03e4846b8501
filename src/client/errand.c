#include <signal.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/str.h"
#include "client/call.h"
#include "client/client.h"
#include "client/errand.h"
#include "client/facts.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/reconnect.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/tell.h"
#include "flow/watch.h"

enum { AGAIN_MS = 1000 }; /* a second one that is typed comes so soon */

struct errand {
	struct client *client; /* kept */
	struct outcome outcome;
	struct local *local;       /* owned */
	struct call *call;         /* owned */
	const struct facts *facts; /* of the call; NULL: it was given up */
	struct signals signals;
	int signal;         /* that we were told to end by; 0: none */
	uint64_t passed_on; /* when the last one was; 0: none */
	struct reconnect reconnect;
	struct event again; /* the next call is due */
	struct event late;  /* after a signal: nobody takes our output */
	bool waiting;       /* for that */
	bool over;          /* the last call is; our side may need a moment */
};

static void
errand_on_finished(void *owner)
{
	struct errand *e = owner;

	(void)event_base_loopbreak(e->client->flow.base);
}

static void
finish(struct errand *e)
{
	if (e->over)
		return;
	e->over = true;
	local_set_owner(e->local, NULL, NULL);
	if (!local_finish(e->local, errand_on_finished, e))
		errand_on_finished(e);
}

/* The call is kept until the next one: it is reported if that never comes. */
static void
wait_for_another(struct errand *e, uint64_t ms)
{
	const struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};
	char wait[32];

	str_put_duration(wait, sizeof(wait), ms);
	if (e->client->conf.json == -1)
		tell(&e->client->conf, "%s: %s; again in %s", e->facts->host,
		    e->outcome.why, wait);
	e->waiting = true;
	watch_need(&e->again, &tv);
}

static void
errand_on_over(void *owner, struct call *call, const struct outcome *o,
    const struct facts *facts)
{
	struct errand *e = owner;
	uint64_t ms;

	(void)call;
	e->outcome = *o;
	e->facts = facts;
	if (e->signal == 0 && !local_is_lost(e->local) &&
	    reconnect_again(&e->reconnect, o, facts, &ms))
		wait_for_another(e, ms);
	else
		finish(e);
}

/*
 * A second signal is for us, unless somebody types: he interrupts the program as
 * often as he likes, as long as he sees what it says to that.
 */
static bool
has_had_one(const struct errand *e, uint64_t now)
{
	return e->passed_on != 0 &&
	    (!local_is_typed(e->local) || local_queued(e->local) > 0 ||
		now - e->passed_on < AGAIN_MS);
}

/* A signal is for the program at the other end, if it can get it. */
static bool
pass_on(struct errand *e, int sig)
{
	uint64_t now = clock_ms();

	if (client_conf_has_command(&e->client->conf) || e->signal != 0 ||
	    e->waiting || has_had_one(e, now) || !call_signal(e->call, sig))
		return false;
	e->passed_on = now;
	return true;
}

/* From now on output that nobody takes is waited for as a Close is. */
static void
lose_patience(struct errand *e)
{
	uint64_t ms = e->client->conf.close_timeout;
	const struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	watch_need(&e->late, &tv);
}

/* A second one waits for nobody, and not for output that nobody takes. */
static void
errand_on_signal(void *owner, int sig)
{
	struct errand *e = owner;
	bool again =
	    e->signal != 0 || (e->passed_on != 0 && local_queued(e->local) > 0);

	if (sig == SIGINT && local_interrupt(e->local))
		return;
	if (pass_on(e, sig)) {
		if (sig != SIGINT) /* who reads on in a pager typed that */
			lose_patience(e);
		return;
	}
	e->signal = sig;
	lose_patience(e);
	if (again || e->waiting || !call_stop(e->call))
		finish(e);
	if (again)
		local_hurry(e->local);
}

static void
errand_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct errand *e = arg;

	(void)fd;
	(void)what;
	if (local_queued(e->local) > 0)
		errand_on_signal(e, e->signal == 0 ? SIGTERM : e->signal);
}

static const struct call_ops call_ops = {
	.on_over = errand_on_over,
};

/* Our side may have come to its end while nobody was there to hear of it. */
static void
errand_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct errand *e = arg;

	(void)fd;
	(void)what;
	if (e->over)
		return;
	if (local_is_lost(e->local)) {
		finish(e);
		return;
	}
	e->waiting = false;
	e->client->counted += e->facts->received;
	e->facts = NULL;
	call_free(e->call);
	e->call = call_new(e->client, e->local, &call_ops, e);
}

static void
report(const struct errand *e)
{
	const struct facts none = { 0 };

	report_over(&e->client->conf, e->facts == NULL ? &none : e->facts,
	    &e->outcome);
}

/* Pings are counted till an interrupt, which is theirs. */
static void
make_calls(struct errand *e)
{
	struct event_base *base = e->client->flow.base;

	if (!e->client->conf.ping)
		signals_watch(&e->signals, base, errand_on_signal, e);
	reconnect_init(&e->reconnect, &e->client->conf);
	(void)evtimer_assign(&e->again, base, errand_on_again, e);
	(void)evtimer_assign(&e->late, base, errand_on_late, e);
	e->call = call_new(e->client, e->local, &call_ops, e);
	(void)event_base_dispatch(base);
	(void)event_del(&e->again);
	(void)event_del(&e->late);
	signals_clear(&e->signals);
	local_judge(e->local, &e->outcome);
	if (e->signal != 0)
		e->outcome = (struct outcome){ .signal = e->signal };
}

void
errand_run(struct client *client, struct outcome *o)
{
	struct errand e = { .client = client };

	e.local = local_new(client, &e.outcome);
	if (e.local != NULL)
		make_calls(&e);
	report(&e);
	call_free(e.call);
	local_free(e.local);
	*o = e.outcome;
}
