/*
 * A byte buffer with a hard ceiling: the only memory that a peer can grow.
 *
 * It allocates nothing until the first byte arrives and holds no more than
 * about twice what was put in, never more than `max`.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned; NULL while empty and unused */
	size_t len;
	size_t cap;
	size_t max;
	bool starved; /* memory was refused, not the ceiling reached */
};

/* An empty buffer that will never hold more than max bytes. */
void buf_init(struct buf *, size_t max);

/* Release the memory; the buffer is empty and may be used again. */
void buf_clear(struct buf *);
void buf_wipe(struct buf *); /* and leaves nothing of it in memory */

/*
 * Append len bytes (borrowed). False, with the buffer as it was, if that would
 * pass the ceiling or memory ran out, which `starved` tells apart.
 */
bool buf_add(struct buf *, const void *data, size_t len);

/* As buf_add for one byte, and for a text without its NUL. */
bool buf_add_byte(struct buf *, uint8_t);
bool buf_add_str(struct buf *, const char *);

/* Room for len more bytes after the contents, or NULL; then buf_commit(). */
uint8_t *buf_reserve(struct buf *, size_t len);
void buf_commit(struct buf *, size_t len);

/* Drop the first len bytes (at most all); memory is kept. */
void buf_drain(struct buf *, size_t len);

#endif
