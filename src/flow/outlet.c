#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/framing.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "conf/conf.h"
#include "dialect/standpipe_v1.h"
#include "flow/endpoint.h"
#include "flow/gather.h"
#include "flow/outlet.h"
#include "flow/transport_ws.h"

enum {
	LATE_MAX = 64 * 1024,    /* of standard error, behind an open message */
	QUEUE_MAX = 1024 * 1024, /* it waits for the client up to this */
	CHUNK = 4096,            /* of a message, escaped at a time */
	AROUND = 32,             /* what goes before and behind the data */
	LINE_MAX_REPAIRED =
	    UTF8_REPAIR_GROWTH * ENDPOINT_STDERR_LINE + UTF8_REPAIR_EXTRA,
};

static const char out_head[] = "{\"stream\":\"stdout\",\"data\":\"";
static const char err_head[] = "{\"stream\":\"stderr\",\"data\":\"";
static const char tail[] = "\"}";

void
outlet_init(struct outlet *o, struct transport_ws *transport,
    const struct conf_route *route, bool v1)
{
	*o = (struct outlet){
		.transport = transport,
		.route = route,
		.v1 = v1,
		.plain = !v1 && route->stderr_to != CONF_STDERR_JSON,
	};
	buf_init(&o->late, LATE_MAX);
}

void
outlet_clear(struct outlet *o)
{
	buf_clear(&o->late);
}

/* Text that will not outlast the call: small pieces are copied anyway. */
static void
send_passing(struct outlet *o, bool last, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(true, data, len);

	p.last = last;
	transport_ws_send(o->transport, &p);
	if (len > GATHER_COPY)
		transport_ws_flush(o->transport);
}

static void
send_message(struct outlet *o, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(false, data, len);

	transport_ws_send(o->transport, &p);
}

/*
 * A piece of a message as a piece of an object: head begins it (NULL: it has
 * begun) and last ends it. Each chunk becomes a fragment, so that a message
 * of any length costs no more than one of them.
 */
static void
send_object(struct outlet *o, const char *head, bool last, const uint8_t *data,
    size_t len)
{
	uint8_t out[AROUND + JSON_GROWTH * CHUNK + AROUND];
	size_t n = 0, part;

	if (head != NULL) {
		n = strlen(head);
		memcpy(out, head, n);
	}
	for (;; data += part, len -= part, n = 0) {
		part = len < CHUNK ? len : CHUNK;
		n += json_escape(data, part, out + n);
		if (part == len)
			break;
		send_passing(o, false, out, n);
	}
	if (last) {
		memcpy(out + n, tail, sizeof(tail) - 1);
		n += sizeof(tail) - 1;
	}
	send_passing(o, last, out, n);
}

static bool
is_json(const struct outlet *o)
{
	return !o->v1 && !o->plain;
}

/* A piece of a message of standpipe.v1, the first one behind its type. */
static void
send_typed(struct outlet *o, enum v1_type type, const struct piece *p)
{
	struct piece binary = *p;
	uint8_t byte = (uint8_t)type;

	binary.text = false;
	transport_ws_send_after(o->transport, &byte, p->first ? 1 : 0, &binary);
}

static void
send_typed_whole(struct outlet *o, enum v1_type type, const uint8_t *data,
    size_t len)
{
	struct piece p = piece_whole(false, data, len);

	send_typed(o, type, &p);
}

void
outlet_send(struct outlet *o, const struct piece *p)
{
	if (o->plain)
		transport_ws_send(o->transport, p);
	else if (o->v1)
		send_typed(o, p->text ? V1_TEXT : V1_BINARY, p);
	else
		send_object(o, p->first ? out_head : NULL, p->last, p->data,
		    p->len);
}

bool
outlet_takes_bytes(const struct outlet *o)
{
	return o->v1 && !framing_kinds[o->route->framing].typed;
}

void
outlet_send_bytes(struct outlet *o, const uint8_t *data, size_t len)
{
	send_typed_whole(o, V1_BYTES, data, len);
}

