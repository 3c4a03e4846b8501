#include "base/str.h"
#include "codec/hex.h"

enum hex_at {
	AT_PAIR = 0, /* a pair may begin */
	AT_ZERO,     /* after a 0: of a pair, or of 0x */
	AT_X,        /* after 0x: a pair must follow */
	AT_LOW,      /* after the first digit of a pair */
};

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The first digit of a pair, or a blank before it. */
static enum hex_result
begin_pair(struct hex *h, uint8_t c)
{
	int value = digit(c);

	if (value == -1)
		return is_blank(c) && h->at == AT_PAIR ? HEX_MORE
						       : HEX_ERR_DIGIT;
	h->high = (uint8_t)value;
	h->at = c == '0' && h->at == AT_PAIR ? AT_ZERO : AT_LOW;
	return HEX_MORE;
}

/* Behind it: HEX_PIECE with the byte. */
static enum hex_result
end_pair(struct hex *h, uint8_t c, uint8_t *byte)
{
	int value = digit(c);

	if (h->at == AT_ZERO && (c == 'x' || c == 'X')) {
		h->at = AT_X;
		return HEX_MORE;
	}
	if (value == -1)
		return is_blank(c) ? HEX_ERR_HALF : HEX_ERR_DIGIT;
	*byte = (uint8_t)(h->high << 4 | value);
	h->at = AT_PAIR;
	return HEX_PIECE;
}

static enum hex_result
end_line(struct hex *h, bool *last)
{
	if (h->at != AT_PAIR)
		return HEX_ERR_HALF;
	h->begun = false;
	*last = true;
	return HEX_PIECE;
}

enum hex_result
hex_read(struct hex *h, uint8_t *in, size_t len, size_t *used, size_t *out_len,
    bool *last)
{
	enum hex_result rc;

	*out_len = 0;
	*last = false;
	for (*used = 0; *used < len;) {
		uint8_t c = in[(*used)++];

		if (c == '\n') {
			if ((rc = end_line(h, last)) == HEX_PIECE)
				h->line++;
			return rc;
		}
		h->begun = true;
		if (h->at == AT_PAIR || h->at == AT_X)
			rc = begin_pair(h, c);
		else
			rc = end_pair(h, c, &in[*out_len]);
		if (rc < 0)
			return rc;
		*out_len += rc == HEX_PIECE;
	}
	return *out_len > 0 ? HEX_PIECE : HEX_MORE;
}

enum hex_result
hex_end(struct hex *h, bool *last)
{
	*last = false;
	return h->begun ? end_line(h, last) : HEX_MORE;
}

size_t
hex_put(const uint8_t *in, size_t len, uint8_t *out)
{
	str_put_hex(out, in, len);
	return HEX_GROWTH * len;
}

const char *
hex_strresult(enum hex_result rc)
{
	switch (rc) {
	case HEX_MORE:
		return "more";
	case HEX_PIECE:
		return "a piece";
	case HEX_ERR_DIGIT:
		return "something that is no hexadecimal digit";
	case HEX_ERR_HALF:
		return "an odd number of hexadecimal digits";
	}
	return "unknown";
}
