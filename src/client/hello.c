#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/client.h"
#include "client/hello.h"
#include "client/outcome.h"
#include "client/secure.h"
#include "codec/ws_hello.h"
#include "flow/deadlines.h"
#include "flow/stream.h"

enum {
	DUE_ANSWER,
	DUE_COUNT,
};

enum {
	HEAD_MAX = 16 * 1024,
	HELD_MAX = HEAD_MAX + FLOW_READ_SOCKET, /* with frames behind it */
	LINE_SHOWN = 128,
};

struct hello {
	struct client *client;       /* kept */
	const struct hello_ops *ops; /* kept */
	void *owner;                 /* kept */
	struct stream *stream;       /* owned; NULL: given away */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	struct buf in; /* of the answer, until its head is complete */
	char accept[WS_HELLO_ACCEPT_SIZE];
	struct outcome outcome;
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

	(void)which;
	outcome_set(&h->outcome, OUTCOME_TIMEOUT,
	    "no answer to the opening handshake");
	refuse(h);
}

/* The whole head is there, and behind it perhaps more. */
static void
judge(struct hello *h, size_t head)
{
	static const char agreed[] = "HTTP/1.1 101 ";
	struct buf in = h->in;
	struct stream *s = h->stream;

	if (in.len < sizeof(agreed) ||
	    memcmp(in.data, agreed, sizeof(agreed) - 1) != 0 ||
	    memmem(in.data, head, h->accept, strlen(h->accept)) == NULL) {
		outcome_set(&h->outcome, OUTCOME_REFUSED, "%.*s",
		    (int)(head < LINE_SHOWN ? head : LINE_SHOWN),
		    (const char *)in.data);
		refuse(h);
		return;
	}
	buf_init(&h->in, HELD_MAX);
	deadlines_clear(&h->deadlines);
	h->stream = NULL;
	stream_pause(s);
	h->ops->on_open(h->owner, s, in.data + head, in.len - head);
	buf_clear(&in);
}

static void
hello_on_read(void *owner, uint8_t *data, size_t len)
{
	struct hello *h = owner;
	const uint8_t *end;

	if (buf_add(&h->in, data, len) &&
	    (end = memmem(h->in.data, h->in.len, "\r\n\r\n", 4)) != NULL) {
		judge(h, (size_t)(end - h->in.data) + 4);
	} else if (h->in.len > HEAD_MAX) {
		outcome_set(&h->outcome, OUTCOME_BROKEN,
		    "the answer to the opening handshake is too long");
		refuse(h);
	}
}

static void
hello_on_end(void *owner)
{
	struct hello *h = owner;

	outcome_set(&h->outcome, OUTCOME_BROKEN,
	    "the server closed the connection in the opening handshake");
	refuse(h);
}

static void
hello_on_lost(void *owner, int err)
{
	struct hello *h = owner;

	if (!secure_judge(h->stream, err, &h->outcome))
		outcome_set(&h->outcome, OUTCOME_BROKEN,
		    "the connection was lost in the opening handshake: %s",
		    strerror(err));
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

static void
ask(struct hello *h, const struct client_conf *conf)
{
	char key[WS_HELLO_KEY_LEN + 1], host[AUTHORITY_FIELD];
	char request[WS_URL_TARGET + 512];
	int n;

	ws_hello_make_key(key);
	ws_hello_accept(key, h->accept);
	ws_url_put_host(&conf->to, host);
	n = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n",
	    conf->to.target, host, key);
	stream_write(h->stream, request, (size_t)n);
}

struct hello *
hello_new(struct client *client, struct stream *stream,
    const struct hello_ops *ops, void *owner)
{
	struct hello *h = mem_new(1, sizeof(*h));

	*h = (struct hello){
		.client = client,
		.ops = ops,
		.owner = owner,
		.stream = stream,
	};
	buf_init(&h->in, HELD_MAX);
	deadlines_init(&h->deadlines, client->flow.base, h->due, DUE_COUNT,
	    &deadlines_ops, h);
	deadlines_set(&h->deadlines, DUE_ANSWER,
	    client->conf.handshake_timeout);
	stream_set_owner(stream, &stream_ops, h);
	ask(h, &client->conf);
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
	free(h);
}
