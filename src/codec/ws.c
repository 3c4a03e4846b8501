#include <string.h>

#include "base/base.h"
#include "base/be.h"
#include "codec/ws.h"

enum {
	BIT_FIN = 0x80,
	BITS_RSV = 0x70,
	BITS_OPCODE = 0x0f,
	BIT_CONTROL = 0x08,
	BIT_MASK = 0x80,
	BITS_LEN = 0x7f,
	LEN_16 = 126, /* the length follows in two bytes */
	LEN_64 = 127, /* in eight */
};

void
ws_reader_init(struct ws_reader *r, enum ws_role role, uint64_t max)
{
	*r = (struct ws_reader){
		.role = (uint8_t)role,
		.max = max == 0 ? UINT64_MAX : max,
	};
}

bool
ws_reader_is_between(const struct ws_reader *r)
{
	return r->message == 0 && r->head_len == 0 && !r->in_payload;
}

void
ws_reader_inflate(struct ws_reader *r)
{
	r->inflates = true;
}

void
ws_reader_accept_unmasked(struct ws_reader *r)
{
	r->lenient = true;
}

bool
ws_reader_in_message(const struct ws_reader *r)
{
	return r->message != 0;
}

static size_t
length_bytes(uint8_t len7)
{
	return len7 == LEN_64 ? 8 : len7 == LEN_16 ? 2 : 0;
}

/* RSV1 has a meaning where a message begins (RFC 7692, section 6). */
static bool
rsv_ok(const struct ws_reader *r, uint8_t first)
{
	uint8_t op = first & BITS_OPCODE;

	return (first & BITS_RSV) == 0 ||
	    ((first & BITS_RSV) == WS_DEFLATED && r->inflates &&
		(op == WS_OP_TEXT || op == WS_OP_BINARY));
}

/* Clients mask, servers do not (section 5.1). */
static bool
mask_ok(const struct ws_reader *r, uint8_t second)
{
	bool masked = second & BIT_MASK;

	return masked == (r->role == WS_SERVER) || (!masked && r->lenient);
}

/* What the first two bytes alone say is wrong. */
static enum ws_result
check_start(const struct ws_reader *r, const uint8_t *head)
{
	uint8_t op = head[0] & BITS_OPCODE;
	bool fin = head[0] & BIT_FIN;

	if (!rsv_ok(r, head[0]))
		return WS_ERR_RSV;
	if (op > WS_OP_PONG || (op > WS_OP_BINARY && op < WS_OP_CLOSE))
		return WS_ERR_OPCODE;
	if (!mask_ok(r, head[1]))
		return WS_ERR_MASK;
	if (op & BIT_CONTROL)
		return fin && (head[1] & BITS_LEN) <= WS_CONTROL_MAX
		    ? WS_MORE
		    : WS_ERR_CONTROL;
	if ((op == WS_OP_CONTINUATION) != (r->message != 0))
		return WS_ERR_FRAGMENT;
	return WS_MORE;
}

/* A data frame begins, and perhaps a message. */
static enum ws_result
start_data(struct ws_reader *r, uint8_t first)
{
	if (r->opcode != WS_OP_CONTINUATION) {
		r->message = r->opcode;
		r->deflated = first & WS_DEFLATED;
		r->room = r->max;
		r->first = true;
		utf8_init(&r->utf8);
	}
	if (r->deflated)
		return WS_MORE;
	if (r->left > r->room)
		return WS_ERR_TOO_BIG;
	r->room -= r->left;
	return WS_MORE;
}

/* All of the head is there. */
static enum ws_result
start_frame(struct ws_reader *r, const uint8_t *head)
{
	uint8_t len7 = head[1] & BITS_LEN;
	size_t n = length_bytes(len7);

	r->opcode = head[0] & BITS_OPCODE;
	r->fin = head[0] & BIT_FIN;
	r->left = n == 0 ? len7 : be_read(head + 2, n);
	if ((n == 2 && r->left < LEN_16) || (n == 8 && r->left <= UINT16_MAX) ||
	    r->left > INT64_MAX)
		return WS_ERR_LENGTH;
	r->masked = head[1] & BIT_MASK;
	if (r->masked)
		memcpy(r->key, head + 2 + n, sizeof(r->key));
	else
		r->bare = true;
	r->key_at = 0;
	r->in_payload = true;
	r->control_len = 0;
	return r->opcode & BIT_CONTROL ? WS_MORE : start_data(r, head[0]);
}

