/*
 * Accepting connections from one listening socket.
 *
 * The sockets were bound by the room sock, which also set what accepted ones
 * inherit (no delay, keepalive). A turn of the loop accepts a bounded number,
 * so that those who are here already are not kept waiting, and running out of
 * descriptors pauses the listener for a moment instead of spinning.
 *
 * Used by: engine/engine.c, engine/conn.c, client/listen.c.
 */
#ifndef FLOW_LISTENER_H
#define FLOW_LISTENER_H

#include <sys/socket.h>

#include <stdbool.h>

#include "ipc/ipc.h"

struct flow;
struct listener;

/* Gives the accepted socket: non-blocking and close-on-exec. */
typedef void (*listener_on_accept)(void *owner, struct listener *, int fd,
    const struct sockaddr *, socklen_t);

/*
 * Takes fd (non-blocking; listening, or the one client that there is); keeps
 * flow and owner; how: NULL, in no special way. It accepts nobody before
 * listener_resume(). NULL with errno.
 */
struct listener *listener_new(struct flow *, int fd, const struct ipc_listen *,
    listener_on_accept, void *owner);

/* Closes it, here; NULL is accepted. */
void listener_free(struct listener *);

/* Stop accepting, and go on; connections wait in the socket's backlog. */
void listener_pause(struct listener *);
void listener_resume(struct listener *);

/* How clients that arrive there are received. */
const struct ipc_listen *listener_how(const struct listener *);

/* The port it is bound to; 0 for a Unix socket. */
unsigned listener_port(const struct listener *);

/* Whether a connection that it accepted came over a loopback address. */
bool listener_is_loopback(const struct listener *, int fd);

#endif
