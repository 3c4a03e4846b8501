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
#include "codec/ws.h"
#include "feed.h"

/* The longest frame of a row, masked: rows hold at most 8 frames. */
enum { ROW_MAX = 256, MASKED_MAX = ROW_MAX + 8 * 4 };

#define X25 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X125 X25 X25 X25 X25 X25
#define GREEK "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

/*
 * Frames as a server sends them; for the other role each gets a key of its own
 * on the way in, so every row is read in both roles.
 */
static const struct test_case {
	const char *name;
	const char *in;
	size_t in_len;
	uint64_t max;
	const char
	    *events; /* messages when complete, controls when they come */
	enum ws_result end; /* WS_MORE, or the error it stops at */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "text", IN("\x81\5hello"), 0, "T(hello)", WS_MORE },
	{ "binary", IN("\x82\3\0\xff\x80"), 0, "B(\\00\\ff\\80)", WS_MORE },
	{ "empty text (F16)", IN("\x81\0"), 0, "T()", WS_MORE },
	{ "empty binary (F16)", IN("\x82\0"), 0, "B()", WS_MORE },
	{ "nothing", IN(""), 0, "", WS_MORE },
	{ "first byte only", IN("\x81"), 0, "", WS_MORE },
	{ "half a payload", IN("\x81\5hel"), 0, "+", WS_MORE },
	{ "two messages", IN("\x81\1a\x82\1b"), 0, "T(a)B(b)", WS_MORE },
	{ "fragments", IN("\1\2ab\0\1c\x80\1d"), 0, "T(abcd)", WS_MORE },
	{ "fragments of binary", IN("\2\1\xfe\x80\1\xff"), 0, "B(\\fe\\ff)",
	    WS_MORE },
	{ "three empty fragments (6.1.2)", IN("\1\0\0\0\x80\0"), 0, "T()",
	    WS_MORE },
	{ "empty first fragment (F17)", IN("\1\0\x80\3abc"), 0, "T(abc)",
	    WS_MORE },
	{ "empty last fragment", IN("\1\3abc\x80\0"), 0, "T(abc)", WS_MORE },
	{ "open message", IN("\1\3abc"), 0, "+", WS_MORE },

	{ "ping between fragments (F18)", IN("\1\1a\x89\1p\x80\1b"), 0,
	    "ping(p)T(ab)", WS_MORE },
	{ "controls between all fragments",
	    IN("\1\1a\x89\0\0\1b\x8a\1q\x80\1c"), 0, "ping()pong(q)T(abc)",
	    WS_MORE },
	{ "close inside a message (7.1.5)", IN("\1\1a\x88\2\3\xe8"), 0,
	    "close(\\03\\e8)+", WS_MORE },
	{ "empty ping (2.1)", IN("\x89\0"), 0, "ping()", WS_MORE },
	{ "ping of 125 (2.4)", IN("\x89\x7d" X125), 0, "ping(" X125 ")",
	    WS_MORE },
	{ "ping of no text (2.3)", IN("\x89\2\xff\0"), 0, "ping(\\ff\\00)",
	    WS_MORE },
	{ "two pings", IN("\x89\1a\x89\1b"), 0, "ping(a)ping(b)", WS_MORE },
	{ "half a ping", IN("\x89\2a"), 0, "", WS_MORE },
	{ "ping of 126 (2.5)", IN("\x89\x7e\0\x7e"), 0, "", WS_ERR_CONTROL },
	{ "ping with a length of eight bytes", IN("\x89\x7f"), 0, "",
	    WS_ERR_CONTROL },
	{ "close of 126 (7.3.6)", IN("\x88\x7e\0\x7e"), 0, "", WS_ERR_CONTROL },
	{ "ping in fragments (5.1)", IN("\x09\1a\x80\1b"), 0, "",
	    WS_ERR_CONTROL },
	{ "pong in fragments (5.2)", IN("\x0a\0"), 0, "", WS_ERR_CONTROL },
	{ "close in fragments", IN("\x08\0"), 0, "", WS_ERR_CONTROL },

	{ "RSV1 (3.1)", IN("\xc1\1a"), 0, "", WS_ERR_RSV },
	{ "RSV2 behind a message (3.2)", IN("\x81\1a\xa1\1b\x89\0"), 0, "T(a)",
	    WS_ERR_RSV },
	{ "RSV3 (3.3)", IN("\x91\1a"), 0, "", WS_ERR_RSV },
	{ "all three (3.7)", IN("\xf8\0"), 0, "", WS_ERR_RSV },
	{ "RSV1 on a continuation", IN("\1\1a\xc0\1b"), 0, "+", WS_ERR_RSV },
	{ "RSV1 on a ping", IN("\xc9\0"), 0, "", WS_ERR_RSV },

	{ "opcode 3 (4.1.1)", IN("\x83\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 4", IN("\x84\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 5", IN("\x85\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 6", IN("\x86\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 7 behind a message (4.1.5)", IN("\x81\1a\x87\0"), 0, "T(a)",
	    WS_ERR_OPCODE },
	{ "opcode 11 (4.2.1)", IN("\x8b\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 12", IN("\x8c\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 13", IN("\x8d\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 14", IN("\x8e\0"), 0, "", WS_ERR_OPCODE },
	{ "opcode 15", IN("\x8f\0"), 0, "", WS_ERR_OPCODE },

	{ "continuation of nothing (5.9)", IN("\x80\1a"), 0, "",
	    WS_ERR_FRAGMENT },
	{ "without FIN (5.12)", IN("\0\1a"), 0, "", WS_ERR_FRAGMENT },
	{ "continuation behind a message (5.15)", IN("\1\1a\x80\1b\0\1c"), 0,
	    "T(ab)", WS_ERR_FRAGMENT },
	{ "text inside a message (5.18)", IN("\1\1a\x81\1b"), 0, "+",
	    WS_ERR_FRAGMENT },
	{ "binary inside a text", IN("\1\1a\x82\1b"), 0, "+", WS_ERR_FRAGMENT },
	{ "after an empty first fragment", IN("\1\0\x81\0"), 0, "+",
	    WS_ERR_FRAGMENT },

	{ "two bytes for 126", IN("\x82\x7e\0\x7e" X125 "x"), 0, "B(" X125 "x)",
	    WS_MORE },
	{ "two bytes for 125", IN("\x82\x7e\0\x7d" X125), 0, "",
	    WS_ERR_LENGTH },
	{ "two bytes for 0", IN("\x82\x7e\0\0"), 0, "", WS_ERR_LENGTH },
	{ "eight bytes for 65535", IN("\x82\x7f\0\0\0\0\0\0\xff\xff"), 0, "",
	    WS_ERR_LENGTH },
	{ "eight bytes for 1", IN("\x82\x7f\0\0\0\0\0\0\0\1"), 0, "",
	    WS_ERR_LENGTH },
	{ "eight bytes for 65536", IN("\x82\x7f\0\0\0\0\0\1\0\0"), 0, "+",
	    WS_MORE },
	{ "top bit (F22)", IN("\x82\x7f\x80\0\0\0\0\0\0\0"), 0, "",
	    WS_ERR_LENGTH },
	{ "all bits (F22)", IN("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), 0,
	    "", WS_ERR_LENGTH },
	{ "the most, unlimited", IN("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    0, "+", WS_MORE },
	{ "the most, limited", IN("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    UINT64_MAX / 4, "+", WS_ERR_TOO_BIG },
	{ "fragments that add up to more than 2^63",
	    IN("\2\1a\0\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX, "+",
	    WS_ERR_TOO_BIG },

	{ "as much as may be", IN("\x81\3abc"), 3, "T(abc)", WS_MORE },
	{ "a byte more, seen at the head", IN("\x81\4"), 3, "+",
	    WS_ERR_TOO_BIG },
	{ "fragments within the limit", IN("\1\1a\0\1b\x80\1c"), 3, "T(abc)",
	    WS_MORE },
	{ "fragments beyond it (F23)", IN("\1\1a\0\2bc\x80\1"), 3, "+",
	    WS_ERR_TOO_BIG },
	{ "the limit is of each message", IN("\x81\3abc\x82\3def\x81\3ghi"), 3,
	    "T(abc)B(def)T(ghi)", WS_MORE },
	{ "empty frames at the limit", IN("\1\3abc\0\0\x80\0"), 3, "T(abc)",
	    WS_MORE },
	{ "controls do not count", IN("\1\3abc\x89\4ping\x80\0"), 3,
	    "ping(ping)T(abc)", WS_MORE },

	{ "a character in fragments", IN("\1\1\xe2\0\1\x82\x80\1\xac"), 0,
	    "T(\\e2\\82\\ac)", WS_MORE },
	{ "a ping inside a character", IN("\1\1\xc3\x89\1\xff\x80\1\xa9"), 0,
	    "ping(\\ff)T(\\c3\\a9)", WS_MORE },
	{ "half a character at the end (6.6.3)", IN("\x81\1\xce"), 0, "+",
	    WS_ERR_UTF8 },
	{ "half a character, then an empty last fragment", IN("\1\1\xce\x80\0"),
	    0, "+", WS_ERR_UTF8 },
	{ "half a character so far", IN("\1\1\xce"), 0, "+", WS_MORE },
	{ "the other half in the next message", IN("\x81\1\xce\x81\1\xba"), 0,
	    "+", WS_ERR_UTF8 },
	{ "surrogate (6.3.1)", IN("\x81\3\xed\xa0\x80"), 0, "+", WS_ERR_UTF8 },
	{ "overlong (6.17.1)", IN("\x81\2\xc0\xaf"), 0, "+", WS_ERR_UTF8 },
	{ "over U+10FFFF (6.4.1)", IN("\x81\4\xf4\x90\x80\x80"), 0, "+",
	    WS_ERR_UTF8 },
	{ "noncharacter (6.22.1)", IN("\x81\3\xef\xbf\xbe"), 0,
	    "T(\\ef\\bf\\be)", WS_MORE },
	{ "the same bytes as binary", IN("\x82\2\xc0\xaf"), 0, "B(\\c0\\af)",
	    WS_MORE },
	{ "NUL in a text (6.7.1)", IN("\x81\1\0"), 0, "T(\\00)", WS_MORE },
#undef IN
};

struct got {
	struct ws_reader reader;
	enum ws_result rc;
	char events[1024]; /* as in the rows */
	char message[512]; /* the begun one */
	bool open;
	size_t fed;
	size_t bytes; /* of payload */
	uint32_t sum; /* over them */
};

/* Printable bytes as they are, others as \xx without the x. */
static void
put_escaped(char *to, size_t size, const uint8_t *p, size_t len)
{
	size_t at = strlen(to);

	for (size_t i = 0; i < len && at + 4 < size; i++) {
		bool plain = p[i] > ' ' && p[i] < 0x7f && p[i] != '\\';

		at += (size_t)snprintf(to + at, size - at,
		    plain ? "%c" : "\\%02x", p[i]);
	}
}

static void
put_event(struct got *g, const char *name, const char *escaped)
{
	size_t at = strlen(g->events);

	snprintf(g->events + at, sizeof(g->events) - at, "%s(%s)", name,
	    escaped);
}

static void
take_control(struct got *g, const struct ws_event *ev)
{
	const struct piece *p = &ev->piece;
	char text[512] = "";

	assert_true(p->first && p->last);
	assert_in_range(p->len, 0, WS_CONTROL_MAX);
	put_escaped(text, sizeof(text), p->data, p->len);
	put_event(g,
	    ev->opcode == WS_OP_CLOSE      ? "close"
		: ev->opcode == WS_OP_PING ? "ping"
					   : "pong",
	    text);
}

static void
take_data(struct got *g, const struct piece *p)
{
	assert_int_equal(p->first, !g->open);
	g->open = !p->last;
	put_escaped(g->message, sizeof(g->message), p->data, p->len);
	g->bytes += p->len;
	for (size_t i = 0; i < p->len; i++)
		g->sum = g->sum * 31 + p->data[i];
	if (!p->last)
		return;
	put_event(g, p->text ? "T" : "B", g->message);
	g->message[0] = '\0';
}

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	struct ws_event ev;
	size_t used;

	g->fed += len;
	do {
		g->rc = ws_read(&g->reader, piece, len, &used, &ev);
		assert_true(used <= len);
		if (g->rc == WS_DATA)
			take_data(g, &ev.piece);
		else if (g->rc == WS_CONTROL)
			take_control(g, &ev);
		else if (g->rc == WS_MORE)
			assert_int_equal(used, len);
		piece += used;
		len -= used;
	} while (g->rc > 0 && len > 0);
	if (g->rc > 0)
		g->rc = WS_MORE;
	return g->rc == WS_MORE;
}

/* Give every frame of in[] a key of its own; frames may be cut or wrong. */
static size_t
mask_frames(const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t key[4] = { 0x81, 0xfe, 0x00, 0x37 };
	size_t at = 0, n = 0;

	while (at < len) {
		size_t head = 2, left = len - at;
		uint64_t size = left < 2 ? 0 : in[at + 1];

		if (left >= 2)
			head += size == 126 ? 2 : size == 127 ? 8 : 0;
		if (head > left)
			head = left;
		memcpy(out + n, in + at, head);
		if (head >= 2)
			out[n + 1] |= 0x80;
		for (size_t i = 2; i < head; i++)
			size = (i == 2 ? 0 : size << 8) | in[at + i];
		at += head;
		n += head;
		if (left < 2)
			break;
		memcpy(out + n, key, sizeof(key));
		n += sizeof(key);
		for (size_t i = 0; i < size && at < len; i++)
			out[n++] = in[at++] ^ key[i % 4];
		key[2]++;
		key[0] ^= 0x55;
	}
	return n;
}

static size_t
row_bytes(const struct test_case *c, enum ws_role role, uint8_t *out)
{
	if (role == WS_SERVER)
		return mask_frames((const uint8_t *)c->in, c->in_len, out);
	memcpy(out, c->in, c->in_len);
	return c->in_len;
}

static void
assert_case(const struct test_case *c, enum ws_role role, size_t cut,
    const struct got *g)
{
	const char *who = role == WS_SERVER ? "server" : "client";
	size_t len = strcspn(c->events, "+");
	bool open = c->events[len] == '+';

	if (g->rc != c->end)
		fail_msg("%s, %s, cut at %zu: %s, not %s", c->name, who, cut,
		    ws_strresult(g->rc), ws_strresult(c->end));
	if (strlen(g->events) != len || memcmp(g->events, c->events, len) != 0)
		fail_msg("%s, %s, cut at %zu: %s", c->name, who, cut,
		    g->events);
	if (ws_reader_in_message(&g->reader) != open)
		fail_msg("%s, %s, cut at %zu: message%s open", c->name, who,
		    cut, open ? " not" : "");
}

/*
 * With permessage-deflate (RFC 7692): pieces are given as they came, neither
 * the limit nor UTF-8 is for them.
 */
static const struct test_case deflate_cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "deflated text", IN("\xc1\3abc"), 0, "T(abc)", WS_MORE },
	{ "plain beside it", IN("\xc1\1a\x82\1b\xc2\1c"), 0, "T(a)B(b)B(c)",
	    WS_MORE },
	{ "in fragments", IN("\x41\2ab\0\1c\x80\1d"), 0, "T(abcd)", WS_MORE },
	{ "a ping between them", IN("\x42\1a\x89\1p\x80\1b"), 0, "ping(p)B(ab)",
	    WS_MORE },
	{ "no UTF-8 before it is inflated", IN("\xc1\2\xff\xc3"), 0,
	    "T(\\ff\\c3)", WS_MORE },
	{ "longer than the limit", IN("\xc1\5hello"), 3, "T(hello)", WS_MORE },
	{ "fragments longer than the limit", IN("\x41\3abc\x80\3def"), 3,
	    "T(abcdef)", WS_MORE },
	{ "the limit of plain ones", IN("\xc1\4abcd\x81\4"), 3, "T(abcd)+",
	    WS_ERR_TOO_BIG },
	{ "UTF-8 of plain ones", IN("\xc1\1\xff\x81\1\xff"), 0, "T(\\ff)+",
	    WS_ERR_UTF8 },
	{ "RSV1 on a continuation", IN("\x41\1a\xc0\1b"), 0, "+", WS_ERR_RSV },
	{ "RSV1 on it only", IN("\1\1a\xc0\1b"), 0, "+", WS_ERR_RSV },
	{ "RSV1 on a ping", IN("\xc9\0"), 0, "", WS_ERR_RSV },
	{ "RSV1 on a close", IN("\xc8\0"), 0, "", WS_ERR_RSV },
	{ "RSV1 on opcode 3", IN("\xc3\0"), 0, "", WS_ERR_RSV },
	{ "RSV2", IN("\xa1\0"), 0, "", WS_ERR_RSV },
	{ "RSV1 and RSV3", IN("\xd1\0"), 0, "", WS_ERR_RSV },
#undef IN
};

static const enum ws_role roles[] = { WS_SERVER, WS_CLIENT };

static void
reads_every_cut(void **state)
{
	uint8_t in[MASKED_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(cases) * nitems(roles); i++) {
		const struct test_case *c = &cases[i / nitems(roles)];
		enum ws_role role = roles[i % nitems(roles)];
		size_t len = row_bytes(c, role, in);

		for (size_t cut = 0; cut <= len; cut++) {
			struct got g = { 0 };

			ws_reader_init(&g.reader, role, c->max);
			feed(cut, in, len, take, &g);
			assert_case(c, role, cut, &g);
		}
	}
}

static void
reads_byte_by_byte(void **state)
{
	uint8_t in[MASKED_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(cases) * nitems(roles); i++) {
		const struct test_case *c = &cases[i / nitems(roles)];
		enum ws_role role = roles[i % nitems(roles)];
		struct got g = { 0 };

		ws_reader_init(&g.reader, role, c->max);
		feed_bytes(in, row_bytes(c, role, in), take, &g);
		assert_case(c, role, 1, &g);
	}
}

/* A server that accepts it reads either, frame by frame. */
static void
reads_unmasked(void **state)
{
	uint8_t in[MASKED_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(cases) * nitems(roles); i++) {
		const struct test_case *c = &cases[i / nitems(roles)];
		enum ws_role like = roles[i % nitems(roles)];
		size_t len = row_bytes(c, like, in);

		for (size_t cut = 0; cut <= len; cut++) {
			struct got g = { 0 };

			ws_reader_init(&g.reader, WS_SERVER, c->max);
			ws_reader_accept_unmasked(&g.reader);
			feed(cut, in, len, take, &g);
			assert_case(c, like, cut, &g);
			if (strlen(c->events) > 0)
				assert_int_equal(g.reader.bare,
				    like == WS_CLIENT);
		}
	}
}

static void
reads_masked_and_unmasked_in_turn(void **state)
{
	static const char in[] = "\1\1a\x80\x82\0\0\0\0bc\x81\x81\7\7\7\7c"
				 "\x82\1d";
	struct got g = { 0 };

	(void)state;
	ws_reader_init(&g.reader, WS_SERVER, 0);
	ws_reader_accept_unmasked(&g.reader);
	feed_bytes((const uint8_t *)in, sizeof(in) - 1, take, &g);
	assert_string_equal(g.events, "T(abc)T(d)B(d)");
}

static void
reads_deflated(void **state)
{
	uint8_t in[MASKED_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(deflate_cases) * nitems(roles); i++) {
		const struct test_case *c = &deflate_cases[i / nitems(roles)];
		enum ws_role role = roles[i % nitems(roles)];
		size_t len = row_bytes(c, role, in);

		for (size_t cut = 0; cut <= len; cut++) {
			struct got g = { 0 };

			ws_reader_init(&g.reader, role, c->max);
			ws_reader_inflate(&g.reader);
			feed(cut, in, len, take, &g);
			assert_case(c, role, cut, &g);
		}
	}
}

/* Two pieces that a message was inflated to; ten bytes are allowed. */
static void
checks_what_was_inflated(void **state)
{
	static const struct {
		const char *name, *first, *last;
		enum ws_result rc; /* of the last piece */
	} rows[] = {
		{ "as much as may be", "12345", "67890", WS_DATA },
		{ "a byte more", "12345", "67890.", WS_ERR_TOO_BIG },
		{ "a character in two pieces", "\xc3", "\xa9", WS_DATA },
		{ "half a character", "a", "\xc3", WS_ERR_UTF8 },
		{ "no text", "a", "\xff", WS_ERR_UTF8 },
		{ "empty", "", "", WS_DATA },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		uint8_t in[] = { 0xc1, 1, 'x' };
		struct got g = { 0 };
		struct piece p = { .text = true };
		enum ws_result rc;

		ws_reader_init(&g.reader, WS_CLIENT, 10);
		ws_reader_inflate(&g.reader);
		take(&g, in, sizeof(in));
		p.data = (const uint8_t *)rows[i].first;
		p.len = strlen(rows[i].first);
		assert_int_equal(ws_check_inflated(&g.reader, &p), WS_DATA);
		p.data = (const uint8_t *)rows[i].last;
		p.len = strlen(rows[i].last);
		p.last = true;
		rc = ws_check_inflated(&g.reader, &p);
		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].name, ws_strresult(rc));
	}
}

/* F21, F31; whatever else the second byte says. */
static void
refuses_the_other_masking(void **state)
{
	static const uint8_t starts[] = { 0x81, 0x82, 0x01, 0x88, 0x89, 0x8a };

	(void)state;
	for (size_t i = 0; i < nitems(starts) * nitems(roles); i++) {
		enum ws_role role = roles[i % nitems(roles)];

		for (unsigned len7 = 0; len7 < 128; len7++) {
			uint8_t in[] = { starts[i / nitems(roles)],
				(uint8_t)(role == WS_SERVER ? len7
							    : len7 | 0x80) };
			struct got g = { 0 };

			ws_reader_init(&g.reader, role, 0);
			feed_bytes(in, sizeof(in), take, &g);
			if (g.rc != WS_ERR_MASK)
				fail_msg("%02x %02x: %s", in[0], in[1],
				    ws_strresult(g.rc));
		}
	}
}

/* Text fails at the byte that no valid text can have there. */
static void
fails_at_the_byte(void **state)
{
	static const struct {
		const char *name, *text;
		size_t at; /* index of the byte, or the length: at the end */
	} rows[] = {
		{ "6.4.1",
		    GREEK "\xf4\x90\x80\x80"
			  "edited",
		    12 },
		{ "lone continuation",
		    "ab\x80"
		    "cd",
		    2 },
		{ "overlong lead",
		    "ab\xc1"
		    "cd",
		    2 },
		{ "overlong of three",
		    "\xe0\x9f\x80"
		    "cd",
		    1 },
		{ "overlong of four",
		    "\xf0\x8f\x80\x80"
		    "cd",
		    1 },
		{ "surrogate",
		    GREEK "\xed\xa0\x80"
			  "cd",
		    12 },
		{ "lead of five", "abc\xf8\x88\x80\x80\x80", 3 },
		{ "FF",
		    "abc\xff"
		    "d",
		    3 },
		{ "ASCII for a continuation",
		    "\xe2\x82"
		    "abc",
		    2 },
		{ "lead for a continuation", "\xf0\x9f\x98\xc3\xa9", 3 },
		{ "cut short", GREEK "\xf0\x9f\x98", 14 },
	};
	uint8_t in[256];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].text), n = 0, want;
		struct got g = { 0 };

		/* one frame; six bytes of head before the text */
		in[0] = 0x81;
		in[1] = (uint8_t)(0x80 | len);
		memset(in + 2, 0, 4);
		memcpy(in + 6, rows[i].text, len);
		want = 6 + (rows[i].at < len ? rows[i].at + 1 : len);
		ws_reader_init(&g.reader, WS_SERVER, 0);
		feed_bytes(in, 6 + len, take, &g);
		if (g.rc != WS_ERR_UTF8 || g.fed != want)
			fail_msg("%s: %s after %zu", rows[i].name,
			    ws_strresult(g.rc), g.fed);

		/* a frame for each byte: three bytes of each */
		for (size_t k = 0; k < len; k++) {
			in[n++] = (uint8_t)((k == 0 ? WS_OP_TEXT : 0) |
			    (k + 1 == len ? 0x80 : 0));
			in[n++] = 1;
			in[n++] = (uint8_t)rows[i].text[k];
		}
		want = 3 * (rows[i].at < len ? rows[i].at + 1 : len);
		g = (struct got){ 0 };
		ws_reader_init(&g.reader, WS_CLIENT, 0);
		feed_bytes(in, n, take, &g);
		if (g.rc != WS_ERR_UTF8 || g.fed != want)
			fail_msg("%s in fragments: %s after %zu", rows[i].name,
			    ws_strresult(g.rc), g.fed);
	}
}

static const size_t lengths[] = { 0, 1, 2, 124, 125, 126, 127, 128, 255, 256,
	65534, 65535, 65536, 65537, 200000 };

/* A masked or bare binary frame of n bytes; its length. The caller frees it. */
static uint8_t *
make_frame(enum ws_role reader, size_t n, size_t *len, struct got *want)
{
	static const uint8_t key[4] = { 0xde, 0xad, 0x00, 0x7f };
	const uint8_t *k = reader == WS_SERVER ? key : NULL;
	uint8_t *frame = malloc(WS_HEAD_MAX + n);
	size_t head;

	assert_non_null(frame);
	head = ws_put_head(frame, WS_OP_BINARY, true, n, k);
	want->sum = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)(i * 7 + i / 251);

		want->sum = want->sum * 31 + byte;
		frame[head + i] = k == NULL ? byte : byte ^ key[i % 4];
	}
	want->bytes = n;
	*len = head + n;
	return frame;
}

static void
reads_all_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(lengths) * nitems(roles); i++) {
		enum ws_role role = roles[i % nitems(roles)];
		size_t len, n = lengths[i / nitems(roles)];
		struct got want = { 0 };
		uint8_t *frame = make_frame(role, n, &len, &want);

		for (size_t cut = 0; cut <= WS_HEAD_MAX + 40; cut++) {
			struct got g = { 0 };

			ws_reader_init(&g.reader, role, n);
			feed(cut < len ? cut : len, frame, len, take, &g);
			if (g.rc != WS_MORE || g.open || g.events[0] != 'B' ||
			    g.bytes != n || g.sum != want.sum)
				fail_msg("%zu bytes, cut at %zu: %s, %zu", n,
				    cut, ws_strresult(g.rc), g.bytes);
		}
		free(frame);
	}
}