/* Collect a head; it lies in one piece unless the reads cut it. */
static enum ws_result
read_head(struct ws_reader *r, const uint8_t *in, size_t len, size_t *used)
{
	const uint8_t *head = in;
	size_t have = len, held = r->head_len, need = 2;
	enum ws_result rc;

	if (held > 0) {
		size_t n = sizeof(r->head) - held;

		if (n > len)
			n = len;
		memcpy(r->head + held, in, n);
		head = r->head;
		have = held + n;
	}
	if (have >= 2) {
		if ((rc = check_start(r, head)) != WS_MORE)
			return rc;
		need += length_bytes(head[1] & BITS_LEN) +
		    (head[1] & BIT_MASK ? sizeof(r->key) : 0);
	}
	if (have < need) {
		if (held == 0)
			memcpy(r->head, in, len);
		r->head_len = (uint8_t)have;
		*used = len;
		return WS_MORE;
	}
	*used = need - held;
	r->head_len = 0;
	return start_frame(r, head);
}

static void
unmask(struct ws_reader *r, uint8_t *data, size_t len)
{
	if (r->masked)
		r->key_at = (uint8_t)ws_mask(data, len, r->key, r->key_at);
}

static enum ws_result
read_control(struct ws_reader *r, const uint8_t *in, size_t len, size_t *used,
    struct ws_event *ev)
{
	size_t n = r->left < len ? (size_t)r->left : len;

	if (n > 0)
		memcpy(r->control + r->control_len, in, n);
	unmask(r, r->control + r->control_len, n);
	r->control_len = (uint8_t)(r->control_len + n);
	r->left -= n;
	*used = n;
	if (r->left > 0)
		return WS_MORE;
	r->in_payload = false;
	*ev = (struct ws_event){
		.piece = piece_whole(false, r->control, r->control_len),
		.opcode = r->opcode,
	};
	return WS_CONTROL;
}

static enum ws_result
check_text(struct ws_reader *r, const struct piece *p)
{
	return p->text &&
		(utf8_check(&r->utf8, p->data, p->len) != p->len ||
		    (p->last && !utf8_complete(&r->utf8)))
	    ? WS_ERR_UTF8
	    : WS_DATA;
}

static enum ws_result
read_data(struct ws_reader *r, uint8_t *in, size_t len, size_t *used,
    struct ws_event *ev)
{
	size_t n = r->left < len ? (size_t)r->left : len;
	enum ws_result rc = WS_DATA;

	*used = n;
	if (n == 0 && r->left > 0)
		return WS_MORE;
	unmask(r, in, n);
	r->left -= n;
	ev->piece = (struct piece){
		.text = r->message == WS_OP_TEXT,
		.first = r->first,
		.last = r->fin && r->left == 0,
		.data = in,
		.len = n,
	};
	ev->deflated = r->deflated;
	if (!r->deflated && (rc = check_text(r, &ev->piece)) < 0)
		return rc;
	r->first = false;
	if (r->left == 0)
		r->in_payload = false;
	if (ev->piece.last)
		r->message = 0;
	return rc;
}

enum ws_result
ws_read(struct ws_reader *r, uint8_t *in, size_t len, size_t *used,
    struct ws_event *ev)
{
	enum ws_result rc;
	size_t head = 0, body = 0;

	if (!r->in_payload) {
		*used = 0;
		if (len == 0)
			return WS_MORE;
		rc = read_head(r, in, len, &head);
		*used = head;
		if (rc != WS_MORE || !r->in_payload)
			return rc;
	}
	if (r->opcode & BIT_CONTROL)
		rc = read_control(r, in + head, len - head, &body, ev);
	else
		rc = read_data(r, in + head, len - head, &body, ev);
	*used = head + body;
	return rc;
}

enum ws_result
ws_check_inflated(struct ws_reader *r, const struct piece *p)
{
	if (p->len > r->room)
		return WS_ERR_TOO_BIG;
	r->room -= p->len;
	return check_text(r, p);
}

