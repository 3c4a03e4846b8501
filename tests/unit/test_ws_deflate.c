#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "codec/zmemory.h"
#include "feed.h"

static struct zmemory memory = { .max = SIZE_MAX };

/* ------------------------------------------------- inflating */

/* What is inflated, with little room at a time. */
struct got {
	struct ws_inflate *inflate;
	enum ws_inflate_result rc;
	size_t room;
	size_t left; /* bytes of the message that are still to come */
	struct buf out;
};

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	uint8_t out[64];
	size_t used, made;

	g->left -= len;
	do {
		g->rc = ws_inflate_read(g->inflate, piece, len, g->left == 0,
		    &used, out, g->room, &made);
		assert_true(used <= len && made <= g->room);
		assert_true(g->rc != WS_INFLATE_MORE || used == len);
		assert_true(buf_add(&g->out, out, made));
		piece += used;
		len -= used;
	} while (g->rc == WS_INFLATE_FULL);
	return g->rc == WS_INFLATE_MORE;
}

#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

/* The ones with a number are the examples of RFC 7692, section 7.2.3. */
static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	const char *out; /* NULL: an error */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "7.2.3.1", IN(HELLO), "Hello" },
	{ "7.2.3.3, no compression",
	    IN("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello" },
	{ "7.2.3.4, BFINAL", IN("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello" },
	{ "BFINAL, and the byte behind it forgotten",
	    IN("\xf3\x48\xcd\xc9\xc9\x07\x00"), "Hello" },
	{ "BFINAL twice",
	    IN("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
	    "HelloHello" },
	{ "BFINAL of a stored block, its length in the tail", IN("\x01"), "" },
	{ "7.2.3.5, two blocks",
	    IN("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
	    "Hello" },
	{ "7.2.3.6, empty", IN("\x00"), "" },
	{ "empty, without a byte", IN(""), "" },
	{ "empty blocks", IN("\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\x00"),
	    "" },
	{ "an empty block of the other kind", IN("\x02\x00"), "" },

	{ "cut off", IN("\xf2\x48\xcd\xc9"), NULL },
	{ "the last byte is missing", IN("\xf2\x48\xcd\xc9\xc9\x07"), NULL },
	{ "the tail was sent as well", IN(HELLO "\x00\x00\xff\xff"), NULL },
	{ "a kind of block that is none", IN("\x06"), NULL },
	{ "a stored block's lengths differ", IN("\x00\x05\x00\x05\x00\x48"),
	    NULL },
	{ "back to before the start", IN("\xf2\x00\x11\x00\x00"), NULL },
	{ "gzip", IN("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), NULL },
	{ "zlib", IN("\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5"),
	    NULL },
	{ "no deflate at all", IN("Hello, world"), NULL },
#undef IN
};

static void
inflate_case(const struct test_case *c, size_t cut, size_t room)
{
	struct got g = { .room = room, .left = c->in_len };
	bool ok;

	g.inflate = ws_inflate_new(&memory, 15);
	buf_init(&g.out, SIZE_MAX / 4);
	if (c->in_len == 0)
		take(&g, (uint8_t[1]){ 0 }, 0);
	else if (cut == 1)
		feed_bytes(c->in, c->in_len, take, &g);
	else
		feed(cut, c->in, c->in_len, take, &g);
	ok = g.rc == WS_INFLATE_MORE;
	if (ok != (c->out != NULL))
		fail_msg("%s, cut at %zu, room %zu: %s", c->name, cut, room,
		    ok ? "taken" : "refused");
	if (ok &&
	    (g.out.len != strlen(c->out) ||
		(g.out.len > 0 && memcmp(g.out.data, c->out, g.out.len) != 0)))
		fail_msg("%s, cut at %zu, room %zu: %.*s", c->name, cut, room,
		    (int)g.out.len, (const char *)g.out.data);
	ws_inflate_free(g.inflate);
	buf_clear(&g.out);
}

static void
inflates_every_cut(void **state)
{
	static const size_t rooms[] = { 1, 2, 5, 64 };

	(void)state;
	for (size_t i = 0; i < nitems(cases) * nitems(rooms); i++) {
		const struct test_case *c = &cases[i / nitems(rooms)];

		for (size_t cut = 0; cut <= c->in_len; cut++)
			inflate_case(c, cut, rooms[i % nitems(rooms)]);
	}
	assert_int_equal(memory.used, 0);
}

/* Inflate a message; false: it is none. */
static bool
inflate_message(struct ws_inflate *i, const void *in, size_t len,
    struct buf *out)
{
	struct got g = { .inflate = i, .room = 64, .left = len, .out = *out };
	uint8_t *copy = malloc(len + 1);

	memcpy(copy, in, len);
	take(&g, copy, len);
	free(copy);
	*out = g.out;
	return g.rc == WS_INFLATE_MORE;
}

/* Section 7.2.3.2: the second Hello is the first one again. */
static void
takes_over(void **state)
{
	struct ws_inflate *i = ws_inflate_new(&memory, 15);
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_true(inflate_message(i, HELLO, 7, &out));
	assert_true(inflate_message(i, "\xf2\x00\x11\x00\x00", 5, &out));
	assert_memory_equal(out.data, "HelloHello", 10);
	ws_inflate_reset(i);
	assert_true(inflate_message(i, HELLO, 7, &out));
	ws_inflate_reset(i);
	assert_false(inflate_message(i, "\xf2\x00\x11\x00\x00", 5, &out));
	buf_drain(&out, out.len);
	ws_inflate_reset(i);
	assert_true(
	    inflate_message(i, "\xf3\x48\xcd\xc9\xc9\x07\x00", 7, &out));
	assert_true(inflate_message(i, "\xf2\x00\x11\x00\x00", 5, &out));
	assert_int_equal(out.len, 10);
	ws_inflate_free(i);
	buf_clear(&out);
}

/* ------------------------------------------------- both ways */

/* Words in an order of their own, which repeat themselves near and far. */
static void
make_text(uint8_t *out, size_t len, uint32_t seed)
{
	static const char *const words[] = { "{\"id\":", "\"name\":", "true",
		"lorem ipsum ", "\n", "12", "7", ", ", "GET /index.html ",
		"ERROR " };
	size_t n = 0;

	while (n < len) {
		const char *w;

		seed = seed * 1664525 + 1013904223;
		w = words[(seed >> 16) % nitems(words)];
		for (; *w != '\0' && n < len; w++)
			out[n++] = (uint8_t)*w;
	}
}

static void
make_noise(uint8_t *out, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		out[i] = (uint8_t)(seed >> 24);
	}
}

/* Deflate a message in pieces of that size. */
static void
deflate_message(struct ws_deflate *d, const uint8_t *in, size_t len,
    size_t piece, struct buf *out)
{
	bool last;

	do {
		size_t n = len < piece ? len : piece;
		size_t bound = ws_deflate_bound(d, n);
		uint8_t *p = buf_reserve(out, bound);
		size_t made;

		last = n == len;
		assert_non_null(p);
		made = ws_deflate_add(d, in, n / 2, p, bound);
		made += ws_deflate_add(d, in + n / 2, n - n / 2, p + made,
		    bound - made);
		made += ws_deflate_end(d, last, p + made, bound - made);
		assert_in_range(made, 0, bound);
		buf_commit(out, made);
		in += n;
		len -= n;
	} while (!last);
	assert_true(out->len > 0);
}

static const size_t sizes[] = { 0, 1, 2, 3, 10, 63, 64, 65, 255, 256, 257, 300,
	1000, 4096, 32767, 32768, 32769, 65536, 70000 };

static void
check_round(struct ws_deflate *d, struct ws_inflate *i, const uint8_t *in,
    size_t len, size_t piece)
{
	struct buf wire, out;

	buf_init(&wire, SIZE_MAX / 4);
	buf_init(&out, SIZE_MAX / 4);
	deflate_message(d, in, len, piece, &wire);
	if (!inflate_message(i, wire.data, wire.len, &out) || out.len != len ||
	    (len > 0 && memcmp(out.data, in, len) != 0))
		fail_msg("%zu bytes in pieces of %zu", len, piece);
	buf_clear(&wire);
	buf_clear(&out);
}

static void
come_back(unsigned bits, int level, bool takeover)
{
	struct ws_deflate *d = ws_deflate_new(&memory, bits, level);
	struct ws_inflate *i = ws_inflate_new(&memory, bits);
	uint8_t *in = malloc(70000);

	for (size_t n = 0; n < nitems(sizes); n++) {
		make_text(in, sizes[n], (uint32_t)n);
		check_round(d, i, in, sizes[n], 65536);
		check_round(d, i, in, sizes[n], 1000);
		if (!takeover) {
			ws_deflate_reset(d);
			ws_inflate_reset(i);
		}
		make_noise(in, sizes[n], (uint32_t)n);
		check_round(d, i, in, sizes[n], 65536);
	}
	free(in);
	ws_deflate_free(d);
	ws_inflate_free(i);
	assert_int_equal(memory.used, 0);
}

/* With room for 64 bytes at a time, no window beyond the agreed one would do. */
static void
all_windows_come_back(void **state)
{
	(void)state;
	for (unsigned bits = 8; bits <= 15; bits++) {
		come_back(bits, 1, true);
		come_back(bits, 6, true);
		come_back(bits, 6, false);
		come_back(bits, 9, true);
	}
}

static void
all_levels_come_back(void **state)
{
	(void)state;
	for (int level = 1; level <= 9; level++)
		come_back(15, level, level % 2 == 0);
}

/* Another stream may go on in the middle of a message, if it has forgotten. */
static void
streams_may_change(void **state)
{
	struct ws_deflate *a = ws_deflate_new(&memory, 15, 6);
	struct ws_deflate *b = ws_deflate_new(&memory, 9, 1);
	struct ws_inflate *i = ws_inflate_new(&memory, 15);
	uint8_t in[4000], wire[8000], end[8000];
	struct buf out;
	size_t n = 0;

	(void)state;
	make_text(in, sizeof(in), 1);
	buf_init(&out, SIZE_MAX / 4);
	for (size_t part = 0; part < 4; part++) {
		struct ws_deflate *d = part % 2 == 0 ? a : b;

		if (part >= 2)
			ws_deflate_reset(d);
		n += ws_deflate_add(d, in + 1000 * part, 1000, wire + n,
		    sizeof(wire) - n);
		n += ws_deflate_end(d, part == 3, wire + n, sizeof(wire) - n);
	}
	assert_true(inflate_message(i, wire, n, &out));
	assert_int_equal(out.len, sizeof(in));
	assert_memory_equal(out.data, in, sizeof(in));

	/* the last piece is empty */
	n = ws_deflate_add(a, "a", 1, end, sizeof(end));
	n += ws_deflate_end(a, false, end + n, sizeof(end) - n);
	n += ws_deflate_end(a, true, end + n, sizeof(end) - n);
	assert_true(inflate_message(i, end, n, &out));
	assert_int_equal(out.len, sizeof(in) + 1);

	ws_deflate_free(a);
	ws_deflate_free(b);
	ws_inflate_free(i);
	buf_clear(&out);
}

/* ------------------------------------------------- limits */

/* F25: the room is what is made at most, whatever comes in. */
static void
a_bomb_is_inflated_piece_by_piece(void **state)
{
	static uint8_t zeros[65536], out[4096], wire[100000];
	struct ws_deflate *d = ws_deflate_new(&memory, 15, 9);
	struct ws_inflate *i = ws_inflate_new(&memory, 15);
	size_t n = 0, at = 0, used, made, before = memory.used;
	uint64_t total = 0;
	enum ws_inflate_result rc;

	(void)state;
	for (int k = 0; k < 1024; k++)
		n += ws_deflate_add(d, zeros, sizeof(zeros), wire + n,
		    sizeof(wire) - n);
	n += ws_deflate_end(d, true, wire + n, sizeof(wire) - n);
	do {
		rc = ws_inflate_read(i, wire + at, n - at, true, &used, out,
		    sizeof(out), &made);
		at += used;
		total += made;
		assert_int_equal(memory.used, before);
	} while (rc == WS_INFLATE_FULL);
	assert_int_equal(rc, WS_INFLATE_MORE);
	assert_int_equal(at, n);
	assert_int_equal(total, 1024 * sizeof(zeros));
	ws_deflate_free(d);
	ws_inflate_free(i);
}

static void
memory_has_a_ceiling(void **state)
{
	struct zmemory m = { .max = 0 };
	struct ws_inflate *i;
	struct ws_deflate *d;

	(void)state;
	for (unsigned bits = 8; bits <= 15; bits++) {
		assert_null(ws_inflate_new(&m, bits));
		for (m.max = 1024; (i = ws_inflate_new(&m, bits)) == NULL;)
			m.max += 1024;
		assert_in_range(m.used, 1, m.max);
		assert_in_range(m.max, 1024, ws_inflate_cost(bits) + 1024);
		ws_inflate_free(i);
		assert_int_equal(m.used, 0);
		for (m.max = 1024; (d = ws_deflate_new(&m, bits, 6)) == NULL;) {
			assert_int_equal(m.used, 0);
			m.max += 1024;
		}
		assert_in_range(m.max, 0, 300 * 1024);
		ws_deflate_free(d);
		assert_int_equal(m.used, 0);
		m.max = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inflates_every_cut),
		cmocka_unit_test(takes_over),
		cmocka_unit_test(all_windows_come_back),
		cmocka_unit_test(all_levels_come_back),
		cmocka_unit_test(streams_may_change),
		cmocka_unit_test(a_bomb_is_inflated_piece_by_piece),
		cmocka_unit_test(memory_has_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
