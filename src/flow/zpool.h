/*
 * What compression takes, shared by the sessions of a process: zlib's streams,
 * under one ceiling of memory, and the room that messages are inflated and
 * deflated into.
 *
 * A session that takes nothing over from one message to the next owns nothing
 * while it is idle. One that does has a window to inflate with, which it cannot
 * do without, and a stream to deflate with for as long as there is memory: the
 * one that was not used for the longest time is given up first, and what its
 * session sends then only becomes a little larger.
 */
#ifndef FLOW_ZPOOL_H
#define FLOW_ZPOOL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/ws_terms.h"
#include "codec/zmemory.h"

struct zpool_stream;
struct ws_deflate;
struct ws_inflate;

enum {
	ZPOOL_PIECE = 64 * 1024, /* of a message, deflated at a time */
	ZPOOL_ROOM = 2 * ZPOOL_PIECE,
	ZPOOL_SPARE = 4,
};

/* Bytes that lie there until they were written, or passed on. */
struct zpool_room {
	uint8_t *data; /* owned: ZPOOL_ROOM bytes; NULL: not yet */
	size_t used;
};

struct zpool {
	struct zmemory memory;
	int level;
	/* owned, by the bits of their windows: for whoever has none of his own */
	struct ws_deflate *common[WS_TERMS_BITS_MAX + 1];
	TAILQ_HEAD(zpool_own, zpool_stream) own; /* the latest used first */
	size_t own_memory;                       /* that all those have */
	struct ws_inflate *spare[ZPOOL_SPARE];   /* owned */
	size_t nspare;
	struct zpool_room inflated, deflated;
};

/* level: 1 to 9; max_memory: of zlib, in bytes. */
void zpool_init(struct zpool *, int level, size_t max_memory);
void zpool_clear(struct zpool *);

/*
 * Whether one session more may keep so much memory for as long as it lasts: a
 * quarter is left for messages under way.
 */
bool zpool_can_keep(const struct zpool *, size_t size);

/*
 * Make what has to be there before a session may agree to deflate with that
 * window. False: there is no memory for it.
 */
bool zpool_prepare(struct zpool *, unsigned bits);

/*
 * A stream for the next piece of a message, not given: *own, which is made if
 * need and memory be, or else the common one, reset. own: NULL if the session
 * takes nothing over.
 */
struct ws_deflate *zpool_choose(struct zpool *, unsigned bits,
    struct zpool_stream **own);
void zpool_give_up(struct zpool *, struct zpool_stream **own);

/*
 * Gives a stream to inflate with, or NULL; and takes it back, after a message if
 * nothing is taken over to the next.
 */
struct ws_inflate *zpool_get_inflate(struct zpool *, unsigned bits,
    bool takeover);
void zpool_put_inflate(struct zpool *, struct ws_inflate *, bool takeover);

#endif
