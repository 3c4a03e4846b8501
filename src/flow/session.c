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
#include "flow/session.h"
#include "flow/stderr_lines.h"
#include "flow/transport.h"

/* What a session waits for; those that come together come in this order. */
enum due {
	DUE_PING, /* the next ping */
	DUE_PONG, /* a sign of life after one */
	DUE_IDLE,
	DUE_MAX,    /* the longest that a session may last */
	DUE_DRAIN,  /* the client has closed, the program still talks */
	DUE_CLOSE,  /* the client's Close, then the end of the connection */
	DUE_HANGUP, /* the client hung up with bytes of it unread */
	DUE_STDERR, /* the program may have complained by now */
	DUE_KILL,   /* the program had a moment to see the end of its input */
	DUE_END,    /* and one to end behind the end of its output */
	DUE_COUNT,
};

enum {
	/*
	 * Short sessions are many. Their standard error is read when they end,
	 * and watched only in those that last; a pipe holds 64 KiB till then.
	 */
	STDERR_DELAY_MS = 100,
	KILL_DELAY_MS = 100, /* nearly all programs end at end of input */
	END_DELAY_MS = 100,  /* and then there is more to say than that */
	STALL_MS = 20000,  /* a client that takes nothing for so long is lost */
	LOOK_MS = 250,     /* how often that is looked at */
	REASON_SIZE = 124, /* of a Close, as text */
	LOG_FIELDS = 12,   /* of every session, when it ends */
	RECORDS_PER_TURN = 512, /* of one program, before others get theirs */
};

struct session {
	struct flow *flow;              /* kept */
	const struct conf_route *route; /* kept */
	const struct session_ops *ops;  /* kept */
	void *owner;                    /* kept */
	char *peer;                     /* owned */
	char *user;                     /* owned; NULL: unknown */
	char *path;                     /* owned */
	char *reason;                   /* owned; of the Close, NULL: none */
	uint64_t started;
	uint64_t active; /* the last message either way */
	uint64_t pinged; /* when the last ping was written */
	uint64_t seen;   /* progress, as DUE_CLOSE and DUE_HANGUP saw it */
	uint64_t moved;  /* when there was some, for DUE_CLOSE */
	uint64_t in_messages, in_bytes, out_messages, out_bytes;
	uint64_t due[DUE_COUNT]; /* of deadlines */
	uint32_t id;
	uint16_t code; /* of the Close; 0: none was said */
	bool close_sent;
	bool killed;      /* on_kill was called */
	bool gone;        /* the connection has ended */
	bool ping_queued; /* behind bytes that the client does not take */
	bool hurry;       /* nothing is worth waiting for */
	bool faulted;     /* the client broke the rules: code is our answer */
	bool warned_utf8;
	struct endpoint *endpoint;   /* owned */
	struct transport *transport; /* owned */
	struct framing framing;
	struct dialect dialect;
	struct input input;
	struct stderr_lines stderr_lines;
	struct deadlines deadlines;
};

static void
await(struct session *s, enum due what, uint64_t ms)
{
	deadlines_set(&s->deadlines, what, ms);
}

static void
forget(struct session *s, enum due what)
{
	deadlines_forget(&s->deadlines, what);
}

static bool
awaits(const struct session *s, enum due what)
{
	return deadlines_awaits(&s->deadlines, what);
}

static void
end_input(struct session *s, const uint8_t *close, size_t len)
{
	input_end(&s->input, close, len);
	forget(s, DUE_HANGUP);
}

/*
 * A ladder that begins with waiting is begun by the parent a little later, and
 * in most cases not at all: the program sees the end of its input and ends.
 */
static void
kill_program(struct session *s)
{
	const struct conf_rung *first = &s->route->kill.rung[0];

	if (s->killed || s->endpoint->exited)
		return;
	s->killed = true;
	if (s->route->kill.n > 0 && first->sig == 0 &&
	    first->wait_ms > KILL_DELAY_MS)
		await(s, DUE_KILL, KILL_DELAY_MS);
	else
		endpoint_leave(s->endpoint, 0);
}

/* The first Close that is said, by either side, is the one of the log. */
static void
note_close(struct session *s, unsigned code, const char *reason, size_t len)
{
	if (s->code != 0)
		return;
	s->code = (uint16_t)code;
	if (len > 0)
		s->reason = mem_strndup(reason, len);
}

