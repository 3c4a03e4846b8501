/*
 * Messages deflated (RFC 7692, section 7.2.1).
 *
 * Pure; memory comes from a struct zmemory, all of it in ws_deflate_new().
 *
 * A message, or a piece of one that is to leave by itself, is some
 * ws_deflate_add() and one ws_deflate_end(). Pieces end at whole bytes, so any
 * stream that is new or was reset may make the next one.
 */
#ifndef CODEC_WS_DEFLATE_H
#define CODEC_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_deflate;
struct zmemory;

/*
 * Gives one for a window of 8 to 15 bits and a level of 1 (fast) to 9 (small);
 * keeps memory. NULL: there is too little of it.
 */
struct ws_deflate *ws_deflate_new(struct zmemory *, unsigned bits, int level);
void ws_deflate_free(struct ws_deflate *);

/* Refer to nothing that was said so far. */
void ws_deflate_reset(struct ws_deflate *);

/* Room that a piece of len bytes needs, everything that is written together. */
size_t ws_deflate_bound(struct ws_deflate *, size_t len);

/* Both write to out and return how much; len bytes more, the end of a piece. */
size_t ws_deflate_add(struct ws_deflate *, const void *data, size_t len,
    uint8_t *out, size_t room);
size_t ws_deflate_end(struct ws_deflate *, bool last, uint8_t *out,
    size_t room);

#endif
