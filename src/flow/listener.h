/*
 * Accepting connections from one listening socket.
 *
 * The sockets were bound by the room sock, which also set what accepted ones
 * inherit (no delay, keepalive). A turn of the loop accepts a bounded number,
 * so that those who are here already are not kept waiting, and running out of
 * descriptors pauses the listener for a moment instead of spinning.
 */
#ifndef FLOW_LISTENER_H
#define FLOW_LISTENER_H

#include <sys/socket.h>

#include <stdbool.h>

#include "ipc/ipc.h"

struct flow;
struct listener;

struct listener_ops {
	/* Gives the accepted socket: non-blocking and close-on-exec. */
	void (*on_accept)(void *owner, struct listener *, int fd,
	    const struct sockaddr *, socklen_t);
	/*
	 * Somebody who shares the socket has shut it; said again from time to
	 * time until there is another, or listener_pause().
	 */
	void (*on_spoilt)(void *owner, struct listener *);
};

/*
 * Takes fd (non-blocking; listening, or the one client that there is); keeps
 * flow, ops and owner; how: NULL, in no special way. It accepts nobody before
 * listener_start(). NULL with errno.
 */
struct listener *listener_new(struct flow *, int fd, const struct ipc_listen *,
    const struct listener_ops *, void *owner);

/* Go on with another socket (taken) in the place of one that is spoilt. */
void listener_renew(struct listener *, int fd);

/* Closes it, here; NULL is accepted. */
void listener_free(struct listener *);

/* -1 with errno: the loop cannot watch it, and nobody would ever be accepted. */
int listener_start(struct listener *);

/*
 * Stop accepting, and go on; connections wait in the socket's backlog. What
 * cannot be watched for now is tried again, with a line in the log.
 */
void listener_pause(struct listener *);
void listener_resume(struct listener *);

/* How clients that arrive there are received. */
const struct ipc_listen *listener_how(const struct listener *);

/* The port it is bound to; 0 for a Unix socket. */
unsigned listener_port(const struct listener *);

/* Whether a connection that it accepted came over a loopback address. */
bool listener_is_loopback(const struct listener *, int fd);

#endif
