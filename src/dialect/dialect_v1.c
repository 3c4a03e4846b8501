/* standpipe.v1 as the daemon speaks it (standpipe-protocol(7)). */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "dialect/dialect.h"
#include "dialect/standpipe_v1.h"

static void
v1_init(struct dialect *d)
{
	d->state = mem_new(1, sizeof(struct v1_reader));
	v1_reader_init(d->state);
}

static void
v1_clear(struct dialect *d)
{
	free(d->state);
	d->state = NULL;
}

/* ------------------------------------------------- from the peer */

static void
take_signal(struct dialect *d, const struct v1_event *ev)
{
	char name[V1_SIGNAL_MAX + 1];

	v1_read_signal(ev, name);
	d->ops->on_signal(d->owner, name);
}

static void
take_event(struct dialect *d, const struct v1_event *ev)
{
	switch (ev->type) {
	case V1_BYTES:
		d->ops->bytes_to_endpoint(d->owner, &ev->piece);
		break;
	case V1_TEXT:
	case V1_BINARY:
		d->ops->to_endpoint(d->owner, &ev->piece);
		break;
	case V1_END:
		d->ops->on_end(d->owner);
		break;
	case V1_SIGNAL:
		take_signal(d, ev);
		break;
	default: /* a window is for terminals; the others are not a client's */
		break;
	}
}

static void
v1_from_peer(struct dialect *d, const struct piece *p)
{
	struct v1_event ev;
	enum v1_result rc = v1_read(d->state, p, &ev);

	if (rc < 0)
		d->ops->on_refused(d->owner, v1_close_code(rc),
		    v1_strresult(rc));
	else if (rc != V1_NOTHING)
		take_event(d, &ev);
}

/* ------------------------------------------------- for the peer */

/* A piece of a message, the first one after its type. */
static void
send_typed(struct dialect *d, enum v1_type type, const struct piece *p)
{
	struct piece binary = *p;
	uint8_t byte = (uint8_t)type;

	binary.text = false;
	d->ops->to_peer(d->owner, &byte, p->first ? 1 : 0, &binary);
}

static void
v1_send(struct dialect *d, const struct piece *p)
{
	send_typed(d, p->text ? V1_TEXT : V1_BINARY, p);
}

static void
v1_send_bytes(struct dialect *d, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(false, data, len);

	send_typed(d, V1_BYTES, &p);
}

/* Bytes are not repaired for a peer that takes them as they are. */
static void
v1_send_line(struct dialect *d, const uint8_t *line, size_t len)
{
	uint8_t text[DIALECT_LINE_MAX + 1];
	struct piece p = piece_whole(false, text, len + 1);

	memcpy(text, line, len);
	text[len] = '\n';
	p.kept = true;
	send_typed(d, V1_STDERR, &p);
}

/* A whole message, type and all. */
static void
send_whole(struct dialect *d, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(false, data, len);

	p.kept = true;
	d->ops->to_peer(d->owner, NULL, 0, &p);
}

static void
put_line(struct buf *b, const char *name, const char *value)
{
	if (!buf_add_str(b, name) || !buf_add_byte(b, ' ') ||
	    !buf_add_str(b, value) || !buf_add_byte(b, '\n'))
		mem_misfit(b, "a HELLO does not fit");
}

/* Settings may name one twice, and there is no end of that. */
static bool
is_said(char *const *signals, size_t n, int sig)
{
	for (size_t i = 0; i < n; i++)
		if (str_signal(signals[i]) == sig)
			return true;
	return false;
}

static void
put_signals(struct buf *b, char *const *signals, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int sig = str_signal(signals[i]);

		if (sig != 0 && !is_said(signals, i, sig))
			put_line(b, "signal", signals[i]);
	}
}

static void
v1_say_hello(struct dialect *d, const struct dialect_hello *h)
{
	struct buf b;

	buf_init(&b, V1_CONTROL_MAX);
	if (!buf_add_byte(&b, V1_HELLO))
		mem_misfit(&b, "no room for a byte");
	put_line(&b, "data", h->bytes ? "bytes" : "messages");
	put_signals(&b, h->signals, h->signals_len);
	if (h->stderr_lines)
		put_line(&b, "stderr", "yes");
	if (h->subprotocol != NULL)
		put_line(&b, "subprotocol", h->subprotocol);
	send_whole(d, b.data, b.len);
	buf_clear(&b);
}

static void
v1_say_end(struct dialect *d)
{
	struct piece p = piece_whole(false, NULL, 0);

	send_typed(d, V1_END, &p);
}

static void
v1_say_exit(struct dialect *d, struct ended ended)
{
	uint8_t out[1 + V1_EXIT_MAX];

	send_whole(d, out, v1_put_exit(out, ended));
}

const struct dialect_body dialect_v1 = {
	.name = V1_PROTOCOL,
	.apart = true,
	.init = v1_init,
	.clear = v1_clear,
	.from_peer = v1_from_peer,
	.send = v1_send,
	.send_bytes = v1_send_bytes,
	.send_line = v1_send_line,
	.say_hello = v1_say_hello,
	.say_end = v1_say_end,
	.say_exit = v1_say_exit,
};
