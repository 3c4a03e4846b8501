#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/compression.h"
#include "client/complaint.h"
#include "client/facts.h"
#include "client/inner.h"
#include "client/input.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/ping.h"
#include "client/pings.h"
#include "client/print.h"
#include "client/secret.h"
#include "client/talk.h"
#include "client/typed.h"
#include "client/window.h"
#include "codec/framing.h"
#include "flow/deadlines.h"
#include "flow/stream.h"
#include "flow/transport_ws.h"

/* What a talk waits for. */
enum due {
	DUE_SILENCE, /* --wait, behind our end of input */
	DUE_PING,    /* the next ping of --keepalive */
	DUE_PONG,    /* a sign of life after one */
	DUE_CLOSE,   /* the peer's Close, or its end of the connection */
	DUE_COUNT,
};

enum { REASON_SIZE = WS_REASON_MAX + 1 };

struct talk {
	struct client *client;      /* kept */
	struct local *local;        /* kept */
	const struct talk_ops *ops; /* kept */
	void *owner;                /* kept */
	struct transport_ws transport;
	struct input input;
	struct print print;
	struct inner inner;     /* standpipe.v1, if it is spoken */
	struct framing counted; /* bytes received, as the messages they are */
	struct complaint complaint;
	struct window window; /* of our terminal, which the program may want */
	struct ping *ping;    /* owned; NULL: this is not about pings */
	struct pings pings;   /* that somebody typed */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	uint64_t sent, sent_bytes; /* messages, and bytes in them */
	uint64_t received, received_bytes;
	unsigned code;            /* of the peer's Close; 0: none came */
	char reason[REASON_SIZE]; /* and its reason */
	unsigned our_code;        /* of our Close; 0: none was sent first */
	struct outcome local_fault;
	const char *fault; /* why we closed; kept; NULL: all is well */
	int fault_status;  /* and the exit status for that */
	uint64_t pinged;   /* when the last ping was written */
	bool ping_queued;  /* behind what the server does not take */
	bool greeted;
	bool input_ended;
	bool gone; /* the connection has ended */
	bool told;
};

/* ------------------------------------------------- the end */

/* 4000 and what the shell would say of the program. */
static bool
is_exit_status(unsigned code)
{
	return code >= WS_CLOSE_PRIVATE && code <= WS_CLOSE_PRIVATE + 255;
}

static void
judge(const struct talk *t, struct outcome *o)
{
	if (t->fault != NULL)
		outcome_set(o, t->fault_status, "%s", t->fault);
	else if (t->inner.exited)
		o->status = t->inner.status;
	else if (t->code == 0 && t->our_code == 0)
		outcome_set(o, OUTCOME_BROKEN,
		    "the connection was lost (no Close came)");
	else if (is_exit_status(t->code))
		o->status = (int)(t->code - WS_CLOSE_PRIVATE);
	else if (t->our_code == 0 && t->code != WS_CLOSE_NORMAL &&
	    t->code != WS_CLOSE_NO_STATUS)
		outcome_set(o, OUTCOME_BROKEN, "closed by the server: %u%s%s",
		    t->code, t->reason[0] == '\0' ? "" : " ", t->reason);
}

static bool
output_waits(const struct talk *t)
{
	return local_queued(t->local) > 0 ||
	    complaint_queued(&t->complaint) > 0;
}

/* Over when the connection has ended and all output was taken. */
static void
talk_on_turn(void *owner)
{
	struct talk *t = owner;
	struct outcome o = { 0 };

	if (!t->gone || t->told || output_waits(t))
		return;
	t->told = true;
	judge(t, &o);
	if (t->ping != NULL)
		ping_judge(t->ping, &o);
	local_judge(t->local, &o);
	t->ops->on_over(t->owner, &o);
}

void
talk_tell(const struct talk *t, struct facts *f)
{
	f->closed_by_us = t->our_code != 0;
	f->code = t->our_code != 0 ? t->our_code : t->code;
	memcpy(f->reason, t->reason, sizeof(f->reason));
	f->sent = t->sent;
	f->sent_bytes = t->sent_bytes;
	f->received = t->received;
	f->received_bytes = t->received_bytes;
	(void)transport_ws_wire(&t->transport, &f->received_wire,
	    &f->sent_wire);
}

