/*
 * One HTTP request, from its complete head to its answer or the session that
 * it becomes: who asks, for what, and what was found out on the way.
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

struct conn;
struct engine;

enum {
	REQUEST_PEER_SIZE = ADDR_TEXT + 8,
	REQUEST_VARS_MAX = 32 * 1024,
};

struct request {
	struct conn *conn; /* kept */
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

	size_t step;      /* of access.c */
	char *bytes;      /* owned: what head and url point into */
	size_t len;       /* of them */
	uint64_t started; /* clock_ms() */

	/* Last, because there is no memory for fields that it does not have. */
	struct http1_head head;
};

/*
 * Gives a request whose head was read from the first len bytes (borrowed) of
 * something; the head is copied and moved to a copy of them.
 */
struct request *request_new(struct conn *, const struct http1_head *,
    const uint8_t *bytes, size_t len);
void request_free(struct request *);

/* Say who the client is. */
void request_set_client(struct request *, const struct addr *, unsigned port);

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

/* The path, cut for a log; yours. */
char *request_log_path(const struct request *);

#endif
