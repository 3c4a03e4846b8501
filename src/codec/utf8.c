#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "codec/utf8.h"

static const uint8_t replacement[UTF8_REPLACEMENT_LEN] = { 0xef, 0xbf, 0xbd };

/* How many bytes from p on are ASCII. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	size_t i = 0;

#if defined(__SSE2__)
	for (; len - i >= 64; i += 64) {
		const __m128i *v = (const void *)(p + i);
		__m128i any = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(v),
					       _mm_loadu_si128(v + 1)),
		    _mm_or_si128(_mm_loadu_si128(v + 2),
			_mm_loadu_si128(v + 3)));

		if (_mm_movemask_epi8(any) != 0)
			break;
	}
	for (; len - i >= 16; i += 16) {
		const __m128i *v = (const void *)(p + i);
		int high = _mm_movemask_epi8(_mm_loadu_si128(v));

		if (high != 0)
			return i + (size_t)__builtin_ctz((unsigned)high);
	}
	if (len >= 16 && i < len) { /* the last ones, with some before them */
		const __m128i *v = (const void *)(p + len - 16);
		int high = _mm_movemask_epi8(_mm_loadu_si128(v));

		return high == 0
		    ? len
		    : len - 16 + (size_t)__builtin_ctz((unsigned)high);
	}
#else
	for (; len - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
#endif
	while (i < len && p[i] < 0x80)
		i++;
	return i;
}

static bool
is_cont(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * The length of the character at p, which is not ASCII and has four bytes of
 * input; 0 if it is ill-formed.
 */
static size_t
whole_character(const uint8_t *p)
{
	if (p[0] < 0xe0)
		return p[0] >= 0xc2 && is_cont(p[1]) ? 2 : 0;
	if (p[0] < 0xf0) {
		if (!is_cont(p[1]) || !is_cont(p[2]) ||
		    (p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] > 0xf4 || !is_cont(p[1]) || !is_cont(p[2]) || !is_cont(p[3]) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

/* Begin a character that is not ASCII; false if none begins so (table 3-7). */
static bool
begin(struct utf8 *u, uint8_t lead)
{
	if (lead < 0xc2 || lead > 0xf4)
		return false;
	u->need = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
	u->low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	u->high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	return true;
}

/* Go on with the begun character; false if the byte cannot be part of it. */
static bool
go_on(struct utf8 *u, uint8_t c)
{
	if (c < u->low || c > u->high)
		return false;
	u->need--;
	u->low = 0x80;
	u->high = 0xbf;
	return true;
}

size_t
utf8_check_long(struct utf8 *u, const uint8_t *p, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		if (u->need > 0) {
			if (!go_on(u, p[i]))
				return i;
			i++;
		} else if (p[i] < 0x80) {
			i += ascii_run(p + i, len - i);
		} else if (len - i >= 4 && (n = whole_character(p + i)) > 0) {
			i += n;
		} else {
			if (!begin(u, p[i]))
				return i;
			i++;
		}
	}
	return len;
}

static size_t
put_replacement(uint8_t *out)
{
	memcpy(out, replacement, sizeof(replacement));
	return sizeof(replacement);
}

size_t
utf8_repair(struct utf8 *u, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t i = 0, o = 0, n;

	while (i < len) {
		if (u->need == 0 && in[i] < 0x80) {
			n = ascii_run(in + i, len - i);
			memcpy(out + o, in + i, n);
			i += n;
			o += n;
		} else if (u->need == 0) {
			if (begin(u, in[i]))
				u->part[u->have++] = in[i];
			else
				o += put_replacement(out + o);
			i++;
		} else if (!go_on(u, in[i])) {
			/* The byte may begin something: look at it again. */
			o += put_replacement(out + o);
			utf8_init(u);
		} else if (u->need > 0) {
			u->part[u->have++] = in[i++];
		} else {
			memcpy(out + o, u->part, u->have);
			o += u->have;
			out[o++] = in[i++];
			u->have = 0;
		}
	}
	return o;
}

size_t
utf8_repair_end(struct utf8 *u, uint8_t *out)
{
	bool open = !utf8_complete(u);

	utf8_init(u);
	return open ? put_replacement(out) : 0;
}
