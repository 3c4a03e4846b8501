#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "flow/deflaters.h"

/* The stream of one session. */
struct deflater {
	TAILQ_ENTRY(deflater) entry;
	struct ws_deflate *z;    /* owned */
	struct deflater **owner; /* kept: NULL is written there at the end */
	size_t memory;           /* that it has */
};

void
deflaters_init(struct deflaters *ds, int level, size_t max_memory)
{
	*ds = (struct deflaters){
		.memory = { .max = max_memory },
		.level = level,
	};
	TAILQ_INIT(&ds->own);
}

void
deflaters_clear(struct deflaters *ds)
{
	struct deflater *d;

	while ((d = TAILQ_FIRST(&ds->own)) != NULL)
		deflaters_give_up(ds, d->owner);
	for (size_t i = 0; i < nitems(ds->common); i++) {
		ws_deflate_free(ds->common[i]);
		ds->common[i] = NULL;
	}
	while (ds->nspare > 0)
		ws_inflate_free(ds->spare[--ds->nspare]);
	free(ds->inflated.data);
	free(ds->deflated.data);
	ds->inflated.data = ds->deflated.data = NULL;
}

bool
deflaters_can_keep(const struct deflaters *ds, size_t size)
{
	size_t max = ds->memory.max - ds->memory.max / 4;
	size_t used = ds->memory.used - ds->own_memory;

	return used <= max && max - used >= size;
}

/* ------------------------------------------------- deflating */

bool
deflaters_prepare(struct deflaters *ds, unsigned bits)
{
	if (ds->inflated.data == NULL) {
		ds->inflated.data = mem_new(1, DEFLATERS_ROOM);
		ds->deflated.data = mem_new(1, DEFLATERS_ROOM);
	}
	if (ds->common[bits] == NULL)
		ds->common[bits] = ws_deflate_new(&ds->memory, bits, ds->level);
	return ds->common[bits] != NULL;
}

void
deflaters_give_up(struct deflaters *ds, struct deflater **own)
{
	struct deflater *d = *own;

	if (d == NULL)
		return;
	*own = NULL;
	TAILQ_REMOVE(&ds->own, d, entry);
	ds->own_memory -= d->memory;
	ws_deflate_free(d->z);
	free(d);
}

/* Make memory free; false: there is none that could be. */
static bool
give_up_oldest(struct deflaters *ds)
{
	struct deflater *d = TAILQ_LAST(&ds->own, deflaters_own);

	if (d == NULL)
		return false;
	deflaters_give_up(ds, d->owner);
	return true;
}

static void
make_own(struct deflaters *ds, unsigned bits, struct deflater **own)
{
	struct ws_deflate *z;
	size_t before;

	do
		before = ds->memory.used;
	while ((z = ws_deflate_new(&ds->memory, bits, ds->level)) == NULL &&
	    give_up_oldest(ds));
	if (z == NULL)
		return;
	*own = mem_new(1, sizeof(**own));
	**own = (struct deflater){
		.z = z,
		.owner = own,
		.memory = ds->memory.used - before,
	};
	ds->own_memory += (*own)->memory;
	TAILQ_INSERT_HEAD(&ds->own, *own, entry);
}

struct ws_deflate *
deflaters_choose(struct deflaters *ds, unsigned bits, struct deflater **own)
{
	if (own != NULL && *own != NULL) {
		TAILQ_REMOVE(&ds->own, *own, entry);
		TAILQ_INSERT_HEAD(&ds->own, *own, entry);
	} else if (own != NULL) {
		make_own(ds, bits, own);
	}
	if (own != NULL && *own != NULL)
		return (*own)->z;
	ws_deflate_reset(ds->common[bits]);
	return ds->common[bits];
}

/* ------------------------------------------------- inflating */

/* All that take nothing over have the largest window, and share a few spares. */
struct ws_inflate *
deflaters_get_inflate(struct deflaters *ds, unsigned bits, bool takeover)
{
	struct ws_inflate *i;

	if (!takeover && ds->nspare > 0)
		return ds->spare[--ds->nspare];
	if (!takeover)
		bits = WS_TERMS_BITS_MAX;
	while ((i = ws_inflate_new(&ds->memory, bits)) == NULL)
		if (!give_up_oldest(ds))
			return NULL;
	return i;
}

void
deflaters_put_inflate(struct deflaters *ds, struct ws_inflate *i, bool takeover)
{
	if (i == NULL)
		return;
	if (takeover || ds->nspare == DEFLATERS_SPARE) {
		ws_inflate_free(i);
		return;
	}
	ws_inflate_reset(i);
	ds->spare[ds->nspare++] = i;
}
