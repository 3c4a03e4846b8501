#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/carrier.h"
#include "engine/limits.h"
#include "engine/reply.h"
#include "engine/request.h"

/* ------------------------------------------------- who answers */

void
request_handle(struct request *rq, const struct handler_ops *ops, void *owner)
{
	rq->handler = ops;
	rq->handler_owner = owner;
}

void
request_on_body(struct request *rq, const uint8_t *data, size_t len)
{
	if (rq->handler != NULL)
		rq->handler->on_body(rq->handler_owner, data, len);
}

void
request_on_body_batch(struct request *rq)
{
	if (rq->handler != NULL && rq->handler->on_body_batch != NULL)
		rq->handler->on_body_batch(rq->handler_owner);
}

void
request_on_body_end(struct request *rq)
{
	if (rq->handler != NULL)
		rq->handler->on_body_end(rq->handler_owner);
}

void
request_on_drain(struct request *rq)
{
	if (rq->handler != NULL && rq->handler->on_drain != NULL)
		rq->handler->on_drain(rq->handler_owner);
}

void
request_on_gone(struct request *rq)
{
	const struct handler_ops *ops = rq->handler;
	void *owner = rq->handler_owner;

	request_handle(rq, NULL, NULL);
	if (ops != NULL)
		ops->on_gone(owner);
}

void
request_read_body(struct request *rq)
{
	rq->carrier->read_body(rq);
}

void
request_pause_body(struct request *rq)
{
	rq->carrier->pause_body(rq);
}

/* ------------------------------------------------- the answer */

static void
log_request(const struct request *rq)
{
	char peer[REQUEST_PEER_SIZE];
	char *method = request_log_method(rq);
	char *path = request_log_path(rq);
	const struct log_field fields[] = { LOG_UINT("session", rq->id),
		LOG_STR("peer", peer), LOG_STR("method", method),
		LOG_STR("path", path), LOG_UINT("status", rq->status),
		LOG_UINT("bytes", rq->written),
		LOG_MS("duration", clock_ms() - rq->started),
		LOG_STR("user", rq->user) };

	request_peer(rq, peer);
	log_fields(LOG_LVL_INFO, "request", fields,
	    nitems(fields) - (rq->user == NULL));
	free(method);
	free(path);
}

void
request_reply_start(struct request *rq, const struct reply *r)
{
	rq->logged |= r->logged;
	rq->status = r->status;
	rq->carrier->reply_start(rq, r);
}

void
request_reply_write(struct request *rq, const void *data, size_t len)
{
	rq->written += rq->carrier->reply_write(rq, data, len);
}

void
request_reply_flush(struct request *rq)
{
	rq->carrier->reply_flush(rq);
}

void
request_reply_end(struct request *rq)
{
	if (!rq->logged && log_wants(LOG_LVL_INFO))
		log_request(rq);
	rq->carrier->reply_end(rq);
}

void
request_reply(struct request *rq, const struct reply *r, const void *body,
    size_t len)
{
	request_reply_start(rq, r);
	if (len > 0)
		request_reply_write(rq, body, len);
	request_reply_end(rq);
}

void
request_reply_raw(struct request *rq, const void *data, size_t len)
{
	rq->carrier->reply_raw(rq, data, len);
}

size_t
request_queued(const struct request *rq)
{
	return rq->carrier->queued(rq);
}

void
request_abort(struct request *rq)
{
	rq->carrier->abort(rq);
}

bool
request_is_over(const struct request *rq)
{
	return rq->over;
}

struct stream *
request_take_stream(struct request *rq, struct buf *rest, struct seats *seats)
{
	seats->client = rq->seat;
	rq->seat = 0;
	request_handle(rq, NULL, NULL);
	return rq->carrier->take_stream(rq, rest, &seats->connection);
}
