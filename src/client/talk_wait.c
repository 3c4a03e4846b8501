#include "base/base.h"
#include "base/clock.h"
#include "client/talk_state.h"

void
talk_await_silence(struct talk *t)
{
	const struct client_conf *conf = &t->client->conf;
	uint64_t patience = local_patience(t->local);

	if (!t->input_ended || !talk_may_send(t))
		return;
	if (conf->waits)
		deadlines_set(&t->deadlines, DUE_SILENCE, conf->wait);
	else if (patience > 0 && !talk_v1_is_on(&t->v1))
		deadlines_set(&t->deadlines, DUE_SILENCE, patience);
}

/* The ping has been written: from now on its answer is late. */
void
talk_await_pong(struct talk *t)
{
	t->ping_queued = false;
	t->pinged = clock_coarse_ms();
	if (talk_may_send(t))
		deadlines_set(&t->deadlines, DUE_PONG,
		    t->client->conf.keepalive_timeout);
}

/* It counts from when the server has been given all that we had to say. */
static void
end_silence(struct talk *t)
{
	if (transport_queued(t->transport) > 0)
		talk_await_silence(t);
	else
		talk_close(t, WS_CLOSE_NORMAL, "");
}

static bool
owes_pong(const struct talk *t)
{
	return deadlines_awaits(&t->deadlines, DUE_PONG) &&
	    t->transport->heard < t->pinged;
}

static void
keep_alive(struct talk *t)
{
	deadlines_set(&t->deadlines, DUE_PING, t->client->conf.keepalive);
	if (t->ping_queued || owes_pong(t))
		return;
	transport_ping(t->transport, NULL, 0);
	transport_flush(t->transport);
	t->ping_queued = transport_queued(t->transport) > 0;
	if (!t->ping_queued)
		talk_await_pong(t);
}

/* Any byte is a sign of life; while our output is full we read none. */
static void
expect_pong(struct talk *t)
{
	if (t->transport->heard >= t->pinged)
		return;
	if (talk_output_waits(t))
		talk_await_pong(t);
	else
		talk_fail(t, WS_CLOSE_INTERNAL, OUTCOME_TIMEOUT,
		    "the server does not answer a ping");
}

void
talk_on_due(void *owner, size_t which)
{
	struct talk *t = owner;

	switch ((enum due)which) {
	case DUE_SILENCE:
		end_silence(t);
		break;
	case DUE_PING:
		keep_alive(t);
		break;
	case DUE_PONG:
		expect_pong(t);
		break;
	case DUE_ANSWERS:
		talk_close(t, WS_CLOSE_NORMAL, "");
		break;
	case DUE_CLOSE:
		transport_abort(t->transport);
		break;
	case DUE_COUNT:
		break;
	}
}

void
talk_start_pinging(struct talk *t)
{
	uint64_t keepalive = t->client->conf.keepalive;

	if (keepalive > 0 && t->ping == NULL && talk_may_send(t))
		deadlines_set(&t->deadlines, DUE_PING, keepalive);
}
