/*
 * What conn.c, conn_entry.c and conn_answer.c share: the state of one
 * connection, and its steps from one state to the next.
 */
#ifndef ENGINE_CONN_STATE_H
#define ENGINE_CONN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "base/addr.h"
#include "base/buf.h"
#include "codec/http1_body.h"
#include "engine/conn.h"
#include "engine/ids.h"
#include "engine/reply.h"
#include "flow/later.h"
#include "ipc/ipc_codec.h"

struct arrival;
struct conf;
struct refusal;
struct request;
struct stream;

enum { CONN_DRAIN_MS = 2000 }; /* what is behind the last answer is dropped */

enum conn_state {
	CONN_ADMITTING, /* it arrives, or the parent decides on it */
	CONN_READING,   /* a request's head is awaited, or arrives */
	CONN_SERVING,   /* it is being answered */
	CONN_CLOSING, /* the last answer is out; what still comes is dropped */
};

struct conn {
	struct id_node node;
	struct engine *engine;      /* kept */
	const struct conn_ops *ops; /* kept */
	int fd;                     /* owned, till one of these has it */
	struct arrival *arrival;    /* owned; NULL: nothing comes before */
	struct stream *stream;      /* owned; NULL: not yet, or taken over */
	struct request *rq;         /* owned; of CONN_SERVING */
	const struct route *route;  /* kept: of the request before that */
	struct buf in;              /* bytes that are not used yet */
	size_t scanned;             /* of the head, by the parser */
	size_t dropped;             /* bytes behind the last answer */
	struct http1_body body;
	struct reply_writer reply;
	struct ipc_listen how; /* of the listener, which may end before us */
	uint64_t moved;        /* bytes of bodies, either way, for stalls */
	uint64_t seen;         /* of them, when the timer was set */
	unsigned port;         /* that the client connected to; 0: unix */
	unsigned peer_port;
	uint32_t seat;          /* see limits.h; 0: none */
	struct refusal *denied; /* owned; NULL: may come in */
	uint8_t state;          /* enum conn_state */
	bool loopback;
	bool heard;      /* though it is turned away */
	bool tls;        /* as far as is known */
	bool https;      /* says a proxy in front of the connection */
	bool asked;      /* the parent was, whether it may come in */
	bool reused;     /* it has had an answer */
	bool wants_body; /* the handler does */
	bool body_ended;
	bool expects;    /* the client waits for 100 (Continue) */
	bool peer_ended; /* it will send no more */
	bool read_all;   /* and nothing of it is left to be read */
	bool head_begun; /* the timer is that of the head */
	bool taking;     /* bytes are being used: see take() */
	bool put_off;    /* the rest of them comes with the next turn */
	bool over;       /* freed at the next turn of the loop */
	struct addr peer;
	struct event timer;
	struct later kick; /* there is something to do, from the loop */
};

const struct conf *conn_conf(const struct conn *);

/* Have the timer fire in so many milliseconds; 0: not at all. */
void conn_wait(struct conn *, uint64_t ms);

/* Watch whether the client takes and sends what it should. */
void conn_watch_stall(struct conn *);

/* Not from inside a callback of the stream: the loop frees it. */
void conn_end_soon(struct conn *);

/* The same, with a line in the log if it is we who were short of something. */
void conn_lose(struct conn *, int err);

/* The state has changed: take what is here, from the loop, or let more come. */
void conn_go_on(struct conn *);

/* conn_answer.c: the request whose head was read; see request_new(). */
void conn_make_request(struct conn *, const struct http1_head *,
    const uint8_t *bytes, size_t len);

/* conn_entry.c: find out who it is and let it in, or not. */
void conn_knock(struct conn *);

/* conn_entry.c: it did not even begin in time. */
void conn_give_up_entry(struct conn *);

/* It is known what it speaks; then, its first request may come. */
void conn_start_http(struct conn *);
void conn_start_reading(struct conn *);

/*
 * conn_answer.c: refuse without a request that could be answered: there is a
 * head that is none, or no room.
 */
void conn_refuse_all(struct conn *, const struct refusal *);

/* conn_answer.c: nothing after what was said: wait for the client to leave. */
void conn_close_behind(struct conn *);

#endif
