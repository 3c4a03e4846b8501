#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "engine/answer.h"
#include "engine/conn.h"
#include "engine/conn_state.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/limits.h"
#include "engine/request.h"
#include "flow/stream.h"

enum {
	VALUE_MAX = 512,     /* bytes of what a client said that a line has */
	REFUSAL_FIELDS = 12, /* at most */
};

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
	c->logged = false;
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
	bool last = c->reply.close || engine_stopping(c->engine);

	conn_handle(c, NULL, NULL);
	limits_leave(c->engine, &c->seats.client);
	request_free(c->rq);
	c->rq = NULL;
	reply_clear(&c->reply);
	if (last)
		conn_close_behind(c);
	else
		await_request(c);
}

/* Whether the client may not, or will not, ask for more on this connection. */
static bool
is_last(const struct conn *c)
{
	const struct http1_head *head = &c->rq->head;

	return head->minor == 0 || !c->body_ended ||
	    http1_count(head, "Upgrade") > 0 ||
	    (c->read_all && c->in.len == 0) || engine_stopping(c->engine) ||
	    conn_conf(c)->keepalive_timeout == 0 ||
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
	conn_watch_stall(c);
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
		conn_end_soon(c);
}

bool
conn_is_over(const struct conn *c)
{
	return c->over;
}

/* The option that would allow it, as it can be pasted; yours. */
static char *
spell_option(const struct conn *c, const struct refusal *r)
{
	char addr[ADDR_TEXT];

	addr_put(&c->rq->client, addr);
	if (strchr(r->option, '=') != NULL)
		return mem_printf("%s%s", r->option, addr);
	if (r->value != NULL)
		return mem_printf("%s=%.*s", r->option,
		    (int)(r->value_len < VALUE_MAX ? r->value_len : VALUE_MAX),
		    r->value);
	return mem_strdup(r->option);
}

/* A field as the client wrote it, cut; nothing if there is none. */
static size_t
put_field(struct log_field *out, const char *name,
    const struct http1_head *head, const char *field)
{
	const struct http1_field *f = http1_find(head, field, NULL);

	if (f == NULL)
		return 0;
	*out = (struct log_field)LOG_BYTES(name, f->value,
	    f->value_len < VALUE_MAX ? f->value_len : VALUE_MAX);
	return 1;
}

/* What was asked for, unless no head was there to ask. The query is secret. */
static size_t
put_request(struct log_field *out, const struct http1_head *head,
    const char *path)
{
	size_t n = 0;

	if (head->method_len == 0)
		return 0;
	out[n++] = (struct log_field)LOG_BYTES("method", head->method,
	    head->method_len < VALUE_MAX ? head->method_len : VALUE_MAX);
	out[n++] = (struct log_field)LOG_STR("path", path);
	n += put_field(out + n, "host", head, "Host");
	n += put_field(out + n, "origin", head, "Origin");
	return n;
}

static void
log_refusal(const struct conn *c, const struct refusal *r)
{
	char peer[REQUEST_PEER_SIZE];
	char *path = request_log_path(c->rq);
	char *option = r->option == NULL ? NULL : spell_option(c, r);
	struct log_field fields[REFUSAL_FIELDS] = {
		LOG_UINT("session", c->node.id),
		LOG_STR("peer", peer),
		LOG_UINT("status", r->status),
		LOG_STR("rule", r->rule),
	};
	size_t n = 4;

	request_peer(c->rq, peer);
	if (option != NULL)
		fields[n++] = (struct log_field)LOG_STR("option", option);
	n += put_request(fields + n, &c->rq->head, path);
	log_fields(LOG_LVL_WARN, "refused", fields, n);
	free(option);
	free(path);
}

void
conn_note_refusal(struct conn *c, const struct refusal *r)
{
	if (r->rule == NULL)
		return;
	c->logged = true;
	if (log_wants(LOG_LVL_WARN))
		log_refusal(c, r);
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
	if (r->full && conn_conf(c)->compat == CONF_COMPAT_WEBSOCKETD)
		said.status = 429;
	conn_note_refusal(c, &said);
	if (farewell_suits(c->rq, said.status))
		refuse_by_close(c, &said);
	else
		answer_error(c->rq, &said);
}

void
conn_refuse_all(struct conn *c, const struct refusal *r)
{
	static const struct http1_head none = { .minor = 0 };

	c->state = CONN_SERVING;
	c->body_ended = false;
	c->rq = request_new(c, &none, NULL, 0);
	conn_refuse(c, r);
}
