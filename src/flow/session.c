#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/framing.h"
#include "codec/ws.h"
#include "conf/conf.h"
#include "dialect/dialect.h"
#include "flow/deadlines.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/input.h"
#include "flow/peer.h"
#include "flow/session.h"
#include "flow/stderr_lines.h"

/* What a session waits for, besides what it awaits of its peer. */
enum due {
	DUE_MAX,    /* the longest that a session may last */
	DUE_DRAIN,  /* the peer leaves, the program still talks */
	DUE_STDERR, /* the program may have complained by now */
	DUE_KILL,   /* the program had a moment to see the end of its input */
	DUE_END,    /* and one to end after the end of its output */
	DUE_COUNT,
};

enum {
	/* What counts only until the last word has been said to the peer. */
	WHILE_HEARD = 1u << DUE_MAX | 1u << DUE_DRAIN,
	/*
	 * Short sessions are many. Their standard error is read when they end,
	 * and watched only in those that last; a pipe holds 64 KiB till then.
	 */
	STDERR_DELAY_MS = 100,
	KILL_DELAY_MS = 100,    /* nearly all programs end at end of input */
	END_DELAY_MS = 100,     /* and then there is more to say than that */
	REASON_SIZE = 124,      /* of a Close, as text */
	LOG_FIELDS = 13,        /* of every session, when it ends */
	RECORDS_PER_TURN = 512, /* of one program, before others get theirs */
};

/* The two ways of the data, each of which closes on its own. */
enum way { TO_ENDPOINT, TO_PEER, WAYS };

/*
 *            to the endpoint              to the peer
 * OPEN       messages become input        output becomes messages
 * DRAIN      the input has ended, what    the peer leaves: what the program
 *            waits of it is still taken   still says goes out for a while
 * CLOSED     the endpoint was left:       our Close is on its way, or nobody
 *            nobody needs it any more     is there
 */
enum half { HALF_OPEN, HALF_DRAIN, HALF_CLOSED };

struct session {
	struct flow *flow;              /* kept */
	const struct conf_route *route; /* kept */
	const struct session_ops *ops;  /* kept */
	void *owner;                    /* kept */
	char *user;                     /* owned; NULL: unknown */
	char *path;                     /* owned */
	uint64_t started;
	uint64_t due[DUE_COUNT]; /* of deadlines */
	uint32_t id;
	uint8_t half[WAYS]; /* enum half; set_half() */
	bool warned_utf8;
	struct endpoint *endpoint; /* owned */
	struct peer *peer;         /* owned; NULL: nobody is there */
	struct framing framing;
	struct input input;
	struct stderr_lines stderr_lines;
	struct deadlines deadlines;
};

static void
await(struct session *s, enum due what, uint64_t ms)
{
	deadlines_set(&s->deadlines, what, ms);
}

/* A half goes one way, while the peer stays; false: it has come as far already. */
static bool
set_half(struct session *s, enum way way, enum half next)
{
	if (s->half[way] >= next)
		return false;
	s->half[way] = (uint8_t)next;
	if (way == TO_PEER && next == HALF_CLOSED) {
		deadlines_forget_set(&s->deadlines, WHILE_HEARD);
		deadlines_wake(&s->deadlines);
	}
	return true;
}

/* Whether what the program says can still reach the peer. */
static bool
is_heard(const struct session *s)
{
	return s->half[TO_PEER] != HALF_CLOSED;
}

/* The peer has closed, or is to go for what it did: only output goes on. */
static bool
peer_leaves(const struct session *s)
{
	return s->half[TO_PEER] == HALF_DRAIN;
}

static const char *
peer_name(const struct session *s)
{
	return s->peer == NULL ? NULL : s->peer->name;
}

static void
end_input(struct session *s, const uint8_t *close, size_t len)
{
	if (set_half(s, TO_ENDPOINT, HALF_DRAIN))
		input_end(&s->input, close, len);
}

