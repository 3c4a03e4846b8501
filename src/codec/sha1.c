#include <string.h>

#include "base/be.h"
#include "codec/sha1.h"

enum {
	BLOCK = 64,
	LENGTH = 8, /* of the text in bits, at the end of the last block */
	WORDS = SHA1_LEN / 4,
	SPAN = 16, /* words that the next one is made of (section 6.1.3) */
	STAGE = 20,
};

static inline uint32_t
rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* Written so that a compiler makes one load of it. */
static inline uint32_t
word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* The word of a round; those of the last 16 are in w. */
static inline uint32_t
next_word(uint32_t w[SPAN], unsigned round)
{
	uint32_t *old = &w[round % SPAN];

	if (round >= SPAN)
		*old = rotate(*old ^ w[(round + 2) % SPAN] ^
			w[(round + 8) % SPAN] ^ w[(round + 13) % SPAN],
		    1);
	return *old;
}

/* Section 4.1.1: what the stages mix by. */
#define CHOICE(x, y, z) (((x) & ((y) ^ (z))) ^ (z))
#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))

/* A round turns the names of the five, and not what they hold. */
#define ROUND(mix, constant, i, a, b, c, d, e)                    \
	do {                                                      \
		(e) += rotate(a, 5) + mix(b, c, d) + (constant) + \
		    next_word(w, i);                              \
		(b) = rotate(b, 30);                              \
	} while (0)

#define FIVE_ROUNDS(mix, constant, i)                         \
	do {                                                  \
		ROUND(mix, constant, i, a, b, c, d, e);       \
		ROUND(mix, constant, (i) + 1, e, a, b, c, d); \
		ROUND(mix, constant, (i) + 2, d, e, a, b, c); \
		ROUND(mix, constant, (i) + 3, c, d, e, a, b); \
		ROUND(mix, constant, (i) + 4, b, c, d, e, a); \
	} while (0)

#define TWENTY_ROUNDS(mix, constant, i)               \
	do {                                          \
		FIVE_ROUNDS(mix, constant, i);        \
		FIVE_ROUNDS(mix, constant, (i) + 5);  \
		FIVE_ROUNDS(mix, constant, (i) + 10); \
		FIVE_ROUNDS(mix, constant, (i) + 15); \
	} while (0)

static void
take_block(uint32_t h[WORDS], const uint8_t *block)
{
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	uint32_t w[SPAN];

	for (size_t i = 0; i < SPAN; i++)
		w[i] = word(block + 4 * i);
	TWENTY_ROUNDS(CHOICE, 0x5a827999, 0 * STAGE);
	TWENTY_ROUNDS(PARITY, 0x6ed9eba1, 1 * STAGE);
	TWENTY_ROUNDS(MAJORITY, 0x8f1bbcdc, 2 * STAGE);
	TWENTY_ROUNDS(PARITY, 0xca62c1d6, 3 * STAGE);
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* What is left of the text, a bit, zeros, and the length (section 5.1.1). */
static void
take_end(uint32_t h[WORDS], const uint8_t *rest, size_t n, uint64_t len)
{
	uint8_t end[2 * BLOCK] = { 0 };
	size_t size = n < BLOCK - LENGTH ? BLOCK : 2 * BLOCK;

	if (n > 0)
		memcpy(end, rest, n);
	end[n] = 0x80;
	be_put(end + size - LENGTH, len * 8, LENGTH);
	for (size_t at = 0; at < size; at += BLOCK)
		take_block(h, end + at);
}

void
sha1(const void *data, size_t len, uint8_t out[SHA1_LEN])
{
	uint32_t h[WORDS] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
		0xc3d2e1f0 };
	const uint8_t *p = data;
	size_t left = len;

	for (; left >= BLOCK; p += BLOCK, left -= BLOCK)
		take_block(h, p);
	take_end(h, p, left, len);
	for (size_t i = 0; i < WORDS; i++)
		be_put(out + 4 * i, h[i], 4);
}
