/*
 * Standard error of the program at the other end, on ours.
 */
#ifndef CLIENT_TALK_STDERR_H
#define CLIENT_TALK_STDERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/escape.h"

struct flow;
struct local;
struct stream;

struct talk_stderr {
	struct flow *flow;     /* kept */
	struct local *local;   /* kept */
	struct stream *stream; /* owned; NULL: nothing was said yet */
	struct escape escape;  /* for a terminal */
	bool escapes;
	bool broken;  /* it is not read any more */
	bool in_line; /* what was shown of it last ended no line */
	void (*on_drain)(void *owner);
	void *owner; /* kept */
};

/*
 * Keeps all; on_drain: all that was queued has been taken. Somebody at a
 * terminal is shown it where output is.
 */
void talk_stderr_init(struct talk_stderr *, struct flow *, struct local *,
    void (*on_drain)(void *owner), void *owner);
void talk_stderr_clear(struct talk_stderr *);

/* Borrowed for the call. */
void talk_stderr_put(struct talk_stderr *, const uint8_t *data, size_t len);

/* There is something to be said after it, on a line of its own. */
void talk_stderr_end_line(struct talk_stderr *);

/* Bytes that wait to be taken. */
size_t talk_stderr_queued(const struct talk_stderr *);

#endif