/* Our Close is out: nothing else is waited for any more. */
static void
await_close(struct talk *t)
{
	local_pause(t->local);
	for (size_t i = 0; i < DUE_CLOSE; i++)
		deadlines_forget(&t->deadlines, i);
	deadlines_set(&t->deadlines, DUE_CLOSE, t->client->conf.close_timeout);
}

void
talk_close(struct talk *t, unsigned code, const char *reason)
{
	if (t->gone || t->transport.state != TRANSPORT_OPEN)
		return;
	t->our_code = code;
	transport_ws_close(&t->transport, code, reason, true);
	await_close(t);
}

static void
fail(struct talk *t, unsigned code, int status, const char *why)
{
	if (t->fault == NULL) {
		t->fault = why;
		t->fault_status = status;
	}
	talk_close(t, code, why);
}

/* ------------------------------------------------- what we send */

static void
wait_for_server(struct talk *t)
{
	if (!t->gone && transport_ws_queued(&t->transport) > 0)
		local_pause(t->local);
}

static void
send_piece(struct talk *t, const struct framing_event *ev)
{
	t->sent += ev->last;
	t->sent_bytes += ev->len;
	if (inner_is_on(&t->inner))
		inner_send_piece(&t->inner, ev->text, ev->last, ev->data,
		    ev->len);
	else
		transport_ws_send(&t->transport, ev->text, ev->last, ev->data,
		    ev->len);
}

/* The Close in the words of our input (`frames`). */
static void
close_as_told(struct talk *t, const struct framing_event *ev)
{
	char text[REASON_SIZE];
	const uint8_t *reason;
	size_t len;
	unsigned code;

	if (ws_read_close(ev->data, ev->len, &code, &reason, &len) < 0) {
		fail(t, WS_CLOSE_GOING_AWAY, OUTCOME_USAGE, "bad close record");
		return;
	}
	if (len > 0)
		memcpy(text, reason, len);
	text[len] = '\0';
	talk_close(t, code, text);
}

static void
send_event(struct talk *t, enum framing_result rc,
    const struct framing_event *ev)
{
	switch (rc) {
	case FRAMING_PIECE:
		send_piece(t, ev);
		break;
	case FRAMING_PING:
		transport_ws_ping(&t->transport, ev->data, ev->len);
		break;
	case FRAMING_CLOSE:
		close_as_told(t, ev);
		break;
	default:
		fail(t, WS_CLOSE_GOING_AWAY, OUTCOME_USAGE, t->input.why);
		break;
	}
	if (rc > 0 && ev->kept)
		transport_ws_flush(&t->transport);
}

static bool
may_send(const struct talk *t)
{
	return !t->gone && t->transport.state == TRANSPORT_OPEN;
}

/* Before anything of our input; each is a message, whatever the input is. */
static void
greet(struct talk *t)
{
	const struct greeting *g = &t->client->greeting;
	int framing = t->client->conf.framing;

	if (t->greeted || !may_send(t) || !inner_is_ready(&t->inner))
		return;
	t->greeted = true;
	for (size_t i = 0; i < g->n; i++)
		send_piece(t,
		    &(struct framing_event){
			.text =
			    framing != FRAMING_BINARY && framing != CLIENT_HEX,
			.first = true,
			.last = true,
			.data = (const uint8_t *)g->v[i].text,
			.len = g->v[i].len,
		    });
	transport_ws_flush(&t->transport);
}

static void
resume_input(struct talk *t)
{
	greet(t);
	if (may_send(t) && t->ping == NULL && inner_is_ready(&t->inner))
		local_resume(t->local);
}

/*
 * To a program of standpipe.v1 our input is the bytes that it is, unless
 * somebody wants messages made of it.
 */
static bool
sends_bytes(const struct talk *t)
{
	const struct client_conf *conf = &t->client->conf;

	return inner_is_on(&t->inner) && !t->inner.messages &&
	    !conf->framing_given && conf->files[0] == NULL;
}

static void
send_bytes(struct talk *t, const uint8_t *data, size_t len)
{
	t->sent++;
	t->sent_bytes += len;
	inner_send_bytes(&t->inner, data, len);
}

static void
send_messages(struct talk *t, uint8_t *data, size_t len)
{
	struct framing_event ev;
	enum framing_result rc;
	size_t used;

	while (may_send(t)) {
		rc = input_read(&t->input, data, len, &used, &ev);
		if (rc == FRAMING_MORE)
			break;
		send_event(t, rc, &ev);
		data += used;
		len -= used;
	}
}

