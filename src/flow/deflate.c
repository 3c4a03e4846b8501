#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "flow/deflate.h"
#include "flow/flow.h"
#include "flow/zpool.h"

enum {
	ROOM_LEAST = 4096, /* less is not worth inflating into */
	VAIN_MAX = 7,      /* then 63 messages pass before the next try */
};

struct deflate *
deflate_new(struct zpool *shared, enum ws_role role,
    const struct ws_terms *terms, size_t least)
{
	struct deflate *d = mem_new(1, sizeof(*d));
	bool server = role == WS_SERVER;

	*d = (struct deflate){
		.shared = shared,
		.ours = server ? terms->server : terms->client,
		.theirs = server ? terms->client : terms->server,
		.least = least,
	};
	buf_init(&d->held, FLOW_READ_PIPE);
	return d;
}

void
deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	zpool_give_up(d->shared, &d->own);
	zpool_put_inflate(d->shared, d->inflate, d->theirs.takeover);
	buf_clear(&d->held);
	free(d);
}

/* ------------------------------------------------- theirs */

static bool
has_inflate(struct deflate *d)
{
	if (d->inflate == NULL)
		d->inflate = zpool_get_inflate(d->shared, d->theirs.bits,
		    d->theirs.takeover);
	return d->inflate != NULL;
}

static void
end_message(struct deflate *d)
{
	if (d->theirs.takeover)
		return;
	zpool_put_inflate(d->shared, d->inflate, false);
	d->inflate = NULL;
}

enum ws_result
deflate_read(struct deflate *d, struct ws_reader *r, struct piece *in,
    struct piece *out)
{
	struct zpool_room *room = &d->shared->inflated;
	uint8_t *place = room->data + room->used;
	enum ws_inflate_result rc;
	enum ws_result judged;
	size_t used;

	*out = (struct piece){
		.text = in->text,
		.first = !d->goes_on,
		.data = place,
	};
	if (ZPOOL_ROOM - room->used < ROOM_LEAST)
		return WS_DATA;
	if (!has_inflate(d))
		return WS_ERR_MEMORY;
	rc = ws_inflate_read(d->inflate, in->data, in->len, in->last, &used,
	    place, ZPOOL_ROOM - room->used, &out->len);
	if (rc < 0)
		return WS_ERR_DEFLATE;
	in->data += used;
	in->len -= used;
	out->last = in->last && rc == WS_INFLATE_MORE;
	if ((judged = ws_check_inflated(r, out)) < 0)
		return judged;
	room->used += out->len;
	d->goes_on = !out->last && (d->goes_on || out->len > 0);
	if (out->last)
		end_message(d);
	return rc == WS_INFLATE_FULL ? WS_DATA : WS_MORE;
}

void
deflate_passed(struct deflate *d)
{
	d->shared->inflated.used = 0;
}

/* Nothing, too, has a place where it begins. */
bool
deflate_hold(struct deflate *d, const struct piece *rest, size_t behind)
{
	d->waits = buf_reserve(&d->held, rest->len + behind + 1) != NULL &&
	    buf_add(&d->held, rest->data, rest->len + behind);
	d->rest = *rest;
	return d->waits;
}

struct buf
deflate_release(struct deflate *d, struct piece *rest, size_t *behind)
{
	struct buf held = d->held;

	d->waits = false;
	*rest = d->rest;
	rest->data = held.data;
	*behind = held.len - rest->len;
	buf_init(&d->held, FLOW_READ_PIPE);
	return held;
}

/* ------------------------------------------------- ours */

/*
 * Who sends pictures would have us work for nothing: after two messages that
 * have become no smaller one passes as it is, after three in a row three, and so
 * on.
 */
static void
learn(struct deflate *d)
{
	if (d->made < d->taken - d->taken / 16) {
		d->in_vain = 0;
		return;
	}
	if (d->in_vain < VAIN_MAX)
		d->in_vain++;
	d->pass = (1u << (d->in_vain - 1)) - 1;
}

bool
deflate_wants(struct deflate *d, bool first, bool last, size_t len)
{
	if (!first)
		return d->deflates;
	d->taken = d->made = 0;
	d->deflates = !last || len >= d->least;
	if (d->deflates && d->pass > 0) {
		d->pass--;
		d->deflates = false;
	}
	return d->deflates;
}

void
deflate_begin(struct deflate *d, struct deflate_job *job, const struct iovec *v,
    size_t len, bool last)
{
	*job = (struct deflate_job){
		.z = zpool_choose(d->shared, d->ours.bits,
		    d->ours.takeover ? &d->own : NULL),
		.v = v,
		.left = len,
		.last = last,
	};
}

/* As much as there is of one part. */
static size_t
add_part(struct deflate_job *job, size_t max, uint8_t *out, size_t room)
{
	size_t n, made;

	while (job->at == job->v->iov_len) {
		job->v++;
		job->at = 0;
	}
	n = job->v->iov_len - job->at;
	if (n > max)
		n = max;
	made = ws_deflate_add(job->z, (uint8_t *)job->v->iov_base + job->at, n,
	    out, room);
	job->at += n;
	job->left -= n;
	return made;
}

bool
deflate_next(struct deflate *d, struct deflate_job *job, struct iovec *out)
{
	struct zpool_room *room = &d->shared->deflated;
	size_t len = job->left < ZPOOL_PIECE ? job->left : ZPOOL_PIECE;
	size_t end = job->left - len, n = 0;
	size_t bound = ws_deflate_bound(job->z, len);
	uint8_t *p = room->data + room->used;

	if (bound > ZPOOL_ROOM - room->used)
		return false;
	while (job->left > end)
		n += add_part(job, job->left - end, p + n, bound - n);
	n += ws_deflate_end(job->z, job->last && end == 0, p + n, bound - n);
	room->used += n;
	d->taken += len;
	d->made += n;
	*out = (struct iovec){ p, n };
	if (job->last && end == 0)
		learn(d);
	return true;
}

void
deflate_written(struct deflate *d)
{
	d->shared->deflated.used = 0;
}

bool
deflate_take_back(struct deflate *d, const struct deflate_job *job)
{
	if (!job->last || job->left > 0 || d->made < d->taken)
		return false;
	ws_deflate_reset(job->z); /* they have none of what it knows */
	d->deflates = false;
	return true;
}
