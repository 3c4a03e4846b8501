#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/http1_body.h"
#include "codec/proxy_hello.h"
#include "conf/conf.h"
#include "engine/access.h"
#include "engine/answer.h"
#include "engine/arrival.h"
#include "engine/client.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/ids.h"
#include "engine/limits.h"
#include "engine/request.h"
#include "flow/listener.h"
#include "flow/stream.h"
#include "flow/tls.h"
#include "flow/tls_vars.h"
#include "ipc/ipc_codec.h"

enum {
	/*
	 * Read and dropped behind the last answer, so that a client which still
	 * sends a body lives to read it; and for how long.
	 */
	DRAIN_MAX = 16 * 1024 * 1024,
	DRAIN_MS = 2000,
};

enum conn_state {
	CONN_ADMITTING, /* it arrives, or the parent decides on it */
	CONN_READING,   /* a request's head is awaited, or arrives */
	CONN_SERVING,   /* it is being answered */
	CONN_CLOSING, /* the last answer is out; what still comes is dropped */
};

struct conn {
	struct id_node node;
	struct engine *engine;         /* kept */
	int fd;                        /* owned, till one of these has it */
	struct arrival *arrival;       /* owned; NULL: nothing comes before */
	struct stream *stream;         /* owned; NULL: not yet, or taken over */
	struct request *rq;            /* owned; of CONN_SERVING */
	const struct handler_ops *ops; /* kept; NULL: nobody waits */
	void *owner;                   /* kept */
	struct buf in;                 /* bytes that are not used yet */
	size_t scanned;                /* of the head, by the parser */
	size_t dropped;                /* bytes behind the last answer */
	struct http1_body body;
	struct reply_writer reply;
	struct ipc_listen how; /* of the listener, which may end before us */
	uint64_t moved;        /* bytes of bodies, either way, for stalls */
	uint64_t seen;         /* of them, when the timer was set */
	unsigned port;         /* that the client connected to; 0: unix */
	unsigned peer_port;
	struct conn_seats seats;
	const struct refusal *denied; /* kept; NULL: may come in */
	uint8_t state;                /* enum conn_state */
	bool loopback;
	bool heard; /* though it is turned away */
	bool tls;   /* as far as is known */
	bool https; /* says a proxy in front of the connection */
	bool waits_for_admit;
	bool reused;     /* it has had an answer */
	bool wants_body; /* the handler does */
	bool body_ended;
	bool expects;    /* the client waits for 100 (Continue) */
	bool peer_ended; /* it will send no more */
	bool logged;     /* the request has its line of the log */
	bool head_begun; /* the timer is that of the head */
	bool taking;     /* bytes are being used: see take() */
	bool over;       /* freed at the next turn of the loop */
	struct addr peer;
	struct event timer;
	struct event kick; /* there is something to do, from the loop */
};

static const struct conf *
conf_of(const struct conn *c)
{
	return engine_conf(c->engine);
}

/* ------------------------------------------------- time */

static void
wait_for(struct conn *c, uint64_t ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	if (ms == 0)
		(void)event_del(&c->timer);
	else
		(void)event_add(&c->timer, &tv);
}

/* Not from inside a callback of the stream: the loop does it. */
static void
end_soon(struct conn *c)
{
	c->over = true;
	event_active(&c->kick, EV_TIMEOUT, 1);
}

/* What the client could do next is watched for progress. */
static void
watch_stall(struct conn *c)
{
	if (engine_stopping(c->engine))
		return; /* the timer is that of the stop */
	c->seen = c->moved - stream_queued(c->stream);
	wait_for(c, conf_of(c)->stall_timeout);
}

static bool
waits_for_client(const struct conn *c)
{
	return stream_queued(c->stream) > 0 || c->peer_ended ||
	    (c->state == CONN_SERVING && c->wants_body && !c->body_ended);
}

/* ------------------------------------------------- reading or not */

static bool
wants_bytes(const struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_ADMITTING:
		return false;
	case CONN_READING:
		return stream_queued(c->stream) == 0;
	case CONN_SERVING:
		return c->wants_body && !c->body_ended;
	case CONN_CLOSING:
		return true;
	}
	return false;
}

