/*
 * The pump: one transport, one dialect, one framing and one endpoint, joined.
 *
 * Each way closes on its own (DESIGN.md, "Rules of a session"): the client's
 * Close is end of input for the program, whose output still goes out for a
 * while; the program's end of output and its exit status together end the
 * session towards the client.
 *
 * A session frees itself from the loop when the connection has ended and the
 * exit status is in, and says so with on_free.
 */
#ifndef FLOW_SESSION_H
#define FLOW_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_route;
struct dialect_body;
struct endpoint;
struct flow;
struct session;
struct transport;

struct session_ops {
	/* It is over; gone after the call. */
	void (*on_free)(void *owner, struct session *);
};

struct session_start {
	struct flow *flow;              /* kept */
	const struct conf_route *route; /* kept */
	const struct session_ops *ops;  /* kept */
	void *owner;                    /* kept */
	struct transport *transport;    /* taken; paused */
	struct endpoint *endpoint;      /* taken; open */
	uint32_t id;
	const struct dialect_body *dialect; /* kept: what the client speaks */
	const char *subprotocol; /* the program's, inside of it; or NULL */
	char *peer;              /* taken: address and port, for the log */
	char *path;              /* taken */
	char *user;              /* taken; NULL: nobody was asked who it is */
};

/* Gives a running session; nothing was read yet. */
struct session *session_new(const struct session_start *);

/*
 * Once: read on from the transport, after what came of it with its opening
 * handshake.
 */
void session_start_reading(struct session *);

/* A line of the log about it as it is. */
void session_list(const struct session *);

/* The daemon stops: 1001, soon. */
void session_stop(struct session *);

/* Drop everything at once and free it, without a word to the client. */
void session_free(struct session *);

#endif
