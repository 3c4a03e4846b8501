#include <string.h>

#include "base/be.h"
#include "codec/sha1.h"

enum {
	BLOCK = 64,
	LENGTH = 8, /* of the text in bits, at the end of the last block */
	WORDS = SHA1_LEN / 4,
	ROUNDS = 80,
};

static uint32_t
rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* The words of a block, and what the rounds behind them make of these. */
static void
spread(const uint8_t *block, uint32_t w[ROUNDS])
{
	for (size_t i = 0; i < 16; i++)
		w[i] = (uint32_t)be_read(block + 4 * i, 4);
	for (size_t i = 16; i < ROUNDS; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* Section 4.1.1, with the constants of 4.2.1. */
static uint32_t
mix(size_t round, uint32_t x, uint32_t y, uint32_t z)
{
	switch (round / 20) {
	case 0:
		return ((x & y) | (~x & z)) + 0x5a827999;
	case 1:
		return (x ^ y ^ z) + 0x6ed9eba1;
	case 2:
		return ((x & y) | (x & z) | (y & z)) + 0x8f1bbcdc;
	default:
		return (x ^ y ^ z) + 0xca62c1d6;
	}
}

static void
take_block(uint32_t h[WORDS], const uint8_t *block)
{
	uint32_t w[ROUNDS], v[WORDS];

	spread(block, w);
	memcpy(v, h, sizeof(v));
	for (size_t i = 0; i < ROUNDS; i++) {
		uint32_t next =
		    rotate(v[0], 5) + mix(i, v[1], v[2], v[3]) + v[4] + w[i];

		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotate(v[1], 30);
		v[1] = v[0];
		v[0] = next;
	}
	for (size_t i = 0; i < WORDS; i++)
		h[i] += v[i];
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