/* Take what is here, from the loop, or let more come. */
static void
go_on(struct conn *c)
{
	if (c->stream == NULL || c->over)
		return;
	if (!wants_bytes(c))
		stream_pause(c->stream);
	else if (c->in.len > 0 && c->state != CONN_CLOSING)
		event_active(&c->kick, EV_READ, 1);
	else
		stream_resume(c->stream);
}

/* ------------------------------------------------- answers */

static void
log_request(const struct conn *c)
{
	const struct request *rq = c->rq;
	const struct http1_head *head = &rq->head;
	char peer[REQUEST_PEER_SIZE];
	char *path = request_log_path(rq);
	const struct log_field fields[] = { LOG_UINT("session", c->node.id),
		LOG_STR("peer", peer),
		LOG_BYTES("method", head->method, head->method_len),
		LOG_STR("path", path), LOG_UINT("status", c->reply.status),
		LOG_UINT("bytes", c->reply.written),
		LOG_MS("duration", clock_ms() - rq->started),
		LOG_STR("user", rq->user) };

	request_peer(rq, peer);
	log_fields(LOG_LVL_INFO, "request", fields,
	    nitems(fields) - (rq->user == NULL));
	free(path);
}

static void
log_served(const struct conn *c)
{
	if (!c->logged && log_wants(LOG_LVL_INFO))
		log_request(c);
}

/* Nothing after what was said: wait for the client to leave. */
static void
close_behind(struct conn *c)
{
	c->state = CONN_CLOSING;
	buf_clear(&c->in);
	stream_end(c->stream);
	if (stream_queued(c->stream) > 0)
		watch_stall(c);
	else
		wait_for(c, DRAIN_MS);
	go_on(c);
}

static void
await_request(struct conn *c)
{
	c->state = CONN_READING;
	c->reused = true;
	c->logged = false;
	c->head_begun = false;
	c->scanned = 0;
	if (stream_queued(c->stream) > 0)
		watch_stall(c);
	else
		wait_for(c, conf_of(c)->keepalive_timeout);
	go_on(c);
}

static void
end_request(struct conn *c)
{
	bool last = c->reply.close;

	conn_handle(c, NULL, NULL);
	limits_leave(c->engine, &c->seats.client);
	request_free(c->rq);
	c->rq = NULL;
	reply_clear(&c->reply);
	if (last)
		close_behind(c);
	else
		await_request(c);
}

/* Whether the client may not, or will not, ask for more on this connection. */
static bool
is_last(const struct conn *c)
{
	const struct http1_head *head = &c->rq->head;

	return head->minor == 0 || !c->body_ended ||
	    http1_count(head, "Upgrade") > 0 || c->peer_ended ||
	    engine_stopping(c->engine) || conf_of(c)->keepalive_timeout == 0 ||
	    http1_has_token(head, "Connection", "close");
}

void
conn_reply_start(struct conn *c, const struct reply *r)
{
	const struct http1_head *head = &c->rq->head;
	struct reply one = *r;

	one.close |= is_last(c);
	c->logged |= r->logged;
	reply_begin(&c->reply, &one,
	    &(struct reply_to){
		.minor = head->minor,
		.head = http1_method_is(head, "HEAD"),
		.fields = engine_fields_http(c->engine),
	    });
	watch_stall(c);
}

void
conn_reply_write(struct conn *c, const void *data, size_t len)
{
	c->moved += len;
	reply_write(&c->reply, c->stream, data, len);
}

void
conn_reply_flush(struct conn *c)
{
	reply_flush(&c->reply, c->stream);
}

void
conn_reply_end(struct conn *c)
{
	if (!reply_finish(&c->reply, c->stream)) {
		log_served(c);
		conn_abort(c);
		return;
	}
	log_served(c);
	end_request(c);
}

void
conn_reply(struct conn *c, const struct reply *r, const void *body, size_t len)
{
	conn_reply_start(c, r);
	if (len > 0)
		conn_reply_write(c, body, len);
	conn_reply_end(c);
}

size_t
conn_queued(const struct conn *c)
{
	return stream_queued(c->stream);
}

