#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/str.h"
#include "codec/framing.h"
#include "codec/framing_header.h"

/* Record types of `frames`; a small letter means more of the message follows. */
enum {
	REC_TEXT = 'T',
	REC_TEXT_PART = 't',
	REC_BINARY = 'B',
	REC_BINARY_PART = 'b',
	REC_CLOSE = 'C',
	REC_PING = 'P',
};

void
framing_init(struct framing *f, const struct framing_kind *kind, bool repair)
{
	*f = (struct framing){
		.kind = kind,
		.repair = repair,
	};
	utf8_init(&f->utf8);
	buf_init(&f->hold, FRAMING_HOLD);
	buf_init(&f->fixed, SIZE_MAX / 4);
}

void
framing_clear(struct framing *f)
{
	buf_clear(&f->hold);
	buf_clear(&f->fixed);
}

/* Which piece of its message it is follows from `open`. */
static enum framing_result
give(struct framing *f, struct piece *out, bool text, bool last,
    const uint8_t *data, size_t len)
{
	*out = (struct piece){
		.text = text,
		.first = !f->open,
		.last = last,
		.kept = data != NULL &&
		    (data == f->hold.data || data == f->fixed.data),
		.data = data,
		.len = len,
	};
	f->open = !last;
	return FRAMING_PIECE;
}

/* How much of a text that may end inside a character are whole characters. */
static size_t
whole_characters(const uint8_t *p, size_t len)
{
	size_t n = len;

	while (n > 0 && (p[n - 1] & 0xc0) == 0x80)
		n--;
	return n > 0 ? n - 1 : 0;
}

/* Copy what has to be joined with carried bytes or holds something invalid. */
static enum framing_result
repair(struct framing *f, const uint8_t *in, size_t len, bool final,
    const uint8_t **fixed, size_t *fixed_len)
{
	struct utf8 check = f->utf8;
	bool valid = utf8_check(&check, in, len) == len &&
	    (!final || utf8_complete(&check));
	uint8_t *p;
	size_t n;

	if (!valid && !f->repair)
		return FRAMING_ERR_UTF8;
	p = buf_reserve(&f->fixed,
	    UTF8_REPAIR_GROWTH * len + UTF8_REPAIR_EXTRA);
	if (p == NULL)
		return FRAMING_ERR_MEMORY;
	n = utf8_repair(&f->utf8, in, len, p);
	if (final)
		n += utf8_repair_end(&f->utf8, p + n);
	f->repaired |= !valid;
	*fixed = p;
	*fixed_len = n;
	return FRAMING_MORE;
}

/*
 * A piece of text, made valid. `final`: the text ends here, so nothing may be
 * carried; `last`: the message does. They differ under `text`, whose messages
 * end with each read while its characters do not.
 */
static enum framing_result
give_text(struct framing *f, struct piece *out, bool final, bool last,
    const uint8_t *data, size_t len)
{
	struct utf8 check;
	enum framing_result rc;
	const uint8_t *rest;
	size_t none;

	utf8_init(&check);
	if (!utf8_complete(&f->utf8) || utf8_check(&check, data, len) != len ||
	    (final && !utf8_complete(&check))) {
		rc = repair(f, data, len, final, &data, &len);
		if (rc != FRAMING_MORE)
			return rc;
	} else if (!utf8_complete(&check)) {
		size_t whole = whole_characters(data, len);

		rc = repair(f, data + whole, len - whole, false, &rest, &none);
		if (rc != FRAMING_MORE)
			return rc;
		len = whole;
	}
	if (len == 0 && !last)
		return FRAMING_MORE;
	return give(f, out, true, last, data, len);
}

/* A record has ended: a line loses the carriage return before its end. */
static size_t
strip(const struct framing *f, const uint8_t *p, size_t len)
{
	return f->kind->delimiter == '\n' && len > 0 && p[len - 1] == '\r'
	    ? len - 1
	    : len;
}

/*
 * What was held back leaves; `last` says that the record ended after it. Its
 * memory is given back at the next call.
 */
