#include "base/base.h"
#include "client/client_conf.h"
#include "client/local.h"
#include "client/talk_print.h"
#include "client/term_charset.h"
#include "codec/hex.h"
#include "flow/gather.h"

enum {
	HEX_CHUNK = GATHER_COPY / HEX_GROWTH,
	ESCAPE_CHUNK = (GATHER_COPY - ESCAPE_EXTRA) / ESCAPE_GROWTH,
};

void
talk_print_init(struct talk_print *p, struct gather *gather,
    struct local *local, const struct client_conf *conf)
{
	*p = (struct talk_print){
		.gather = gather,
		.local = local,
		.framing = client_conf_framing(conf->framing),
		.is_hex = conf->framing == CLIENT_HEX,
		.escapes = local_is_shown(local),
		.escape = { .ascii = !term_charset_is_utf8() },
	};
	buf_init(&p->held, (size_t)client_conf_max_message(conf));
}

void
talk_print_clear(struct talk_print *p)
{
	buf_clear(&p->held);
}

static void
put(struct talk_print *p, const uint8_t *data, size_t len)
{
	struct stream *out = local_output(p->local);

	if (out != NULL && len > 0 && !local_show(p->local, data, len))
		gather_add(p->gather, out, data, len);
}

static void
put_hex(struct talk_print *p, const uint8_t *data, size_t len)
{
	uint8_t out[HEX_GROWTH * HEX_CHUNK];
	size_t part;

	for (; len > 0; data += part, len -= part) {
		part = len < HEX_CHUNK ? len : HEX_CHUNK;
		put(p, out, hex_put(data, part, out));
	}
}

static void
put_escaped(struct talk_print *p, const uint8_t *data, size_t len)
{
	uint8_t out[ESCAPE_GROWTH * ESCAPE_CHUNK + ESCAPE_EXTRA];
	size_t part;

	for (; len > 0; data += part, len -= part) {
		part = len < ESCAPE_CHUNK ? len : ESCAPE_CHUNK;
		put(p, out, escape_put(&p->escape, data, part, out));
	}
}

static void
put_payload(struct talk_print *p, bool last, const uint8_t *data, size_t len)
{
	uint8_t rest[ESCAPE_EXTRA];

	if (!p->escapes) {
		put(p, data, len);
		return;
	}
	put_escaped(p, data, len);
	if (last)
		put(p, rest, escape_end(&p->escape, rest));
}

static void
put_framed(struct talk_print *p, const struct piece *piece)
{
	uint8_t around[FRAMING_HEAD_MAX];
	size_t n = framing_head(around, p->framing, piece);

	put_payload(p, false, around, n);
	put_payload(p, piece->last, piece->data, piece->len);
	put_payload(p, false, around, framing_tail(around, p->framing, piece));
}

/* Nothing is put before the message is whole; its length comes first. */
static bool
put_whole(struct talk_print *p, const struct piece *piece)
{
	struct piece whole;

	if (piece->last && p->held.len == 0) {
		put_framed(p, piece);
		return true;
	}
	if (!buf_add(&p->held, piece->data, piece->len))
		return false;
	if (!piece->last)
		return true;
	whole = piece_whole(piece->text, p->held.data, p->held.len);
	put_framed(p, &whole);
	gather_flush(p->gather);
	buf_clear(&p->held);
	return true;
}

bool
talk_print_piece(struct talk_print *p, const struct piece *piece)
{
	if (p->framing->whole)
		return put_whole(p, piece);
	if (p->is_hex) {
		put_hex(p, piece->data, piece->len);
		put(p, (const uint8_t *)"\n", piece->last);
	} else {
		put_framed(p, piece);
	}
	return true;
}

void
talk_print_close(struct talk_print *p, const uint8_t *payload, size_t len)
{
	uint8_t head[FRAMING_HEAD_MAX];
	size_t n = framing_close_head(head, p->framing, len);

	if (n == 0)
		return;
	put_payload(p, false, head, n);
	put_payload(p, true, payload, len);
}

void
talk_print_bytes(struct talk_print *p, const uint8_t *data, size_t len)
{
	struct piece whole = piece_whole(false, data, len);

	if (p->is_hex)
		(void)talk_print_piece(p, &whole);
	else
		put_payload(p, false, data, len);
}
