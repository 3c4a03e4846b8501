#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/call_tls.h"
#include "client/client.h"
#include "client/facts.h"
#include "client/hello.h"
#include "client/hello_compression.h"
#include "client/hello_refusal.h"
#include "client/outcome.h"
#include "codec/http1.h"
#include "codec/http_date.h"
#include "codec/ws_hello.h"
#include "dialect/standpipe_v1.h"
#include "flow/deadlines.h"
#include "flow/stream.h"

enum due {
	DUE_ANSWER,
	DUE_BODY, /* of a refusal, as far as it is shown */
	DUE_COUNT,
};

enum {
	HELD_MAX = HTTP1_MAX_HEAD + FLOW_READ_SOCKET, /* frames after it */
	REQUEST_MAX = 256 * 1024,
	INTERIM_MAX = 8,
	BODY_TIMEOUT_MS = 1000,
};

struct hello {
	struct client *client;       /* kept */
	struct facts *facts;         /* kept */
	const struct hello_ops *ops; /* kept */
	void *owner;                 /* kept */
	struct stream *stream;       /* owned; NULL: given away */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	char key[WS_HELLO_KEY_LEN + 1];
	char accept[WS_HELLO_ACCEPT_SIZE];
	char host[AUTHORITY_FIELD];
	char extensions[WS_TERMS_TEXT];
	char *protocols; /* owned: what we offer; NULL: none */
	struct http1_out more[WS_HELLO_FIELDS_MAX];
	struct ws_hello_wish wish; /* points to the six above */
	struct buf in;             /* the answer, until its head is complete */
	size_t scanned;
	unsigned interim; /* how many of those came before it */
	struct hello_refusal refusal;
	struct outcome outcome;
	bool plain;   /* not TLS, which the server may expect */
	bool in_body; /* of a refusal */
	bool refused;
};

static void
refuse(struct hello *h)
{
	h->refused = true;
	stream_pause(h->stream);
	deadlines_wake(&h->deadlines);
}

static void
hello_on_turn(void *owner)
{
	struct hello *h = owner;

	if (h->refused)
		h->ops->on_refused(h->owner, &h->outcome);
}

static void
hello_on_due(void *owner, size_t which)
{
	struct hello *h = owner;

	if (which == DUE_ANSWER)
		outcome_set(&h->outcome, OUTCOME_TIMEOUT,
		    call_tls_is_shaking(h->stream)
			? "no end of the TLS handshake"
			: "no answer to the opening handshake");
	refuse(h);
}

static void
fail(struct hello *h, const char *why)
{
	outcome_set(&h->outcome, OUTCOME_BROKEN,
	    "the answer to the opening handshake: %s", why);
	refuse(h);
}

/* ------------------------------------------------- the answer */

/* The words that http1_strresult() has are about requests. */
static const char *
why_no_head(enum http1_result rc)
{
	switch (rc) {
	case HTTP1_ERR_LINE:
		return "it is no HTTP";
	case HTTP1_ERR_LONG_LINE:
	case HTTP1_ERR_LONG_HEAD:
		return "it is too long";
	default:
		return http1_strresult(rc);
	}
}

static void
note_location(struct facts *f, const struct http1_head *head)
{
	const struct http1_field *field = http1_find(head, "Location", NULL);

	if (head->status / 100 == 3 && field != NULL && field->value_len > 0)
		f->location = mem_strndup(field->value, field->value_len);
}

/* Seconds, or a date (RFC 9110, section 10.2.3); what is neither is nothing. */
static void
note_retry_after(struct facts *f, const struct http1_head *head)
{
	const struct http1_field *field = http1_find(head, "Retry-After", NULL);
	int64_t now = (int64_t)time(NULL), then;
	char text[16];
	uint64_t s;

	if (field == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%.*s", (int)field->value_len,
	    field->value);
	if (str_uint(text, UINT32_MAX, &s))
		f->retry_after = s * 1000;
	else if (http_date_read(field->value, field->value_len, now, &then) &&
	    then > now)
		f->retry_after = (uint64_t)(then - now) * 1000;
}

/* All extensions that were agreed to, in the server's words. */
static void
note_extensions(struct facts *f, const struct http1_head *head)
{
	const struct http1_field *field =
	    http1_find(head, "Sec-WebSocket-Extensions", NULL);

	if (field != NULL)
		facts_set_text(f->extensions, field->value, field->value_len);
}

