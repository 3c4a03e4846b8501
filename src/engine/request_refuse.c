#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/http_accept.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/pages.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine/route.h"

enum {
	VALUE_MAX = 512,   /* bytes of what a client said that a line has */
	LOG_FIELDS = 12,   /* at most */
	FIELDS_MAX = 16,   /* of an answer */
	BODY_MAX = 4096,   /* of an error */
	RETRY_S = 5,       /* of what may be tried again */
	SECONDS_SIZE = 24, /* a number of them in words */
};

/* ------------------------------------------------- what the log says */

/* To a shell a value with one of these is a pattern of names of files. */
static bool
is_pattern(const char *value, size_t len)
{
	return memchr(value, '[', len) != NULL ||
	    memchr(value, '?', len) != NULL;
}

static char *
spell_value(const char *option, const char *value, size_t len)
{
	const char *quote = is_pattern(value, len) ? "'" : "";
	int n = (int)(len < VALUE_MAX ? len : VALUE_MAX);

	return mem_printf("%s=%s%.*s%s", option, quote, n, value, quote);
}

/* The option that would allow it, as it can be pasted; yours. */
static char *
spell_option(const struct request *rq, const struct refusal *r)
{
	char addr[ADDR_TEXT];

	addr_put(&rq->client, addr);
	if (strchr(r->option, '=') != NULL)
		return mem_printf("%s%s", r->option, addr);
	if (r->value != NULL)
		return spell_value(r->option, r->value, r->value_len);
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
    const char *method, const char *path)
{
	size_t n = 0;

	if (head->method_len == 0)
		return 0;
	out[n++] = (struct log_field)LOG_STR("method", method);
	out[n++] = (struct log_field)LOG_STR("path", path);
	n += put_field(out + n, "host", head, "Host");
	n += put_field(out + n, "origin", head, "Origin");
	return n;
}

static void
log_refusal(const struct request *rq, const struct refusal *r)
{
	char peer[REQUEST_PEER_SIZE];
	char *method = request_log_method(rq);
	char *path = request_log_path(rq);
	char *option = r->option == NULL ? NULL : spell_option(rq, r);
	struct log_field fields[LOG_FIELDS] = {
		LOG_UINT("session", rq->id),
		LOG_STR("peer", peer),
		LOG_UINT("status", r->status),
		LOG_STR("rule", r->rule),
	};
	size_t n = 4;

	request_peer(rq, peer);
	if (option != NULL)
		fields[n++] = (struct log_field)LOG_STR("option", option);
	n += put_request(fields + n, &rq->head, method, path);
	log_fields(LOG_LVL_WARN, "refused", fields, n);
	free(option);
	free(method);
	free(path);
}

void
request_note_refusal(struct request *rq, const struct refusal *r)
{
	if (r->rule == NULL)
		return;
	rq->logged = true;
	if (log_wants(LOG_LVL_WARN))
		log_refusal(rq, r);
}

/* ------------------------------------------------- what the client hears */

/* The fields that go with a status besides those of every error. */
static const struct extra {
	unsigned status;
	struct http1_out field;
} extras[] = {
	{ 405, { "Allow", "GET, HEAD" } },
	{ 426, { "Upgrade", "websocket" } },
	{ 426, { "Sec-WebSocket-Version", "13" } },
};

static bool
may_retry(unsigned status)
{
	return status == 429 || status == 503;
}

static struct http1_out
retry_after(const struct refusal *r, char seconds[SECONDS_SIZE])
{
	uint64_t n = r->retry_after == 0 ? RETRY_S : r->retry_after;

	(void)snprintf(seconds, SECONDS_SIZE, "%" PRIu64, n);
	return (struct http1_out){ "Retry-After", seconds };
}

/* Nobody sees the page of a WebSocket that was refused. */
static const struct buf *
find_page(const struct request *rq, unsigned status)
{
	const struct pages *pages = rq->route->pages;

	if (http1_count(&rq->head, "Upgrade") > 0 ||
	    !http_accept_html(&rq->head))
		return NULL;
	return pages_find(pages, status);
}

static void
answer_error(struct request *rq, const struct refusal *r)
{
	const struct buf *page = find_page(rq, r->status);
	struct http1_out field[FIELDS_MAX] = {
		{ "Content-Type",
		    page != NULL ? "text/html; charset=utf-8"
				 : "text/plain; charset=utf-8" },
		{ "Cache-Control", "no-store" },
	};
	char seconds[SECONDS_SIZE];
	size_t n = 2;
	struct buf body;

	for (size_t i = 0; i < nitems(extras); i++)
		if (extras[i].status == r->status)
			field[n++] = extras[i].field;
	if (may_retry(r->status))
		field[n++] = retry_after(r, seconds);
	for (size_t i = 0; i < r->nfields && n < FIELDS_MAX; i++)
		field[n++] = r->field[i];
	buf_init(&body, BODY_MAX);
	if (!buf_add_str(&body, r->why) || !buf_add_byte(&body, '\n'))
		mem_misfit(&body, "an error of ours does not fit");
	if (page == NULL)
		page = &body;
	request_reply(rq,
	    &(struct reply){
		.status = r->status,
		.field = field,
		.nfields = n,
		.length = page->len,
		.close = !r->keep,
	    },
	    page->data, page->len);
	buf_clear(&body);
}

/* What the client says to that is dropped, as after any last answer. */
static void
answer_by_close(struct request *rq, const struct refusal *r)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	farewell_put(&out, rq, r->status, r->why);
	request_reply_raw(rq, out.data, out.len);
	buf_clear(&out);
}

void
request_refuse(struct request *rq, const struct refusal *r)
{
	struct refusal said = *r;

	if (rq->over)
		return;
	if (r->full &&
	    engine_conf(rq->engine)->compat == CONF_COMPAT_WEBSOCKETD)
		said.status = 429;
	request_note_refusal(rq, &said);
	if (farewell_suits(rq, said.status))
		answer_by_close(rq, &said);
	else
		answer_error(rq, &said);
}
