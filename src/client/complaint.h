/*
 * Standard error of the program at the other end, on ours.
 */
#ifndef CLIENT_COMPLAINT_H
#define CLIENT_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/escape.h"

struct flow;
struct local;
struct stream;

struct complaint {
	struct flow *flow;     /* kept */
	struct local *local;   /* kept */
	struct stream *stream; /* owned; NULL: nothing was said yet */
	struct escape escape;  /* for a terminal */
	bool escapes;
	bool broken; /* nobody reads it */
	void (*on_drain)(void *owner);
	void *owner; /* kept */
};

/*
 * Keeps all; on_drain: all that was queued has been taken. Somebody at a
 * terminal is shown it where output is.
 */
void complaint_init(struct complaint *, struct flow *, struct local *,
    void (*on_drain)(void *owner), void *owner);
void complaint_clear(struct complaint *);

/* Borrowed for the call. */
void complaint_put(struct complaint *, const uint8_t *data, size_t len);

/* Bytes that wait to be taken. */
size_t complaint_queued(const struct complaint *);

#endif
