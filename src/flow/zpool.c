#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "flow/zpool.h"

/* The stream of one session. */
struct zpool_stream {
	TAILQ_ENTRY(zpool_stream) entry;
	struct ws_deflate *z; /* owned */
	struct zpool_stream *
	    *owner;    /* kept: NULL is written there at the end */
	size_t memory; /* that it has */
};

void
zpool_init(struct zpool *p, int level, size_t max_memory)
{
	*p = (struct zpool){
		.memory = { .max = max_memory },
		.level = level,
	};
	TAILQ_INIT(&p->own);
}

void
zpool_clear(struct zpool *p)
{
	struct zpool_stream *d;

	while ((d = TAILQ_FIRST(&p->own)) != NULL)
		zpool_give_up(p, d->owner);
	for (size_t i = 0; i < nitems(p->common); i++) {
		ws_deflate_free(p->common[i]);
		p->common[i] = NULL;
	}
	while (p->nspare > 0)
		ws_inflate_free(p->spare[--p->nspare]);
	free(p->inflated.data);
	free(p->deflated.data);
	p->inflated.data = p->deflated.data = NULL;
}

bool
zpool_can_keep(const struct zpool *p, size_t size)
{
	size_t max = p->memory.max - p->memory.max / 4;
	size_t used = p->memory.used - p->own_memory;

	return used <= max && max - used >= size;
}

/* ------------------------------------------------- deflating */

bool
zpool_prepare(struct zpool *p, unsigned bits)
{
	if (p->inflated.data == NULL) {
		p->inflated.data = mem_new(1, ZPOOL_ROOM);
		p->deflated.data = mem_new(1, ZPOOL_ROOM);
	}
	if (p->common[bits] == NULL)
		p->common[bits] = ws_deflate_new(&p->memory, bits, p->level);
	return p->common[bits] != NULL;
}

void
zpool_give_up(struct zpool *p, struct zpool_stream **own)
{
	struct zpool_stream *d = *own;

	if (d == NULL)
		return;
	*own = NULL;
	TAILQ_REMOVE(&p->own, d, entry);
	p->own_memory -= d->memory;
	ws_deflate_free(d->z);
	free(d);
}

/* Make memory free; false: there is none that could be. */
static bool
give_up_oldest(struct zpool *p)
{
	struct zpool_stream *d = TAILQ_LAST(&p->own, zpool_own);

	if (d == NULL)
		return false;
	zpool_give_up(p, d->owner);
	return true;
}

static void
make_own(struct zpool *p, unsigned bits, struct zpool_stream **own)
{
	struct ws_deflate *z;
	size_t before;

	do
		before = p->memory.used;
	while ((z = ws_deflate_new(&p->memory, bits, p->level)) == NULL &&
	    give_up_oldest(p));
	if (z == NULL)
		return;
	*own = mem_new(1, sizeof(**own));
	**own = (struct zpool_stream){
		.z = z,
		.owner = own,
		.memory = p->memory.used - before,
	};
	p->own_memory += (*own)->memory;
	TAILQ_INSERT_HEAD(&p->own, *own, entry);
}

struct ws_deflate *
zpool_choose(struct zpool *p, unsigned bits, struct zpool_stream **own)
{
	if (own != NULL && *own != NULL) {
		TAILQ_REMOVE(&p->own, *own, entry);
		TAILQ_INSERT_HEAD(&p->own, *own, entry);
	} else if (own != NULL) {
		make_own(p, bits, own);
	}
	if (own != NULL && *own != NULL)
		return (*own)->z;
	ws_deflate_reset(p->common[bits]);
	return p->common[bits];
}

/* ------------------------------------------------- inflating */

/* All that take nothing over have the largest window, and share a few spares. */
struct ws_inflate *
zpool_get_inflate(struct zpool *p, unsigned bits, bool takeover)
{
	struct ws_inflate *i;

	if (!takeover && p->nspare > 0)
		return p->spare[--p->nspare];
	if (!takeover)
		bits = WS_TERMS_BITS_MAX;
	while ((i = ws_inflate_new(&p->memory, bits)) == NULL)
		if (!give_up_oldest(p))
			return NULL;
	return i;
}

void
zpool_put_inflate(struct zpool *p, struct ws_inflate *i, bool takeover)
{
	if (i == NULL)
		return;
	if (takeover || p->nspare == ZPOOL_SPARE) {
		ws_inflate_free(i);
		return;
	}
	ws_inflate_reset(i);
	p->spare[p->nspare++] = i;
}
