#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/call.h"
#include "client/call_redirect.h"
#include "client/call_tls.h"
#include "client/client.h"
#include "client/dial.h"
#include "client/facts.h"
#include "client/hello.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/talk.h"
#include "client/tell.h"
#include "codec/ws.h"
#include "codec/ws_url.h"
#include "flow/stream.h"

struct call {
	struct client *client;      /* kept */
	struct local *local;        /* kept */
	const struct call_ops *ops; /* kept */
	void *owner;                /* kept */
	struct dial *dial;          /* owned; NULL: over, as the next two */
	struct hello *hello;        /* owned */
	struct talk *talk;          /* owned */
	struct ws_url to;           /* where we are calling */
	unsigned redirects;         /* that were followed */
	struct facts facts;
};

static void
over(void *owner, const struct outcome *o)
{
	struct call *c = owner;

	c->facts.over = clock_ms();
	if (c->talk != NULL)
		talk_tell(c->talk, &c->facts);
	c->ops->on_over(c->owner, c, o, &c->facts);
}

static const struct talk_ops talk_ops = {
	.on_over = over,
};

static void
call_on_open(void *owner, struct stream *stream, uint8_t *rest, size_t len)
{
	struct call *c = owner;

	report_open(&c->client->conf, &c->facts);
	c->talk = talk_new(&(struct talk_start){
	    .client = c->client,
	    .stream = stream,
	    .local = c->local,
	    .facts = &c->facts,
	    .ops = &talk_ops,
	    .owner = c,
	});
	if (len > 0)
		talk_feed(c->talk, rest, len);
	talk_start_reading(c->talk);
}

static void dial_up(struct call *);

/* Go on where the server sends us, or not. */
static void
call_on_refused(void *owner, const struct outcome *refusal)
{
	struct call *c = owner;
	struct outcome o = *refusal;
	struct ws_url from = c->to;

	if (!call_redirect_read(&c->to, &c->client->conf, &from,
		c->facts.location, c->redirects, &o)) {
		c->to = from;
		over(c, &o);
		return;
	}
	tell_more(&c->client->conf, "sent on with %u to %s", c->facts.status,
	    c->facts.location);
	c->redirects++;
	hello_free(c->hello);
	c->hello = NULL;
	facts_begin_again(&c->facts);
	dial_up(c);
}

static const struct hello_ops hello_ops = {
	.on_open = call_on_open,
	.on_refused = call_on_refused,
};

static void
call_on_connected(void *owner, struct stream *stream)
{
	struct call *c = owner;

	dial_free(c->dial);
	c->dial = NULL;
	c->facts.connected = clock_ms();
	facts_set_peer(&c->facts, stream_fd(stream));
	report_connected(&c->client->conf, &c->facts);
	if (c->to.tls)
		call_tls_start(c->client, stream, c->to.at.host);
	c->hello =
	    hello_new(c->client, stream, &c->to, &c->facts, &hello_ops, c);
}

static const struct dial_ops dial_ops = {
	.on_connected = call_on_connected,
	.on_failed = over,
};

static void
dial_up(struct call *c)
{
	const char *path = c->to.path;
	const char *host = path[0] == '\0' ? c->to.at.host : path;

	facts_set_text(c->facts.host, host, strlen(host));
	c->dial = dial_new(c->client, &c->to, &dial_ops, c);
}

struct call *
call_new(struct client *client, struct local *local, const struct call_ops *ops,
    void *owner)
{
	struct call *c = mem_new(1, sizeof(*c));

	*c = (struct call){
		.client = client,
		.to = client->conf.to,
		.local = local,
		.ops = ops,
		.owner = owner,
	};
	facts_init(&c->facts);
	dial_up(c);
	return c;
}

bool
call_signal(struct call *c, int sig)
{
	return c->talk != NULL && talk_signal(c->talk, sig);
}

bool
call_stop(struct call *c)
{
	if (c->talk == NULL)
		return false;
	talk_close(c->talk, WS_CLOSE_GOING_AWAY, "");
	return true;
}

void
call_free(struct call *c)
{
	if (c == NULL)
		return;
	dial_free(c->dial);
	hello_free(c->hello);
	talk_free(c->talk);
	facts_clear(&c->facts);
	ws_url_wipe(&c->to);
	free(c);
}
