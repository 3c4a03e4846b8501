/*
 * HTTP/1.1 on one connection (RFC 9112): a carrier of requests (carrier.h). One
 * at a time is read, let in or refused, and answered; then comes the next, or
 * the end, or a session takes the connection over.
 *
 *   ADMITTING -> READING <-> SERVING -> (session)
 *        \          \           \
 *         `----------`-----------`----> CLOSING -> closed
 *
 * Bytes that come while nobody wants them wait in the system, or in a buffer of
 * the size of one read.
 *
 * Three files: conn_entry.c is what comes before HTTP, conn.c reads, and
 * conn_answer.c writes.
 */
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H

#include <sys/socket.h>

#include <stdbool.h>

struct engine;
struct ipc_admitted;
struct ipc_msg;
struct listener;
struct refusal;
struct request;

/* What becomes of its requests; each may be answered within the call. */
struct conn_ops {
	/* A complete head is there: let it in and serve it, or refuse it. */
	void (*on_request)(struct request *);
	/* The parent was asked whether it may be served, and says this. */
	void (*on_admitted)(struct request *, const struct ipc_admitted *);
	/* It cannot be read, or the client may not come in: refuse it. */
	void (*on_bad)(struct request *, const struct refusal *);
};

/*
 * Takes fd; keeps the engine and ops. If connections are counted, nothing is
 * read before the parent has let it in.
 */
void conn_new(struct engine *, const struct conn_ops *, struct listener *,
    int fd, const struct sockaddr *);

/* The parent's answer about one, or its request; false if it makes no sense. */
bool conn_on_admitted(struct engine *, const struct ipc_msg *);

/* The daemon stops: a client that is served nothing yet is sent away. */
void conn_stop_all(struct engine *);

/* The engine ends. */
void conn_drop_all(struct engine *);

#endif