void
conn_abort(struct conn *c)
{
	if (!c->over)
		end_soon(c);
}

bool
conn_is_over(const struct conn *c)
{
	return c->over;
}

void
conn_note_refusal(struct conn *c, const struct refusal *r)
{
	char peer[REQUEST_PEER_SIZE];
	const struct log_field fields[] = { LOG_UINT("session", c->node.id),
		LOG_STR("peer", peer), LOG_UINT("status", r->status),
		LOG_STR("rule", r->rule), LOG_STR("option", r->option) };

	if (r->rule == NULL)
		return;
	c->logged = true;
	request_peer(c->rq, peer);
	log_fields(LOG_LVL_WARN, "refused", fields,
	    nitems(fields) - (r->option == NULL));
}

/* What the client says to that is dropped, as behind any last answer. */
static void
refuse_by_close(struct conn *c, const struct refusal *r)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	farewell_put(&out, c->rq, r->status, r->why);
	stream_write(c->stream, out.data, out.len);
	buf_clear(&out);
	c->reply.close = true;
	end_request(c);
}

void
conn_refuse(struct conn *c, const struct refusal *r)
{
	struct refusal said = *r;

	if (c->over)
		return;
	if (r->full && conf_of(c)->compat == CONF_COMPAT_WEBSOCKETD)
		said.status = 429;
	conn_note_refusal(c, &said);
	if (farewell_suits(c->rq, said.status))
		refuse_by_close(c, &said);
	else
		answer_error(c->rq, &said);
}

/* Without a request that could be answered: a head that is none, or no room. */
static void
refuse_all(struct conn *c, const struct refusal *r)
{
	static const struct http1_head none = { .minor = 0 };

	c->state = CONN_SERVING;
	c->body_ended = false;
	c->rq = request_new(c, &none, NULL, 0);
	conn_refuse(c, r);
}

/* ------------------------------------------------- the request */

void
conn_handle(struct conn *c, const struct handler_ops *ops, void *owner)
{
	c->ops = ops;
	c->owner = owner;
}

void
conn_read_body(struct conn *c)
{
	c->wants_body = true;
	if (c->expects && !c->body_ended && c->reply.status == 0) {
		static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";

		stream_write(c->stream, go, sizeof(go) - 1);
	}
	c->expects = false;
	watch_stall(c);
	go_on(c);
}

void
conn_pause_body(struct conn *c)
{
	c->wants_body = false;
	go_on(c);
}

static void
end_body(struct conn *c)
{
	c->body_ended = true;
	if (c->ops != NULL)
		c->ops->on_body_end(c->owner);
}

/* What a client may expect of us is one thing (RFC 9110, section 10.1.1). */
static bool
check_expect(struct conn *c)
{
	static const struct refusal other = {
		.status = 417,
		.why = "Nothing but 100-continue can be expected here.",
		.rule = "expectation",
	};
	const struct http1_head *head = &c->rq->head;

	if (head->minor == 0 || http1_count(head, "Expect") == 0)
		return true;
	c->expects = http1_has_token(head, "Expect", "100-continue");
	if (!c->expects)
		conn_refuse(c, &other);
	return c->expects;
}

static void
start_request(struct conn *c, const struct http1_head *head,
    const uint8_t *bytes, size_t len)
{
	c->state = CONN_SERVING;
	c->rq = request_new(c, head, bytes, len);
	c->wants_body = c->expects = false;
	c->moved = 0;
	http1_body_init(&c->body, head);
	c->body_ended = head->body == HTTP1_BODY_NONE ||
	    (head->body == HTTP1_BODY_LENGTH && head->length == 0);
	wait_for(c, 0);
	if (check_expect(c))
		access_begin(c->rq);
}

/* Bytes used; 0: the head is not complete. */
static size_t
read_head(struct conn *c, const uint8_t *data, size_t len)
{
	struct http1_head head;
	enum http1_result rc;
	size_t used = 0;

	if (stream_queued(c->stream) > 0)
		return 0; /* one answer at a time is enough to hold */
	rc = http1_read_request(&head, data, len, &c->scanned, &used);
	if (rc == HTTP1_MORE)
		return 0;
	if (rc == HTTP1_HEAD) {
		start_request(c, &head, data, used);
		return used;
	}
	refuse_all(c,
	    &(struct refusal){
		.status = http1_status(rc),
		.why = http1_strresult(rc),
		.rule = "request head",
	    });
	return len;
}