/*
 * Our Close is on its way: how long to wait for the client's or, while the
 * client still takes what was sent before, for the next look at that.
 */
static void
await_close(struct session *s)
{
	s->seen = s->hurry ? 0 : transport_unsent(s->transport);
	s->moved = clock_ms();
	await(s, DUE_CLOSE, s->seen == 0 ? s->route->close_timeout : LOOK_MS);
}

static void
send_close(struct session *s, unsigned code, const char *reason, bool wait)
{
	if (s->close_sent || s->gone)
		return;
	s->close_sent = true;
	note_close(s, code, reason, strlen(reason));
	for (size_t i = DUE_PING; i < DUE_CLOSE; i++)
		forget(s, (enum due)i);
	transport_close(s->transport, code, reason, wait);
	await_close(s);
	deadlines_wake(&s->deadlines);
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

/* The client has closed, or is to go for what it did: only output goes on. */
static bool
client_is_leaving(const struct session *s)
{
	return s->faulted || s->transport->state == TRANSPORT_LEAVING;
}

/*
 * The output has ended and the exit status is in, or a client that leaves has
 * waited long enough: say the last word.
 */
static void
finish(struct session *s)
{
	char reason[ENDED_WORDS];
	unsigned code;

	if (s->faulted) {
		send_close(s, s->code, s->reason, false);
		return;
	}
	if (s->transport->state == TRANSPORT_LEAVING) {
		send_close(s, s->code, "", true);
		return;
	}
	code = close_of_exit(s->endpoint->ended, reason);
	if (s->endpoint->exited)
		dialect_say_exit(&s->dialect, s->endpoint->ended);
	send_close(s, code, reason, true);
}

/*
 * We end it: the client is sent away, unless it is about to leave by itself,
 * and for the program it has gone.
 */
static void
dismiss(struct session *s, unsigned code, const char *reason)
{
	s->hurry = true;
	if (client_is_leaving(s))
		finish(s);
	else
		send_close(s, code, reason, true);
	end_input(s, NULL, 0);
	kill_program(s);
}

static void
warn_short(const struct session *s, const char *why)
{
	LOG(LOG_LVL_WARN, "session cannot go on", LOG_UINT("session", s->id),
	    LOG_STR("peer", s->peer), LOG_STR("reason", why));
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

/* Whether what the program says can still reach the client. */
static bool
listens(const struct session *s)
{
	return !s->close_sent && !s->gone;
}

/* ------------------------------------------------- client to program */

static void
session_on_data(void *owner, const struct piece *p)
{
	struct session *s = owner;

	s->active = s->transport->heard;
	s->in_messages += p->last;
	s->in_bytes += p->len;
	dialect_from_peer(&s->dialect, p);
}

static void
session_to_endpoint(void *owner, const struct piece *p)
{
	struct session *s = owner;

	input_take(&s->input, p);
}

static void
session_bytes_to_endpoint(void *owner, const struct piece *p)
{
	struct session *s = owner;

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

/* One read of the client was taken apart. */
static void
session_on_batch(void *owner)
{
	struct session *s = owner;

	input_flush(&s->input);
	if (endpoint_is_full(s->endpoint))
		transport_pause(s->transport);
}

static void
session_on_input_drain(void *owner)
{
	struct session *s = owner;

	if (awaits(s, DUE_PONG)) /* its answer may lie unread */
		await(s, DUE_PONG, s->route->ping_timeout);
	if (!s->gone)
		transport_resume(s->transport);
}

/*
 * No more input, in the framing's words if it has some; what the program still
 * says goes out for a while, then comes our Close.
 */
static void
let_output_drain(struct session *s, const uint8_t *close, size_t len)
{
	s->hurry = true;
	input_flush(&s->input);
	end_input(s, close, len);
	kill_program(s);
	await(s, DUE_DRAIN, s->route->close_drain);
	check_finished(s);
}

static void
session_on_close(void *owner, unsigned code, const uint8_t *reason, size_t len)
{
	struct session *s = owner;
	uint8_t payload[WS_CONTROL_MAX];
	size_t n;

	note_close(s, code, (const char *)reason, len);
	n = ws_put_close(payload, code, s->reason == NULL ? "" : s->reason);
	let_output_drain(s, payload, n);
}

/* What it said before that was right, so the answers to it are its due. */
static void
session_on_fault(void *owner, unsigned code, const char *reason)
{
	struct session *s = owner;

	LOG(LOG_LVL_WARN,
	    code == WS_CLOSE_TRY_LATER ? "out of memory"
				       : "client broke the protocol",
	    LOG_UINT("session", s->id), LOG_STR("peer", s->peer),
	    LOG_UINT("close", code), LOG_STR("reason", reason));
	if (s->close_sent)
		return;
	s->faulted = true;
	note_close(s, code, reason, strlen(reason));
	let_output_drain(s, NULL, 0);
}

/* It will send no more; how long the rest may wait depends on the program. */
static void
session_on_hangup(void *owner)
{
	struct session *s = owner;

	s->seen = s->in_bytes;
	await(s, DUE_HANGUP, STALL_MS);
}

/* ------------------------------------------------- program to client */

/* Small pieces are copied; of the others one that is kept leaves at once. */
static void
session_to_peer(void *owner, const void *before, size_t before_len,
    const struct piece *p)
{
	struct session *s = owner;

	if (before_len == 0)
		transport_send(s->transport, p);
	else
		transport_send_after(s->transport, before, before_len, p);
	if (p->kept && p->len > GATHER_COPY)
		transport_flush(s->transport);
}

/* While it takes nothing, the program must not say more. */
static void
wait_for_client(struct session *s)
{
	if (transport_queued(s->transport) > 0)
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

/* What a client that leaves has cut off may look broken when it comes back. */
static void
program_fault(struct session *s, const char *reason)
{
	if (client_is_leaving(s)) {
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
	if (s->faulted)
		return; /* the code is chosen already */
	if (len > 0)
		memcpy(text, reason, len);
	text[len] = '\0';
	send_close(s, code, text, true);
	end_input(s, NULL, 0);
}

static void
handle_event(struct session *s, enum framing_result rc, const struct piece *p)
{
	char why[FRAMING_WHY_SIZE];

	switch (rc) {
	case FRAMING_PIECE:
		s->out_messages += p->last;
		s->out_bytes += p->len;
		dialect_send(&s->dialect, p);
		break;
	case FRAMING_PING:
		transport_ping(s->transport, p->data, p->len);
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

	return listens(s) && stderr_lines_take(&s->stderr_lines, line, len) &&
	    !stderr_lines_are_logged(&s->stderr_lines);
}

static void
session_on_stderr_batch(void *owner)
{
	struct session *s = owner;

	transport_flush(s->transport);
	if (listens(s))
		wait_for_client(s);
}

static void
flush_output(struct session *s)
{
	transport_flush(s->transport);
	stderr_lines_send_late(&s->stderr_lines);
}

static void
after_output(struct session *s)
{
	flush_output(s);
	s->active = clock_coarse_ms();
	wait_for_client(s);
}

static void
take_apart(struct session *s, const uint8_t *data, size_t len)
{
	enum framing_result rc;
	struct piece p;
	size_t used;

	for (int n = 0; listens(s); n++) {
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
	return dialect_takes_bytes(&s->dialect) && !s->framing.kind->typed;
}

static void
session_on_output(void *owner, const uint8_t *data, size_t len)
{
	struct session *s = owner;

	if (takes_bytes(s) && listens(s)) {
		dialect_send_bytes(&s->dialect, data, len);
		s->out_messages++;
		s->out_bytes += len;
	} else {
		take_apart(s, data, len);
	}
	after_output(s);
}

static void
session_on_output_end(void *owner)
{
	struct session *s = owner;
	enum framing_result rc;
	struct piece p;

	while (
	    listens(s) && (rc = framing_end(&s->framing, &p)) != FRAMING_MORE)
		handle_event(s, rc, &p);
	after_output(s);
	if (dialect_says_end(&s->dialect) && !s->endpoint->exited)
		await(s, DUE_END, END_DELAY_MS);
}

static void
session_on_drain(void *owner)
{
	struct session *s = owner;

	if (s->close_sent) {
		await_close(s);
		return;
	}
	if (s->ping_queued) {
		s->ping_queued = false;
		s->pinged = clock_coarse_ms();
		await(s, DUE_PONG, s->route->ping_timeout);
	}
	endpoint_resume(s->endpoint);
}

/* ------------------------------------------------- time */

static void
ping(struct session *s)
{
	await(s, DUE_PING, s->route->ping);
	if (s->ping_queued ||
	    (awaits(s, DUE_PONG) && s->transport->heard < s->pinged))
		return;
	transport_ping(s->transport, NULL, 0);
	transport_flush(s->transport);
	if (transport_queued(s->transport) > 0) {
		s->ping_queued = true;
		return;
	}
	s->pinged = clock_coarse_ms();
	await(s, DUE_PONG, s->route->ping_timeout);
}

/* Any byte counts as life; but while we do not read, none can be seen. */
static void
expect_pong(struct session *s)
{
	forget(s, DUE_PONG);
	if (s->transport->heard >= s->pinged)
		return;
	if (endpoint_is_full(s->endpoint)) {
		await(s, DUE_PONG, s->route->ping_timeout);
		return;
	}
	dismiss(s, WS_CLOSE_INTERNAL, "ping timeout");
}

static void
check_idle(struct session *s)
{
	uint64_t idle = clock_coarse_ms() - s->active;

	if (idle >= s->route->idle_timeout)
		dismiss(s, WS_CLOSE_POLICY, "idle timeout");
	else
		await(s, DUE_IDLE, s->route->idle_timeout - idle);
}

/* The client takes what is on its way to it, or it is lost. */
static void
check_close(struct session *s)
{
	if (s->hurry || s->seen == 0)
		transport_abort(s->transport);
	else if (transport_unsent(s->transport) < s->seen)
		await_close(s);
	else if (clock_ms() - s->moved < STALL_MS)
		await(s, DUE_CLOSE, LOOK_MS);
	else
		transport_abort(s->transport);
}

static void
check_hangup(struct session *s)
{
	if (s->in_bytes > s->seen) {
		s->seen = s->in_bytes;
		await(s, DUE_HANGUP, STALL_MS);
		return;
	}
	transport_abort(s->transport);
}

/* The program has nothing more to say, and goes on. */
static void
say_end(struct session *s)
{
	if (!listens(s) || s->endpoint->exited)
		return;
	dialect_say_end(&s->dialect);
	flush_output(s);
}

static void
session_on_due(void *owner, size_t what)
{
	struct session *s = owner;

	switch ((enum due)what) {
	case DUE_PING:
		ping(s);
		break;
	case DUE_PONG:
		expect_pong(s);
		break;
	case DUE_IDLE:
		check_idle(s);
		break;
	case DUE_MAX:
		dismiss(s, WS_CLOSE_POLICY, "maximum session time");
		break;
	case DUE_DRAIN:
		finish(s);
		break;
	case DUE_CLOSE:
		check_close(s);
		break;
	case DUE_HANGUP:
		check_hangup(s);
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

static void
log_end(const struct session *s)
{
	struct endpoint *e = s->endpoint;
	char how[ENDED_BRIEF];
	size_t n = LOG_FIELDS;
	struct log_field fields[LOG_FIELDS + 1 + TRANSPORT_FIELDS] = {
		LOG_UINT("session", s->id), LOG_STR("peer", s->peer),
		LOG_STR("path", s->path),
		LOG_MS("duration", clock_ms() - s->started),
		LOG_UINT("in_messages", s->in_messages),
		LOG_UINT("in_bytes", s->in_bytes),
		LOG_UINT("out_messages", s->out_messages),
		LOG_UINT("out_bytes", s->out_bytes), LOG_UINT("close", s->code),
		LOG_STR("reason", s->reason), LOG_STR("exit", how),
		endpoint_name(e)
	};

	endpoint_put_end(e, how);
	if (s->user != NULL)
		fields[n++] = (struct log_field)LOG_STR("user", s->user);
	n += transport_put_fields(s->transport, fields + n);
	log_fields(LOG_LVL_INFO, "session ends", fields, n);
}

void
session_list(const struct session *s)
{
	const struct log_field fields[] = { LOG_UINT("session", s->id),
		LOG_STR("peer", s->peer), LOG_STR("path", s->path),
		LOG_MS("duration", clock_ms() - s->started),
		LOG_UINT("in_messages", s->in_messages),
		LOG_UINT("in_bytes", s->in_bytes),
		LOG_UINT("out_messages", s->out_messages),
		LOG_UINT("out_bytes", s->out_bytes), endpoint_name(s->endpoint),
		LOG_STR("user", s->user) };

	log_fields(LOG_LVL_INFO, "session", fields,
	    nitems(fields) - (s->user == NULL));
}

void
session_free(struct session *s)
{
	if (log_wants(LOG_LVL_INFO))
		log_end(s);
	deadlines_clear(&s->deadlines);
	transport_free(s->transport);
	endpoint_free(s->endpoint);
	framing_clear(&s->framing);
	input_clear(&s->input);
	dialect_clear(&s->dialect);
	stderr_lines_clear(&s->stderr_lines);
	free(s->peer);
	free(s->path);
	free(s->user);
	free(s->reason);
	free(s);
}

/* From the loop alone, where nothing of ours is in a callback. */
static void
session_on_turn(void *owner)
{
	struct session *s = owner;

	if (s->gone || s->close_sent)
		endpoint_close_output(s->endpoint);
	if (!s->gone || !s->endpoint->over)
		return;
	endpoint_read_last(s->endpoint);
	s->ops->on_free(s->owner, s);
	session_free(s);
}

static void
session_on_gone(void *owner)
{
	struct session *s = owner;

	const char *why = s->transport->shortage;

	s->gone = true;
	if (why != NULL)
		warn_short(s, why);
	note_close(s, WS_CLOSE_ABNORMAL, why, why == NULL ? 0 : strlen(why));
	for (size_t i = DUE_PING; i < DUE_STDERR; i++)
		forget(s, (enum due)i);
	end_input(s, NULL, 0);
	kill_program(s);
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
	if (s->gone)
		return;
	dismiss(s, WS_CLOSE_GOING_AWAY, "daemon stopping");
	await(s, DUE_CLOSE, s->route->close_timeout);
}

/* ------------------------------------------------- the beginning */

static const struct transport_ops transport_ops = {
	.on_data = session_on_data,
	.on_batch = session_on_batch,
	.on_close = session_on_close,
	.on_fault = session_on_fault,
	.on_hangup = session_on_hangup,
	.on_drain = session_on_drain,
	.on_gone = session_on_gone,
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

static const struct dialect_ops dialect_ops = {
	.to_endpoint = session_to_endpoint,
	.bytes_to_endpoint = session_bytes_to_endpoint,
	.on_end = session_on_input_end,
	.on_signal = session_on_signal,
	.on_refused = session_on_refused,
	.to_peer = session_to_peer,
};

static const struct deadlines_ops deadlines_ops = {
	.on_due = session_on_due,
	.on_turn = session_on_turn,
};

static void
start_clocks(struct session *s)
{
	const struct conf_route *r = s->route;

	s->started = s->active = clock_coarse_ms();
	deadlines_init(&s->deadlines, s->flow->base, s->due, DUE_COUNT,
	    &deadlines_ops, s);
	await(s, DUE_STDERR,
	    r->stderr_to == CONF_STDERR_LOG ? STDERR_DELAY_MS : 0);
	if (r->ping > 0)
		await(s, DUE_PING, r->ping);
	if (r->idle_timeout > 0)
		await(s, DUE_IDLE, r->idle_timeout);
	if (r->max_session > 0)
		await(s, DUE_MAX, r->max_session);
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

	dialect_say_hello(&s->dialect, &hello);
	transport_flush(s->transport);
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
		.transport = start->transport,
		.peer = start->peer,
		.user = start->user,
		.path = start->path,
		.id = start->id,
	};
	start_clocks(s);
	input_init(&s->input, s->flow, s->endpoint, r, &input_ops, s);
	framing_init(&s->framing, s->input.framing,
	    r->invalid_utf8 == CONF_UTF8_REPLACE);
	transport_set_owner(s->transport, &transport_ops, s);
	dialect_init(&s->dialect, start->dialect, &dialect_ops, s);
	stderr_lines_init(&s->stderr_lines, &s->dialect, s->transport, r);
	endpoint_set_owner(s->endpoint, &endpoint_ops, s);
	say_hello(s, start->subprotocol);
	endpoint_resume(s->endpoint);
	return s;
}

void
session_start_reading(struct session *s)
{
	if (!endpoint_is_full(s->endpoint))
		transport_resume(s->transport);
}