static enum framing_result
give_held(struct framing *f, struct piece *out, bool last)
{
	struct buf *h = &f->hold;
	size_t len = h->len;

	h->len = 0;
	return give_text(f, out, last, last, h->data,
	    last ? strip(f, h->data, len) : len);
}

/*
 * The record goes on after in[0..len). It is held while it is short; then it
 * leaves as it comes, but for a carriage return that may belong to its end.
 */
static enum framing_result
read_part(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	enum framing_result rc;
	size_t n;

	*used = len;
	if (!f->open && buf_add(&f->hold, in, len))
		return FRAMING_MORE;
	if (f->hold.len > 0 &&
	    (rc = give_held(f, out, false)) != FRAMING_MORE) {
		*used = 0;
		return rc;
	}
	n = strip(f, in, len);
	if (n < len && !buf_add(&f->hold, in + n, len - n))
		return FRAMING_ERR_MEMORY;
	return give_text(f, out, false, false, in, n);
}

static enum framing_result
read_records(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	const uint8_t *end = memchr(in, f->kind->delimiter, len);
	enum framing_result rc;
	size_t n;

	if (end == NULL)
		return read_part(f, in, len, used, out);
	n = (size_t)(end - in);
	*used = n + 1;
	if (f->hold.len > 0) {
		if (buf_add(&f->hold, in, n))
			return give_held(f, out, true);
		if ((rc = give_held(f, out, false)) != FRAMING_MORE) {
			*used = 0;
			return rc;
		}
	}
	return give_text(f, out, true, true, in, strip(f, in, n));
}

/* A record of `frames` begins. */
static enum framing_result
start_record(struct framing *f)
{
	uint8_t type = f->head[0];

	f->head_len = 0;
	f->left = be_read(f->head + 1, 4);
	switch (type) {
	case REC_TEXT:
	case REC_TEXT_PART:
	case REC_BINARY:
	case REC_BINARY_PART:
		if (f->part != 0 && (type | 0x20) != f->part)
			return FRAMING_ERR_PART;
		f->part = type | 0x20;
		break;
	case REC_CLOSE:
	case REC_PING:
		if (f->left > FRAMING_CONTROL_MAX)
			return FRAMING_ERR_LENGTH;
		break;
	default:
		return FRAMING_ERR_TYPE;
	}
	f->type = type;
	return FRAMING_MORE;
}

static enum framing_result
read_control(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	enum framing_result rc =
	    f->type == REC_CLOSE ? FRAMING_CLOSE : FRAMING_PING;
	size_t n = f->left < len ? (size_t)f->left : len;

	*used = n;
	if (!buf_add(&f->hold, in, n))
		return f->hold.starved ? FRAMING_ERR_MEMORY
				       : FRAMING_ERR_LENGTH;
	f->left -= n;
	if (f->left > 0)
		return FRAMING_MORE;
	*out = piece_whole(false, f->hold.data, f->hold.len);
	out->kept = true;
	f->hold.len = 0;
	f->type = 0;
	return rc;
}

static enum framing_result
read_payload(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	size_t n = f->left < len ? (size_t)f->left : len;
	bool text = f->part == REC_TEXT_PART, end = n == f->left;
	bool last = end && (f->type == REC_TEXT || f->type == REC_BINARY);

	*used = n;
	f->left -= n;
	if (end)
		f->type = 0;
	if (last)
		f->part = 0;
	if (text)
		return give_text(f, out, last, last, in, n);
	if (n == 0 && !last)
		return FRAMING_MORE;
	return give(f, out, false, last, in, n);
}

static enum framing_result
read_frames(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	enum framing_result rc = FRAMING_MORE;
	size_t n, at = 0, body = 0;

	*used = 0;
	while (at < len && rc == FRAMING_MORE) {
		if (f->type == 0) {
			n = sizeof(f->head) - f->head_len;
			if (n > len - at)
				n = len - at;
			memcpy(f->head + f->head_len, in + at, n);
			f->head_len = (uint8_t)(f->head_len + n);
			at += n;
			if (f->head_len < sizeof(f->head))
				break;
			if ((rc = start_record(f)) != FRAMING_MORE)
				break;
		}
		if (f->type == REC_CLOSE || f->type == REC_PING)
			rc = read_control(f, in + at, len - at, &body, out);
		else
			rc = read_payload(f, in + at, len - at, &body, out);
		at += body;
	}
	*used = at;
	return rc;
}

