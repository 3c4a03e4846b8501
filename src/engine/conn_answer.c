#include <stdlib.h>

#include "base/base.h"
#include "conf/conf.h"
#include "engine/carrier.h"
#include "engine/conn_state.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/route.h"
#include "flow/stream.h"
#include "flow/tls.h"
#include "flow/tls_vars.h"

static struct conn *
conn_of(const struct request *rq)
{
	return rq->owner;
}

/* ------------------------------------------------- from one to the next */

void
conn_close_behind(struct conn *c)
{
	c->state = CONN_CLOSING;
	buf_wipe(&c->in);
	stream_end(c->stream);
	if (stream_queued(c->stream) > 0)
		conn_watch_stall(c);
	else
		conn_wait(c, CONN_DRAIN_MS);
	conn_go_on(c);
}

static void
await_request(struct conn *c)
{
	c->state = CONN_READING;
	c->reused = true;
	c->head_begun = false;
	c->scanned = 0;
	if (stream_queued(c->stream) > 0)
		conn_watch_stall(c);
	else
		conn_wait(c, conn_conf(c)->keepalive_timeout);
	conn_go_on(c);
}

static void
end_request(struct conn *c)
{
	bool last = c->reply.close || engine_is_leaving(c->engine);

	c->route = c->rq->route;
	request_free(c->rq);
	c->rq = NULL;
	reply_clear(&c->reply);
	if (last)
		conn_close_behind(c);
	else
		await_request(c);
}

/* ------------------------------------------------- its body */

static void
conn_read_body(struct request *rq)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct conn *c = conn_of(rq);

	c->wants_body = true;
	if (c->expects && !c->body_ended && c->reply.status == 0)
		stream_write(c->stream, go, sizeof(go) - 1);
	c->expects = false;
	conn_watch_stall(c);
	conn_go_on(c);
}

static void
conn_pause_body(struct request *rq)
{
	struct conn *c = conn_of(rq);

	c->wants_body = false;
	conn_go_on(c);
}

/* ------------------------------------------------- its answer */

/* Whether the client may not, or will not, ask for more on this connection. */
static bool
is_last(const struct conn *c)
{
	const struct http1_head *head = &c->rq->head;

	return head->minor == 0 || !c->body_ended ||
	    http1_count(head, "Upgrade") > 0 ||
	    (c->read_all && c->in.len == 0) || engine_is_leaving(c->engine) ||
	    conn_conf(c)->keepalive_timeout == 0 ||
	    http1_has_token(head, "Connection", "close");
}

static void
conn_reply_start(struct request *rq, const struct reply *r)
{
	struct conn *c = conn_of(rq);
	struct reply one = *r;

	one.close |= is_last(c);
	reply_begin(&c->reply, &one,
	    &(struct reply_to){
		.minor = rq->head.minor,
		.head = http1_method_is(&rq->head, "HEAD"),
		.fields = &rq->route->http,
	    });
	conn_watch_stall(c);
}

static size_t
conn_reply_write(struct request *rq, const void *data, size_t len)
{
	struct conn *c = conn_of(rq);

	c->moved += len;
	return reply_write(&c->reply, c->stream, data, len);
}

static void
conn_reply_flush(struct request *rq)
{
	struct conn *c = conn_of(rq);

	reply_flush(&c->reply, c->stream);
}

static void
conn_abort(struct request *rq)
{
	if (!rq->over)
		conn_end_soon(conn_of(rq));
}

static void
conn_reply_end(struct request *rq)
{
	struct conn *c = conn_of(rq);

	if (reply_finish(&c->reply, c->stream))
		end_request(c);
	else
		conn_abort(rq);
}

static void
conn_reply_raw(struct request *rq, const void *data, size_t len)
{
	struct conn *c = conn_of(rq);

	stream_write(c->stream, data, len);
	c->reply.close = true;
	end_request(c);
}

static size_t
conn_queued(const struct request *rq)
{
	return stream_queued(conn_of(rq)->stream);
}

/* ------------------------------------------------- the session it becomes */

static struct stream *
conn_take_stream(struct request *rq, struct buf *rest, uint32_t *seat)
{
	struct conn *c = conn_of(rq);
	struct stream *s = c->stream;

	tls_end_wiping(stream_tls(s));
	stream_pause(s);
	buf_init(rest, 0);
	if (!c->taking) {
		*rest = c->in;
		buf_init(&c->in, 0);
	}
	*seat = c->seat;
	c->seat = 0;
	c->stream = NULL;
	conn_end_soon(c);
	return s;
}

/* ------------------------------------------------- how it begins */

static const struct carrier conn_carrier = {
	.read_body = conn_read_body,
	.pause_body = conn_pause_body,
	.reply_start = conn_reply_start,
	.reply_write = conn_reply_write,
	.reply_flush = conn_reply_flush,
	.reply_end = conn_reply_end,
	.reply_raw = conn_reply_raw,
	.queued = conn_queued,
	.abort = conn_abort,
	.take_stream = conn_take_stream,
};

void
conn_make_request(struct conn *c, const struct http1_head *head,
    const uint8_t *bytes, size_t len)
{
	struct request *rq =
	    request_new(c->engine, &conn_carrier, c, head, bytes, len);
	struct ssl_st *tls = stream_tls(c->stream);

	c->rq = rq;
	rq->id = c->node.id;
	rq->over = c->over;
	rq->from = (struct request_from){
		.how = &c->how,
		.denied = c->denied,
		.port = c->port,
		.loopback = c->loopback,
		.reused = c->reused,
	};
	rq->https = c->https || tls != NULL;
	request_set_client(rq, &c->peer, c->peer_port);
	/* a certificate that does not fit is as none */
	if (tls != NULL && !tls_put_vars(tls, &rq->vars))
		buf_clear(&rq->vars);
}

void
conn_refuse_all(struct conn *c, const struct refusal *r)
{
	static const struct http1_head none = { .minor = 0 };

	c->state = CONN_SERVING;
	c->body_ended = false;
	conn_make_request(c, &none, NULL, 0);
	c->ops->on_bad(c->rq, r);
}
