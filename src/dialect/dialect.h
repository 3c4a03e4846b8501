/*
 * Messages <-> messages: what those of a peer mean, and what is said to a peer
 * besides the messages of the endpoint.
 *
 * Pure: everything comes in as a piece or a call and goes out through the ops,
 * at once, from inside the call. Pieces are borrowed for that long; what is kept
 * (codec/piece.h) must be copied, the rest may be referred to as long as the
 * piece that it came from.
 *
 * Bodies: dialect_plain, dialect_json_stderr, dialect_v1. Only what makes a
 * dialect names one; everything else asks through here.
 */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"
#include "codec/piece.h"
#include "codec/utf8.h"

enum { DIALECT_LINE_MAX = 4096 }; /* bytes of a line of standard error */

struct dialect;

struct dialect_ops {
	/* From the peer: a piece of a message; or of a stream, as it is. */
	void (*to_endpoint)(void *owner, const struct piece *);
	void (*bytes_to_endpoint)(void *owner, const struct piece *);
	/* The peer has no more input, but stays. */
	void (*on_end)(void *owner);
	/* It wants the endpoint to get a signal: a name without SIG. */
	void (*on_signal)(void *owner, const char *name);
	/* Its words end the session: a Close's code and reason (static). */
	void (*on_refused)(void *owner, unsigned code, const char *reason);

	/* For the peer: a piece, with a few bytes before it in the same frame. */
	void (*to_peer)(void *owner, const void *before, size_t before_len,
	    const struct piece *);
};

/* What a peer may expect. */
struct dialect_hello {
	bool bytes; /* output comes as the stream that it is */
	bool stderr_lines;
	char *const *signals; /* that it may send: names without SIG */
	size_t signals_len;
	const char *subprotocol; /* of the program; NULL: none */
};

/* What is NULL is nothing: the message is the same, or nothing is said. */
struct dialect_body {
	const char *name;
	bool apart; /* standard error is told apart from messages of any type */
	void (*init)(struct dialect *);
	void (*clear)(struct dialect *);
	void (*from_peer)(struct dialect *, const struct piece *);
	void (*send)(struct dialect *, const struct piece *);
	void (*send_bytes)(struct dialect *, const uint8_t *, size_t);
	void (*send_line)(struct dialect *, const uint8_t *, size_t);
	void (*say_hello)(struct dialect *, const struct dialect_hello *);
	void (*say_end)(struct dialect *);
	void (*say_exit)(struct dialect *, struct ended);
};

extern const struct dialect_body dialect_plain;
extern const struct dialect_body dialect_json_stderr;
extern const struct dialect_body dialect_v1;

/* Embedded in its owner's struct. */
struct dialect {
	const struct dialect_body *body; /* kept */
	const struct dialect_ops *ops;   /* kept */
	void *owner;                     /* kept */
	void *state;                     /* owned, by the body; or NULL */
};

void dialect_init(struct dialect *, const struct dialect_body *,
    const struct dialect_ops *, void *owner);
void dialect_clear(struct dialect *);

/* A piece of a message from the peer. */
static inline void
dialect_from_peer(struct dialect *d, const struct piece *p)
{
	if (d->body->from_peer == NULL)
		d->ops->to_endpoint(d->owner, p);
	else
		d->body->from_peer(d, p);
}

/* A piece of a message from the endpoint. */
static inline void
dialect_send(struct dialect *d, const struct piece *p)
{
	if (d->body->send == NULL)
		d->ops->to_peer(d->owner, NULL, 0, p);
	else
		d->body->send(d, p);
}

/* Whether output may go out as it comes, without a framing; and a part of it. */
bool dialect_takes_bytes(const struct dialect *);
void dialect_send_bytes(struct dialect *, const uint8_t *, size_t len);

/*
 * A line of standard error, without its end, at most DIALECT_LINE_MAX bytes;
 * never inside a message.
 */
void dialect_send_line(struct dialect *, const uint8_t *line, size_t len);

/*
 * What the peer may expect, first; that no more output comes; and how the
 * program has ended. Whether the end of output is said at all.
 */
void dialect_say_hello(struct dialect *, const struct dialect_hello *);
bool dialect_says_end(const struct dialect *);
void dialect_say_end(struct dialect *);
void dialect_say_exit(struct dialect *, struct ended);

/*
 * For bodies: a line as text that is UTF-8, at most DIALECT_TEXT_MAX bytes; the
 * bytes of it.
 */
enum {
	DIALECT_TEXT_MAX =
	    UTF8_REPAIR_GROWTH * DIALECT_LINE_MAX + UTF8_REPAIR_EXTRA,
};
size_t dialect_put_text(uint8_t out[DIALECT_TEXT_MAX], const uint8_t *line,
    size_t len);

#endif
