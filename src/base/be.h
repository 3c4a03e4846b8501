/*
 * Numbers in network byte order: the most significant byte first, n bytes of
 * them, at most eight.
 *
 * Inline, because frames are many.
 */
#ifndef BASE_BE_H
#define BASE_BE_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t
be_read(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline void
be_put(uint8_t *out, uint64_t v, size_t n)
{
	while (n-- > 0) {
		out[n] = (uint8_t)v;
		v >>= 8;
	}
}

#endif