/* The piece may be all there was; who took it may have answered already. */
static void
give_piece(struct conn *c, const uint8_t *piece, size_t len)
{
	size_t none;

	if (c->ops != NULL)
		c->ops->on_body(c->owner, piece, len);
	if (!c->over && c->state == CONN_SERVING &&
	    http1_body_read(&c->body, piece, 0, &none, &piece, &none) ==
		HTTP1_BODY_END)
		end_body(c);
}

static size_t
read_body(struct conn *c, const uint8_t *data, size_t len)
{
	enum http1_body_result rc;
	const uint8_t *piece;
	size_t used = 0, n;

	if (!c->wants_body || c->body_ended)
		return 0;
	rc = http1_body_read(&c->body, data, len, &used, &piece, &n);
	if (rc < 0) {
		log_debug("request body: %s", http1_body_strresult(rc));
		conn_abort(c);
		return len;
	}
	c->moved += used;
	if (rc == HTTP1_BODY_DATA)
		give_piece(c, piece, n);
	else if (rc == HTTP1_BODY_END)
		end_body(c);
	return used;
}

/* As much as the state of things lets us use; the rest is for later. */
static size_t
take(struct conn *c, const uint8_t *data, size_t len)
{
	size_t used = 0, n = 1;

	c->taking = true;
	while (n > 0 && used < len && !c->over) {
		if (c->state == CONN_READING)
			n = read_head(c, data + used, len - used);
		else if (c->state == CONN_SERVING)
			n = read_body(c, data + used, len - used);
		else
			n = len - used;
		used += n;
	}
	c->taking = false;
	return used;
}

/* ------------------------------------------------- bytes */

static void
drop(struct conn *c, size_t len)
{
	if ((c->dropped += len) > DRAIN_MAX)
		end_soon(c);
}

/* The first bytes of a head that a kept connection was waiting for. */
static void
time_head(struct conn *c)
{
	if (c->state != CONN_READING || !c->reused || c->head_begun ||
	    c->in.len == 0 || stream_queued(c->stream) > 0)
		return;
	c->head_begun = true;
	wait_for(c, conf_of(c)->handshake_timeout);
}

static void
take_kept(struct conn *c)
{
	size_t used = take(c, c->in.data, c->in.len);

	if (used < c->in.len)
		buf_drain(&c->in, used);
	else
		buf_clear(&c->in);
}

/* What is left of the bytes waits for its moment, or for more of its kind. */
static void
after_taking(struct conn *c)
{
	if (c->over || c->stream == NULL)
		return;
	time_head(c);
	if (wants_bytes(c))
		stream_resume(c->stream);
	else
		stream_pause(c->stream);
}

static void
conn_on_read(void *owner, uint8_t *data, size_t len)
{
	struct conn *c = owner;
	size_t used;

	if (c->over)
		return;
	if (c->state == CONN_CLOSING) {
		drop(c, len);
		return;
	}
	if (c->in.len == 0) {
		used = take(c, data, len);
		if (c->over || c->state == CONN_CLOSING)
			return;
		if (!buf_add(&c->in, data + used, len - used))
			end_soon(c);
	} else if (buf_add(&c->in, data, len)) {
		take_kept(c);
	} else {
		end_soon(c);
	}
	after_taking(c);
}

static void
conn_on_end(void *owner)
{
	struct conn *c = owner;

	c->peer_ended = true;
	if (c->state == CONN_SERVING ? c->wants_body && !c->body_ended
				     : stream_queued(c->stream) == 0)
		end_soon(c);
}

/* Who knocks and leaves is not worth a line, who cannot come in may be. */
static void
log_tls_fault(const struct conn *c)
{
	const char *fault = stream_tls_fault(c->stream);
	char peer[ADDR_TEXT];

	if (fault == NULL)
		return;
	addr_put(&c->peer, peer);
	LOG(LOG_LVL_INFO, "TLS failed", LOG_UINT("session", c->node.id),
	    LOG_STR("peer", peer), LOG_STR("reason", fault));
}

