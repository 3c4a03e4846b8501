#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "codec/ws_inflate.h"
#include "codec/zmemory.h"

enum {
	STATE_COST = 8 * 1024, /* of zlib, without the window */
	AT_BLOCK_END = 128,    /* in data_type: a block has just ended, */
	BITS_LEFT = 63,        /* and so many bits of its last byte are left */
};

/* What the sender has left out at the end of each message. */
static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

struct ws_inflate {
	z_stream z;
	bool begun;        /* the message has a byte */
	bool ended;        /* the last block was marked as the last of all */
	uint8_t tail_used; /* bytes of the tail */
};

/* zlib takes its window when it first needs it; here it must not fail then. */
static bool
take_window(z_stream *z)
{
	static const Bytef nothing[1] = { 0 };

	return inflateSetDictionary(z, nothing, 0) == Z_OK;
}

struct ws_inflate *
ws_inflate_new(struct zmemory *memory, unsigned bits)
{
	struct ws_inflate *i = mem_new(1, sizeof(*i));

	zmemory_serve(memory, &i->z);
	if (inflateInit2(&i->z, -(int)bits) != Z_OK) {
		free(i);
		return NULL;
	}
	if (!take_window(&i->z)) {
		ws_inflate_free(i);
		return NULL;
	}
	return i;
}

void
ws_inflate_free(struct ws_inflate *i)
{
	if (i == NULL)
		return;
	(void)inflateEnd(&i->z);
	free(i);
}

size_t
ws_inflate_cost(unsigned bits)
{
	return STATE_COST + ((size_t)1 << bits);
}

static void
begin_message(struct ws_inflate *i)
{
	i->begun = false;
	i->tail_used = 0;
}

void
ws_inflate_reset(struct ws_inflate *i)
{
	(void)inflateReset(&i->z);
	begin_message(i);
	i->ended = false;
}

static unsigned
clip(size_t n)
{
	return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/*
 * A block may be marked as the last (section 7.2.3.4) and others follow all
 * the same; they may still refer to what was before.
 */
static enum ws_inflate_result
inflate_some(struct ws_inflate *i, const uint8_t *in, size_t len, size_t *used)
{
	z_stream *z = &i->z;
	int rc = Z_OK;

	z->next_in = (Bytef *)(uintptr_t)in;
	z->avail_in = clip(len);
	while (rc == Z_OK && z->avail_out > 0) {
		if (i->ended && z->avail_in == 0)
			break;
		if (i->ended)
			(void)inflateResetKeep(z);
		rc = inflate(z, Z_SYNC_FLUSH);
		if ((i->ended = rc == Z_STREAM_END))
			rc = Z_OK;
		else if (rc == Z_OK && z->avail_in == 0)
			break;
	}
	*used = (size_t)(z->next_in - in);
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		return WS_INFLATE_ERR;
	return z->avail_out == 0 || *used < len ? WS_INFLATE_FULL
						: WS_INFLATE_MORE;
}

static bool
is_at_boundary(const struct ws_inflate *i)
{
	return i->ended ||
	    (i->z.data_type & (AT_BLOCK_END | BITS_LEFT)) == AT_BLOCK_END;
}

/*
 * The message has ended. A sender that marked its last block as that may have
 * forgotten the byte that must follow it; a message without a byte can only be
 * the empty one.
 */
static enum ws_inflate_result
inflate_tail(struct ws_inflate *i)
{
	enum ws_inflate_result rc;
	size_t used;

	if (i->tail_used == 0 && (i->ended || !i->begun))
		return WS_INFLATE_MORE;
	rc = inflate_some(i, tail + i->tail_used, sizeof(tail) - i->tail_used,
	    &used);
	i->tail_used = (uint8_t)(i->tail_used + used);
	if (rc < 0 || i->tail_used < sizeof(tail))
		return rc;
	return is_at_boundary(i) ? WS_INFLATE_MORE : WS_INFLATE_ERR;
}

enum ws_inflate_result
ws_inflate_read(struct ws_inflate *i, const uint8_t *in, size_t len, bool last,
    size_t *used, uint8_t *out, size_t room, size_t *made)
{
	enum ws_inflate_result rc = WS_INFLATE_MORE;

	i->z.next_out = out;
	i->z.avail_out = clip(room);
	i->begun |= len > 0;
	*used = 0;
	if (i->tail_used == 0)
		rc = inflate_some(i, in, len, used);
	if (rc == WS_INFLATE_MORE && last)
		rc = inflate_tail(i);
	*made = (size_t)(i->z.next_out - out);
	if (rc == WS_INFLATE_MORE && last)
		begin_message(i);
	return rc;
}
