/*
 * Bytes that many streams are to get, or that are too many to be copied: each
 * queues a reference to them.
 *
 * They are counted. Whoever made them holds them until shared_drop(), and a
 * stream for as long as they wait in its queue; the last of these frees them.
 */
#ifndef FLOW_SHARED_H
#define FLOW_SHARED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct shared {
	struct buf bytes; /* owned; they do not change any more */
	size_t holders;
};

/* Gives them, with one holder; takes what is in the buffer, which is empty then. */
struct shared *shared_new(struct buf *);

/* One holder more, and one less. */
void shared_hold(struct shared *);
void shared_drop(struct shared *);

#endif
