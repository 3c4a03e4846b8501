/*
 * Every message is an object that names its stream,
 * {"stream":"stdout","data":"..."}, also one that is sent in pieces.
 */
#include <string.h>

#include "codec/json.h"
#include "dialect/dialect.h"

enum {
	CHUNK = 4096, /* of a message, escaped at a time */
	AROUND = 32,  /* what goes before and after the data */
};

static const char out_head[] = "{\"stream\":\"stdout\",\"data\":\"";
static const char err_head[] = "{\"stream\":\"stderr\",\"data\":\"";
static const char tail[] = "\"}";

static void
send_text(struct dialect *d, const uint8_t *data, size_t len, bool first,
    bool last)
{
	struct piece p = {
		.text = true,
		.first = first,
		.last = last,
		.kept = true,
		.data = data,
		.len = len,
	};

	d->ops->to_peer(d->owner, NULL, 0, &p);
}

/*
 * A piece of a message as a piece of an object, which begins with head. Each
 * chunk becomes a fragment, so that a message of any length costs no more than
 * one of them.
 */
static void
send_object(struct dialect *d, const char *head, const struct piece *p)
{
	uint8_t out[AROUND + JSON_GROWTH * CHUNK + AROUND];
	const uint8_t *data = p->data;
	size_t n = 0, left = p->len, part;
	bool first = p->first;

	if (first) {
		n = strlen(head);
		memcpy(out, head, n);
	}
	for (;; data += part, left -= part, n = 0, first = false) {
		part = left < CHUNK ? left : CHUNK;
		n += json_escape(data, part, out + n);
		if (part == left)
			break;
		send_text(d, out, n, first, false);
	}
	if (p->last) {
		memcpy(out + n, tail, sizeof(tail) - 1);
		n += sizeof(tail) - 1;
	}
	send_text(d, out, n, first, p->last);
}

static void
json_stderr_send(struct dialect *d, const struct piece *p)
{
	send_object(d, out_head, p);
}

/* A long line is several pieces. */
static void
json_stderr_send_line(struct dialect *d, const uint8_t *line, size_t len)
{
	uint8_t text[DIALECT_TEXT_MAX];
	struct piece p =
	    piece_whole(true, text, dialect_put_text(text, line, len));

	send_object(d, err_head, &p);
}

const struct dialect_body dialect_json_stderr = {
	.name = "json-stderr",
	.send = json_stderr_send,
	.send_line = json_stderr_send_line,
};