/* It may have gone altogether: whoever answers has no longer than it would. */
static void
conn_on_hangup(void *owner)
{
	struct conn *c = owner;

	c->peer_ended = true;
	if (c->state == CONN_SERVING)
		watch_stall(c);
}

static void
conn_on_lost(void *owner, int err)
{
	struct conn *c = owner;

	(void)err;
	log_tls_fault(c);
	end_soon(c);
}

static void
conn_on_drain(void *owner)
{
	struct conn *c = owner;

	if (c->over)
		return;
	if (c->state != CONN_SERVING && c->peer_ended)
		end_soon(c);
	else if (c->state == CONN_CLOSING)
		wait_for(c, DRAIN_MS);
	else if (c->state == CONN_READING)
		wait_for(c, conf_of(c)->keepalive_timeout);
	else if (c->ops != NULL && c->ops->on_drain != NULL)
		c->ops->on_drain(c->owner);
	go_on(c);
}

static const struct stream_ops conn_stream_ops = {
	.on_read = conn_on_read,
	.on_end = conn_on_end,
	.on_hangup = conn_on_hangup,
	.on_lost = conn_on_lost,
	.on_drain = conn_on_drain,
};

static void
check_stall(struct conn *c)
{
	uint64_t now = c->moved - stream_queued(c->stream);

	if (!waits_for_client(c) || now != c->seen) {
		watch_stall(c);
		return;
	}
	stream_reset_at_end(c->stream);
	end_soon(c);
}

/* There is nobody yet who could be told. */
static void
log_arrival(const struct conn *c, const char *rule, const char *reason,
    const char *option)
{
	char peer[ADDR_TEXT];

	addr_put(&c->peer, peer);
	LOG(LOG_LVL_WARN, "refused", LOG_UINT("session", c->node.id),
	    LOG_STR("peer", peer), LOG_STR("rule", rule),
	    LOG_STR("reason", reason), LOG_STR("option", option));
}

static void
give_up_arrival(struct conn *c)
{
	if (c->arrival != NULL && arrival_has_begun(c->arrival))
		log_arrival(c, "handshake time", "the header is not complete",
		    "--handshake-timeout");
	end_soon(c);
}

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct refusal late = {
		.status = 408,
		.why = "The request did not arrive in time.",
		.rule = "handshake time",
		.option = "--handshake-timeout",
	};
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->over)
		return;
	if (engine_stopping(c->engine))
		end_soon(c);
	else if (c->stream == NULL)
		give_up_arrival(c);
	else if (c->state == CONN_SERVING || stream_queued(c->stream) > 0)
		check_stall(c);
	else if (c->state == CONN_READING && c->in.len > 0)
		refuse_all(c, &late);
	else
		end_soon(c);
}

/* ------------------------------------------------- life */

static void
conn_free(struct conn *c)
{
	struct engine *e = c->engine;

	if (c->ops != NULL)
		c->ops->on_gone(c->owner);
	limits_leave(e, &c->seats.client);
	limits_leave(e, &c->seats.connection);
	if (c->heard)
		limits_heard(e);
	ids_remove(engine_conns(e), &c->node);
	(void)event_del(&c->timer);
	(void)event_del(&c->kick);
	arrival_free(c->arrival);
	fd_close(&c->fd);
	stream_free(c->stream);
	request_free(c->rq);
	reply_clear(&c->reply);
	buf_clear(&c->in);
	free(c);
	engine_settle(e);
}

static void
conn_on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (!c->over && c->stream != NULL && c->in.len > 0 && wants_bytes(c)) {
		take_kept(c);
		after_taking(c);
	}
	if (c->over && !c->waits_for_admit)
		conn_free(c);
}

/* The head must be here in time, counted from the first moment. */
static void
start_reading(struct conn *c)
{
	c->state = CONN_READING;
	stream_resume(c->stream);
}