/*
 * A ladder that begins with waiting is begun by the parent a little later, and
 * in most cases not at all: the program sees the end of its input and ends.
 */
static void
leave_endpoint(struct session *s)
{
	const struct conf_rung *first = &s->route->kill.rung[0];

	end_input(s, NULL, 0);
	if (!set_half(s, TO_ENDPOINT, HALF_CLOSED) || s->endpoint->exited)
		return;
	if (s->route->kill.n > 0 && first->sig == 0 &&
	    first->wait_ms > KILL_DELAY_MS)
		await(s, DUE_KILL, KILL_DELAY_MS);
	else
		endpoint_leave(s->endpoint, 0);
}

static void
send_close(struct session *s, unsigned code, const char *reason)
{
	if (set_half(s, TO_PEER, HALF_CLOSED))
		peer_close(s->peer, code, reason);
}

/* Exit 3 is 4003 "exit status 3"; SIGSEGV is 4139 "killed by SIGSEGV". */
static unsigned
close_of_exit(struct ended ended, char reason[ENDED_WORDS])
{
	unsigned status = ended_status(ended);

	reason[0] = '\0';
	if (status == 0)
		return WS_CLOSE_NORMAL;
	ended_put_words(ended, reason);
	return WS_CLOSE_PRIVATE + status;
}

/*
 * The output has ended and the exit status is in, or a peer that leaves has
 * waited long enough: say the last word.
 */
static void
finish(struct session *s)
{
	char reason[ENDED_WORDS];
	unsigned code;

	if (!is_heard(s))
		return;
	if (peer_leaves(s)) {
		(void)set_half(s, TO_PEER, HALF_CLOSED);
		peer_close_back(s->peer);
		return;
	}
	code = close_of_exit(s->endpoint->ended, reason);
	if (s->endpoint->exited)
		dialect_say_exit(&s->peer->dialect, s->endpoint->ended);
	send_close(s, code, reason);
}

/*
 * We end it: the peer is sent away, unless it is about to leave by itself, and
 * for the program it has gone.
 */
static void
dismiss(struct session *s, unsigned code, const char *reason)
{
	if (s->peer != NULL)
		peer_hurry(s->peer);
	if (peer_leaves(s))
		finish(s);
	else
		send_close(s, code, reason);
	leave_endpoint(s);
}

static void
warn_short(const struct session *s, const char *why)
{
	LOG(LOG_LVL_WARN, "session cannot go on", LOG_UINT("session", s->id),
	    LOG_STR("peer", peer_name(s)), LOG_STR("reason", why));
}

/* It is nobody's fault but ours. */
static void
session_on_short(void *owner, const char *why)
{
	warn_short(owner, why);
	dismiss(owner, WS_CLOSE_INTERNAL, why);
}

static void
check_finished(struct session *s)
{
	if (!s->endpoint->out_ended || !s->endpoint->exited)
		return;
	if (s->route->stderr_to != CONF_STDERR_LOG)
		endpoint_read_last(s->endpoint); /* its last words first */
	finish(s);
}

/* ------------------------------------------------- to the endpoint */

static void
session_to_endpoint(void *owner, const struct piece *p)
{
	struct session *s = owner;

	if (s->half[TO_ENDPOINT] == HALF_OPEN)
		input_take(&s->input, p);
}

static void
session_bytes_to_endpoint(void *owner, const struct piece *p)
{
	struct session *s = owner;

	if (s->half[TO_ENDPOINT] == HALF_OPEN)
		input_take_bytes(&s->input, p);
}

static void
session_on_refused(void *owner, unsigned code, const char *reason)
{
	dismiss(owner, code, reason);
}

/* The client has said all it has to say, and waits for what comes of it. */
static void
session_on_input_end(void *owner)
{
	end_input(owner, NULL, 0);
}

static void
session_on_signal(void *owner, const char *name)
{
	struct session *s = owner;

	input_signal(&s->input, name);
}

