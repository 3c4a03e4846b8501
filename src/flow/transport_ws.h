/*
 * A peer reached by WebSocket: frames over a stream, with the close
 * handshake, pings and pongs (RFC 6455, sections 5 to 7), in either role. A body
 * of transport.h.
 *
 * When both Closes have passed a server shuts its side of the connection as soon
 * as everything is written, a client leaves that to the server (section 7.1.1).
 * A peer that shuts its side after its Close may still read, so it is given what
 * is on its way.
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

#include "codec/ws.h"

struct flow;
struct stream;
struct transport;
struct ws_terms;

/* Gives one; takes the stream, keeps flow. max_message: 0, no limit. */
struct transport *transport_ws_new(enum ws_role, struct flow *, struct stream *,
    uint64_t max_message);

/*
 * Compress on these terms, before anything was said; zpool_prepare() has
 * made ready what our side needs. Messages of less than `least` bytes are sent
 * as they are.
 */
void transport_ws_compress(struct transport *, const struct ws_terms *,
    size_t least);

/* Clients need not mask their frames; that this one did not is in its log. */
void transport_ws_accept_unmasked(struct transport *);

/* Bytes that came after the opening handshake; written to. It has its owner. */
void transport_ws_feed(struct transport *, uint8_t *data, size_t len);

/*
 * Whether the peer has shut its side after a whole message, and has been given
 * all of ours.
 */
bool transport_ws_ended_well(const struct transport *);

/* Bytes of messages either way, as they travelled; false: uncompressed. */
bool transport_ws_wire(const struct transport *, uint64_t *received,
    uint64_t *sent);

#endif