static void
talk_on_input(void *owner, uint8_t *data, size_t len)
{
	struct talk *t = owner;

	if (sends_bytes(t))
		send_bytes(t, data, len);
	else
		send_messages(t, data, len);
	transport_ws_flush(&t->transport);
	wait_for_server(t);
}

static void
await_silence(struct talk *t)
{
	const struct client_conf *conf = &t->client->conf;
	uint64_t patience = local_patience(t->local);

	if (!t->input_ended || !may_send(t))
		return;
	if (conf->waits)
		deadlines_set(&t->deadlines, DUE_SILENCE, conf->wait);
	else if (patience > 0 && !inner_is_on(&t->inner))
		deadlines_set(&t->deadlines, DUE_SILENCE, patience);
}

/*
 * Who types Ctrl-D has read what he wanted to, unless he said otherwise or
 * there is a program that waits for it.
 */
static bool
is_done_with(const struct talk *t)
{
	return local_is_typed(t->local) && !t->client->conf.waits &&
	    !inner_is_on(&t->inner);
}

static void
talk_on_input_end(void *owner)
{
	struct talk *t = owner;
	struct framing_event ev;
	enum framing_result rc;

	t->input_ended = true;
	while (may_send(t) && (rc = input_end(&t->input, &ev)) != FRAMING_MORE)
		send_event(t, rc, &ev);
	if (inner_is_on(&t->inner))
		inner_send_end(&t->inner);
	transport_ws_flush(&t->transport);
	if (is_done_with(t))
		talk_close(t, WS_CLOSE_NORMAL, "");
	else
		await_silence(t);
}

bool
talk_signal(struct talk *t, int sig)
{
	return may_send(t) && inner_is_on(&t->inner) &&
	    inner_send_signal(&t->inner, sig);
}

static void
talk_on_window(void *owner, unsigned columns, unsigned rows)
{
	struct talk *t = owner;

	if (may_send(t))
		inner_send_window(&t->inner, columns, rows);
}

/* ------------------------------------------------- what we receive */

/* What comes behind the last message that was asked for is not printed. */
static bool
has_all(const struct talk *t)
{
	uint64_t count = t->client->conf.count;

	return count > 0 && t->received >= count;
}

static void
receive_piece(struct talk *t, bool text, bool last, const uint8_t *data,
    size_t len)
{
	if (has_all(t))
		return;
	t->received += last;
	t->received_bytes += len;
	print_piece(&t->print, text, last, data, len);
}

/* What is counted are messages, so the bytes are made some again. */
static void
count_bytes(struct talk *t, const uint8_t *data, size_t len)
{
	struct framing_event ev;
	size_t used;

	while (
	    framing_read(&t->counted, data, len, &used, &ev) == FRAMING_PIECE) {
		receive_piece(t, ev.text, ev.last, ev.data, ev.len);
		if (ev.kept)
			gather_flush(&t->client->flow.up);
		data += used;
		len -= used;
	}
}

/* What was left open is a message, too. */
static void
end_counting(struct talk *t)
{
	struct framing_event ev;

	if (!inner_is_on(&t->inner))
		return;
	while (framing_end(&t->counted, &ev) == FRAMING_PIECE)
		receive_piece(t, ev.text, ev.last, ev.data, ev.len);
	gather_flush(&t->client->flow.up);
}

static void
receive_bytes(struct talk *t, const struct v1_event *ev)
{
	if (t->client->conf.count > 0) {
		count_bytes(t, ev->data, ev->len);
		return;
	}
	t->received += ev->last;
	t->received_bytes += ev->len;
	print_bytes(&t->print, ev->data, ev->len);
}

/* It was something about the session; the first of these is HELLO. */
static void
check_ready(struct talk *t)
{
	if (t->window.on_size == NULL && inner_is_ready(&t->inner))
		window_watch(&t->window, t->client->flow.base,
		    local_terminal(t->local), talk_on_window, t);
	resume_input(t);
}

static void
receive_inner(struct talk *t, const struct ws_event *piece)
{
	struct v1_event ev;
	enum v1_result rc = inner_read(&t->inner, piece, &ev);

	if (rc < 0)
		fail(t, v1_close_code(rc), OUTCOME_BROKEN, v1_strresult(rc));
	else if (rc == V1_NOTHING)
		check_ready(t);
	else if (ev.type == V1_BYTES)
		receive_bytes(t, &ev);
	else if (ev.type == V1_STDERR)
		complaint_put(&t->complaint, ev.data, ev.len);
	else
		receive_piece(t, ev.type == V1_TEXT, ev.last, ev.data, ev.len);
}

