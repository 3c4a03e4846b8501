/*
 * The compressed messages of one session (permessage-deflate), both ways.
 *
 * What a message is inflated to comes in pieces, and between two of them its
 * owner may have to wait, or it is the turn of others: the rest, with what came
 * behind it, is then held here. That is at most what was read at once.
 */
#ifndef FLOW_DEFLATE_H
#define FLOW_DEFLATE_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/ws.h"
#include "codec/ws_terms.h"
#include "flow/later.h"

struct zpool_stream;
struct zpool;
struct ws_deflate;
struct ws_inflate;

struct deflate {
	struct zpool *shared; /* kept */
	struct ws_terms_side ours, theirs;
	size_t least; /* bytes of a message that is worth the while */
	struct zpool_stream *own;   /* of `shared`, which may take it away */
	struct ws_inflate *inflate; /* owned; NULL: not needed at the moment */
	uint64_t sent, received;    /* bytes of payload, as they travel */
	uint64_t taken, made;       /* bytes of the latest message of ours */
	uint32_t pass;              /* so many messages are not worth a try */
	uint8_t in_vain;            /* that were tried, in a row */
	bool deflates;              /* the message that we have begun is one */
	bool goes_on;               /* a piece of theirs was given already */
	uint8_t pieces;             /* of theirs, in this turn of the loop */
	bool waits;                 /* there is a rest: */
	struct piece rest;
	struct buf held;   /* its payload, and what came behind it */
	struct later turn; /* the transport's: to go on with it by itself */
};

/*
 * Gives one; keeps shared, for which zpool_prepare() has said yes to the
 * window of ours.
 */
struct deflate *deflate_new(struct zpool *, enum ws_role,
    const struct ws_terms *, size_t least);
void deflate_free(struct deflate *);

/* ------------------------------------------------- theirs */

/*
 * Inflate a piece of a message as far as there is room; `in` is moved on to
 * what is left of it. *out is what it makes, which may be nothing. WS_DATA:
 * there is more, so pass that on, say deflate_passed() and call again. WS_MORE:
 * that was all. The reader (borrowed) judges it.
 */
enum ws_result deflate_read(struct deflate *, struct ws_reader *,
    struct piece *in, struct piece *out);

/* Nobody refers any more to anything that was inflated. */
void deflate_passed(struct deflate *);

/* Keep the rest of a piece and the `behind` bytes that lie behind it. */
bool deflate_hold(struct deflate *, const struct piece *rest, size_t behind);

/*
 * Gives what was held, with *rest at its start and *behind bytes behind that;
 * nothing waits any more.
 */
struct buf deflate_release(struct deflate *, struct piece *rest,
    size_t *behind);

/* ------------------------------------------------- ours */

/* A message of ours, or a piece of one, on its way. */
struct deflate_job {
	struct ws_deflate *z;  /* kept */
	const struct iovec *v; /* kept: where we are, */
	size_t at;             /* in its bytes */
	size_t left;           /* of all bytes */
	bool last;
};

/* Whether a message that begins with these bytes, or goes on, is deflated. */
bool deflate_wants(struct deflate *, bool first, bool last, size_t len);

/* Begin on v (kept), `len` bytes in all. */
void deflate_begin(struct deflate *, struct deflate_job *,
    const struct iovec *v, size_t len, bool last);

/*
 * The payload of the next frame, good until deflate_written(). The job is done
 * when nothing is left. False: deflate_written() is needed first.
 */
bool deflate_next(struct deflate *, struct deflate_job *, struct iovec *out);

/* Nobody refers any more to anything that was deflated. */
void deflate_written(struct deflate *);

/*
 * The job was a whole message and made it no smaller: it is as if it had not
 * been begun.
 */
bool deflate_take_back(struct deflate *, const struct deflate_job *);

#endif