bool
ws_close_code_ok(unsigned code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

enum ws_result
ws_read_close(const uint8_t *payload, size_t len, unsigned *code,
    const uint8_t **reason, size_t *reason_len)
{
	struct utf8 u;

	*code = WS_CLOSE_NO_STATUS;
	*reason = payload;
	*reason_len = 0;
	if (len == 0)
		return WS_CONTROL;
	if (len == 1)
		return WS_ERR_CLOSE;
	*code = (unsigned)be_read(payload, 2);
	*reason = payload + 2;
	*reason_len = len - 2;
	if (!ws_close_code_ok(*code))
		return WS_ERR_CLOSE;
	utf8_init(&u);
	if (utf8_check(&u, *reason, *reason_len) != *reason_len ||
	    !utf8_complete(&u))
		return WS_ERR_UTF8;
	return WS_CONTROL;
}

size_t
ws_put_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode op, bool fin, uint64_t len,
    const uint8_t *key)
{
	size_t n = len < LEN_16 ? 0 : len <= UINT16_MAX ? 2 : 8;

	out[0] = (uint8_t)((fin ? BIT_FIN : 0) | op);
	out[1] = (uint8_t)(n == 0 ? len : n == 2 ? LEN_16 : LEN_64);
	be_put(out + 2, len, n);
	n += 2;
	if (key != NULL) {
		out[1] |= BIT_MASK;
		memcpy(out + n, key, 4);
		n += 4;
	}
	return n;
}

/* The longest prefix of at most max bytes that does not end inside a character. */
static size_t
cut_text(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((uint8_t)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

size_t
ws_put_close(uint8_t out[WS_CONTROL_MAX], unsigned code, const char *reason)
{
	size_t n;

	if (code == WS_CLOSE_NO_STATUS)
		return 0;
	be_put(out, code, 2);
	n = cut_text(reason, strlen(reason), WS_REASON_MAX);
	memcpy(out + 2, reason, n);
	return 2 + n;
}

unsigned
ws_mask(uint8_t *data, size_t len, const uint8_t key[4], unsigned at)
{
	/* Four words at a time: compilers make two or one vector of them. */
	uint8_t round[12]; /* the key three times, from any of its bytes on */
	const uint8_t *turned = round + (at & 3);
	uint64_t mask, w[4];
	size_t i = 0;

	memcpy(round, key, 4);
	memcpy(round + 4, key, 4);
	memcpy(round + 8, key, 4);
	memcpy(&mask, turned, sizeof(mask));
	for (; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(w, data + i, sizeof(w));
		w[0] ^= mask;
		w[1] ^= mask;
		w[2] ^= mask;
		w[3] ^= mask;
		memcpy(data + i, w, sizeof(w));
	}
	for (; i + sizeof(mask) <= len; i += sizeof(mask)) {
		memcpy(w, data + i, sizeof(mask));
		w[0] ^= mask;
		memcpy(data + i, w, sizeof(mask));
	}
	for (; i < len; i++)
		data[i] ^= turned[i & 7];
	return (unsigned)((at + len) & 3);
}

unsigned
ws_close_code(enum ws_result rc)
{
	switch (rc) {
	case WS_ERR_UTF8:
	case WS_ERR_DEFLATE:
		return WS_CLOSE_INVALID_DATA;
	case WS_ERR_TOO_BIG:
		return WS_CLOSE_TOO_BIG;
	case WS_ERR_MEMORY:
		return WS_CLOSE_TRY_LATER;
	default:
		return WS_CLOSE_PROTOCOL;
	}
}

const char *
ws_strresult(enum ws_result rc)
{
	switch (rc) {
	case WS_MORE:
		return "more bytes are needed";
	case WS_DATA:
		return "data";
	case WS_CONTROL:
		return "control frame";
	case WS_ERR_RSV:
		return "reserved bit set";
	case WS_ERR_OPCODE:
		return "unknown opcode";
	case WS_ERR_MASK:
		return "wrong masking";
	case WS_ERR_LENGTH:
		return "bad frame length";
	case WS_ERR_CONTROL:
		return "control frame fragmented or too long";
	case WS_ERR_FRAGMENT:
		return "fragments out of order";
	case WS_ERR_UTF8:
		return "text is not UTF-8";
	case WS_ERR_TOO_BIG:
		return "message too big";
	case WS_ERR_CLOSE:
		return "bad close frame";
	case WS_ERR_DEFLATE:
		return "bad compressed data";
	case WS_ERR_MEMORY:
		return "no memory to decompress with";
	}
	return "unknown result";
}
