#include <sys/uio.h>

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/facts.h"
#include "client/inner.h"
#include "codec/ws.h"
#include "flow/transport_ws.h"

void
inner_init(struct inner *n, struct transport_ws *transport, struct facts *facts,
    bool agreed)
{
	*n = (struct inner){ .transport = transport, .facts = facts };
	if (!agreed)
		return;
	n->reader = mem_new(1, sizeof(*n->reader));
	v1_reader_init(n->reader);
}

void
inner_clear(struct inner *n)
{
	free(n->reader);
	n->reader = NULL;
}

bool
inner_is_on(const struct inner *n)
{
	return n->reader != NULL;
}

bool
inner_is_ready(const struct inner *n)
{
	return !inner_is_on(n) || n->ready;
}

/* ------------------------------------------------- what the daemon says */

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

static void
allow_signal(struct inner *n, const char *s, size_t len)
{
	char name[V1_SIGNAL_MAX + 1] = "";
	int sig;

	if (len < sizeof(name))
		memcpy(name, s, len);
	if ((sig = str_signal(name)) > 0 && sig < 64)
		n->signals |= UINT64_C(1) << sig;
}

static void
take_hello(struct inner *n, const struct v1_event *ev)
{
	const char *name, *value;
	size_t at = 0, name_len, value_len;

	n->ready = true;
	n->facts->protocol[0] = '\0';
	while (v1_read_hello(ev, &at, &name, &name_len, &value, &value_len)) {
		if (is_word(name, name_len, "signal"))
			allow_signal(n, value, value_len);
		else if (is_word(name, name_len, "data"))
			n->messages = is_word(value, value_len, "messages");
		else if (is_word(name, name_len, "subprotocol"))
			facts_set_text(n->facts->protocol, value, value_len);
	}
}

static void
take_exit(struct inner *n, const struct v1_event *ev)
{
	char signal[V1_SIGNAL_MAX + 1];

	v1_read_exit(ev, &n->status, signal);
	n->exited = true;
}

enum v1_result
inner_read(struct inner *n, const struct ws_event *piece, struct v1_event *ev)
{
	const struct v1_piece p = {
		.text = piece->opcode == WS_OP_TEXT,
		.last = piece->last,
		.data = piece->data,
		.len = piece->len,
	};
	enum v1_result rc = v1_read(n->reader, &p, ev);

	if (rc != V1_CONTROL)
		return rc;
	if (ev->type == V1_HELLO)
		take_hello(n, ev);
	else if (ev->type == V1_END)
		n->ended = true;
	else if (ev->type == V1_EXIT)
		take_exit(n, ev);
	return V1_NOTHING;
}

/* ------------------------------------------------- what we say */

static void
send_typed(struct inner *n, enum v1_type type, bool first, bool last,
    const uint8_t *data, size_t len)
{
	uint8_t byte = (uint8_t)type;
	struct iovec v[2] = {
		{ &byte, first ? 1 : 0 },
		{ (void *)(uintptr_t)data, len },
	};

	transport_ws_sendv(n->transport, false, last, v, nitems(v));
}

void
inner_send_bytes(struct inner *n, const uint8_t *data, size_t len)
{
	send_typed(n, V1_BYTES, true, true, data, len);
}

void
inner_send_end(struct inner *n)
{
	send_typed(n, V1_END, true, true, NULL, 0);
}

void
inner_send_piece(struct inner *n, bool text, bool last, const uint8_t *data,
    size_t len)
{
	send_typed(n, text ? V1_TEXT : V1_BINARY, !n->in_message, last, data,
	    len);
	n->in_message = !last;
}

bool
inner_send_signal(struct inner *n, int sig)
{
	uint8_t out[1 + V1_SIGNAL_MAX];

	if (n->exited || sig <= 0 || sig >= 64 ||
	    !(n->signals & UINT64_C(1) << sig))
		return false;
	transport_ws_send(n->transport, false, true, out,
	    v1_put_signal(out, str_signal_name(sig)));
	transport_ws_flush(n->transport);
	return true;
}

void
inner_send_window(struct inner *n, unsigned columns, unsigned rows)
{
	uint8_t out[1 + V1_WINDOW_LEN];

	transport_ws_send(n->transport, false, true, out,
	    v1_put_window(out, columns, rows));
	transport_ws_flush(n->transport);
}
