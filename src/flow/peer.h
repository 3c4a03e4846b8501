/*
 * Who is at the other end of a transport: whether it still answers and still
 * says something, what its dialect is, and how the two part.
 *
 *      HERE ---- it has closed, or broken the rules ----> LEAVING
 *        \                                                  /
 *         peer_close() ------> PARTING <------ peer_close_back()
 *                                 |
 *     both Closes have passed and the connection has ended; or it was lost,
 *                          from any state: GONE
 *
 * The states are those of the transport, but for a peer that has broken the
 * rules: nobody reads on from it, while its transport is open.
 *
 * A peer may be given from one owner to another: peer_set_owner().
 */
#ifndef FLOW_PEER_H
#define FLOW_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "flow/deadlines.h"
#include "flow/transport.h"

struct flow;

/* All in milliseconds; 0: there is no such limit. */
struct peer_rules {
	uint64_t ping;          /* from one ping to the next */
	uint64_t ping_timeout;  /* from a ping to a sign of life */
	uint64_t idle_timeout;  /* without a message either way */
	uint64_t close_timeout; /* from our Close to the peer's */
	uint64_t stall;         /* without progress, while there is more */
};

/*
 * What the owner hears besides its dialect_ops, also from inside its own calls.
 * It may call back, but not peer_free().
 */
struct peer_ops {
	/* A read, or as much of it as is given at once: flush what it made. */
	void (*on_batch)(void *owner);
	/* It has closed, with peer->code and peer->reason. Once. */
	void (*on_close)(void *owner);
	/* It has broken the rules; what it said before is good. Once. */
	void (*on_fault)(void *owner, unsigned code, const char *reason);
	/* Its answer to a ping, good for the call. May be NULL. */
	void (*on_pong)(void *owner, const uint8_t *data, size_t len);
	/* Everything queued was written, and more may be sent. */
	void (*on_drain)(void *owner);
	/* It is to be sent away for what it does not do: a Close (static). */
	void (*on_late)(void *owner, unsigned code, const char *reason);
	/* The connection has ended, or was lost. Once. */
	void (*on_gone)(void *owner);
};

enum peer_due {
	PEER_DUE_PING,   /* the next ping */
	PEER_DUE_PONG,   /* a sign of life after one */
	PEER_DUE_IDLE,   /* a message either way */
	PEER_DUE_HANGUP, /* it hung up with bytes of it unread */
	PEER_DUE_CLOSE,  /* its Close, then the end of the connection */
	PEER_DUES,
};

/* Read only for owners. */
struct peer {
	const struct peer_rules *rules; /* kept */
	const struct peer_ops *ops;     /* kept */
	void *owner;                    /* kept */
	struct transport *transport;    /* owned */
	struct dialect dialect;
	char *name;      /* owned: address and port, for the log; or NULL */
	char *reason;    /* owned; of the Close; NULL: none */
	uint64_t active; /* the last message either way */
	uint64_t pinged; /* when the last ping was written */
	uint64_t seen;   /* progress, when it was looked at last */
	uint64_t moved;  /* when there was some, for PEER_DUE_CLOSE */
	uint64_t in_messages, in_bytes, out_messages, out_bytes;
	uint16_t code;    /* of the first Close, either side's; 0: none */
	bool ours;        /* that was our own */
	bool faulted;     /* it broke the rules: code is our answer */
	bool hurry;       /* nothing on its way to it is worth waiting for */
	bool paused;      /* we do not read: no sign of life can be seen */
	bool ping_queued; /* after bytes that it does not take */
	struct deadlines deadlines;
	uint64_t due[PEER_DUES]; /* of deadlines */
};

struct peer_start {
	struct flow *flow;                  /* kept */
	struct transport *transport;        /* taken; paused */
	const struct dialect_body *dialect; /* kept: what it speaks */
	const struct peer_rules *rules;     /* kept */
	char *name;                         /* taken; may be NULL */
};

/* Without an owner nothing is read and no time counts. */
struct peer *peer_new(const struct peer_start *);

/* Keeps all three. From here on the limits of the rules count. */
void peer_set_owner(struct peer *, const struct peer_ops *,
    const struct dialect_ops *, void *owner);

/* Frees the transport as well, whatever waits there. NULL is accepted. */
void peer_free(struct peer *);

/* Whether what is sent may still reach it. */
static inline bool
peer_hears(const struct peer *p)
{
	return p->transport->state == TRANSPORT_OPEN ||
	    p->transport->state == TRANSPORT_LEAVING;
}

static inline bool
peer_is_gone(const struct peer *p)
{
	return p->transport->state == TRANSPORT_GONE;
}

/* ------------------------------------------------- messages */

/* A piece of a message, and bytes of a stream, in the words of its dialect. */
void peer_send(struct peer *, const struct piece *);
void peer_send_bytes(struct peer *, const uint8_t *data, size_t len);

/* What the dialect made of it, for dialect_ops.to_peer. */
void peer_put(struct peer *, const void *before, size_t before_len,
    const struct piece *);

/* Before the loop is returned to; and if that were messages, it is not idle. */
void peer_flush(struct peer *);
void peer_flush_messages(struct peer *);

/* Whether something waits until it takes it. */
static inline bool
peer_is_full(const struct peer *p)
{
	return transport_queued(p->transport) > 0;
}

/* Pieces of it do or do not come. At first they do not. */
void peer_pause(struct peer *);
void peer_resume(struct peer *);

/* ------------------------------------------------- parting */

/*
 * Send it a Close, after everything that was sent, and wait for its own; one
 * that has broken the rules gets the code for that. Once.
 */
void peer_close(struct peer *, unsigned code, const char *reason);

/* The same for one that is leaving: in answer to what it did. */
void peer_close_back(struct peer *);

/*
 * From now on close_timeout is all that it gets after our Close, whatever is
 * still on its way to it.
 */
void peer_hurry(struct peer *);

#endif
