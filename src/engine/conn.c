#include <errno.h>
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
#include "conf/conf.h"
#include "engine/arrival.h"
#include "engine/carrier.h"
#include "engine/conn.h"
#include "engine/conn_state.h"
#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/limits.h"
#include "engine/refusal.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/stranger.h"
#include "flow/listener.h"
#include "flow/stream.h"
#include "flow/tls.h"
#include "flow/watch.h"
#include "ipc/ipc_codec.h"

/*
 * Bytes read and dropped behind the last answer, so that a client which still
 * sends a body lives to read it.
 */
enum { DRAIN_MAX = 16 * 1024 * 1024 };

/* What is done for one client before others get theirs, and of that a request. */
enum { WORK_PER_TURN = 256, WORK_OF_REQUEST = 32 };

const struct conf *
conn_conf(const struct conn *c)
{
	return engine_conf(c->engine);
}

/* ------------------------------------------------- time */

void
conn_wait(struct conn *c, uint64_t ms)
{
	if (ms == 0)
		(void)event_del(&c->timer);
	else
		watch_after(&c->timer, ms);
}

/* Not from inside a callback of the stream: the loop does it. */
void
conn_end_soon(struct conn *c)
{
	c->over = true;
	if (c->rq != NULL)
		c->rq->over = true;
	later_soon(&c->kick);
}

