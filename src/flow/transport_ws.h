/*
 * A peer reached by WebSocket: frames over a stream, with the close
 * handshake, pings and pongs (RFC 6455, sections 5 to 7), in either role.
 *
 *      OPEN ------- our Close queued -------> CLOSING
 *       |                                        |
 *    peer's Close                           peer's Close
 *       v                                        v
 *    LEAVING ------ our Close queued ------->  CLOSED
 *
 * CLOSED: both Closes have passed (or nobody waits for the peer's). A server
 * shuts its side of the connection as soon as everything is written, a client
 * leaves that to the server (section 7.1.1); what still comes is read and
 * dropped, and the peer's end is the end. transport_ws_abort()
 * ends it at once, from any state. A peer that shuts its side after its Close
 * may still read, so it is given what is on its way. Time limits are the
 * owner's: it has the timer.
 *
 * Messages may be compressed (flow/deflate); the owner sees nothing of it. A few
 * bytes may then become very many, so that pausing takes effect in the middle
 * of what was read; on_batch() comes often enough to say so.
 */
#ifndef FLOW_TRANSPORT_WS_H
#define FLOW_TRANSPORT_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/piece.h"
#include "codec/ws.h"

struct deflate;
struct flow;
struct stream;
struct ws_terms;

enum transport_state {
	TRANSPORT_OPEN,
	TRANSPORT_CLOSING,
	TRANSPORT_LEAVING,
	TRANSPORT_CLOSED,
	TRANSPORT_GONE, /* on_gone was called; only clear it */
};

/*
 * What the owner hears, also from inside its own calls. It may call back, but
 * not transport_ws_clear().
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
	/* The peer broke the rules: transport_ws_close() with these. */
	void (*on_fault)(void *owner, unsigned code, const char *reason);
	/* The peer hung up, but we are paused: bytes may still be waiting. */
	void (*on_hangup)(void *owner);
	/* The peer's Pong, good for the call. May be NULL. */
	void (*on_pong)(void *owner, const uint8_t *data, size_t len);
	/* Everything queued was written. */
	void (*on_drain)(void *owner);
	/* The connection has ended, or was lost. Once. */
	void (*on_gone)(void *owner);
};

struct transport_ws {
	struct flow *flow;               /* kept */
	struct stream *stream;           /* owned */
	const struct transport_ops *ops; /* kept */
	void *owner;                     /* kept */
	uint8_t *pong;                   /* owned: the latest ping unanswered */
	uint64_t heard; /* clock_coarse_ms() of the last byte */
	uint8_t pong_len;
	uint8_t state;        /* enum transport_state */
	bool deaf;            /* what comes is dropped unread */
	bool paused;          /* by the owner */
	bool peer_ended;      /* the peer has shut its side of the connection */
	bool in_message;      /* we have begun a message and not completed it */
	bool bare;            /* what we say is neither masked nor compressed */
	const char *shortage; /* of ours, that ended it: static; or NULL */
	struct deflate *deflate; /* owned; NULL: nothing is compressed */
	struct ws_reader reader;
};

/* Takes the stream; keeps flow, ops and owner. max_message: 0, no limit. */
void transport_ws_init(struct transport_ws *, enum ws_role, struct flow *,
    struct stream *, uint64_t max_message, const struct transport_ops *,
    void *owner);
void transport_ws_clear(struct transport_ws *);

/*
 * Compress on these terms, before anything was said; zpool_prepare() has
 * made ready what our side needs. Messages of less than `least` bytes are sent
 * as they are.
 */
void transport_ws_compress(struct transport_ws *, const struct ws_terms *,
    size_t least);

/* Clients need not mask their frames; whether this one did not. */
void transport_ws_accept_unmasked(struct transport_ws *);
bool transport_ws_is_unmasked(const struct transport_ws *);

/* Bytes that came behind the opening handshake; written to. */
void transport_ws_feed(struct transport_ws *, uint8_t *data, size_t len);

/*
 * A piece of a message; its data is borrowed until transport_ws_flush(), which
 * must be called before the loop is returned to. Dropped unless the state is
 * OPEN or LEAVING.
 */
void transport_ws_send(struct transport_ws *, const struct piece *);
/* The same with something before the data (borrowed as well), in one frame. */
void transport_ws_send_after(struct transport_ws *, const void *before,
    size_t before_len, const struct piece *);
void transport_ws_ping(struct transport_ws *, const uint8_t *data, size_t len);
void transport_ws_flush(struct transport_ws *);

/*
 * Send our Close, behind everything that was sent, once. wait: for the
 * peer's; otherwise nothing it says is read any more.
 */
void transport_ws_close(struct transport_ws *, unsigned code,
    const char *reason, bool wait);

/* Drop the connection: on_gone() follows at once, unless it came. */
void transport_ws_abort(struct transport_ws *);

/* Bytes that wait for the system to take them, and with those that it has. */
size_t transport_ws_queued(const struct transport_ws *);
size_t transport_ws_unsent(const struct transport_ws *);

/*
 * Whether the peer has shut its side behind a whole message, and has been given
 * all of ours.
 */
bool transport_ws_ended_well(const struct transport_ws *);

/* Bytes of messages either way, as they travelled; false: uncompressed. */
bool transport_ws_wire(const struct transport_ws *, uint64_t *received,
    uint64_t *sent);

void transport_ws_pause(struct transport_ws *);
void transport_ws_resume(struct transport_ws *);

#endif