static void
put_line(struct buf *b, const char *name, const char *value)
{
	if (!buf_add_str(b, name) || !buf_add_byte(b, ' ') ||
	    !buf_add_str(b, value) || !buf_add_byte(b, '\n'))
		mem_misfit(b, "a HELLO does not fit");
}

void
outlet_say_hello(struct outlet *o, const char *subprotocol)
{
	const struct conf_list *signals = &o->route->client_signals;
	struct buf b;

	if (!o->v1)
		return;
	buf_init(&b, V1_CONTROL_MAX);
	if (!buf_add_byte(&b, V1_HELLO))
		mem_misfit(&b, "no room for a byte");
	put_line(&b, "data", outlet_takes_bytes(o) ? "bytes" : "messages");
	for (size_t i = 0; i < signals->n; i++)
		if (str_signal(signals->v[i]) != 0)
			put_line(&b, "signal", signals->v[i]);
	if (o->route->stderr_to != CONF_STDERR_LOG)
		put_line(&b, "stderr", "yes");
	if (subprotocol != NULL)
		put_line(&b, "subprotocol", subprotocol);
	send_message(o, b.data, b.len);
	transport_ws_flush(o->transport);
	buf_clear(&b);
}

void
outlet_say_end(struct outlet *o)
{
	if (o->v1)
		send_typed_whole(o, V1_END, NULL, 0);
}

void
outlet_say_exit(struct outlet *o, struct ended ended)
{
	uint8_t out[1 + V1_EXIT_MAX];

	if (o->v1)
		send_message(o, out, v1_put_exit(out, ended));
}

/* Bytes are not repaired for who takes them as they are. */
static void
send_raw_line(struct outlet *o, const uint8_t *line, size_t len)
{
	uint8_t text[ENDPOINT_STDERR_LINE + 1];

	memcpy(text, line, len);
	text[len] = '\n';
	send_typed_whole(o, V1_STDERR, text, len + 1);
	if (len >= GATHER_COPY)
		transport_ws_flush(o->transport);
}

static void
send_text_line(struct outlet *o, const uint8_t *line, size_t len)
{
	uint8_t text[LINE_MAX_REPAIRED];
	struct utf8 u;
	size_t n;

	utf8_init(&u);
	n = utf8_repair(&u, line, len, text);
	n += utf8_repair_end(&u, text + n);
	if (is_json(o))
		send_object(o, err_head, true, text, n);
	else
		send_passing(o, true, text, n);
}

static void
send_line(struct outlet *o, const uint8_t *line, size_t len)
{
	if (o->v1)
		send_raw_line(o, line, len);
	else
		send_text_line(o, line, len);
}

/* Whether the client is to get standard error, and there is a place for it. */
static bool
takes_lines(const struct outlet *o)
{
	return o->route->stderr_to != CONF_STDERR_LOG &&
	    (o->v1 || framing_kinds[o->route->framing].text);
}

bool
outlet_complain(struct outlet *o, const uint8_t *line, size_t len)
{
	if (!takes_lines(o) || transport_ws_queued(o->transport) > QUEUE_MAX)
		return false;
	if (!o->transport->in_message) {
		send_line(o, line, len);
		return true;
	}
	if (o->late.len + 2 + len > LATE_MAX)
		return false;
	return buf_add_byte(&o->late, (uint8_t)(len >> 8)) &&
	    buf_add_byte(&o->late, (uint8_t)len) &&
	    buf_add(&o->late, line, len);
}

bool
outlet_logs(const struct outlet *o)
{
	return o->route->stderr_to != CONF_STDERR_CLIENT;
}

/* The open message is complete: what waited behind it goes out. */
static void
send_late(struct outlet *o)
{
	size_t at = 0;

	if (o->late.len == 0 || o->transport->in_message)
		return;
	while (at < o->late.len) {
		size_t len =
		    (size_t)o->late.data[at] << 8 | o->late.data[at + 1];

		send_line(o, o->late.data + at + 2, len);
		at += 2 + len;
	}
	buf_clear(&o->late);
}

void
outlet_flush(struct outlet *o)
{
	transport_ws_flush(o->transport);
	send_late(o);
}
