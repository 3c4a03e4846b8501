#include <string.h>

#include "base/base.h"
#include "codec/framing.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "conf/conf.h"
#include "flow/endpoint_exec.h"
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
outlet_init(struct outlet *o, struct transport_ws *transport, int stderr_to)
{
	*o = (struct outlet){
		.transport = transport,
		.stderr_to = stderr_to,
	};
	buf_init(&o->late, LATE_MAX);
}

void
outlet_clear(struct outlet *o)
{
	buf_clear(&o->late);
}

/* A piece that will not outlast the call: small ones are copied anyway. */
static void
send_passing(struct outlet *o, bool last, const uint8_t *data, size_t len)
{
	transport_ws_send(o->transport, true, last, data, len);
	if (len > GATHER_COPY)
		transport_ws_flush(o->transport);
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

void
outlet_send(struct outlet *o, const struct framing_event *ev)
{
	if (o->stderr_to == CONF_STDERR_JSON)
		send_object(o, ev->first ? out_head : NULL, ev->last, ev->data,
		    ev->len);
	else
		transport_ws_send(o->transport, ev->text, ev->last, ev->data,
		    ev->len);
}

static void
send_line(struct outlet *o, const uint8_t *line, size_t len)
{
	uint8_t text[LINE_MAX_REPAIRED];
	struct utf8 u;
	size_t n;

	utf8_init(&u);
	n = utf8_repair(&u, line, len, text);
	n += utf8_repair_end(&u, text + n);
	if (o->stderr_to == CONF_STDERR_JSON)
		send_object(o, err_head, true, text, n);
	else
		transport_ws_send(o->transport, true, true, text, n);
	transport_ws_flush(o->transport);
}

bool
outlet_complain(struct outlet *o, const uint8_t *line, size_t len)
{
	if (o->stderr_to == CONF_STDERR_LOG ||
	    transport_ws_queued(o->transport) > QUEUE_MAX)
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
	return o->stderr_to != CONF_STDERR_CLIENT;
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
