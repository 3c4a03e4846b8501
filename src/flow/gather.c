#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "flow/gather.h"
#include "flow/stream.h"

void
gather_init(struct gather *g)
{
	*g = (struct gather){ .room = mem_new(1, GATHER_ROOM) };
}

void
gather_clear(struct gather *g)
{
	free(g->room);
	g->room = NULL;
}

static void
flush_by(struct gather *g,
    void (*write)(struct stream *, const struct iovec *, size_t))
{
	struct stream *to = g->to;

	if (to == NULL)
		return;
	g->to = NULL;
	write(to, g->iov, g->niov);
	g->niov = 0;
	g->used = 0;
	g->copied = false;
}

void
gather_flush(struct gather *g)
{
	flush_by(g, stream_writev);
}

void
gather_flush_last(struct gather *g)
{
	flush_by(g, stream_writev_last);
}

/* One more piece for `to` can come: none of another stream's is before it. */
static void
prepare(struct gather *g, struct stream *to)
{
	if (g->to != to || g->niov == GATHER_PIECES ||
	    g->used + GATHER_COPY > GATHER_ROOM)
		gather_flush(g);
	g->to = to;
}

uint8_t *
gather_reserve(struct gather *g, struct stream *to)
{
	prepare(g, to);
	return g->room + g->used;
}

void
gather_add(struct gather *g, struct stream *to, const void *data, size_t len)
{
	if (len == 0)
		return;
	prepare(g, to);
	if (len <= GATHER_COPY) {
		memcpy(g->room + g->used, data, len);
		gather_commit(g, len);
	} else {
		g->iov[g->niov++] =
		    (struct iovec){ (void *)(uintptr_t)data, len };
		g->copied = false;
	}
}