static struct stream *
new_stream(const struct conn *c, int fd, bool tls)
{
	struct flow *flow = engine_flow(c->engine);

	return tls ? stream_new_tls(flow, fd, tls_accept(engine_tls(c->engine)))
		   : stream_new(flow, STREAM_SOCKET, fd, 0);
}

/* It is known what it speaks. */
static void
enter(struct conn *c)
{
	c->stream = new_stream(c, c->fd, c->tls);
	c->fd = -1;
	stream_set_owner(c->stream, &conn_stream_ops, c);
}

/* ------------------------------------------------- before HTTP */

/* What the proxy says is so: whoever listens like this wants it. */
static void
believe(struct conn *c, const struct proxy_hello *hello)
{
	if (hello->local)
		return;
	c->peer = hello->from;
	c->peer_port = hello->from_port;
	c->port = hello->to_port;
	c->loopback = addr_is_loopback(&hello->to);
	c->https = hello->tls;
}

static const struct arrival_ops conn_arrival_ops;

/* Whoever it is may come in: read the request, or first what it begins with. */
static void
let_in(struct conn *c)
{
	if (c->how.proxy || !arrival_is_needed(&c->how)) {
		enter(c);
		start_reading(c);
	} else {
		c->arrival = arrival_new(engine_flow(c->engine), c->fd, &c->how,
		    &conn_arrival_ops, c);
		c->fd = -1;
	}
}

/*
 * Nobody of this address, or no more of them. TLS would cost more than what is
 * refused: then there is no answer. Who is to be told by a Close has to ask for
 * a WebSocket first: a few may. rule is why, for longer.
 */
static void
turn_away(struct conn *c, const struct refusal *why, const struct refusal *rule)
{
	if (conf_of(c)->route.refuse == CONF_REFUSE_CLOSE &&
	    why->status != 503 && limits_hear(c->engine)) {
		c->denied = rule;
		c->heard = true;
		let_in(c);
		return;
	}
	if (c->tls && why->status != 503) {
		log_arrival(c, why->rule, why->why, why->option);
		end_soon(c);
		return;
	}
	enter(c);
	refuse_all(c, why);
}

/* It is known who it is. The one client of inetd counts even if denied. */
static void
knock(struct conn *c)
{
	c->denied = client_refuse_peer(engine_clients(c->engine), &c->peer);
	if (c->denied != NULL && !c->how.connected)
		turn_away(c, c->denied, c->denied);
	else if (limits_ask(c->engine, c->node.id, &c->peer, c->how.connected))
		c->waits_for_admit = true;
	else
		let_in(c);
}

static void
conn_on_arrived(void *owner, int fd, const struct proxy_hello *hello, bool tls)
{
	struct conn *c = owner;

	c->fd = fd;
	c->tls = tls;
	if (c->over)
		return;
	if (hello != NULL) {
		believe(c, hello);
		knock(c);
	} else {
		enter(c);
		start_reading(c);
	}
}

static void
conn_on_failed(void *owner, const char *why)
{
	struct conn *c = owner;

	if (why != NULL && !c->over)
		log_arrival(c, "proxy header", why, "--listen");
	end_soon(c);
}

static const struct arrival_ops conn_arrival_ops = {
	.on_arrived = conn_on_arrived,
	.on_failed = conn_on_failed,
};

/* If there are trusted proxies, others need not speak for anybody. */
static bool
may_speak(const struct conn *c)
{
	return conf_of(c)->trusted_proxies.n == 0 ||
	    client_is_proxy(engine_clients(c->engine), &c->peer);
}