/* Whether the server speaks standpipe.v1, and does not just repeat our words. */
static bool
means_v1(const struct hello *h, const struct http1_head *head)
{
	return client_conf_v1_offer(&h->client->conf) != V1_NOT_OFFERED &&
	    http1_has_token(head, V1_FIELD, V1_FIELD_AGREED);
}

/* Bytes of a refusal's body that are here already. */
static void
read_refusal(struct hello *h, const struct http1_head *head, size_t used)
{
	const char *reason = head->reason;
	size_t len = head->reason_len;

	note_location(h->facts, head);
	note_retry_after(h->facts, head);
	if (len == 0) {
		reason = http1_reason(head->status);
		len = strlen(reason);
	}
	outcome_set(&h->outcome, OUTCOME_REFUSED, "refused: %u %.*s",
	    head->status, (int)len, reason);
	deadlines_forget(&h->deadlines, DUE_ANSWER);
	if (hello_refusal_begin(&h->refusal, head, &h->facts->answer) ||
	    hello_refusal_read(&h->refusal, h->in.data + used,
		h->in.len - used)) {
		refuse(h);
		return;
	}
	h->in_body = true;
	deadlines_set(&h->deadlines, DUE_BODY, BODY_TIMEOUT_MS);
}

static void
open_up(struct hello *h, size_t used)
{
	struct stream *s = h->stream;
	struct buf in = h->in;

	h->facts->opened = clock_ms();
	buf_init(&h->in, HELD_MAX);
	deadlines_clear(&h->deadlines);
	h->stream = NULL;
	stream_pause(s);
	h->ops->on_open(h->owner, s, in.data + used, in.len - used);
	buf_clear(&in);
}

static void
judge(struct hello *h, const struct http1_head *head, size_t used)
{
	const char *protocol, *why;
	size_t protocol_len;
	enum ws_hello_answer answer =
	    ws_hello_judge(head, &h->wish, h->accept, &protocol, &protocol_len);

	h->facts->status = head->status;
	call_tls_see(h->stream, h->facts);
	if (answer == WS_ANSWER_REFUSED) {
		read_refusal(h, head, used);
	} else if (answer < 0) {
		fail(h, ws_hello_stranswer(answer));
	} else if ((why = hello_compression_judge(h->client, head, h->facts)) !=
	    NULL) {
		fail(h, why);
	} else {
		if (protocol != NULL)
			facts_set_text(h->facts->protocol, protocol,
			    protocol_len);
		h->facts->v1 = means_v1(h, head);
		note_extensions(h->facts, head);
		open_up(h, used);
	}
}

/* An interim answer says that the answer comes later (RFC 9110, 15.2). */
static bool
is_interim(const struct http1_head *head)
{
	return head->status / 100 == 1 && head->status != 101;
}

/* What TLS answers to what is none (RFC 8446, sections 5.1 and 6). */
static bool
is_tls_alert(const struct hello *h)
{
	static const uint8_t alert[] = { 21, 3 };

	return h->plain && h->in.len >= sizeof(alert) &&
	    memcmp(h->in.data, alert, sizeof(alert)) == 0;
}

static void
read_head(struct hello *h)
{
	enum http1_result rc;
	struct http1_head head;
	size_t used;

	while ((rc = http1_read_response(&head, h->in.data, h->in.len,
		    &h->scanned, &used)) == HTTP1_HEAD &&
	    is_interim(&head) && h->interim < INTERIM_MAX) {
		h->interim++;
		h->scanned = 0;
		buf_drain(&h->in, used);
	}
	if (rc == HTTP1_HEAD && is_interim(&head))
		fail(h, "too many interim answers come before it");
	else if (rc == HTTP1_HEAD)
		judge(h, &head, used);
	else if (rc < 0)
		fail(h,
		    is_tls_alert(h) ? "it is TLS (wss://?)" : why_no_head(rc));
}

static void
hello_on_read(void *owner, uint8_t *data, size_t len)
{
	struct hello *h = owner;

	if (h->refused)
		return;
	if (h->in_body) {
		if (hello_refusal_read(&h->refusal, data, len))
			refuse(h);
	} else if (buf_add(&h->in, data, len)) {
		read_head(h);
	} else {
		fail(h, why_no_head(HTTP1_ERR_LONG_HEAD));
	}
}

/* Many servers that expect TLS hang up without a word. */
static bool
is_hint_due(const struct hello *h)
{
	return h->plain && h->in.len == 0;
}