/* AUTOBAHN 1.1.8: pieces of an odd size, each phase of the mask. */
static void
reads_in_pieces(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 13, 31, 997 };
	size_t len;
	struct got want = { 0 };
	uint8_t *frame = make_frame(WS_SERVER, 65536, &len, &want);

	(void)state;
	for (size_t i = 0; i < nitems(pieces); i++) {
		struct got g = { 0 };
		uint8_t piece[1024];

		ws_reader_init(&g.reader, WS_SERVER, 0);
		for (size_t at = 0; at < len; at += pieces[i]) {
			size_t n = len - at < pieces[i] ? len - at : pieces[i];

			memcpy(piece, frame + at, n);
			assert_true(take(&g, piece, n));
		}
		assert_false(g.open);
		assert_int_equal(g.bytes, 65536);
		assert_int_equal(g.sum, want.sum);
	}
	free(frame);
}

static void
puts_heads(void **state)
{
	static const uint8_t key[4] = { 1, 2, 3, 4 };
	static const struct {
		const char *name;
		enum ws_opcode op;
		bool fin, masked;
		uint64_t len;
		const char *bytes;
		size_t n;
	} rows[] = {
#define IS(s) s, sizeof(s) - 1
		{ "empty", WS_OP_TEXT, true, false, 0, IS("\x81\0") },
		{ "125", WS_OP_TEXT, true, false, 125, IS("\x81\x7d") },
		{ "126", WS_OP_BINARY, true, false, 126, IS("\x82\x7e\0\x7e") },
		{ "65535", WS_OP_BINARY, false, false, 65535,
		    IS("\2\x7e\xff\xff") },
		{ "65536", WS_OP_CONTINUATION, false, false, 65536,
		    IS("\0\x7f\0\0\0\0\0\1\0\0") },
		{ "2^63 - 1", WS_OP_CONTINUATION, true, false, INT64_MAX,
		    IS("\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff") },
		{ "close", WS_OP_CLOSE, true, false, 2, IS("\x88\2") },
		{ "masked", WS_OP_PING, true, true, 5, IS("\x89\x85\1\2\3\4") },
		{ "masked, two bytes", WS_OP_TEXT, true, true, 300,
		    IS("\x81\xfe\1\x2c\1\2\3\4") },
		{ "masked, eight bytes", WS_OP_PONG, true, true, 1 << 16,
		    IS("\x8a\xff\0\0\0\0\0\1\0\0\1\2\3\4") },
#undef IS
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		uint8_t out[WS_HEAD_MAX];
		size_t n = ws_put_head(out, rows[i].op, rows[i].fin,
		    rows[i].len, rows[i].masked ? key : NULL);

		if (n != rows[i].n || memcmp(out, rows[i].bytes, n) != 0)
			fail_msg("%s: %zu bytes", rows[i].name, n);
	}
}

