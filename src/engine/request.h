/*
 * A request and its answer, whichever version of HTTP carries them: an
 * exchange. From the complete head to the last byte of the answer, or to the
 * session that it becomes, this is who asks, for what, what was found out on
 * the way, and who answers.
 *
 * The answer is given at once with request_reply() or request_refuse(), or by a
 * handler that takes its time. A request is gone with the last byte of its
 * answer: after request_reply(), request_refuse(), request_reply_end() and
 * request_reply_raw() it must not be touched.
 *
 * Three files: request.c is what is asked, request_reply.c is the answer, and
 * request_refuse.c the one that says no. carrier.h is what makes requests.
 */
#ifndef ENGINE_REQUEST_H
#define ENGINE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "codec/http1.h"
#include "codec/url.h"
#include "codec/ws_hello.h"

struct carrier;
struct engine;
struct handler_ops;
struct ipc_listen;
struct refusal;
struct reply;
struct route;
struct seats;
struct stream;

enum {
	REQUEST_PEER_SIZE = ADDR_TEXT + 8,
	REQUEST_VARS_MAX = 32 * 1024,
};

/* How a request came in, as its connection knows it. All pointers are kept. */
struct request_from {
	const struct ipc_listen *how; /* how the listener receives clients */
	const struct refusal *denied; /* why none on it is served, or NULL */
	unsigned port;                /* its local one; 0: a Unix socket */
	bool loopback;                /* it came over a loopback address */
	bool reused; /* an earlier request on it was answered */
};

struct request {
	struct engine *engine;         /* kept */
	const struct route *route;     /* kept; the first, until it is chosen */
	const struct carrier *carrier; /* kept; it owns the request */
	void *owner;                   /* kept: what the carrier knows it by */
	uint32_t id;                   /* its number in the log */
	struct request_from from;
	struct url url;
	struct ws_hello hello; /* if upgrade */
	bool upgrade;          /* a WebSocket is asked for */
	bool https;            /* as the client sees it */

	/* the client: the connection's peer, or whom it speaks for */
	struct addr client;
	char addr[ADDR_TEXT]; /* the same in words, for variables and log */
	unsigned port;        /* 0: unknown, or a Unix socket has none */
	char *host_name;      /* owned; NULL: the address is all we know */
	bool proxied;         /* a trusted proxy is the peer */
	const char
	    *proxy_host; /* that it was asked for, in the head, or NULL */
	size_t proxy_host_len;
	unsigned proxy_port; /* 0: none given */

	char *user;            /* owned; NULL: nobody was authenticated */
	const char *auth_type; /* static; NULL as well then */
	struct buf vars;       /* more variables: NAME=value, each with a NUL */

	const struct handler_ops *handler; /* kept; NULL: nobody waits */
	void *handler_owner;               /* kept */
	unsigned status;                   /* of the answer; 0: none yet */
	uint64_t written;                  /* bytes of its body */
	bool logged;                       /* it has its line of the log */
	bool over;                         /* see request_is_over() */
	bool asked;    /* the parent was asked whether it may be served */
	uint32_t seat; /* that it holds, see limits.h; 0: none */

	void (*go_on)(struct request *); /* what follows the step that waits */
	size_t step;                     /* of access.c, that is next */
	char *bytes;      /* owned: what head and url point into */
	size_t len;       /* of them */
	uint64_t started; /* clock_ms() */

	/* Last, because there is no memory for fields that it does not have. */
	struct http1_head head;
};

/*
 * Gives a request whose head was read from the first len bytes (borrowed) of
 * something; the head is copied and moved to a copy of them. The carrier and
 * its owner are kept. Who the client is has still to be said.
 */
struct request *request_new(struct engine *, const struct carrier *,
    void *owner, const struct http1_head *, const uint8_t *bytes, size_t len);
void request_free(struct request *);

/* Say who the client is. */
void request_set_client(struct request *, const struct addr *, unsigned port);

/*
 * The step that waited has nothing against the request. It was its handler
 * until now, and is no longer.
 */
void request_go_on(struct request *);

/* Whether a program may be started for it, for all that its head tells. */
bool request_may_run(const struct request *);

/* The client's address and port, for the log. */
void request_peer(const struct request *, char out[REQUEST_PEER_SIZE]);

/* What differs between the programs that serve requests. */
struct request_program {
	const char *subprotocol; /* NULL: none was chosen */
	const char *framing;     /* NULL: it is not for a session */
	bool found; /* by the path: the parent says which part is what */
	bool body;  /* the program gets the request's body */
};

/* Append the variables for a program; false if they do not fit (431). */
bool request_put_vars(const struct request *, const struct request_program *,
    struct buf *);

/*
 * Gives what may be asked for inside a folder of programs, the decoded path
 * without its first slash, or NULL if no program can have it.
 */
char *request_program_path(const struct request *, size_t *len);

/* The method and the path, cut for a log; yours. */
char *request_log_method(const struct request *);
char *request_log_path(const struct request *);

/* ------------------------------------------------- who answers */

/*
 * An answer that takes its time has a handler. After on_gone, which comes at
 * most once and last, the request is not there any more.
 */
struct handler_ops {
	/* A piece of the request's body, decoded; good for the call. */
	void (*on_body)(void *owner, const uint8_t *data, size_t len);
	/* The pieces of a read were given: they will move. May be NULL. */
	void (*on_body_batch)(void *owner);
	/* The body is complete; comes after a batch. */
	void (*on_body_end)(void *owner);
	/* What was queued for the client has been taken. May be NULL. */
	void (*on_drain)(void *owner);
	/* The client has gone, or the daemon stops. */
	void (*on_gone)(void *owner);
};

/* Keeps both until the answer's end; NULL, NULL: nobody waits. */
void request_handle(struct request *, const struct handler_ops *, void *owner);

/*
 * Have the body read, which nobody does by itself, or stop for a while. A
 * client that waits for 100 (Continue) gets it with the first call.
 */
void request_read_body(struct request *);
void request_pause_body(struct request *);

/* ------------------------------------------------- the answer */

/* A whole answer. */
void request_reply(struct request *, const struct reply *, const void *body,
    size_t len);

/*
 * An answer in pieces. The head leaves with the first piece, or with
 * request_reply_flush(). A body that a HEAD or the status forbids is dropped;
 * one that ends before its length breaks the connection, which is the only way
 * left to say so.
 */
void request_reply_start(struct request *, const struct reply *);
void request_reply_write(struct request *, const void *data, size_t len);
void request_reply_flush(struct request *);
void request_reply_end(struct request *);

/*
 * These bytes in place of an answer, as they are; no request is taken after
 * them.
 */
void request_reply_raw(struct request *, const void *data, size_t len);

/* Bytes that the client has not taken: wait for on_drain above some mark. */
size_t request_queued(const struct request *);

/* An error: logged, and answered as the settings have it. */
void request_refuse(struct request *, const struct refusal *);

/* The log's part of it alone: somebody else has the words of the answer. */
void request_note_refusal(struct request *, const struct refusal *);

/* No answer can be had any more: drop the connection. */
void request_abort(struct request *);

/*
 * Whether the client has gone and on_gone is about to come. What is said to
 * it then has no effect, but the connection cannot be taken over.
 */
bool request_is_over(const struct request *);

/*
 * Gives the connection, paused, with the seats that it and the request hold,
 * and in *rest what came after the request (yours to clear; nothing if the
 * request has only just been read, for then nobody may build on it). The
 * request has no handler any more, and ends with the next turn of the loop.
 */
struct stream *request_take_stream(struct request *, struct buf *rest,
    struct seats *);

#endif