static enum framing_result
read_content_length(struct framing *f, const uint8_t *in, size_t len,
    size_t *used, struct piece *out)
{
	enum framing_result rc = FRAMING_MORE;
	size_t at = 0, n;

	while (at < len && rc == FRAMING_MORE) {
		if (f->type == 0) {
			rc = framing_header_read(f, in + at, len - at, &n);
			at += n;
			if (rc != FRAMING_PIECE)
				continue;
			f->type = REC_TEXT;
			f->part = REC_TEXT_PART;
		}
		rc = read_payload(f, in + at, len - at, &n, out);
		at += n;
	}
	*used = at;
	return rc;
}

static enum framing_result
end_content_length(struct framing *f, struct piece *out)
{
	(void)out;
	return f->type != 0 || f->header_len > 0 ? FRAMING_ERR_OPEN
						 : FRAMING_MORE;
}

/* ------------------------------------------------- as it comes */

static enum framing_result
read_binary(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	*used = len;
	return give(f, out, false, true, in, len);
}

static enum framing_result
read_text(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	enum framing_result rc = give_text(f, out, false, true, in, len);

	*used = len;
	return rc < 0 || out->len > 0 ? rc : FRAMING_MORE;
}

/* What was held is given as it is, with a carriage return if it has one. */
static enum framing_result
end_held(struct framing *f, struct piece *out)
{
	size_t len = f->hold.len;

	if (!f->open && len == 0 && utf8_complete(&f->utf8))
		return FRAMING_MORE;
	f->hold.len = 0;
	return give_text(f, out, true, true, f->hold.data, len);
}

static enum framing_result
end_frames(struct framing *f, struct piece *out)
{
	(void)out;
	return f->type != 0 || f->part != 0 || f->head_len != 0
	    ? FRAMING_ERR_OPEN
	    : FRAMING_MORE;
}

/* ------------------------------------------------- to the program */

/* The head of a record of `frames`. */
static size_t
put_record(uint8_t *out, uint8_t type, size_t len)
{
	out[0] = type;
	be_put(out + 1, len, 4);
	return FRAMING_RECORD_HEAD;
}

static size_t
frames_head(uint8_t *out, const struct piece *p)
{
	return put_record(out,
	    p->text ? (p->last ? REC_TEXT : REC_TEXT_PART)
		    : (p->last ? REC_BINARY : REC_BINARY_PART),
	    p->len);
}

static size_t
frames_close_head(uint8_t *out, size_t len)
{
	return put_record(out, REC_CLOSE, len);
}

static size_t
content_length_head(uint8_t *out, const struct piece *p)
{
	char text[FRAMING_HEAD_MAX + 1];
	int n =
	    snprintf(text, sizeof(text), "Content-Length: %zu\r\n\r\n", p->len);

	memcpy(out, text, (size_t)n);
	return (size_t)n;
}

/* ------------------------------------------------- all of them */

const struct framing_kind framing_kinds[FRAMING_COUNT] = {
	[FRAMING_LINES] = {
	    .name = "lines",
	    .text = true,
	    .delimiter = '\n',
	    .read = read_records,
	    .end = end_held,
	},
	[FRAMING_BINARY] = {
	    .name = "binary",
	    .delimiter = -1,
	    .read = read_binary,
	    .end = end_held,
	},
	[FRAMING_TEXT] = {
	    .name = "text",
	    .text = true,
	    .delimiter = -1,
	    .read = read_text,
	    .end = end_held,
	},
	[FRAMING_NUL] = {
	    .name = "nul",
	    .text = true,
	    .delimiter = '\0',
	    .read = read_records,
	    .end = end_held,
	},
	[FRAMING_FRAMES] = {
	    .name = "frames",
	    .typed = true,
	    .delimiter = -1,
	    .read = read_frames,
	    .end = end_frames,
	    .head = frames_head,
	    .close_head = frames_close_head,
	},
	[FRAMING_CONTENT_LENGTH] = {
	    .name = "content-length",
	    .text = true,
	    .whole = true,
	    .delimiter = -1,
	    .read = read_content_length,
	    .end = end_content_length,
	    .head = content_length_head,
	},
};

