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
#ifndef FLOW_DEFLATERS_H
#define FLOW_DEFLATERS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/ws_terms.h"
#include "codec/zmemory.h"

struct deflater;
struct ws_deflate;
struct ws_inflate;

enum {
	DEFLATERS_PIECE = 64 * 1024, /* of a message, deflated at a time */
	DEFLATERS_ROOM = 2 * DEFLATERS_PIECE,
	DEFLATERS_SPARE = 4,
};

/* Bytes that lie there until they were written, or passed on. */
struct deflaters_room {
	uint8_t *data; /* owned: DEFLATERS_ROOM bytes; NULL: not yet */
	size_t used;
};

struct deflaters {
	struct zmemory memory;
	int level;
	/* owned, by the bits of their windows: for whoever has none of his own */
	struct ws_deflate *common[WS_TERMS_BITS_MAX + 1];
	TAILQ_HEAD(deflaters_own, deflater) own;   /* the latest used first */
	size_t own_memory;                         /* that all those have */
	struct ws_inflate *spare[DEFLATERS_SPARE]; /* owned */
	size_t nspare;
	struct deflaters_room inflated, deflated;
};

/* level: 1 to 9; max_memory: of zlib, in bytes. */
void deflaters_init(struct deflaters *, int level, size_t max_memory);
void deflaters_clear(struct deflaters *);

/*
 * Whether one session more may keep so much memory for as long as it lasts: a
 * quarter is left for messages under way.
 */
bool deflaters_can_keep(const struct deflaters *, size_t size);

/*
 * Make what has to be there before a session may agree to deflate with that
 * window. False: there is no memory for it.
 */
bool deflaters_prepare(struct deflaters *, unsigned bits);

/*
 * A stream for the next piece of a message, not given: *own, which is made if
 * need and memory be, or else the common one, reset. own: NULL if the session
 * takes nothing over.
 */
struct ws_deflate *deflaters_choose(struct deflaters *, unsigned bits,
    struct deflater **own);
void deflaters_give_up(struct deflaters *, struct deflater **own);

/*
 * Gives a stream to inflate with, or NULL; and takes it back, after a message if
 * nothing is taken over to the next.
 */
struct ws_inflate *deflaters_get_inflate(struct deflaters *, unsigned bits,
    bool takeover);
void deflaters_put_inflate(struct deflaters *, struct ws_inflate *,
    bool takeover);

#endif