struct conn *
conn_new(struct engine *e, struct listener *l, int fd,
    const struct sockaddr *sa, socklen_t len)
{
	struct conn *c = mem_new(1, sizeof(*c));
	struct flow *flow = engine_flow(e);

	(void)len;
	c->engine = e;
	c->fd = fd;
	c->how = *listener_how(l);
	c->tls = c->how.tls == IPC_TLS;
	c->port = listener_port(l);
	c->loopback = listener_is_loopback(l, fd);
	buf_init(&c->in, HTTP1_MAX_HEAD + FLOW_READ_SOCKET);
	reply_init(&c->reply);
	addr_from(&c->peer, &c->peer_port, sa);
	ids_add(engine_conns(e), &c->node, engine_new_id(e));
	(void)evtimer_assign(&c->timer, flow->base, conn_on_timer, c);
	(void)evtimer_assign(&c->kick, flow->base, conn_on_kick, c);
	wait_for(c, conf_of(c)->handshake_timeout);
	if (!c->how.proxy) {
		knock(c);
	} else if (may_speak(c)) {
		c->arrival =
		    arrival_new(flow, fd, &c->how, &conn_arrival_ops, c);
		c->fd = -1;
	} else {
		log_arrival(c, "proxy header", "the peer is no trusted proxy",
		    "--trusted-proxy");
		end_soon(c);
	}
	return c;
}

void
conn_await_admission(struct conn *c)
{
	c->waits_for_admit = true;
}

/* What it was asked about is the connection, or the request that is there. */
bool
conn_on_admitted(struct engine *e, const struct ipc_msg *m)
{
	struct id_node *n = ids_find(engine_conns(e), m->session);
	const struct refusal *why, *rule;
	struct ipc_admitted a;
	struct conn *c;
	bool first;

	if (n == NULL || !ipc_read_admitted(m, &a))
		return false;
	c = container_of(n, struct conn, node);
	if (!c->waits_for_admit)
		return false;
	c->waits_for_admit = false;
	first = c->state == CONN_ADMITTING;
	*(first ? &c->seats.connection : &c->seats.client) = a.seat;
	why = c->denied != NULL ? c->denied : limits_refusal(&a);
	rule = c->denied != NULL ? c->denied : limits_rule(&a);
	if (c->over)
		end_soon(c);
	else if (why != NULL && first)
		turn_away(c, why, rule);
	else if (why != NULL)
		conn_refuse(c, why);
	else if (first)
		let_in(c);
	else
		access_resume(c->rq);
	return true;
}

struct conn_seats
conn_take_seats(struct conn *c)
{
	struct conn_seats seats = c->seats;

	c->seats = (struct conn_seats){ 0 };
	return seats;
}

struct stream *
conn_take_stream(struct conn *c, struct buf *rest)
{
	struct stream *s = c->stream;

	stream_pause(s);
	buf_init(rest, 0);
	if (!c->taking) {
		*rest = c->in;
		buf_init(&c->in, 0);
	}
	conn_handle(c, NULL, NULL);
	c->stream = NULL;
	end_soon(c);
	return s;
}

void
conn_stop_all(struct engine *e)
{
	for (struct id_node *n = engine_conns(e)->first; n != NULL;
	     n = n->next) {
		struct conn *c = container_of(n, struct conn, node);

		if (c->state == CONN_ADMITTING || c->state == CONN_READING)
			end_soon(c);
		else
			wait_for(c, conf_of(c)->route.close_timeout);
	}
}

void
conn_drop_all(struct engine *e)
{
	struct id_node *n;

	while ((n = engine_conns(e)->first) != NULL) {
		struct conn *c = container_of(n, struct conn, node);

		c->seats = (struct conn_seats){ 0 };
		conn_free(c);
	}
}

/* ------------------------------------------------- who it is */

struct engine *
conn_engine(const struct conn *c)
{
	return c->engine;
}

uint32_t
conn_id(const struct conn *c)
{
	return c->node.id;
}

unsigned
conn_port(const struct conn *c)
{
	return c->port;
}

const struct ipc_listen *
conn_how(const struct conn *c)
{
	return &c->how;
}

const struct refusal *
conn_denied(const struct conn *c)
{
	return c->denied;
}

bool
conn_is_reused(const struct conn *c)
{
	return c->reused;
}

bool
conn_is_loopback(const struct conn *c)
{
	return c->loopback;
}

void
conn_describe_peer(const struct conn *c, struct request *rq)
{
	struct ssl_st *tls = stream_tls(c->stream);

	request_set_client(rq, &c->peer, c->peer_port);
	rq->https = c->https || tls != NULL;
	/* a certificate that does not fit is as none */
	if (tls != NULL && !tls_put_vars(tls, &rq->vars))
		buf_clear(&rq->vars);
}
