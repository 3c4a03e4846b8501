/*
 * HTTP/1.1 on one connection (RFC 9112): one request at a time is read, let in
 * or refused, and answered; then comes the next, or the end, or a session
 * takes the connection over.
 *
 *   ADMITTING -> READING <-> SERVING -> (session)
 *        \          \           \
 *         `----------`-----------`----> CLOSING -> closed
 *
 * Bytes that come while nobody wants them wait in the system, or in a buffer of
 * the size of one read.
 *
 * Whoever answers a request does it at once with conn_reply() or conn_refuse(),
 * or becomes its handler and takes its time. A request is gone with its last
 * byte of answer: after conn_reply(), conn_refuse(), conn_reply_end() and
 * conn_take_stream() it must not be touched.
 *
 * Three files: conn_entry.c is what comes before HTTP, conn.c reads, and
 * conn_answer.c writes.
 */
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/reply.h"

struct conn;
struct engine;
struct ipc_listen;
struct ipc_msg;
struct listener;
struct refusal;
struct request;
struct stream;

/*
 * Takes fd; keeps the engine. If connections are counted, nothing is read
 * before the parent has let it in.
 */
struct conn *conn_new(struct engine *, struct listener *, int fd,
    const struct sockaddr *, socklen_t);

/*
 * The parent was asked whether a request may be served: nothing happens to it
 * before the answer, and then access_resume() or the refusal.
 */
void conn_await_admission(struct conn *);

/* The parent's answer about one; false if it makes no sense. */
bool conn_on_admitted(struct engine *, const struct ipc_msg *);

/* The places that a connection and its request hold; see limits.h. */
struct conn_seats {
	uint32_t connection;
	uint32_t client;
};

/* Gives them: they outlive the conn. */
struct conn_seats conn_take_seats(struct conn *);

/* The daemon stops: whoever is served nothing yet is sent away. */
void conn_stop_all(struct engine *);

/* The engine ends. */
void conn_drop_all(struct engine *);

/* ------------------------------------------------- who it is */

struct engine *conn_engine(const struct conn *);
uint32_t conn_id(const struct conn *);

/* The port that the client connected to; 0: a Unix socket. */
unsigned conn_port(const struct conn *);

/* Why nobody on it is served, whatever he asks for; NULL: he may be. */
const struct refusal *conn_denied(const struct conn *);

/* Whether an earlier request on it was answered. */
bool conn_is_reused(const struct conn *);

/* How the listener that it came to receives clients. */
const struct ipc_listen *conn_how(const struct conn *);

/* Whether it came over a loopback address. */
bool conn_is_loopback(const struct conn *);

/* Write address, port and https of the connection itself into the request. */
void conn_describe_peer(const struct conn *, struct request *);

/* ------------------------------------------------- who answers */

/*
 * Somebody who takes his time. After on_gone, which comes at most once and
 * last, neither the conn nor the request is there any more.
 */
struct handler_ops {
	/* A piece of the request's body, decoded; good for the call. */
	void (*on_body)(void *owner, const uint8_t *data, size_t len);
	/* The pieces of a read were given: they will move. May be NULL. */
	void (*on_body_batch)(void *owner);
	/* The body is complete, behind a batch. */
	void (*on_body_end)(void *owner);
	/* What was queued for the client has been taken. May be NULL. */
	void (*on_drain)(void *owner);
	/* The client has gone, or the daemon stops. */
	void (*on_gone)(void *owner);
};

/* Keeps both until the answer's end; NULL, NULL: nobody waits. */
void conn_handle(struct conn *, const struct handler_ops *, void *owner);

/*
 * Have the body read, which nobody does by itself, or stop for a while. A
 * client that waits for 100 (Continue) gets it with the first call.
 */
void conn_read_body(struct conn *);
void conn_pause_body(struct conn *);

/* ------------------------------------------------- the answer */

/* A whole answer. */
void conn_reply(struct conn *, const struct reply *, const void *body,
    size_t len);

/*
 * An answer in pieces. The head leaves with the first piece, or with
 * conn_reply_flush(). A body that a HEAD or the status forbids is dropped; one
 * that ends before its length breaks the connection, which is the only way
 * left to say so.
 */
void conn_reply_start(struct conn *, const struct reply *);
void conn_reply_write(struct conn *, const void *data, size_t len);
void conn_reply_flush(struct conn *);
void conn_reply_end(struct conn *);

/* Bytes that the client has not taken: wait for on_drain above some mark. */
size_t conn_queued(const struct conn *);

/* An error, from the place that decided it. Texts are static or outlive it. */
struct refusal {
	unsigned status;
	const char *why;    /* a sentence for the client */
	const char *rule;   /* for the log; NULL: not worth a line */
	const char *option; /* that would allow it, or NULL */
	const char *value;  /* with this; borrowed; or NULL */
	size_t value_len;
	const struct http1_out *field; /* more of them; borrowed */
	size_t nfields;
	bool keep; /* the request was in order: the next one may come */
	bool full; /* there is no room: websocketd says 429 then */
};

void conn_refuse(struct conn *, const struct refusal *);

/* The log's part of it alone: somebody else has the words of the answer. */
void conn_note_refusal(struct conn *, const struct refusal *);

/* No answer can be had any more: drop the connection. */
void conn_abort(struct conn *);

/*
 * Whether the client has gone and on_gone is about to come. What is said to
 * it then has no effect, but the connection cannot be taken over.
 */
bool conn_is_over(const struct conn *);

/*
 * Gives the connection, paused, and in *rest what came behind the request
 * (yours to clear; nothing if the request has only just been read, for then
 * nobody may build on it). The conn ends without it.
 */
struct stream *conn_take_stream(struct conn *, struct buf *rest);

#endif
