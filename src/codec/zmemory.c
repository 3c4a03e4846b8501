#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/base.h"
#include "codec/zmemory.h"

/* In front of every piece: its size, and what follows is aligned for anything. */
union piece {
	size_t size;
	max_align_t align;
};

static void *
take(void *arg, unsigned n, unsigned size)
{
	struct zmemory *m = arg;
	uint64_t want = (uint64_t)n * size + sizeof(union piece);
	union piece *p;

	if (want > m->max || m->used > m->max - want)
		return NULL;
	if ((p = malloc((size_t)want)) == NULL)
		return NULL;
	p->size = (size_t)want;
	m->used += p->size;
	return p + 1;
}

static void
give_back(void *arg, void *at)
{
	struct zmemory *m = arg;
	union piece *p = (union piece *)at - 1;

	m->used -= p->size;
	free(p);
}

void
zmemory_serve(struct zmemory *m, z_stream *z)
{
	z->zalloc = take;
	z->zfree = give_back;
	z->opaque = m;
}