const char *
framing_name(int number)
{
	return number < FRAMING_COUNT ? framing_kinds[number].name : NULL;
}

void
framing_release(struct framing *f)
{
	if (f->hold.len == 0 && f->hold.data != NULL)
		buf_clear(&f->hold);
	if (f->fixed.data != NULL)
		buf_clear(&f->fixed);
}

enum framing_result
framing_end(struct framing *f, struct piece *out)
{
	framing_release(f);
	return f->kind->end(f, out);
}

size_t
framing_head(uint8_t out[FRAMING_HEAD_MAX], const struct framing_kind *kind,
    const struct piece *p)
{
	return kind->head == NULL ? 0 : kind->head(out, p);
}

size_t
framing_tail(uint8_t out[1], const struct framing_kind *kind,
    const struct piece *p)
{
	if (kind->delimiter == -1 || !p->last)
		return 0;
	out[0] = (uint8_t)kind->delimiter;
	return 1;
}

size_t
framing_close_head(uint8_t out[FRAMING_HEAD_MAX],
    const struct framing_kind *kind, size_t len)
{
	return kind->close_head == NULL ? 0 : kind->close_head(out, len);
}

const char *
framing_strresult(enum framing_result rc)
{
	switch (rc) {
	case FRAMING_MORE:
		return "more bytes are needed";
	case FRAMING_PIECE:
		return "piece of a message";
	case FRAMING_CLOSE:
		return "close record";
	case FRAMING_PING:
		return "ping record";
	case FRAMING_ERR_TYPE:
		return "unknown record type";
	case FRAMING_ERR_PART:
		return "record inside a message of the other type";
	case FRAMING_ERR_LENGTH:
		return "control record too long";
	case FRAMING_ERR_OPEN:
		return "output ended inside a record";
	case FRAMING_ERR_UTF8:
		return "output is not UTF-8";
	case FRAMING_ERR_MEMORY:
		return "out of memory";
	case FRAMING_ERR_HEADER:
		return "malformed header";
	case FRAMING_ERR_NO_LENGTH:
		return "header without Content-Length";
	case FRAMING_ERR_TOO_LONG:
		return "header or message too long";
	}
	return "unknown result";
}

/* As C has it between quotes. */
static size_t
put_escaped(char *out, uint8_t c)
{
	char letter = c == '\n' ? 'n'
	    : c == '\r'         ? 'r'
	    : c == '\t'         ? 't'
				: '\0';
	bool plain = c >= ' ' && c < 0x7f;
	size_t n = 0;

	if (!plain || c == '"' || c == '\\')
		out[n++] = '\\';
	if (plain || letter != '\0') {
		out[n++] = plain ? (char)c : letter;
		return n;
	}
	out[n++] = 'x';
	str_put_hex(out + n, &c, 1);
	return n + 2;
}

void
framing_put_why(const struct framing *f, enum framing_result rc,
    char out[FRAMING_WHY_SIZE])
{
	enum { SHOWN = 20 }; /* bytes; each may become four */
	const char *result = framing_strresult(rc);
	size_t n = strlen(result);

	memcpy(out, result, n + 1);
	if (rc != FRAMING_ERR_HEADER && rc != FRAMING_ERR_TOO_LONG)
		return;
	memcpy(out + n, ": \"", 3);
	n += 3;
	for (size_t i = 0; i < f->hold.len && i < SHOWN; i++)
		n += put_escaped(out + n, f->hold.data[i]);
	memcpy(out + n, "\"", 2);
}