/* One read of the peer was taken apart. */
static void
session_on_batch(void *owner)
{
	struct session *s = owner;

	input_flush(&s->input);
	if (endpoint_is_full(s->endpoint))
		peer_pause(s->peer);
}

static void
session_on_input_drain(void *owner)
{
	struct session *s = owner;

	if (s->peer != NULL)
		peer_resume(s->peer);
}

/*
 * No more input, in the framing's words if it has some; what the program still
 * says goes out for a while, then comes our Close.
 */
static void
let_output_drain(struct session *s, const uint8_t *close, size_t len)
{
	if (!set_half(s, TO_PEER, HALF_DRAIN))
		return;
	input_flush(&s->input);
	end_input(s, close, len);
	leave_endpoint(s);
	await(s, DUE_DRAIN, s->route->close_drain);
	check_finished(s);
}

static void
session_on_close(void *owner)
{
	struct session *s = owner;
	const char *reason = s->peer->reason;
	uint8_t payload[WS_CONTROL_MAX];
	size_t n;

	n = ws_put_close(payload, s->peer->code, reason == NULL ? "" : reason);
	let_output_drain(s, payload, n);
}

static void
session_on_fault(void *owner, unsigned code, const char *reason)
{
	struct session *s = owner;

	LOG(LOG_LVL_WARN,
	    code == WS_CLOSE_TRY_LATER ? "out of memory"
				       : "client broke the protocol",
	    LOG_UINT("session", s->id), LOG_STR("peer", peer_name(s)),
	    LOG_UINT("close", code), LOG_STR("reason", reason));
	let_output_drain(s, NULL, 0);
}

/* ------------------------------------------------- to the peer */

static void
session_to_peer(void *owner, const void *before, size_t before_len,
    const struct piece *p)
{
	struct session *s = owner;

	peer_put(s->peer, before, before_len, p);
}

/* While it takes nothing, the program must not say more. */
static void
wait_for_peer(struct session *s)
{
	if (s->peer == NULL || peer_is_full(s->peer))
		endpoint_pause(s->endpoint);
}

static void
warn_utf8(struct session *s)
{
	if (s->warned_utf8)
		return;
	s->warned_utf8 = true;
	LOG(LOG_LVL_WARN, "output is not UTF-8, replaced",
	    LOG_UINT("session", s->id), endpoint_name(s->endpoint),
	    LOG_STR("option", "--framing=binary"));
}

/* What a peer that leaves has cut off may look broken when it comes back. */
static void
program_fault(struct session *s, const char *reason)
{
	if (peer_leaves(s)) {
		finish(s);
		return;
	}
	LOG(LOG_LVL_WARN, "program broke its framing",
	    LOG_UINT("session", s->id), endpoint_name(s->endpoint),
	    LOG_STR("reason", reason));
	dismiss(s, WS_CLOSE_INTERNAL, reason);
}

/*
 * The program ends the session in its own words (`frames`), or answers the
 * client's Close with them.
 */
static void
program_close(struct session *s, const struct piece *p)
{
	char text[REASON_SIZE];
	const uint8_t *reason;
	size_t len;
	unsigned code;

	if (ws_read_close(p->data, p->len, &code, &reason, &len) < 0) {
		program_fault(s, "bad close record");
		return;
	}
	if (s->peer->faulted)
		return; /* the code is chosen already */
	if (len > 0)
		memcpy(text, reason, len);
	text[len] = '\0';
	send_close(s, code, text);
	end_input(s, NULL, 0);
}

static void
handle_event(struct session *s, enum framing_result rc, const struct piece *p)
{
	char why[FRAMING_WHY_SIZE];

	switch (rc) {
	case FRAMING_PIECE:
		peer_send(s->peer, p);
		break;
	case FRAMING_PING:
		transport_ping(s->peer->transport, p->data, p->len);
		break;
	case FRAMING_CLOSE:
		program_close(s, p);
		break;
	case FRAMING_ERR_MEMORY:
		session_on_short(s, framing_strresult(rc));
		break;
	default:
		framing_put_why(&s->framing, rc, why);
		program_fault(s, why);
		break;
	}
	if (s->framing.repaired)
		warn_utf8(s);
}