static void
talk_on_data(void *owner, const struct ws_event *ev)
{
	struct talk *t = owner;

	if (t->ping != NULL)
		return;
	if (inner_is_on(&t->inner))
		receive_inner(t, ev);
	else
		receive_piece(t, ev->opcode == WS_OP_TEXT, ev->last, ev->data,
		    ev->len);
}

/* The program goes on, but says no more; another one will not come either. */
static void
end_output(struct talk *t)
{
	end_counting(t);
	local_end_output(t->local);
}

static void
talk_on_batch(void *owner)
{
	struct talk *t = owner;

	gather_flush(&t->client->flow.up);
	if (t->inner.ended && !t->client->conf.reconnect)
		end_output(t);
	if (output_waits(t))
		transport_ws_pause(&t->transport);
	await_silence(t);
	if (has_all(t))
		talk_close(t, WS_CLOSE_NORMAL, "");
}

static void
talk_on_output_drain(void *owner)
{
	struct talk *t = owner;

	if (!t->gone && !output_waits(t))
		transport_ws_resume(&t->transport);
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

	if (t->our_code != 0)
		return;
	print_close(&t->print, payload,
	    ws_put_close(payload, t->code, t->reason));
	gather_flush(&t->client->flow.up);
}

/* The server's Close: ours echoes it, and what came before it is printed. */
static void
talk_on_close(void *owner, unsigned code, const uint8_t *reason, size_t len)
{
	struct talk *t = owner;

	t->code = code;
	end_counting(t);
	if (len > 0)
		memcpy(t->reason, reason, len);
	t->reason[len] = '\0';
	print_their_close(t);
	transport_ws_close(&t->transport, code, "", true);
	await_close(t);
}

static void
talk_on_fault(void *owner, unsigned code, const char *reason)
{
	fail(owner, code, OUTCOME_BROKEN, reason);
}

/* The ping has been written: from now on its answer is late. */
static void
await_pong(struct talk *t)
{
	t->ping_queued = false;
	t->pinged = clock_coarse_ms();
	if (may_send(t))
		deadlines_set(&t->deadlines, DUE_PONG,
		    t->client->conf.keepalive_timeout);
}

/* It will send no more; what it sent is read when our output takes it. */
static void
talk_on_hangup(void *owner)
{
	(void)owner;
}

static void
talk_on_drain(void *owner)
{
	struct talk *t = owner;

	resume_input(t);
	await_silence(t);
	if (t->ping_queued)
		await_pong(t);
}

static void
talk_on_gone(void *owner)
{
	struct talk *t = owner;

	t->gone = true;
	local_pause(t->local);
	if (t->ping != NULL)
		ping_report(t->ping);
	for (size_t i = 0; i < DUE_COUNT; i++)
		deadlines_forget(&t->deadlines, i);
	deadlines_wake(&t->deadlines);
}

/* ------------------------------------------------- pings */

static void
talk_on_ping(void *owner, const void *payload, size_t len)
{
	struct talk *t = owner;

	transport_ws_ping(&t->transport, payload, len);
	transport_ws_flush(&t->transport);
}

static void
talk_on_text(void *owner, const char *text)
{
	struct talk *t = owner;
	struct stream *out = local_output(t->local);
	size_t len = strlen(text);

	if (out != NULL && !local_show(t->local, text, len))
		stream_write(out, text, len);
}

static void
talk_on_pings_over(void *owner)
{
	talk_close(owner, WS_CLOSE_NORMAL, "");
}

static const struct ping_ops ping_ops = {
	.on_ping = talk_on_ping,
	.on_text = talk_on_text,
	.on_over = talk_on_pings_over,
};

/* Without a payload of its own it is told by its number. */
static void
ping_typed(struct talk *t, const struct typed *typed)
{
	char number[24];
	const char *payload = typed->text;
	size_t len = typed->len;

	if (len == 0) {
		len = (size_t)snprintf(number, sizeof(number), "%" PRIu64,
		    t->pings.sent + 1);
		payload = number;
	}
	pings_send(&t->pings, payload, len, clock_us());
	talk_on_ping(t, payload, len);
}

