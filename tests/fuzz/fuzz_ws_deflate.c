/*
 * Compressed messages. The first byte says how: inflate the rest as a peer's
 * (bit 7), or deflate it and inflate that; the second how it is cut and the
 * third how much room there is. What is inflated must not depend on the cuts or
 * on the room, memory must not grow, and what was deflated must come back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "codec/zmemory.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { OUT_MAX = 1 << 18 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What follows the first bytes; an empty buffer has no memory to point into. */
static const uint8_t *
rest(const struct buf *b, size_t at)
{
	return b->len > 0 ? b->data + at : NULL;
}

/* A piece of its own size on the heap, so that no byte beyond is touched. */
static enum ws_inflate_result
take(struct ws_inflate *i, const uint8_t *in, size_t len, bool last,
    size_t room, struct buf *out)
{
	uint8_t *piece = malloc(len == 0 ? 1 : len), *to = malloc(room);
	enum ws_inflate_result rc;
	size_t at = 0, used, made;

	check(piece != NULL && to != NULL);
	if (len > 0)
		memcpy(piece, in, len);
	do {
		rc = ws_inflate_read(i, piece + at, len - at, last, &used, to,
		    room, &made);
		check(used <= len - at && made <= room);
		check(rc != WS_INFLATE_MORE || used == len - at);
		check(rc != WS_INFLATE_FULL || made == room);
		check(buf_add(out, to, made));
		at += used;
	} while (rc == WS_INFLATE_FULL && out->len < OUT_MAX);
	free(piece);
	free(to);
	return rc;
}

/* Inflate a message; whether it is one, and not too long for us. */
static bool
inflate(struct zmemory *m, unsigned bits, const struct buf *in, size_t step,
    size_t room, struct buf *out)
{
	struct ws_inflate *i = ws_inflate_new(m, bits);
	enum ws_inflate_result rc = WS_INFLATE_MORE;
	size_t at = 0, before = m->used;

	check(i != NULL);
	do {
		size_t n = in->len - at < step ? in->len - at : step;

		rc = take(i, rest(in, at), n, at + n == in->len, room, out);
		at += n;
	} while (rc == WS_INFLATE_MORE && at < in->len);
	check(m->used == before);
	ws_inflate_free(i);
	return rc == WS_INFLATE_MORE;
}

/*
 * As a peer's message, at once and in pieces. References beyond a window that
 * is not the largest are found out only where that is all that there is.
 */
static void
inflate_both(struct zmemory *m, unsigned bits, const struct buf *in,
    size_t step, size_t room)
{
	struct buf whole, cut;
	bool ok, ok_cut;

	buf_init(&whole, SIZE_MAX / 4);
	buf_init(&cut, SIZE_MAX / 4);
	ok = inflate(m, bits, in, in->len, OUT_MAX, &whole);
	if (whole.len < OUT_MAX) {
		ok_cut = inflate(m, bits, in, step, room, &cut);
		check(ok == ok_cut || (ok && bits < 15));
		check(!ok_cut || same(&whole, &cut));
	}
	buf_clear(&whole);
	buf_clear(&cut);
}

static void
deflate(struct zmemory *m, unsigned bits, int level, const struct buf *in,
    size_t step, struct buf *out)
{
	struct ws_deflate *d = ws_deflate_new(m, bits, level);
	size_t at = 0;

	check(d != NULL);
	do {
		size_t n = in->len - at < step ? in->len - at : step;
		size_t bound = ws_deflate_bound(d, n), made;
		uint8_t *p = buf_reserve(out, bound);

		check(p != NULL);
		made = ws_deflate_add(d, rest(in, at), n, p, bound);
		at += n;
		made +=
		    ws_deflate_end(d, at == in->len, p + made, bound - made);
		buf_commit(out, made);
		if (level % 2 == 0)
			ws_deflate_reset(d);
	} while (at < in->len);
	ws_deflate_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct zmemory m = { .max = 1024 * 1024 };
	struct buf from, wire, out;
	size_t step, room;
	unsigned bits;

	if (len < 3)
		return 0;
	bits = 8 + (in[0] & 7);
	step = (size_t)in[1] + 1;
	room = (size_t)in[2] + 1;
	buf_init(&from, SIZE_MAX / 4);
	buf_init(&wire, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	check(buf_add(&from, in + 3, len - 3));
	if (in[0] & 0x80) {
		inflate_both(&m, bits, &from, step, room);
	} else {
		deflate(&m, bits, 1 + (in[0] >> 3 & 7), &from, step, &wire);
		check(inflate(&m, bits, &wire, step, room, &out));
		check(same(&from, &out));
	}
	buf_clear(&from);
	buf_clear(&wire);
	buf_clear(&out);
	check(m.used == 0);
	return 0;
}
