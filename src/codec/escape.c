#include <string.h>

#include "base/str.h"
#include "codec/escape.h"

static bool
is_plain(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

static size_t
put_byte(uint8_t c, uint8_t *out)
{
	out[0] = '\\';
	out[1] = 'x';
	str_put_hex(out + 2, &c, 1);
	return 4;
}

/* All that is shown so lies below U+10000. */
static size_t
put_code(uint32_t code, uint8_t *out)
{
	const uint8_t unit[] = { (uint8_t)(code >> 8), (uint8_t)code };

	out[0] = '\\';
	out[1] = 'u';
	str_put_hex(out + 2, unit, sizeof(unit));
	return 6;
}

/* The character of a sequence that was found to be valid. */
static uint32_t
decode(const uint8_t *p, size_t len)
{
	uint32_t code = p[0] & (len == 2 ? 0x1f : len == 3 ? 0x0f : 0x07);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

/* C1 controls; embeddings, overrides and isolates of the direction. */
static bool
is_control(uint32_t code)
{
	return (code >= 0x80 && code <= 0x9f) ||
	    (code >= 0x202a && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069);
}

/* The character that was held back is complete. */
static size_t
put_character(struct escape *e, uint8_t *out)
{
	size_t len = e->have;
	uint32_t code = decode(e->part, len);

	e->have = 0;
	if (is_control(code))
		return put_code(code, out);
	memcpy(out, e->part, len);
	return len;
}

/* A byte of a character beyond ASCII, or what stands where one should be. */
static size_t
put_beyond(struct escape *e, uint8_t c, uint8_t *out)
{
	size_t n = 0;

	if (utf8_check(&e->utf8, &c, 1) != 1) {
		n = escape_end(e, out);
		if (is_plain(c)) {
			out[n] = c;
			return n + 1;
		}
		if (c < 0x80 || utf8_check(&e->utf8, &c, 1) != 1) {
			utf8_init(&e->utf8);
			return n + put_byte(c, out + n);
		}
	}
	e->part[e->have++] = c;
	return utf8_complete(&e->utf8) ? n + put_character(e, out + n) : n;
}

size_t
escape_put(struct escape *e, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = in[i];

		if (!e->ascii && (e->have > 0 || c >= 0x80))
			n += put_beyond(e, c, out + n);
		else if (is_plain(c))
			out[n++] = c;
		else
			n += put_byte(c, out + n);
	}
	return n;
}

size_t
escape_end(struct escape *e, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < e->have; i++)
		n += put_byte(e->part[i], out + n);
	*e = (struct escape){ .ascii = e->ascii };
	return n;
}
