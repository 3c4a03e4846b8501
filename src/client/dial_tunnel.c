#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/dial_tunnel.h"
#include "client/login.h"
#include "client/login_secret.h"
#include "client/outcome.h"
#include "codec/http1.h"
#include "codec/proxy_choice.h"
#include "codec/socks5.h"
#include "flow/flow.h"
#include "flow/later.h"
#include "flow/stream.h"

enum {
	HELD_MAX = HTTP1_MAX_HEAD + FLOW_READ_SOCKET,
	SAID_MAX = 4096, /* by us at once */
};

struct dial_tunnel {
	const struct proxy *proxy;         /* kept */
	const struct authority *to;        /* kept */
	const struct dial_tunnel_ops *ops; /* kept */
	void *owner;                       /* kept */
	struct stream *stream;             /* owned; NULL: given away */
	struct later wake;                 /* the outcome is known */
	struct buf in;                     /* of HTTP's answer */
	size_t scanned;
	struct socks5 socks;
	struct outcome outcome;
	bool over;
};

static void
dial_tunnel_on_wake(void *owner)
{
	struct dial_tunnel *t = owner;
	struct stream *s = t->stream;

	if (t->outcome.status != OUTCOME_OK) {
		t->ops->on_stuck(t->owner, &t->outcome);
		return;
	}
	t->stream = NULL;
	t->ops->on_through(t->owner, s);
}

/* From inside a callback of the stream, so the owner hears of it later. */
static void
end(struct dial_tunnel *t)
{
	t->over = true;
	stream_pause(t->stream);
	later_soon(&t->wake);
}

static void
fail(struct dial_tunnel *t, const char *why)
{
	outcome_set(&t->outcome, OUTCOME_NO_CONNECT, "%s", why);
	end(t);
}

/* Neither we nor a server of ours speaks before we have. */
static void
finish(struct dial_tunnel *t, size_t behind)
{
	if (behind > 0)
		fail(t, "it said more than its answer");
	else
		end(t);
}

/* What we say may be a password. */
static void
say(struct dial_tunnel *t, struct buf *out)
{
	if (out->len > 0) {
		stream_write(t->stream, out->data, out->len);
		explicit_bzero(out->data, out->len);
	}
	buf_clear(out);
}

/* ------------------------------------------------- SOCKS5 */

static void
begin_socks(struct dial_tunnel *t)
{
	struct buf out;

	buf_init(&out, SAID_MAX);
	(void)socks5_begin(&t->socks, t->to, &t->proxy->at, &out);
	say(t, &out);
}

static void
read_socks(struct dial_tunnel *t, const uint8_t *data, size_t len)
{
	enum socks5_result rc;
	struct buf out;
	size_t used;

	buf_init(&out, SAID_MAX);
	rc = socks5_read(&t->socks, data, len, &used, &out);
	say(t, &out);
	if (rc == SOCKS5_THROUGH)
		finish(t, len - used);
	else if (rc < 0)
		fail(t, socks5_strresult(rc));
}

/* ------------------------------------------------- HTTP */

/* An owned text for login_secret_free_text(); NULL: none, or not to be had. */
static char *
authorization(const struct authority *a)
{
	char both[2 * AUTHORITY_TEXT], *value = NULL;

	if (a->has_user && strchr(a->user, ':') == NULL) {
		(void)snprintf(both, sizeof(both), "%s:%s", a->user,
		    a->password);
		value = login_basic(both, strlen(both));
		explicit_bzero(both, sizeof(both));
	}
	return value;
}

static void
begin_http(struct dial_tunnel *t)
{
	char target[AUTHORITY_FIELD], *basic = authorization(&t->proxy->at);
	const struct http1_out fields[] = {
		{ "Host", target },
		{ "Proxy-Authorization", basic },
	};
	struct buf out;

	authority_put(t->to, t->to->port, target);
	buf_init(&out, SAID_MAX);
	if (t->proxy->at.has_user && basic == NULL)
		fail(t, "HTTP has no way to say that user or password");
	else if (http1_put_request(&out, "CONNECT", target, fields,
		     basic == NULL ? 1 : 2))
		say(t, &out);
	else
		fail(t, "the request for it is too long");
	buf_clear(&out);
	login_secret_free_text(basic);
}

static void
judge(struct dial_tunnel *t, const struct http1_head *head, size_t used)
{
	const char *reason = head->reason;
	size_t len = head->reason_len;

	if (head->status / 100 == 2) {
		finish(t, t->in.len - used);
		return;
	}
	if (len == 0) {
		reason = http1_reason(head->status);
		len = strlen(reason);
	}
	outcome_set(&t->outcome, OUTCOME_NO_CONNECT, "refused: %u %.*s",
	    head->status, (int)len, reason);
	end(t);
}

/* Interim answers come before the answer, if they come. */
static void
read_http(struct dial_tunnel *t, const uint8_t *data, size_t len)
{
	enum http1_result rc = HTTP1_ERR_LONG_HEAD;
	struct http1_head head;
	size_t used;

	if (buf_add(&t->in, data, len)) {
		while ((rc = http1_read_response(&head, t->in.data, t->in.len,
			    &t->scanned, &used)) == HTTP1_HEAD &&
		    head.status / 100 == 1) {
			buf_drain(&t->in, used);
			t->scanned = 0;
		}
	}
	if (rc == HTTP1_HEAD)
		judge(t, &head, used);
	else if (rc < 0)
		fail(t, http1_strresult(rc));
}

/* ------------------------------------------------- the stream */

static void
dial_tunnel_on_read(void *owner, uint8_t *data, size_t len)
{
	struct dial_tunnel *t = owner;

	if (t->over)
		return;
	if (t->proxy->kind == PROXY_SOCKS5)
		read_socks(t, data, len);
	else
		read_http(t, data, len);
}

static void
dial_tunnel_on_end(void *owner)
{
	struct dial_tunnel *t = owner;

	if (!t->over)
		fail(t, "it closed the connection without an answer");
}

static void
dial_tunnel_on_lost(void *owner, int err)
{
	struct dial_tunnel *t = owner;

	outcome_set(&t->outcome, OUTCOME_NO_CONNECT,
	    "its connection was lost: %s", strerror(err));
	end(t);
}

static const struct stream_ops stream_ops = {
	.on_read = dial_tunnel_on_read,
	.on_end = dial_tunnel_on_end,
	.on_lost = dial_tunnel_on_lost,
};

struct dial_tunnel *
dial_tunnel_new(struct event_base *base, struct stream *stream,
    const struct proxy *proxy, const struct authority *to,
    const struct dial_tunnel_ops *ops, void *owner)
{
	struct dial_tunnel *t = mem_new(1, sizeof(*t));

	*t = (struct dial_tunnel){
		.proxy = proxy,
		.to = to,
		.ops = ops,
		.owner = owner,
		.stream = stream,
	};
	buf_init(&t->in, HELD_MAX);
	later_init(&t->wake, base, dial_tunnel_on_wake, t);
	stream_set_owner(stream, &stream_ops, t);
	if (proxy->kind == PROXY_SOCKS5)
		begin_socks(t);
	else
		begin_http(t);
	if (!t->over)
		stream_resume(stream);
	return t;
}

void
dial_tunnel_free(struct dial_tunnel *t)
{
	if (t == NULL)
		return;
	later_forget(&t->wake);
	stream_free(t->stream);
	buf_clear(&t->in);
	free(t);
}