/* What the client could do next is watched for progress. */
void
conn_watch_stall(struct conn *c)
{
	if (engine_stopping(c->engine))
		return; /* the timer is that of the stop */
	c->seen = c->moved - stream_queued(c->stream);
	conn_wait(c, conn_conf(c)->stall_timeout);
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

/* All requests that are complete have their answers, and no more will come. */
static bool
has_all(const struct conn *c)
{
	return c->state == CONN_READING && c->read_all &&
	    stream_queued(c->stream) == 0;
}

/* More of what is here, from the loop, when others had their turn. */
static void
put_off(struct conn *c)
{
	stream_pause(c->stream);
	later_in_turn(&c->kick);
}

/* Take what is here, or let more come. */
void
conn_go_on(struct conn *c)
{
	if (c->stream == NULL || c->over)
		return;
	if (c->in.len == 0 && has_all(c))
		conn_end_soon(c);
	else if (!wants_bytes(c))
		stream_pause(c->stream);
	else if (c->in.len == 0 || c->state == CONN_CLOSING)
		stream_resume(c->stream);
	else if (c->taking || c->put_off)
		put_off(c);
	else
		later_soon(&c->kick);
}

/* ------------------------------------------------- the request */

static void
end_body(struct conn *c)
{
	request_on_body_batch(c->rq);
	c->body_ended = true;
	request_on_body_end(c->rq);
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

	if (head->minor == 0 || !http1_has_items(head, "Expect"))
		return true;
	c->expects = http1_has_token(head, "Expect", "100-continue");
	if (!c->expects)
		c->ops->on_bad(c->rq, &other);
	return c->expects;
}

static void
start_request(struct conn *c, const struct http1_head *head,
    const uint8_t *bytes, size_t len)
{
	c->state = CONN_SERVING;
	conn_make_request(c, head, bytes, len);
	c->wants_body = c->expects = false;
	c->moved = 0;
	http1_body_init(&c->body, head);
	c->body_ended = head->body == HTTP1_BODY_NONE ||
	    (head->body == HTTP1_BODY_LENGTH && head->length == 0);
	conn_wait(c, 0);
	if (check_expect(c))
		c->ops->on_request(c->rq);
}

/* Something else may have been meant than a request. */
static void
refuse_head(struct conn *c, enum http1_result rc, const uint8_t *data,
    size_t len)
{
	const struct refusal *stranger =
	    c->reused ? NULL : stranger_to_plain(data, len);

	conn_refuse_all(c,
	    stranger != NULL ? stranger
			     : &(struct refusal){
				   .status = http1_status(rc),
				   .why = http1_strresult(rc),
				   .rule = "request head",
			       });
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
	rc = stranger_is_tls(data[0])
	    ? HTTP1_ERR_LINE
	    : http1_read_request(&head, data, len, &c->scanned, &used);
	if (rc == HTTP1_MORE)
		return 0;
	if (rc == HTTP1_HEAD) {
		start_request(c, &head, data, used);
		return used;
	}
	refuse_head(c, rc, data, len);
	return len;
}

/* The piece may be all there was; who took it may have answered already. */
static void
give_piece(struct conn *c, const uint8_t *piece, size_t len)
{
	size_t none;

	request_on_body(c->rq, piece, len);
	if (!c->over && c->state == CONN_SERVING &&
	    http1_body_read(&c->body, piece, 0, &none, &piece, &none) ==
		HTTP1_BODY_END)
		end_body(c);
}

/* Where the next request begins is not known any more. */
static void
refuse_body(struct conn *c, enum http1_body_result rc)
{
	if (c->reply.status != 0) {
		log_debug("request body: %s", http1_body_strresult(rc));
		conn_end_soon(c); /* an answer has begun already */
		return;
	}
	request_on_gone(c->rq);
	c->ops->on_bad(c->rq,
	    &(struct refusal){
		.status = 400,
		.why = http1_body_strresult(rc),
		.rule = "request body",
	    });
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
		refuse_body(c, rc);
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
	int work = 0;

	c->taking = true;
	while (n > 0 && used < len && !c->over && work < WORK_PER_TURN) {
		work += c->state == CONN_READING ? WORK_OF_REQUEST : 1;
		if (c->state == CONN_READING)
			n = read_head(c, data + used, len - used);
		else if (c->state == CONN_SERVING)
			n = read_body(c, data + used, len - used);
		else
			n = len - used;
		used += n;
	}
	c->taking = false;
	c->put_off = n > 0 && used < len;
	if (c->rq != NULL)
		request_on_body_batch(c->rq);
	return used;
}

/* ------------------------------------------------- bytes */

static void
drop(struct conn *c, size_t len)
{
	if ((c->dropped += len) > DRAIN_MAX)
		conn_end_soon(c);
}

/* The first bytes of a head that a kept connection was waiting for. */
static void
time_head(struct conn *c)
{
	if (c->state != CONN_READING || !c->reused || c->head_begun ||
	    c->in.len == 0 || stream_queued(c->stream) > 0)
		return;
	c->head_begun = true;
	conn_wait(c, conn_conf(c)->handshake_timeout);
}

/* What came cannot be kept, nor what follows it be understood. */
static void
give_up_input(struct conn *c)
{
	const struct refusal r = refusal_short("out of memory");

	if (c->in.starved && c->state == CONN_READING)
		conn_refuse_all(c, &r);
	else if (c->in.starved)
		conn_lose(c, ENOMEM);
	else
		conn_end_soon(c);
}

/*
 * Bytes for later. There may be a password among them, so that a buffer which
 * is too small is wiped instead of moved.
 */
static void
keep(struct conn *c, const uint8_t *data, size_t len)
{
	struct buf small = c->in;
	size_t want = small.len + len;

	if (len <= small.cap - small.len) {
		(void)buf_add(&c->in, data, len);
		return;
	}
	buf_init(&c->in, small.max);
	if (want < small.max / 2)
		want *= 2;
	if (buf_reserve(&c->in, want) == NULL ||
	    !buf_add(&c->in, small.data, small.len) ||
	    !buf_add(&c->in, data, len))
		give_up_input(c);
	buf_wipe(&small);
}

static void
take_kept(struct conn *c)
{
	size_t used = take(c, c->in.data, c->in.len);

	if (used < c->in.len) {
		buf_drain(&c->in, used);
		explicit_bzero(c->in.data + c->in.len, used);
	} else {
		buf_wipe(&c->in);
	}
}

/* What is left of the bytes waits for its moment, or for more of its kind. */
static void
after_taking(struct conn *c)
{
	if (c->over || c->stream == NULL)
		return;
	time_head(c);
	if (c->put_off)
		put_off(c);
	else if (has_all(c))
		conn_end_soon(c); /* what is left is no head */
	else if (wants_bytes(c))
		stream_resume(c->stream);
	else
		stream_pause(c->stream);
}

static void
take_new(struct conn *c, const uint8_t *data, size_t len)
{
	bool first = c->in.len == 0;
	size_t used = first ? take(c, data, len) : 0;

	if (c->over || c->state == CONN_CLOSING)
		return;
	if (used < len)
		keep(c, data + used, len - used);
	if (!first && !c->over)
		take_kept(c);
	after_taking(c);
}

/* The buffer is everybody's: of a head, which may have passwords, none stays. */
static void
conn_on_read(void *owner, uint8_t *data, size_t len)
{
	struct conn *c = owner;
	bool head = c->state == CONN_READING;

	if (c->over)
		return;
	if (c->state == CONN_CLOSING)
		drop(c, len);
	else
		take_new(c, data, len);
	if (head)
		explicit_bzero(data, len);
}

static void
conn_on_end(void *owner)
{
	struct conn *c = owner;

	c->peer_ended = c->read_all = true;
	if (c->state == CONN_SERVING ? c->wants_body && !c->body_ended
				     : stream_queued(c->stream) == 0)
		conn_end_soon(c);
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
		conn_watch_stall(c);
}

/* A client that was turned away already is not told twice. */
static void
conn_on_plain(void *owner, const uint8_t *data, size_t len)
{
	struct conn *c = owner;

	if (c->state == CONN_READING && !c->over)
		conn_refuse_all(c, stranger_to_tls(data, len));
	else
		conn_end_soon(c);
}

void
conn_lose(struct conn *c, int err)
{
	const char *why = stream_strshort(err);
	char peer[ADDR_TEXT];

	addr_put(&c->peer, peer);
	if (why != NULL)
		LOG(LOG_LVL_WARN, "connection lost",
		    LOG_UINT("session", c->node.id), LOG_STR("peer", peer),
		    LOG_STR("reason", why));
	conn_end_soon(c);
}

static void
conn_on_lost(void *owner, int err)
{
	log_tls_fault(owner);
	conn_lose(owner, err);
}

/* Before the first one, and inside a head, what was queued is TLS's own. */
static bool
awaits_request(const struct conn *c)
{
	return c->state == CONN_READING && c->reused && !c->head_begun;
}

static void
conn_on_drain(void *owner)
{
	struct conn *c = owner;

	if (c->over)
		return;
	if (c->state == CONN_CLOSING && c->peer_ended)
		conn_end_soon(c);
	else if (c->state == CONN_CLOSING)
		conn_wait(c, CONN_DRAIN_MS);
	else if (awaits_request(c))
		conn_wait(c, conn_conf(c)->keepalive_timeout);
	else if (c->rq != NULL)
		request_on_drain(c->rq);
	conn_go_on(c);
}

static const struct stream_ops conn_stream_ops = {
	.on_read = conn_on_read,
	.on_end = conn_on_end,
	.on_hangup = conn_on_hangup,
	.on_plain = conn_on_plain,
	.on_lost = conn_on_lost,
	.on_drain = conn_on_drain,
};

static void
check_stall(struct conn *c)
{
	uint64_t now = c->moved - stream_queued(c->stream);

	if (!waits_for_client(c) || now != c->seen) {
		conn_watch_stall(c);
		return;
	}
	stream_reset_at_end(c->stream);
	conn_end_soon(c);
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
		conn_end_soon(c);
	else if (c->stream == NULL)
		conn_give_up_entry(c);
	else if (c->state == CONN_SERVING || stream_queued(c->stream) > 0)
		check_stall(c);
	else if (c->state == CONN_READING && c->in.len > 0)
		conn_refuse_all(c, &late);
	else
		conn_end_soon(c);
}

/* ------------------------------------------------- life */

static void
conn_free(struct conn *c)
{
	struct engine *e = c->engine;

	if (c->rq != NULL)
		request_on_gone(c->rq);
	request_free(c->rq);
	limits_leave(e, &c->seat);
	if (c->heard)
		limits_hearing_end(e);
	ids_remove(engine_conns(e), &c->node);
	(void)event_del(&c->timer);
	later_forget(&c->kick);
	arrival_free(c->arrival);
	fd_close(&c->fd);
	stream_free(c->stream);
	free(c->denied);
	reply_clear(&c->reply);
	buf_wipe(&c->in);
	free(c);
	engine_settle(e);
}

/* Its answer may be a place, which is to be given back. */
static bool
awaits_parent(const struct conn *c)
{
	return c->asked || (c->rq != NULL && c->rq->asked);
}

static void
conn_on_kick(void *owner)
{
	struct conn *c = owner;

	c->put_off = false;
	if (!c->over && c->stream != NULL && c->in.len > 0 && wants_bytes(c)) {
		take_kept(c);
		after_taking(c);
	}
	if (c->over && !awaits_parent(c))
		conn_free(c);
}

static struct stream *
new_stream(const struct conn *c, int fd, bool tls)
{
	struct stream *s =
	    stream_new(engine_flow(c->engine), STREAM_SOCKET, fd, 0);

	if (tls)
		stream_start_tls(s, tls_accept(engine_tls(c->engine)));
	return s;
}

/* It is known what it speaks. */
void
conn_start_http(struct conn *c)
{
	c->stream = new_stream(c, c->fd, c->tls);
	c->fd = -1;
	stream_set_owner(c->stream, &conn_stream_ops, c);
}

/* The head must be here in time, counted from the first moment. */
void
conn_start_reading(struct conn *c)
{
	c->state = CONN_READING;
	stream_resume(c->stream);
}

void
conn_new(struct engine *e, const struct conn_ops *ops, struct listener *l,
    int fd, const struct sockaddr *sa)
{
	struct conn *c = mem_new(1, sizeof(*c));
	struct flow *flow = engine_flow(e);

	c->engine = e;
	c->ops = ops;
	c->fd = fd;
	c->how = *listener_how(l);
	c->tls = c->how.tls == IPC_TLS;
	c->port = listener_port(l);
	c->loopback = listener_is_loopback(l, fd);
	buf_init(&c->in, HTTP1_MAX_HEAD + FLOW_READ_SOCKET);
	reply_init(&c->reply);
	c->route = engine_routes(e, NULL);
	addr_from(&c->peer, &c->peer_port, sa);
	ids_add(engine_conns(e), &c->node, engine_new_id(e));
	(void)evtimer_assign(&c->timer, flow->base, conn_on_timer, c);
	later_init(&c->kick, flow->base, conn_on_kick, c);
	conn_wait(c, conn_conf(c)->handshake_timeout);
	conn_knock(c);
}

/* An answer that is not out yet has its time, as one that is being made. */
static void
stop(struct conn *c)
{
	const struct route *route = c->rq != NULL ? c->rq->route : c->route;

	if (c->state == CONN_READING && c->reused && !c->over &&
	    stream_queued(c->stream) > 0)
		conn_close_behind(c);
	if (c->state == CONN_ADMITTING || c->state == CONN_READING)
		conn_end_soon(c);
	else
		conn_wait(c, route->conf->close_timeout);
}

void
conn_stop_all(struct engine *e)
{
	for (struct id_node *n = engine_conns(e)->first; n != NULL;
	     n = n->next) {
		struct conn *c = container_of(n, struct conn, node);

		stop(c);
	}
}

void
conn_drop_all(struct engine *e)
{
	struct id_node *n;

	while ((n = engine_conns(e)->first) != NULL) {
		struct conn *c = container_of(n, struct conn, node);

		c->seat = 0;
		if (c->rq != NULL)
			c->rq->seat = 0;
		conn_free(c);
	}
}
