/*
 * Messages on their way to the endpoint, in the words of its framing; and what
 * else a peer may want of it.
 */
#ifndef FLOW_INPUT_H
#define FLOW_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct conf_route;
struct endpoint;
struct flow;
struct framing_kind;
struct piece;

struct input_ops {
	/* A message ends the session: a Close's code and reason (static). */
	void (*on_refused)(void *owner, unsigned code, const char *reason);
};

/* A message that is held until it is whole. */
struct input_held {
	struct buf bytes; /* that came of it */
	bool passing;     /* it is too long: the rest goes on as it comes */
};

struct input {
	struct flow *flow;                  /* kept */
	struct endpoint *endpoint;          /* kept */
	const struct conf_route *route;     /* kept */
	const struct input_ops *ops;        /* kept */
	void *owner;                        /* kept */
	struct input_held *held;            /* owned; NULL: nothing is held */
	const struct framing_kind *framing; /* kept */
	uint64_t signals; /* base/rate's: the next that would not be early */
	bool bare;        /* the framing puts nothing around a message */
};

/* Keeps all of the pointers. */
void input_init(struct input *, struct flow *, struct endpoint *,
    const struct conf_route *, const struct input_ops *, void *owner);
void input_clear(struct input *);

/* A piece of a message, before the end; its data is borrowed until the flush. */
void input_take(struct input *, const struct piece *);

/* Bytes as they are, where the framing does not tell types apart. */
void input_take_bytes(struct input *, const struct piece *);
void input_flush(struct input *);

/* A signal by name; what the route does not allow, or too often, is lost. */
void input_signal(struct input *, const char *name);

/*
 * End of input, once, after what the program has not read yet: in the words
 * of the framing if it has some for a Close's payload (NULL: none).
 */
void input_end(struct input *, const uint8_t *close, size_t len);

#endif
