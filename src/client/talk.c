#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/facts.h"
#include "client/hello_compression.h"
#include "client/ping.h"
#include "client/talk_state.h"
#include "flow/stream.h"
#include "flow/transport_ws.h"

/* ------------------------------------------------- the end */

/* Of the server's Close, if that was the first; 0: none came. */
static unsigned
their_code(const struct talk *t)
{
	return t->peer->ours || t->peer->faulted ? 0 : t->peer->code;
}

static const char *
their_reason(const struct talk *t)
{
	return their_code(t) == 0 || t->peer->reason == NULL ? ""
							     : t->peer->reason;
}

/*
 * 4000 and what the shell would say of the program, from a daemon of ours: codes
 * from 4000 on mean to every server what it likes. Where it says nothing by
 * standpipe.v1 its reason does: "exit status 3", "killed by SIGSEGV". Success is
 * never told so.
 */
static bool
is_exit_status(const struct talk *t)
{
	static const char killed[] = "killed by ";
	const char *reason = their_reason(t);
	unsigned status = their_code(t) - WS_CLOSE_PRIVATE;
	char words[32];

	if (their_code(t) <= WS_CLOSE_PRIVATE || status > 255)
		return false;
	(void)snprintf(words, sizeof(words), "exit status %u", status);
	return talk_v1_is_on(&t->v1) || strcmp(reason, words) == 0 ||
	    (status > 128 && strncmp(reason, killed, sizeof(killed) - 1) == 0);
}

/*
 * Some servers never send a Close: after a whole message the end of the
 * connection is as good, if the user says so.
 */
static bool
has_ended_well(const struct talk *t)
{
	return t->client->conf.no_close_expected && !talk_v1_is_on(&t->v1) &&
	    transport_ws_ended_well(t->peer->transport);
}

static void
judge(const struct talk *t, struct outcome *o)
{
	unsigned code = their_code(t);
	const char *reason = their_reason(t);

	if (t->fault != NULL)
		outcome_set(o, t->fault_status, "%s", t->fault);
	else if (t->peer->ours || talk_has_all(t) ||
	    (code == 0 && has_ended_well(t)))
		return; /* there was nothing more to do */
	else if (t->v1.exited)
		o->status = t->v1.status;
	else if (code == 0)
		outcome_set(o, OUTCOME_BROKEN,
		    "the connection was lost (no Close came)");
	else if (is_exit_status(t))
		o->status = (int)(code - WS_CLOSE_PRIVATE);
	else if (code != WS_CLOSE_NORMAL && code != WS_CLOSE_NO_STATUS)
		outcome_set(o, OUTCOME_BROKEN, "closed by the server: %u%s%s",
		    code, reason[0] == '\0' ? "" : " ", reason);
}

bool
talk_may_send(const struct talk *t)
{
	return t->peer->transport->state == TRANSPORT_OPEN;
}

bool
talk_output_waits(const struct talk *t)
{
	return local_queued(t->local) > 0 ||
	    talk_stderr_queued(&t->remote_stderr) > 0;
}

/* Over when the connection has ended and all output was taken. */
static void
talk_on_turn(void *owner)
{
	struct talk *t = owner;
	struct outcome o = { 0 };

	if (!peer_is_gone(t->peer) || t->told || talk_output_waits(t))
		return;
	t->told = true;
	judge(t, &o);
	if (t->ping != NULL)
		ping_judge(t->ping, &o);
	local_judge(t->local, &o);
	if (o.why[0] != '\0')
		talk_stderr_end_line(&t->remote_stderr);
	t->ops->on_over(t->owner, &o);
}

void
talk_tell(const struct talk *t, struct facts *f)
{
	f->closed_by_us = t->peer->ours;
	f->code = t->peer->ours ? t->peer->code : their_code(t);
	(void)snprintf(f->reason, sizeof(f->reason), "%s", their_reason(t));
	f->sent = t->sent;
	f->sent_bytes = t->sent_bytes;
	f->received = t->received;
	f->received_bytes = t->received_bytes;
	(void)transport_ws_wire(t->peer->transport, &f->received_wire,
	    &f->sent_wire);
}

/* Our Close is out: nothing else is waited for any more. */
static void
stop_waiting(struct talk *t)
{
	local_pause(t->local);
	deadlines_forget_set(&t->deadlines,
	    1u << DUE_SILENCE | 1u << DUE_ANSWERS);
}

void
talk_close(struct talk *t, unsigned code, const char *reason)
{
	if (!talk_may_send(t))
		return;
	peer_close(t->peer, code, reason);
	stop_waiting(t);
}

void
talk_fail(struct talk *t, unsigned code, int status, const char *why)
{
	if (t->fault == NULL) {
		t->fault = why;
		t->fault_status = status;
	}
	talk_close(t, code, why);
}

static void
talk_on_output_drain(void *owner)
{
	struct talk *t = owner;

	if (!talk_output_waits(t))
		peer_resume(t->peer);
	deadlines_wake(&t->deadlines);
}

static void
talk_on_output_lost(void *owner, unsigned code, const char *reason)
{
	struct talk *t = owner;

	talk_close(t, code, reason);
	deadlines_wake(&t->deadlines);
}

/* The server's Close in the words of our output (`frames`). */
static void
print_their_close(struct talk *t)
{
	uint8_t payload[WS_CONTROL_MAX];

	talk_print_close(&t->print, payload,
	    ws_put_close(payload, their_code(t), their_reason(t)));
	gather_flush(&t->client->flow.to_endpoint);
}