/* Against one byte at a time; bytes before and behind are left alone. */
static void
check_mask(size_t len, size_t before, const uint8_t key[4], unsigned at)
{
	uint8_t *p = malloc(before + len + 1);

	assert_non_null(p);
	memset(p, 0xa5, before + len + 1);
	assert_int_equal(ws_mask(p + before, len, key, at), (at + len) % 4);
	for (size_t i = 0; i < before + len + 1; i++) {
		bool inside = i >= before && i < before + len;
		uint8_t k = inside ? key[(at + i - before) % 4] : 0;

		if (p[i] != (0xa5 ^ k))
			fail_msg("byte %zu of %zu + %zu, phase %u", i, before,
			    len, at);
	}
	free(p);
}

static void
masks_as_it_should(void **state)
{
	static const uint8_t key[4] = { 0x12, 0x34, 0x56, 0x9a };
	static const size_t more[] = { 255, 1000, 4097, 65539 };

	(void)state;
	for (size_t i = 0; i < 100 + nitems(more); i++) {
		size_t len = i < 100 ? i : more[i - 100];

		for (unsigned at = 0; at < 4; at++) {
			for (size_t before = 0; before < 9; before++)
				check_mask(len, before, key, at);
		}
	}
}

static void
masks_in_parts(void **state)
{
	static const uint8_t key[4] = { 9, 8, 7, 6 };
	uint8_t whole[96], parts[96];

	(void)state;
	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		unsigned at;

		memset(whole, 'x', sizeof(whole));
		memset(parts, 'x', sizeof(parts));
		ws_mask(whole, sizeof(whole), key, 1);
		at = ws_mask(parts, cut, key, 1);
		ws_mask(parts + cut, sizeof(parts) - cut, key, at);
		assert_memory_equal(whole, parts, sizeof(whole));
	}
}

