#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/facts.h"
#include "client/talk_v1.h"
#include "codec/piece.h"
#include "flow/transport.h"

void
talk_v1_init(struct talk_v1 *n, struct transport *transport,
    struct facts *facts, bool agreed)
{
	*n = (struct talk_v1){ .transport = transport, .facts = facts };
	if (!agreed)
		return;
	n->reader = mem_new(1, sizeof(*n->reader));
	v1_reader_init(n->reader);
}

void
talk_v1_clear(struct talk_v1 *n)
{
	free(n->reader);
	n->reader = NULL;
}

bool
talk_v1_is_on(const struct talk_v1 *n)
{
	return n->reader != NULL;
}

bool
talk_v1_is_ready(const struct talk_v1 *n)
{
	return !talk_v1_is_on(n) || n->ready;
}

/* ------------------------------------------------- what the daemon says */

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

static void
allow_signal(struct talk_v1 *n, const char *s, size_t len)
{
	char name[V1_SIGNAL_MAX + 1] = "";
	int sig;

	if (len < sizeof(name))
		memcpy(name, s, len);
	if ((sig = str_signal(name)) > 0 && sig < 64)
		n->signals |= UINT64_C(1) << sig;
}

static void
take_hello(struct talk_v1 *n, const struct v1_event *ev)
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
take_exit(struct talk_v1 *n, const struct v1_event *ev)
{
	char signal[V1_SIGNAL_MAX + 1];

	v1_read_exit(ev, &n->status, signal);
	n->exited = true;
}

enum v1_result
talk_v1_read(struct talk_v1 *n, const struct piece *p, struct v1_event *ev)
{
	enum v1_result rc = v1_read(n->reader, p, ev);

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
send_typed(struct talk_v1 *n, enum v1_type type, const struct piece *p)
{
	struct piece binary = *p;
	uint8_t byte = (uint8_t)type;

	binary.text = false;
	transport_send_after(n->transport, &byte, p->first ? 1 : 0, &binary);
}

static void
send_message(struct talk_v1 *n, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(false, data, len);

	transport_send(n->transport, &p);
}

void
talk_v1_send_bytes(struct talk_v1 *n, const uint8_t *data, size_t len)
{
	struct piece p = piece_whole(false, data, len);

	send_typed(n, V1_BYTES, &p);
}

void
talk_v1_send_end(struct talk_v1 *n)
{
	struct piece p = piece_whole(false, NULL, 0);

	send_typed(n, V1_END, &p);
}

void
talk_v1_send_piece(struct talk_v1 *n, const struct piece *p)
{
	send_typed(n, p->text ? V1_TEXT : V1_BINARY, p);
}

bool
talk_v1_send_signal(struct talk_v1 *n, int sig)
{
	uint8_t out[1 + V1_SIGNAL_MAX];

	if (n->exited || sig <= 0 || sig >= 64 ||
	    !(n->signals & UINT64_C(1) << sig))
		return false;
	send_message(n, out, v1_put_signal(out, str_signal_name(sig)));
	transport_flush(n->transport);
	return true;
}

void
talk_v1_send_window(struct talk_v1 *n, unsigned columns, unsigned rows)
{
	uint8_t out[1 + V1_WINDOW_LEN];

	send_message(n, out, v1_put_window(out, columns, rows));
	transport_flush(n->transport);
}