static bool
session_on_stderr(void *owner, const uint8_t *line, size_t len)
{
	struct session *s = owner;

	return is_heard(s) && stderr_lines_take(&s->stderr_lines, line, len) &&
	    !stderr_lines_are_logged(&s->stderr_lines);
}

static void
session_on_stderr_batch(void *owner)
{
	struct session *s = owner;

	if (s->peer == NULL)
		return;
	peer_flush(s->peer);
	if (is_heard(s))
		wait_for_peer(s);
}

static void
after_output(struct session *s)
{
	if (s->peer != NULL) {
		stderr_lines_send_late(&s->stderr_lines);
		peer_flush_messages(s->peer);
	}
	wait_for_peer(s);
}

static void
take_apart(struct session *s, const uint8_t *data, size_t len)
{
	enum framing_result rc;
	struct piece p;
	size_t used;

	for (int n = 0; is_heard(s); n++) {
		if (n == RECORDS_PER_TURN) {
			endpoint_put_back(s->endpoint, data, len);
			break;
		}
		rc = framing_read(&s->framing, data, len, &used, &p);
		if (rc == FRAMING_MORE)
			break;
		handle_event(s, rc, &p);
		data += used;
		len -= used;
	}
}

/* Whether output passes as the stream that it is. */
static bool
takes_bytes(const struct session *s)
{
	return dialect_takes_bytes(&s->peer->dialect) &&
	    !s->framing.kind->typed;
}

static void
session_on_output(void *owner, const uint8_t *data, size_t len)
{
	struct session *s = owner;

	if (is_heard(s) && takes_bytes(s))
		peer_send_bytes(s->peer, data, len);
	else
		take_apart(s, data, len);
	after_output(s);
}

static void
session_on_output_end(void *owner)
{
	struct session *s = owner;
	enum framing_result rc;
	struct piece p;

	while (
	    is_heard(s) && (rc = framing_end(&s->framing, &p)) != FRAMING_MORE)
		handle_event(s, rc, &p);
	after_output(s);
	if (is_heard(s) && dialect_says_end(&s->peer->dialect) &&
	    !s->endpoint->exited)
		await(s, DUE_END, END_DELAY_MS);
}

static void
session_on_drain(void *owner)
{
	struct session *s = owner;

	endpoint_resume(s->endpoint);
}

/* ------------------------------------------------- time */

static void
session_on_late(void *owner, unsigned code, const char *reason)
{
	dismiss(owner, code, reason);
}

/* The program has nothing more to say, and goes on. */
static void
say_end(struct session *s)
{
	if (!is_heard(s) || s->endpoint->exited)
		return;
	dialect_say_end(&s->peer->dialect);
	stderr_lines_send_late(&s->stderr_lines);
	peer_flush(s->peer);
}

static void
session_on_due(void *owner, size_t what)
{
	struct session *s = owner;

	switch ((enum due)what) {
	case DUE_MAX:
		dismiss(s, WS_CLOSE_POLICY, "maximum session time");
		break;
	case DUE_DRAIN:
		finish(s);
		break;
	case DUE_STDERR:
		endpoint_read_stderr(s->endpoint);
		break;
	case DUE_KILL:
		endpoint_leave(s->endpoint, KILL_DELAY_MS);
		break;
	case DUE_END:
		say_end(s);
		break;
	case DUE_COUNT:
		break;
	}
}

/* ------------------------------------------------- the end */

