/*
 * One answer on its way to the client: head, framing of the body, and what is
 * still owed of it (RFC 9112, sections 6 and 7).
 */
#ifndef ENGINE_REPLY_H
#define ENGINE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/http1.h"

struct fields;
struct stream;

#define REPLY_UNKNOWN UINT64_MAX

struct reply {
	unsigned status;
	const char *reason;            /* borrowed; NULL: the standard's */
	const struct http1_out *field; /* borrowed */
	size_t nfields;
	uint64_t length; /* of the body; REPLY_UNKNOWN: it ends when it ends */
	bool close;      /* no request is taken after this one */
	bool logged;     /* who answers has a line of the log for it */
};

struct reply_writer {
	struct buf head; /* not sent yet */
	uint64_t left;   /* of a length that was announced */
	uint16_t status; /* 0: not begun */
	bool bodiless;   /* HEAD, 204 or 304 */
	bool chunked;
	bool counted; /* `left` is good */
	bool close;   /* the connection's end is the body's, or is to follow */
};

/* Nothing was said yet. */
void reply_init(struct reply_writer *);
void reply_clear(struct reply_writer *);

/* What a reply is the answer to. */
struct reply_to {
	unsigned minor;              /* the x of the request's HTTP/1.x */
	bool head;                   /* the method is HEAD */
	const struct fields *fields; /* kept for the call: of every answer */
};

/* Make the head. A field that the reply has is not taken from the others. */
void reply_begin(struct reply_writer *, const struct reply *,
    const struct reply_to *);

/*
 * A piece of the body, with the head if that is still here; how many bytes of
 * it the client gets.
 */
size_t reply_write(struct reply_writer *, struct stream *, const void *data,
    size_t len);
void reply_flush(struct reply_writer *, struct stream *);

/* The body is complete; false if less came than was announced. */
bool reply_finish(struct reply_writer *, struct stream *);

#endif
