#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/ws_deflate.h"
#include "codec/zmemory.h"

enum {
	LEAST_BITS = 9,   /* of zlib */
	MEMORY_LEVEL = 8, /* its default: 128 KiB for 64 KiB of what may wait */
	TAIL = 4,         /* 00 00 ff ff, left out after a message */
	FLUSH = 16,       /* more than a flush adds to what zlib foresees */
};

struct ws_deflate {
	z_stream z;
};

/*
 * zlib does not deflate with a window of 8 bits, but never refers further back
 * than its window less 262 bytes. With 9 bits that is 250, so what inflates
 * with 8 can read it.
 */
struct ws_deflate *
ws_deflate_new(struct zmemory *memory, unsigned bits, int level)
{
	struct ws_deflate *d = mem_new(1, sizeof(*d));
	int window = bits < LEAST_BITS ? LEAST_BITS : (int)bits;

	zmemory_serve(memory, &d->z);
	if (deflateInit2(&d->z, level, Z_DEFLATED, -window, MEMORY_LEVEL,
		Z_DEFAULT_STRATEGY) != Z_OK) {
		free(d);
		return NULL;
	}
	return d;
}

void
ws_deflate_free(struct ws_deflate *d)
{
	if (d == NULL)
		return;
	(void)deflateEnd(&d->z);
	free(d);
}

void
ws_deflate_reset(struct ws_deflate *d)
{
	(void)deflateReset(&d->z);
}

size_t
ws_deflate_bound(struct ws_deflate *d, size_t len)
{
	return deflateBound(&d->z, (uLong)len) + FLUSH;
}

static size_t
run(struct ws_deflate *d, int flush, uint8_t *out, size_t room)
{
	z_stream *z = &d->z;
	int rc;

	z->next_out = out;
	z->avail_out = room < UINT_MAX ? (unsigned)room : UINT_MAX;
	rc = deflate(z, flush);
	if ((rc != Z_OK && rc != Z_BUF_ERROR) || z->avail_in > 0 ||
	    z->avail_out == 0)
		bug("deflate: %d with %u bytes left", rc, z->avail_in);
	return (size_t)(z->next_out - out);
}

size_t
ws_deflate_add(struct ws_deflate *d, const void *data, size_t len, uint8_t *out,
    size_t room)
{
	if (len > UINT_MAX)
		bug("deflate: a piece of %zu bytes", len);
	d->z.next_in = (Bytef *)(uintptr_t)data;
	d->z.avail_in = (unsigned)len;
	return run(d, Z_NO_FLUSH, out, room);
}

/*
 * Behind nothing new zlib flushes nothing; the last piece of a message must not
 * be empty, though: then it is an empty block, less the tail (section 7.2.3.6).
 */
size_t
ws_deflate_end(struct ws_deflate *d, bool last, uint8_t *out, size_t room)
{
	size_t n;

	d->z.next_in = NULL;
	d->z.avail_in = 0;
	n = run(d, Z_SYNC_FLUSH, out, room);
	if (!last)
		return n;
	if (n > TAIL)
		return n - TAIL;
	out[0] = 0;
	return 1;
}
