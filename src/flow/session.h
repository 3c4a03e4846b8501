/*
 * The pump: an endpoint and its framing, and a peer, joined.
 *
 * Each way closes on its own (DESIGN.md, "Rules of a session"): the peer's Close
 * is end of input for the program, whose output still goes out for a while; the
 * program's end of output and its exit status together end the session towards
 * the peer.
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
struct endpoint;
struct flow;
struct peer;
struct session;

struct session_ops {
	/* It is over; gone after the call. */
	void (*on_free)(void *owner, struct session *);
};

struct session_start {
	struct flow *flow;              /* kept */
	const struct conf_route *route; /* kept */
	const struct session_ops *ops;  /* kept */
	void *owner;                    /* kept */
	struct endpoint *endpoint;      /* taken; open */
	uint32_t id;
	char *path; /* taken */
	char *user; /* taken; NULL: nobody was asked who it is */
};

/* Nobody hears its output yet, so it waits. */
struct session *session_new(const struct session_start *);

/*
 * Take a peer, of which nothing was read yet, where there is none; the program's
 * own subprotocol is said to it, or NULL. Output comes from here on.
 */
void session_attach(struct session *, struct peer *, const char *subprotocol);

/*
 * Give the peer back, to be freed or given another owner at once; the endpoint
 * lives on, and its output waits. NULL: there is none.
 */
struct peer *session_detach(struct session *);

/*
 * Read on from the peer: the first time after what came of it with its opening
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
