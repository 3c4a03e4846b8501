/*
 * Typed hexadecimal digits. The first byte says how the rest is cut. What is
 * read does not depend on the cuts, and printed again it reads the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct got {
	struct hex hex;
	enum hex_result rc;
	struct buf out; /* what was read, as digits and newlines */
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
put(struct got *g, const uint8_t *data, size_t len, bool last)
{
	uint8_t *to = buf_reserve(&g->out, HEX_GROWTH * len + 1);

	check(to != NULL);
	buf_commit(&g->out, hex_put(data, len, to));
	check(!last || buf_add_byte(&g->out, '\n'));
}

/* A piece of its own size on the heap, so that no byte beyond is read. */
static void
take(struct got *g, const uint8_t *in, size_t len)
{
	uint8_t *piece = malloc(len);
	size_t at = 0, used, out_len;
	bool last;

	check(piece != NULL);
	memcpy(piece, in, len);
	do {
		g->rc = hex_read(&g->hex, piece + at, len - at, &used, &out_len,
		    &last);
		check(used <= len - at && out_len <= used && used > 0);
		check(g->rc != HEX_MORE || used == len - at);
		put(g, piece + at, out_len, last);
		at += used;
	} while (g->rc >= 0 && at < len);
	free(piece);
}

static void
run(struct got *g, const uint8_t *in, size_t len, size_t step)
{
	bool last;

	*g = (struct got){ 0 };
	buf_init(&g->out, SIZE_MAX / 4);
	for (size_t at = 0; at < len && g->rc >= 0; at += step)
		take(g, in + at, len - at < step ? len - at : step);
	if (g->rc >= 0 && (g->rc = hex_end(&g->hex, &last)) == HEX_PIECE)
		put(g, NULL, 0, last);
}

static void
check_same(const struct got *a, const struct got *b)
{
	check(a->out.len == b->out.len &&
	    (a->out.len == 0 ||
		memcmp(a->out.data, b->out.data, a->out.len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct got whole, cut, again;

	if (len < 2)
		return 0;
	run(&whole, data + 1, len - 1, len - 1);
	run(&cut, data + 1, len - 1, 1 + data[0] % 8);
	check(whole.rc == cut.rc && whole.hex.line == cut.hex.line);
	check_same(&whole, &cut);
	if (whole.rc >= 0) {
		run(&again, whole.out.data, whole.out.len, whole.out.len + 1);
		check(again.rc >= 0);
		check_same(&whole, &again);
		buf_clear(&again.out);
	}
	buf_clear(&whole.out);
	buf_clear(&cut.out);
	return 0;
}
