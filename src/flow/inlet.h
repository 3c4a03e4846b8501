/*
 * What the client says, on its way to the program: messages, framed as the
 * route says, or with a client of standpipe.v1 whatever its messages are.
 */
#ifndef FLOW_INLET_H
#define FLOW_INLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dialect/standpipe_v1.h"

struct conf_route;
struct endpoint;
struct flow;
struct framing_kind;
struct piece;

struct inlet_ops {
	/* The client's words end the session: a Close's code and reason. */
	void (*on_refused)(void *owner, unsigned code, const char *reason);
	/* The client has no more input, but stays. */
	void (*on_end)(void *owner);
	/* It wants the program to get a signal; one of the route's. */
	void (*on_signal)(void *owner, int sig);
};

/* A message that is held until it is whole. */
struct inlet_held {
	struct buf bytes; /* that came of it */
	bool passing;     /* it is too long: the rest goes on as it comes */
};

struct inlet {
	struct flow *flow;                  /* kept */
	struct endpoint *endpoint;          /* kept */
	const struct conf_route *route;     /* kept */
	const struct inlet_ops *ops;        /* kept */
	void *owner;                        /* kept */
	struct v1_reader *v1;               /* owned; NULL: plain messages */
	struct inlet_held *held;            /* owned; NULL: nothing is held */
	const struct framing_kind *framing; /* kept */
	uint64_t signals; /* base/rate's: the next that would not be early */
	bool bare;        /* the framing puts nothing around a message */
	bool ended;
};

/* Keeps all of the pointers; v1: the client speaks standpipe.v1. */
void inlet_init(struct inlet *, struct flow *, struct endpoint *,
    const struct conf_route *, bool v1, const struct inlet_ops *, void *owner);
void inlet_clear(struct inlet *);

/* A piece of a message; its data is borrowed until the flush. */
void inlet_take(struct inlet *, const struct piece *);
void inlet_flush(struct inlet *);

/*
 * End of input, once, behind what the program has not read yet: in the words
 * of the framing if it has some for a Close's payload (NULL: none).
 */
void inlet_end(struct inlet *, const uint8_t *close, size_t len);

#endif
