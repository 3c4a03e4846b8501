/*
 * Output put together from many pieces, so that all that one read causes
 * leaves in one write.
 *
 * Small pieces are copied, large ones are referred to where they lie. The
 * owner of the bytes calls gather_flush() before they move. A gather holds the
 * pieces of one stream: they are written before the first piece of another.
 */
#ifndef FLOW_GATHER_H
#define FLOW_GATHER_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

enum {
	GATHER_PIECES = 64,
	GATHER_COPY = 2048, /* pieces up to this are copied */
	GATHER_ROOM = 128 * 1024,
};

struct gather {
	struct stream *to; /* kept until the flush */
	struct iovec iov[GATHER_PIECES];
	size_t niov;
	uint8_t *room; /* owned: GATHER_ROOM bytes */
	size_t used;
	bool copied; /* the last piece lies in the room */
};

void gather_init(struct gather *);
void gather_clear(struct gather *);

/*
 * Add a piece for `to`. Bytes are borrowed until the flush, which comes at once
 * if there is no more room.
 */
void gather_add(struct gather *, struct stream *to, const void *data,
    size_t len);

/*
 * Room for a piece that the caller writes itself: gather_left() bytes, which are
 * GATHER_COPY at least. What was added before may be flushed. Then
 * gather_commit() with as many as were written, not none.
 */
uint8_t *gather_reserve(struct gather *, struct stream *to);

static inline size_t
gather_left(const struct gather *g)
{
	return GATHER_ROOM - g->used;
}

static inline void
gather_commit(struct gather *g, size_t n)
{
	if (g->copied)
		g->iov[g->niov - 1].iov_len += n;
	else
		g->iov[g->niov++] = (struct iovec){ g->room + g->used, n };
	g->copied = true;
	g->used += n;
}

/* Write everything; what the system does not take, the stream queues. */
void gather_flush(struct gather *);

/* The same, and nothing more will follow: stream_writev_last(). */
void gather_flush_last(struct gather *);

#endif