/* What was said of a refusal counts, even if its body was cut. */
static void
hello_on_end(void *owner)
{
	struct hello *h = owner;

	if (!h->in_body)
		outcome_set(&h->outcome, OUTCOME_BROKEN,
		    "the server closed the connection in the opening"
		    " handshake%s",
		    is_hint_due(h) ? " (wss://?)" : "");
	refuse(h);
}

static void
hello_on_lost(void *owner, int err)
{
	struct hello *h = owner;

	if (!h->in_body && !call_tls_judge(h->stream, err, &h->outcome))
		outcome_set(&h->outcome, OUTCOME_BROKEN,
		    "the connection was lost in the opening handshake: %s%s",
		    strerror(err), is_hint_due(h) ? " (wss://?)" : "");
	refuse(h);
}

static const struct stream_ops stream_ops = {
	.on_read = hello_on_read,
	.on_end = hello_on_end,
	.on_lost = hello_on_lost,
};

static const struct deadlines_ops deadlines_ops = {
	.on_due = hello_on_due,
	.on_turn = hello_on_turn,
};

/* ------------------------------------------------- the request */

/* An owned list with commas; NULL: nothing is offered. */
static char *
offered(const struct client *client)
{
	const struct conf_list *list = &client->conf.subprotocol;
	char *all = NULL, *longer;

	if (client_conf_v1_offer(&client->conf) == V1_BY_SUBPROTOCOL)
		all = mem_strdup(V1_PROTOCOL);
	for (size_t i = 0; i < list->n; i++) {
		longer = all == NULL ? mem_strdup(list->v[i])
				     : mem_printf("%s, %s", all, list->v[i]);
		free(all);
		all = longer;
	}
	return all;
}

/* What the options ask for is for the server that the user has named. */
static void
list_fields(struct hello *h, const struct ws_url *to)
{
	const struct hello_fields *fields = &h->client->fields;
	struct ws_hello_wish *w = &h->wish;

	if (client_conf_v1_offer(&h->client->conf) == V1_BY_FIELD)
		h->more[w->nmore++] =
		    (struct http1_out){ V1_FIELD, V1_FIELD_OFFER };
	w->more = h->more;
	if (!hello_fields_may_go_to(fields, to))
		return;
	for (size_t i = 0; i < fields->n; i++)
		h->more[w->nmore++] = fields->v[i];
	if (fields->host != NULL)
		w->host = fields->host;
}

static void
make_wish(struct hello *h, const struct ws_url *to)
{
	const struct client_conf *conf = &h->client->conf;

	ws_hello_make_key(h->key);
	ws_hello_accept(h->key, h->accept);
	ws_url_put_host(to, h->host);
	h->protocols = offered(h->client);
	h->wish = (struct ws_hello_wish){
		.target = to->target,
		.host = h->host,
		.key = h->key,
		.protocols = h->protocols,
		.extensions = hello_compression_offer(conf, h->extensions),
	};
	list_fields(h, to);
}

/* What we send may hold a password. */
static void
ask(struct hello *h, const struct ws_url *to)
{
	struct buf out;

	buf_init(&out, REQUEST_MAX);
	make_wish(h, to);
	if (ws_hello_put_request(&out, &h->wish)) {
		stream_write(h->stream, out.data, out.len);
		explicit_bzero(out.data, out.len);
	} else {
		outcome_set(&h->outcome, OUTCOME_USAGE,
		    "the request cannot be sent: it is too long");
		refuse(h);
	}
	buf_clear(&out);
}

struct hello *
hello_new(struct client *client, struct stream *stream, const struct ws_url *to,
    struct facts *facts, const struct hello_ops *ops, void *owner)
{
	struct hello *h = mem_new(1, sizeof(*h));

	*h = (struct hello){
		.client = client,
		.facts = facts,
		.ops = ops,
		.owner = owner,
		.stream = stream,
		.plain = !to->tls && to->path[0] == '\0',
	};
	buf_init(&h->in, HELD_MAX);
	deadlines_init(&h->deadlines, &client->flow, h->due, DUE_COUNT,
	    &deadlines_ops, h);
	if (client->conf.handshake_timeout > 0)
		deadlines_set(&h->deadlines, DUE_ANSWER,
		    client->conf.handshake_timeout);
	stream_set_owner(stream, &stream_ops, h);
	ask(h, to);
	if (!h->refused)
		stream_resume(stream);
	return h;
}

void
hello_free(struct hello *h)
{
	if (h == NULL)
		return;
	if (h->stream != NULL)
		deadlines_clear(&h->deadlines);
	stream_free(h->stream);
	buf_clear(&h->in);
	free(h->protocols);
	free(h);
}
