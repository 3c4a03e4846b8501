/*
 * What carries requests and their answers, which is a version of HTTP:
 * engine/conn is HTTP/1.1. A carrier makes a request of each head that has come
 * (request_new()), tells it what comes after the head, and answers for it.
 *
 * A request calls this table and nothing else of its carrier, which finds itself
 * in the request's `owner`.
 */
#ifndef ENGINE_CARRIER_H
#define ENGINE_CARRIER_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct reply;
struct request;
struct stream;

/* What each does is in engine/request.h, under request_ and the same name. */
struct carrier {
	void (*read_body)(struct request *);
	void (*pause_body)(struct request *);
	void (*reply_start)(struct request *, const struct reply *);
	/* How many of these bytes the client is sent. */
	size_t (*reply_write)(struct request *, const void *data, size_t len);
	void (*reply_flush)(struct request *);
	/* Frees the request, and so does the next. */
	void (*reply_end)(struct request *);
	void (*reply_raw)(struct request *, const void *data, size_t len);
	size_t (*queued)(const struct request *);
	void (*abort)(struct request *);
	/* Gives the connection's place as well; the request is still there. */
	struct stream *(
	    *take_stream)(struct request *, struct buf *rest, uint32_t *seat);
};

/* ------------------------------------------------- what a carrier tells */

/* As the handler, if there is one, hears it (struct handler_ops). */
void request_on_body(struct request *, const uint8_t *data, size_t len);
void request_on_body_batch(struct request *);
void request_on_body_end(struct request *);
void request_on_drain(struct request *);

/* The handler is told, and is none any more. */
void request_on_gone(struct request *);

#endif