static void
reads_closes(void **state)
{
	static const struct {
		const char *name;
		const char *in;
		size_t len;
		enum ws_result rc;
		unsigned code;
	} rows[] = {
#define IN(s) s, sizeof(s) - 1
		{ "empty (7.3.1)", IN(""), WS_CONTROL, 1005 },
		{ "one byte (7.3.2, F3)", IN("\3"), WS_ERR_CLOSE, 1005 },
		{ "1000 (7.3.3)", IN("\3\xe8"), WS_CONTROL, 1000 },
		{ "reason (7.3.4)",
		    IN("\3\xe8"
		       "bye"),
		    WS_CONTROL, 1000 },
		{ "longest reason (7.3.5)",
		    IN("\3\xe8" X25 X25 X25 X25 "12345678901234567890123"),
		    WS_CONTROL, 1000 },
		{ "reason of other letters", IN("\x0f\xa0" GREEK), WS_CONTROL,
		    4000 },
		{ "reason not UTF-8 (7.5.1, F4)", IN("\3\xe8\xce\xba\xed\xa0"),
		    WS_ERR_UTF8, 1000 },
		{ "reason cut short", IN("\3\xe8\xe2\x82"), WS_ERR_UTF8, 1000 },
		{ "1005 (7.9.4, F1)", IN("\3\xed"), WS_ERR_CLOSE, 1005 },
		{ "0 (7.9.1)", IN("\0\0"), WS_ERR_CLOSE, 0 },
		{ "bad code and bad reason", IN("\0\0\xff"), WS_ERR_CLOSE, 0 },
#undef IN
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct guarded g = guarded_new(rows[i].in, rows[i].len);
		const uint8_t *reason = NULL;
		unsigned code = 1;
		size_t len = 1;
		enum ws_result rc =
		    ws_read_close(g.data, rows[i].len, &code, &reason, &len);

		if (rc != rows[i].rc || code != rows[i].code)
			fail_msg("%s: %s, %u", rows[i].name, ws_strresult(rc),
			    code);
		if (rc == WS_CONTROL &&
		    (len != (rows[i].len < 2 ? 0 : rows[i].len - 2) ||
			(len > 0 && reason != g.data + 2)))
			fail_msg("%s: reason of %zu", rows[i].name, len);
		guarded_free(&g);
	}
}

