/*
 * Feeding a decoder in every possible cut, from bytes that end where a page
 * begins that must not be touched: reading one byte too many is a crash.
 */
#ifndef TESTS_FEED_H
#define TESTS_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
	uint8_t *data; /* writable, ends at the forbidden page */
	uint8_t *map;
	size_t map_len;
};

static inline struct guarded
guarded_new(const void *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct guarded g = { .map_len = (len / page + 2) * page };

	g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g.map == MAP_FAILED ||
	    mprotect(g.map + g.map_len - page, page, PROT_NONE) == -1) {
		perror("guarded_new");
		abort();
	}
	g.data = g.map + g.map_len - page - len;
	if (len > 0)
		memcpy(g.data, bytes, len);
	return g;
}

static inline void
guarded_free(struct guarded *g)
{
	munmap(g->map, g->map_len);
}

/*
 * Called with a piece: `len` writable bytes that end at the forbidden page and
 * are gone after the call. False stops the feeding.
 */
typedef bool feed_fn(void *arg, uint8_t *piece, size_t len);

/* One piece. */
static inline bool
feed_piece(const void *bytes, size_t len, feed_fn *take, void *arg)
{
	struct guarded g = guarded_new(bytes, len);
	bool more = take(arg, g.data, len);

	guarded_free(&g);
	return more;
}

/* Two pieces: bytes[0..cut) and the rest; an empty one is left out. */
static inline void
feed(size_t cut, const void *bytes, size_t len, feed_fn *take, void *arg)
{
	if (cut > 0 && !feed_piece(bytes, cut, take, arg))
		return;
	if (cut < len)
		feed_piece((const uint8_t *)bytes + cut, len - cut, take, arg);
}

/* As many pieces as there are bytes. */
static inline void
feed_bytes(const void *bytes, size_t len, feed_fn *take, void *arg)
{
	for (size_t i = 0; i < len; i++) {
		if (!feed_piece((const uint8_t *)bytes + i, 1, take, arg))
			return;
	}
}

#endif
