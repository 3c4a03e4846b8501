/*
 * How messages travel to a peer and from it, whatever carries them.
 *
 *      OPEN ------- our Close queued -------> CLOSING
 *       |                                        |
 *    peer's Close                           peer's Close
 *       v                                        v
 *    LEAVING ------ our Close queued ------->  CLOSED
 *
 * CLOSED: both Closes have passed (or nobody waits for the peer's); what still
 * comes is read and dropped, and the peer's end is the end. transport_abort()
 * ends it at once, from any state. Time limits are the owner's: it has the
 * timer.
 *
 * The bodies are transport_BODY.c; nobody but a maker names one.
 */
#ifndef FLOW_TRANSPORT_H
#define FLOW_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/piece.h"

struct log_field;
struct transport;

enum transport_state {
	TRANSPORT_OPEN,
	TRANSPORT_CLOSING,
	TRANSPORT_LEAVING,
	TRANSPORT_CLOSED,
	TRANSPORT_GONE, /* on_gone was called; only free it */
};

enum { TRANSPORT_FIELDS = 3 }; /* for the log, at most */

/*
 * What the owner hears, also from inside its own calls. It may call back, but
 * not transport_free().
 */
struct transport_ops {
	/*
	 * A piece of a message, good for the call and as long as
	 * flow->to_endpoint.
	 */
	void (*on_data)(void *owner, const struct piece *);
	/* A read, or as much of it as is given at once: flush what it made. */
	void (*on_batch)(void *owner);
	/* The peer's Close, once. The reason is UTF-8, not terminated. */
	void (*on_close)(void *owner, unsigned code, const uint8_t *reason,
	    size_t len);
	/* The peer broke the rules: transport_close() with these. */
	void (*on_fault)(void *owner, unsigned code, const char *reason);
	/* The peer hung up, but we are paused: bytes may still be waiting. */
	void (*on_hangup)(void *owner);
	/* The peer's answer to a ping, good for the call. May be NULL. */
	void (*on_pong)(void *owner, const uint8_t *data, size_t len);
	/* Everything queued was written. */
	void (*on_drain)(void *owner);
	/* The connection has ended, or was lost. Once. */
	void (*on_gone)(void *owner);
};

/* What the bodies do, as it stands at the functions below. */
struct transport_body {
	void (*send)(struct transport *, const struct piece *);
	void (*send_after)(struct transport *, const void *before,
	    size_t before_len, const struct piece *);
	void (*ping)(struct transport *, const uint8_t *data, size_t len);
	void (*flush)(struct transport *);
	void (*close)(struct transport *, unsigned code, const char *reason,
	    bool wait);
	void (*abort)(struct transport *);
	void (*pause)(struct transport *);
	void (*resume)(struct transport *);
	size_t (*queued)(const struct transport *);
	size_t (*unsent)(const struct transport *);
	size_t (*put_fields)(const struct transport *, struct log_field *);
	void (*free)(struct transport *);
};

/* The first member of each body. Read only for owners. */
struct transport {
	const struct transport_body *body; /* kept */
	const struct transport_ops *ops;   /* kept */
	void *owner;                       /* kept */
	uint64_t heard;       /* clock_coarse_ms() of the last byte */
	const char *shortage; /* of ours, that ended it: static; or NULL */
	uint8_t state;        /* enum transport_state */
	bool in_message;      /* we have begun a message and not completed it */
};

/* Before anything else; keeps both. It is paused till it is resumed. */
static inline void
transport_set_owner(struct transport *t, const struct transport_ops *ops,
    void *owner)
{
	t->ops = ops;
	t->owner = owner;
}

/*
 * A piece of a message; its data is borrowed until transport_flush(), which
 * must be called before the loop is returned to. Dropped unless the state is
 * OPEN or LEAVING.
 */
static inline void
transport_send(struct transport *t, const struct piece *p)
{
	t->body->send(t, p);
}

/* The same with something before the data (borrowed as well), in one piece. */
static inline void
transport_send_after(struct transport *t, const void *before, size_t before_len,
    const struct piece *p)
{
	t->body->send_after(t, before, before_len, p);
}

/* Ask for a sign of life. */
static inline void
transport_ping(struct transport *t, const uint8_t *data, size_t len)
{
	t->body->ping(t, data, len);
}

static inline void
transport_flush(struct transport *t)
{
	t->body->flush(t);
}

/*
 * Send our Close, after everything that was sent, once. wait: for the
 * peer's; otherwise nothing it says is read any more.
 */
static inline void
transport_close(struct transport *t, unsigned code, const char *reason,
    bool wait)
{
	t->body->close(t, code, reason, wait);
}

/* Drop the connection: on_gone() follows at once, unless it came. */
static inline void
transport_abort(struct transport *t)
{
	t->body->abort(t);
}

/* on_data does or does not come; what was left behind comes after a resume. */
static inline void
transport_pause(struct transport *t)
{
	t->body->pause(t);
}

static inline void
transport_resume(struct transport *t)
{
	t->body->resume(t);
}

/* Bytes that wait for the system to take them, and with those that it has. */
static inline size_t
transport_queued(const struct transport *t)
{
	return t->body->queued(t);
}

static inline size_t
transport_unsent(const struct transport *t)
{
	return t->body->unsent(t);
}

/* What the log says of it when it ends: up to TRANSPORT_FIELDS of them. */
static inline size_t
transport_put_fields(const struct transport *t, struct log_field *fields)
{
	return t->body->put_fields(t, fields);
}

static inline void
transport_free(struct transport *t)
{
	t->body->free(t);
}

#endif
