/*
 * Messages inflated (RFC 7692, section 7.2.2), as their bytes arrive and into
 * as much room as there is: what a few bytes may grow to is the caller's to
 * limit, piece by piece.
 *
 * Pure; memory comes from a struct zmemory, all of it in ws_inflate_new().
 */
#ifndef CODEC_WS_INFLATE_H
#define CODEC_WS_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_inflate;
struct zmemory;

/* Negative ends the connection. */
enum ws_inflate_result {
	WS_INFLATE_MORE = 0, /* all of in was used and all it makes given */
	WS_INFLATE_FULL = 1, /* there was not room enough: call again */
	WS_INFLATE_ERR = -1, /* not DEFLATE, or cut off */
};

/*
 * Gives one for a window of 8 to 15 bits; keeps memory. NULL: there is too
 * little of it.
 */
struct ws_inflate *ws_inflate_new(struct zmemory *, unsigned bits);
void ws_inflate_free(struct ws_inflate *);

/* What one takes of memory, at most. */
size_t ws_inflate_cost(unsigned bits);

/* Forget what messages so far have said: nothing is taken over. */
void ws_inflate_reset(struct ws_inflate *);

/*
 * Inflate in[0..len) of a message into out[0..room), room > 0. `last`: the
 * message ends after these bytes; then WS_INFLATE_MORE says that it is
 * complete. After WS_INFLATE_FULL the rest of in comes again, even if nothing
 * is left of it. Sets *used and *made.
 */
enum ws_inflate_result ws_inflate_read(struct ws_inflate *, const uint8_t *in,
    size_t len, bool last, size_t *used, uint8_t *out, size_t room,
    size_t *made);

#endif