/* Of its peer, for the log. */
static size_t
put_counts(const struct session *s, struct log_field *f)
{
	const struct peer *p = s->peer;

	if (p == NULL)
		return 0;
	f[0] = (struct log_field)LOG_UINT("in_messages", p->in_messages);
	f[1] = (struct log_field)LOG_UINT("in_bytes", p->in_bytes);
	f[2] = (struct log_field)LOG_UINT("out_messages", p->out_messages);
	f[3] = (struct log_field)LOG_UINT("out_bytes", p->out_bytes);
	return 4;
}

static size_t
put_close(const struct session *s, struct log_field *f)
{
	const struct peer *p = s->peer;
	bool lost;

	if (p == NULL)
		return 0;
	lost = p->code == 0 && peer_is_gone(p);
	f[0] = (struct log_field)LOG_UINT("close",
	    lost ? WS_CLOSE_ABNORMAL : p->code);
	f[1] = (struct log_field)LOG_STR("reason",
	    lost ? p->transport->shortage : p->reason);
	return 2;
}

static void
log_end(const struct session *s)
{
	struct endpoint *e = s->endpoint;
	char how[ENDED_BRIEF];
	struct log_field fields[LOG_FIELDS + TRANSPORT_FIELDS] = {
		LOG_UINT("session", s->id), LOG_STR("peer", peer_name(s)),
		LOG_STR("path", s->path),
		LOG_MS("duration", clock_ms() - s->started)
	};
	size_t n = 4;

	n += put_counts(s, fields + n);
	n += put_close(s, fields + n);
	endpoint_put_end(e, how);
	fields[n++] = (struct log_field)LOG_STR("exit", how);
	fields[n++] = endpoint_name(e);
	if (s->user != NULL)
		fields[n++] = (struct log_field)LOG_STR("user", s->user);
	if (s->peer != NULL)
		n += transport_put_fields(s->peer->transport, fields + n);
	log_fields(LOG_LVL_INFO, "session ends", fields, n);
}

void
session_list(const struct session *s)
{
	struct log_field fields[LOG_FIELDS] = { LOG_UINT("session", s->id),
		LOG_STR("peer", peer_name(s)), LOG_STR("path", s->path),
		LOG_MS("duration", clock_ms() - s->started) };
	size_t n = 4;

	n += put_counts(s, fields + n);
	fields[n++] = endpoint_name(s->endpoint);
	if (s->user != NULL)
		fields[n++] = (struct log_field)LOG_STR("user", s->user);
	log_fields(LOG_LVL_INFO, "session", fields, n);
}

void
session_free(struct session *s)
{
	if (log_wants(LOG_LVL_INFO))
		log_end(s);
	peer_free(session_detach(s));
	deadlines_clear(&s->deadlines);
	endpoint_free(s->endpoint);
	framing_clear(&s->framing);
	input_clear(&s->input);
	free(s->path);
	free(s->user);
	free(s);
}

/* From the loop alone, where nothing of ours is in a callback. */
static void
session_on_turn(void *owner)
{
	struct session *s = owner;

	if (s->peer != NULL && !is_heard(s))
		endpoint_close_output(s->endpoint);
	if ((s->peer != NULL && !peer_is_gone(s->peer)) || !s->endpoint->over)
		return;
	endpoint_read_last(s->endpoint);
	s->ops->on_free(s->owner, s);
	session_free(s);
}

static void
session_on_gone(void *owner)
{
	struct session *s = owner;
	const char *why = s->peer->transport->shortage;

	if (why != NULL)
		warn_short(s, why);
	(void)set_half(s, TO_PEER, HALF_CLOSED);
	leave_endpoint(s);
	deadlines_wake(&s->deadlines);
}

static void
session_on_over(void *owner)
{
	struct session *s = owner;

	check_finished(s);
	deadlines_wake(&s->deadlines);
}

static void
session_on_drop(void *owner)
{
	struct session *s = owner;

	s->ops->on_free(s->owner, s);
	session_free(s);
}

void
session_stop(struct session *s)
{
	if (s->peer == NULL || !peer_is_gone(s->peer))
		dismiss(s, WS_CLOSE_GOING_AWAY, "daemon stopping");
}