static void
talk_on_command(void *owner, const struct typed *typed)
{
	struct talk *t = owner;

	if (typed->kind == TYPED_PING && may_send(t))
		ping_typed(t, typed);
	else if (typed->kind == TYPED_CLOSE)
		talk_close(t, typed->code, typed->reason);
}

static void
tell_trip(struct talk *t, uint64_t trip)
{
	char time[PINGS_LINE], *line;

	pings_put_time(trip, time);
	line = mem_printf("pong: time=%s\n", time);
	talk_on_text(t, line);
	free(line);
}

static void
talk_on_pong(void *owner, const uint8_t *data, size_t len)
{
	struct talk *t = owner;
	uint64_t number, trip;

	if (t->ping != NULL)
		ping_receive(t->ping, data, len);
	else if (pings_receive(&t->pings, data, len, clock_us(), &number,
		     &trip))
		tell_trip(t, trip);
}

/* ------------------------------------------------- time */

/* It counts from when the server has been given all that we had to say. */
static void
end_silence(struct talk *t)
{
	if (transport_ws_queued(&t->transport) > 0)
		await_silence(t);
	else
		talk_close(t, WS_CLOSE_NORMAL, "");
}

static bool
owes_pong(const struct talk *t)
{
	return deadlines_awaits(&t->deadlines, DUE_PONG) &&
	    t->transport.heard < t->pinged;
}

static void
keep_alive(struct talk *t)
{
	deadlines_set(&t->deadlines, DUE_PING, t->client->conf.keepalive);
	if (t->ping_queued || owes_pong(t))
		return;
	transport_ws_ping(&t->transport, NULL, 0);
	transport_ws_flush(&t->transport);
	t->ping_queued = transport_ws_queued(&t->transport) > 0;
	if (!t->ping_queued)
		await_pong(t);
}

/* Any byte is a sign of life; while our output is full we read none. */
static void
expect_pong(struct talk *t)
{
	if (t->transport.heard >= t->pinged)
		return;
	if (output_waits(t))
		await_pong(t);
	else
		fail(t, WS_CLOSE_INTERNAL, OUTCOME_TIMEOUT,
		    "the server does not answer a ping");
}

static void
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
	case DUE_CLOSE:
		transport_ws_abort(&t->transport);
		break;
	case DUE_COUNT:
		break;
	}
}

/* ------------------------------------------------- the beginning */

static const struct transport_ops transport_ops = {
	.on_data = talk_on_data,
	.on_batch = talk_on_batch,
	.on_close = talk_on_close,
	.on_fault = talk_on_fault,
	.on_hangup = talk_on_hangup,
	.on_pong = talk_on_pong,
	.on_drain = talk_on_drain,
	.on_gone = talk_on_gone,
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
	deadlines_init(&t->deadlines, t->client->flow.base, t->due, DUE_COUNT,
	    &deadlines_ops, t);
	input_init(&t->input, local_framing(t->local));
	print_init(&t->print, &t->client->flow.up, t->local, conf->framing);
	framing_init(&t->counted, (enum framing_kind)conf->framing, false);
	complaint_init(&t->complaint, &t->client->flow, t->local,
	    talk_on_output_drain, t);
	inner_init(&t->inner, &t->transport, start->facts, start->facts->v1);
	transport_ws_init(&t->transport, WS_CLIENT, &t->client->flow,
	    start->stream, conf->max_message, &transport_ops, t);
	compression_begin(&t->transport, start->facts);
	local_set_owner(t->local, &local_ops, t);
	if (!local_start(t->local, o))
		fail(t, WS_CLOSE_INTERNAL, o->status, o->why);
	if (conf->ping)
		t->ping =
		    ping_new(t->client, stream_fd(start->stream), &ping_ops, t);
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
	transport_ws_clear(&t->transport);
	input_clear(&t->input);
	framing_clear(&t->counted);
	complaint_clear(&t->complaint);
	window_clear(&t->window);
	inner_clear(&t->inner);
	free(t);
}

void
talk_feed(struct talk *t, uint8_t *data, size_t len)
{
	transport_ws_feed(&t->transport, data, len);
}

void
talk_start_reading(struct talk *t)
{
	if (t->client->conf.keepalive > 0 && t->ping == NULL && may_send(t))
		deadlines_set(&t->deadlines, DUE_PING,
		    t->client->conf.keepalive);
	if (local_queued(t->local) == 0)
		transport_ws_resume(&t->transport);
	resume_input(t);
}
