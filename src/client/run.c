#include <signal.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/str.h"
#include "client/call.h"
#include "client/client.h"
#include "client/facts.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/run.h"
#include "client/run_reconnect.h"
#include "client/run_signals.h"
#include "client/tell.h"
#include "flow/watch.h"

enum { AGAIN_MS = 1000 }; /* a second one that is typed comes so soon */

struct run {
	struct client *client; /* kept */
	struct outcome outcome;
	struct local *local;       /* owned */
	struct call *call;         /* owned */
	const struct facts *facts; /* of the call; NULL: it was given up */
	struct run_signals signals;
	int signal;         /* that we were told to end by; 0: none */
	uint64_t passed_on; /* when the last one was; 0: none */
	int passed;         /* and which */
	size_t queued;      /* of our output, when it was last looked at */
	unsigned drains;
	struct run_reconnect reconnect;
	struct event again; /* the next call is due */
	struct event late;  /* after a signal: our output is not taken */
	bool waiting;       /* for that */
	bool over;          /* the last call is; our side may need a moment */
};

static void
run_on_finished(void *owner)
{
	struct run *r = owner;

	(void)event_base_loopbreak(r->client->flow.base);
}

static void
finish(struct run *r)
{
	if (r->over)
		return;
	r->over = true;
	local_set_owner(r->local, NULL, NULL);
	if (!local_finish(r->local, run_on_finished, r))
		run_on_finished(r);
}

/* The call is kept until the next one: it is reported if that never comes. */
static void
wait_for_another(struct run *r, uint64_t ms)
{
	char wait[32];

	str_put_duration(wait, sizeof(wait), ms);
	if (r->client->conf.json == -1)
		tell(&r->client->conf, "%s: %s; again in %s", r->facts->host,
		    r->outcome.why, wait);
	r->waiting = true;
	watch_after(&r->again, ms);
}

static void
run_on_over(void *owner, struct call *call, const struct outcome *o,
    const struct facts *facts)
{
	struct run *r = owner;
	uint64_t ms;

	(void)call;
	r->outcome = *o;
	r->facts = facts;
	if (r->signal == 0 && !local_is_lost(r->local) &&
	    run_reconnect_again(&r->reconnect, o, facts, &ms))
		wait_for_another(r, ms);
	else
		finish(r);
}

/*
 * A second signal is for us, unless a user types: he interrupts the program as
 * often as he likes, as long as he sees what it says to that.
 */
static bool
has_had_one(const struct run *r, uint64_t now)
{
	return r->passed_on != 0 &&
	    (!local_is_typed(r->local) || local_queued(r->local) > 0 ||
		now - r->passed_on < AGAIN_MS);
}

/* A signal is for the program at the other end, if it can get it. */
static bool
pass_on(struct run *r, int sig)
{
	uint64_t now = clock_ms();

	if (client_conf_has_command(&r->client->conf) || r->signal != 0 ||
	    r->waiting || has_had_one(r, now) || !call_signal(r->call, sig))
		return false;
	r->passed_on = now;
	r->passed = sig;
	return true;
}

/*
 * From now on output that is not taken is waited for only as long as a Close.
 */
static void
lose_patience(struct run *r)
{
	r->queued = local_queued(r->local);
	r->drains = local_drains(r->local);
	watch_after(&r->late, r->client->conf.close_timeout);
}

static bool
is_taken(const struct run *r)
{
	size_t queued = local_queued(r->local);

	return queued == 0 || queued < r->queued ||
	    local_drains(r->local) != r->drains;
}

/* A second one waits for no server, and for no output that is not taken. */
static void
run_on_signal(void *owner, int sig)
{
	struct run *r = owner;
	bool again =
	    r->signal != 0 || (r->passed_on != 0 && local_queued(r->local) > 0);

	if (sig == SIGINT && local_interrupt(r->local))
		return;
	if (pass_on(r, sig)) {
		if (sig != SIGINT) /* which was typed to a pager, maybe */
			lose_patience(r);
		return;
	}
	r->signal = sig;
	lose_patience(r);
	if (again || r->waiting || !call_stop(r->call))
		finish(r);
	if (again)
		local_hurry(r->local);
}

static void
run_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	if (is_taken(r))
		lose_patience(r);
	else
		run_on_signal(r, r->signal == 0 ? r->passed : r->signal);
}

static const struct call_ops call_ops = {
	.on_over = run_on_over,
};

/* Our side may have come to its end while there was no call to be told. */
static void
run_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	if (r->over)
		return;
	if (local_is_lost(r->local)) {
		finish(r);
		return;
	}
	r->waiting = false;
	r->client->counted += r->facts->received;
	r->facts = NULL;
	call_free(r->call);
	r->call = call_new(r->client, r->local, &call_ops, r);
}

static void
report(const struct run *r)
{
	const struct facts none = { 0 };

	report_over(&r->client->conf, r->facts == NULL ? &none : r->facts,
	    &r->outcome);
}

/* Pings are counted till an interrupt, which is theirs. */
static void
make_calls(struct run *r)
{
	struct event_base *base = r->client->flow.base;

	if (!r->client->conf.ping)
		run_signals_watch(&r->signals, base, run_on_signal, r);
	run_reconnect_init(&r->reconnect, &r->client->conf);
	(void)evtimer_assign(&r->again, base, run_on_again, r);
	(void)evtimer_assign(&r->late, base, run_on_late, r);
	r->call = call_new(r->client, r->local, &call_ops, r);
	(void)event_base_dispatch(base);
	(void)event_del(&r->again);
	(void)event_del(&r->late);
	run_signals_clear(&r->signals);
	local_judge(r->local, &r->outcome);
	if (r->signal != 0)
		r->outcome = (struct outcome){ .signal = r->signal };
}

void
run_calls(struct client *client, struct outcome *o)
{
	struct run r = { .client = client };

	r.local = local_new(client, &r.outcome);
	if (r.local != NULL)
		make_calls(&r);
	report(&r);
	call_free(r.call);
	local_free(r.local);
	*o = r.outcome;
}