/* ------------------------------------------------- the beginning */

static const struct peer_ops peer_ops = {
	.on_batch = session_on_batch,
	.on_close = session_on_close,
	.on_fault = session_on_fault,
	.on_drain = session_on_drain,
	.on_late = session_on_late,
	.on_gone = session_on_gone,
};

static const struct dialect_ops dialect_ops = {
	.to_endpoint = session_to_endpoint,
	.bytes_to_endpoint = session_bytes_to_endpoint,
	.on_end = session_on_input_end,
	.on_signal = session_on_signal,
	.on_refused = session_on_refused,
	.to_peer = session_to_peer,
};

static const struct endpoint_ops endpoint_ops = {
	.on_output = session_on_output,
	.on_output_end = session_on_output_end,
	.on_stderr = session_on_stderr,
	.on_stderr_batch = session_on_stderr_batch,
	.on_input_drain = session_on_input_drain,
	.on_short = session_on_short,
	.on_over = session_on_over,
	.on_drop = session_on_drop,
};

static const struct input_ops input_ops = {
	.on_refused = session_on_refused,
};

static const struct deadlines_ops deadlines_ops = {
	.on_due = session_on_due,
	.on_turn = session_on_turn,
};

static void
start_clocks(struct session *s)
{
	const struct conf_route *r = s->route;

	s->started = clock_coarse_ms();
	deadlines_init(&s->deadlines, s->flow, s->due, DUE_COUNT,
	    &deadlines_ops, s);
	await(s, DUE_STDERR,
	    r->stderr_to == CONF_STDERR_LOG ? STDERR_DELAY_MS : 0);
	if (r->max_session > 0)
		await(s, DUE_MAX, r->max_session);
}

struct session *
session_new(const struct session_start *start)
{
	const struct conf_route *r = start->route;
	struct session *s = mem_new(1, sizeof(*s));

	*s = (struct session){
		.flow = start->flow,
		.route = r,
		.ops = start->ops,
		.owner = start->owner,
		.endpoint = start->endpoint,
		.user = start->user,
		.path = start->path,
		.id = start->id,
		.half[TO_PEER] = HALF_CLOSED,
	};
	start_clocks(s);
	input_init(&s->input, s->flow, s->endpoint, r, &input_ops, s);
	framing_init(&s->framing, s->input.framing,
	    r->invalid_utf8 == CONF_UTF8_REPLACE);
	endpoint_set_owner(s->endpoint, &endpoint_ops, s);
	return s;
}

static void
say_hello(struct session *s, const char *subprotocol)
{
	const struct conf_route *r = s->route;
	const struct dialect_hello hello = {
		.bytes = takes_bytes(s),
		.stderr_lines = r->stderr_to != CONF_STDERR_LOG,
		.signals = r->client_signals.v,
		.signals_len = r->client_signals.n,
		.subprotocol = subprotocol,
	};

	dialect_say_hello(&s->peer->dialect, &hello);
	peer_flush(s->peer);
}

void
session_attach(struct session *s, struct peer *p, const char *subprotocol)
{
	s->peer = p;
	s->half[TO_PEER] = HALF_OPEN;
	peer_set_owner(p, &peer_ops, &dialect_ops, s);
	stderr_lines_init(&s->stderr_lines, &p->dialect, p->transport,
	    s->route);
	say_hello(s, subprotocol);
	endpoint_resume(s->endpoint);
}

struct peer *
session_detach(struct session *s)
{
	struct peer *p = s->peer;

	if (p == NULL)
		return NULL;
	peer_pause(p);
	endpoint_pause(s->endpoint);
	stderr_lines_clear(&s->stderr_lines);
	s->half[TO_PEER] = HALF_CLOSED;
	s->peer = NULL;
	return p;
}

void
session_start_reading(struct session *s)
{
	if (!endpoint_is_full(s->endpoint))
		peer_resume(s->peer);
}