/* 7.7 and 7.9: every code there is. */
static void
judges_close_codes(void **state)
{
	static const unsigned low[] = { 1000, 1001, 1002, 1003, 1007, 1008,
		1009, 1010, 1011, 1012, 1013, 1014 };

	(void)state;
	for (unsigned code = 0; code <= 65535; code++) {
		bool ok = code / 1000 == 3 || code / 1000 == 4;

		for (size_t i = 0; i < nitems(low); i++)
			ok |= low[i] == code;
		if (ws_close_code_ok(code) != ok)
			fail_msg("%u", code);
	}
}

/* A reason of n letters before characters of a length: cut between them. */
static void
puts_closes(void **state)
{
	static const char *const characters[] = { "a", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80" };
	uint8_t out[WS_CONTROL_MAX];

	(void)state;
	assert_int_equal(ws_put_close(out, WS_CLOSE_NO_STATUS, "x"), 0);
	assert_int_equal(ws_put_close(out, 1000, ""), 2);
	assert_memory_equal(out, "\3\xe8", 2);
	assert_int_equal(ws_put_close(out, 4139, "killed"), 8);
	assert_memory_equal(out, "\x10\x2bkilled", 8);
	for (size_t i = 0; i < nitems(characters) * 4; i++) {
		size_t size = strlen(characters[i / 4]), lead = i % 4;

		for (size_t n = 0; n < 140; n++) {
			char reason[4 + 140 * 4 + 1] = "";
			size_t len, fit;

			memset(reason, 'x', lead);
			for (size_t k = 0; k < n; k++)
				memcpy(reason + lead + k * size,
				    characters[i / 4], size);
			fit = (WS_REASON_MAX - lead) / size;
			fit = lead + (n < fit ? n : fit) * size;
			len = ws_put_close(out, 1011, reason);
			if (len != 2 + fit || memcmp(out + 2, reason, fit) != 0)
				fail_msg("%zu characters of %zu: %zu", n, size,
				    len);
		}
	}
}

static void
names_results(void **state)
{
	(void)state;
	for (int rc = WS_ERR_MEMORY; rc < WS_CONTROL; rc++)
		assert_string_not_equal(ws_strresult((enum ws_result)rc),
		    ws_strresult((enum ws_result)(rc + 1)));
	for (int rc = WS_ERR_MEMORY; rc < WS_MORE; rc++)
		assert_int_equal(ws_close_code((enum ws_result)rc),
		    rc == WS_ERR_UTF8          ? 1007
			: rc == WS_ERR_DEFLATE ? 1007
			: rc == WS_ERR_TOO_BIG ? 1009
			: rc == WS_ERR_MEMORY  ? 1013
					       : 1002);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(reads_unmasked),
		cmocka_unit_test(reads_masked_and_unmasked_in_turn),
		cmocka_unit_test(reads_deflated),
		cmocka_unit_test(checks_what_was_inflated),
		cmocka_unit_test(refuses_the_other_masking),
		cmocka_unit_test(fails_at_the_byte),
		cmocka_unit_test(reads_all_lengths),
		cmocka_unit_test(reads_in_pieces),
		cmocka_unit_test(puts_heads),
		cmocka_unit_test(masks_as_it_should),
		cmocka_unit_test(masks_in_parts),
		cmocka_unit_test(reads_closes),
		cmocka_unit_test(judges_close_codes),
		cmocka_unit_test(puts_closes),
		cmocka_unit_test(names_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