/* The server's Close: ours echoes it, and what came before it is printed. */
static void
talk_on_close(void *owner)
{
	struct talk *t = owner;

	talk_end_counting(t);
	print_their_close(t);
	peer_close_back(t->peer);
	stop_waiting(t);
}

/*
 * What the server said before that was right, so a command's answers to it are
 * its due; with --reconnect they go to whom comes next.
 */
static void
talk_on_fault(void *owner, unsigned code, const char *reason)
{
	struct talk *t = owner;
	const struct client_conf *conf = &t->client->conf;

	if (t->input_ended || !client_conf_has_command(conf) ||
	    conf->reconnect) {
		talk_fail(t, code, OUTCOME_BROKEN, reason);
		return;
	}
	t->fault = reason;
	t->fault_status = OUTCOME_BROKEN;
	gather_flush(&t->client->flow.to_endpoint);
	local_end_output(t->local);
	deadlines_set(&t->deadlines, DUE_ANSWERS, conf->close_timeout);
}

static void
talk_on_drain(void *owner)
{
	struct talk *t = owner;

	talk_resume_input(t);
	talk_await_silence(t);
}

static void
talk_on_late(void *owner, unsigned code, const char *reason)
{
	(void)reason;
	talk_fail(owner, code, OUTCOME_TIMEOUT,
	    "the server does not answer a ping");
}

static void
talk_on_gone(void *owner)
{
	struct talk *t = owner;

	if (t->ping != NULL)
		ping_report(t->ping);
	stop_waiting(t);
	deadlines_wake(&t->deadlines);
}

/* ------------------------------------------------- the beginning */

static const struct peer_ops peer_ops = {
	.on_batch = talk_on_batch,
	.on_close = talk_on_close,
	.on_fault = talk_on_fault,
	.on_pong = talk_on_pong,
	.on_drain = talk_on_drain,
	.on_late = talk_on_late,
	.on_gone = talk_on_gone,
};

/* What a message of the server is, talk_v1 knows. */
static const struct dialect_ops dialect_ops = {
	.to_endpoint = talk_on_data,
};

static const struct local_ops local_ops = {
	.on_input = talk_on_input,
	.on_command = talk_on_command,
	.on_input_end = talk_on_input_end,
	.on_output_drain = talk_on_output_drain,
	.on_output_lost = talk_on_output_lost,
};

static const struct deadlines_ops deadlines_ops = {
	.on_due = talk_on_due,
	.on_turn = talk_on_turn,
};

/* Who looks at pings gets those that were asked for, and no others. */
static struct peer *
new_peer(struct talk *t, struct stream *stream)
{
	const struct client_conf *conf = &t->client->conf;
	struct peer *p;

	t->rules = (struct peer_rules){
		.ping = conf->ping ? 0 : conf->keepalive,
		.ping_timeout = conf->keepalive_timeout,
		.close_timeout = conf->close_timeout,
	};
	p = peer_new(&(struct peer_start){
	    .flow = &t->client->flow,
	    .transport = transport_ws_new(WS_CLIENT, &t->client->flow, stream,
		client_conf_max_message(conf)),
	    .dialect = &dialect_plain,
	    .rules = &t->rules,
	});
	peer_set_owner(p, &peer_ops, &dialect_ops, t);
	return p;
}

struct talk *
talk_new(const struct talk_start *start)
{
	const struct client_conf *conf = &start->client->conf;
	struct talk *t = mem_new(1, sizeof(*t));
	struct outcome *o = &t->local_fault;

	*t = (struct talk){
		.client = start->client,
		.local = start->local,
		.ops = start->ops,
		.owner = start->owner,
	};
	deadlines_init(&t->deadlines, &t->client->flow, t->due, DUE_COUNT,
	    &deadlines_ops, t);
	talk_input_init(&t->input, local_framing(t->local));
	talk_print_init(&t->print, &t->client->flow.to_endpoint, t->local,
	    conf);
	framing_init(&t->counted, client_conf_framing(conf->framing), false);
	talk_stderr_init(&t->remote_stderr, &t->client->flow, t->local,
	    talk_on_output_drain, t);
	t->peer = new_peer(t, start->stream);
	talk_v1_init(&t->v1, t->peer->transport, start->facts,
	    start->facts->v1);
	hello_compression_begin(t->peer->transport, start->facts);
	local_set_owner(t->local, &local_ops, t);
	if (!local_start(t->local, o))
		talk_fail(t, WS_CLOSE_INTERNAL, o->status, o->why);
	if (conf->ping)
		t->ping = ping_new(t->client, stream_fd(start->stream),
		    &talk_ping_ops, t);
	return t;
}

void
talk_free(struct talk *t)
{
	if (t == NULL)
		return;
	local_set_owner(t->local, NULL, NULL);
	ping_free(t->ping);
	deadlines_clear(&t->deadlines);
	peer_free(t->peer);
	talk_input_clear(&t->input);
	talk_print_clear(&t->print);
	framing_clear(&t->counted);
	talk_stderr_clear(&t->remote_stderr);
	term_window_clear(&t->window);
	talk_v1_clear(&t->v1);
	free(t);
}

void
talk_feed(struct talk *t, uint8_t *data, size_t len)
{
	transport_ws_feed(t->peer->transport, data, len);
}

void
talk_start_reading(struct talk *t)
{
	if (local_queued(t->local) == 0)
		peer_resume(t->peer);
	talk_resume_input(t);
}
