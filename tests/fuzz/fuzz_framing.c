/*
 * A program's output. The first byte says which framing and whether broken
 * text is repaired, the second how the rest is cut; what is read must not
 * depend on the cuts. Text is UTF-8, every piece of it whole characters; what
 * is held is bounded; and what goes up again as `frames` comes down the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/framing.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { LONG_LETTER = 0x01, LONG = 33000, LONGS = 3 };

struct got {
	struct framing framing;
	struct utf8 utf8; /* of the begun message */
	enum framing_result rc;
	bool bytes; /* where messages end is a matter of the cuts */
	bool open;
	bool text;
	struct buf out; /* all messages and controls, as `frames` */
	struct buf message;
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
put_message(struct got *g)
{
	struct piece p = piece_whole(g->text, g->message.data, g->message.len);
	uint8_t head[FRAMING_HEAD_MAX];

	check(buf_add(&g->out, head,
	    framing_head(head, &framing_kinds[FRAMING_FRAMES], &p)));
	check(buf_add(&g->out, g->message.data, g->message.len));
	buf_drain(&g->message, g->message.len);
}

static void
take_piece(struct got *g, const struct piece *p)
{
	check(p->first == !g->open);
	if (p->first)
		g->text = p->text;
	check(p->text == g->text);
	check(p->len > 0 || (p->last && !g->bytes));
	if (p->text) {
		utf8_init(&g->utf8);
		check(utf8_check(&g->utf8, p->data, p->len) == p->len);
		check(utf8_complete(&g->utf8));
	}
	check(buf_add(&g->message, p->data, p->len));
	g->open = !p->last;
	if (p->last && !g->bytes)
		put_message(g);
}

static void
take_event(struct got *g, const struct piece *p)
{
	uint8_t head[FRAMING_HEAD_MAX];

	if (g->rc == FRAMING_PIECE) {
		take_piece(g, p);
	} else if (g->rc > 0) {
		size_t n = framing_close_head(head,
		    &framing_kinds[FRAMING_FRAMES], p->len);

		check(p->len <= FRAMING_CONTROL_MAX);
		head[0] = g->rc == FRAMING_CLOSE ? 'C' : 'P';
		check(buf_add(&g->out, head, n));
		check(buf_add(&g->out, p->data, p->len));
	}
}

/* A piece of its own size on the heap, so that no byte beyond is read. */
static void
take(struct got *g, const uint8_t *in, size_t len)
{
	uint8_t *piece = malloc(len);
	struct piece p;
	size_t at = 0, used, idle = 0;

	check(piece != NULL);
	memcpy(piece, in, len);
	do {
		g->rc =
		    framing_read(&g->framing, piece + at, len - at, &used, &p);
		check(used <= len - at);
		take_event(g, &p);
		check(g->rc != FRAMING_MORE || used == len - at);
		check(g->framing.hold.cap <= FRAMING_HOLD);
		idle = used == 0 ? idle + 1 : 0;
		check(idle < 4 || g->rc < 0);
		at += used;
	} while (g->rc > 0 && at < len);
	free(piece);
}

static void
take_end(struct got *g)
{
	struct piece p;

	for (int i = 0; g->rc >= 0 && (i == 0 || g->rc > 0); i++) {
		check(i < 4);
		g->rc = framing_end(&g->framing, &p);
		take_event(g, &p);
	}
	check(g->rc < 0 || !g->open);
	if (g->rc >= 0 && g->bytes && g->message.len > 0)
		put_message(g);
}

static void
run(struct got *g, enum framing_number kind, bool repair, const struct buf *in,
    size_t step)
{
	*g = (struct got){
		.bytes = kind == FRAMING_BINARY || kind == FRAMING_TEXT,
	};
	framing_init(&g->framing, &framing_kinds[kind], repair);
	buf_init(&g->out, SIZE_MAX / 4);
	buf_init(&g->message, SIZE_MAX / 4);
	for (size_t at = 0; at < in->len && g->rc >= 0; at += step)
		take(g, in->data + at,
		    in->len - at < step ? in->len - at : step);
	take_end(g);
}

static void
clear(struct got *g)
{
	framing_clear(&g->framing);
	buf_clear(&g->out);
	buf_clear(&g->message);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What came out, up to the program and down again, is what came out. */
static void
check_echo(const struct buf *out, size_t step)
{
	struct got again;

	run(&again, FRAMING_FRAMES, false, out, step);
	check(again.rc == FRAMING_MORE && same(out, &again.out));
	clear(&again);
}

/* Lines over the hold are rare in short inputs: one byte stands for many. */
static void
stretch(struct buf *to, const uint8_t *in, size_t len)
{
	static uint8_t many[LONG];
	int n = 0;

	memset(many, 'x', sizeof(many));
	for (size_t i = 0; i < len; i++) {
		if (in[i] == LONG_LETTER && n++ < LONGS)
			check(buf_add(to, many, sizeof(many)));
		else
			check(buf_add_byte(to, in[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	enum framing_number kind;
	struct got whole, cut;
	struct buf all;
	bool repair;
	size_t step;

	if (len < 3)
		return 0;
	kind = (enum framing_number)(in[0] % FRAMING_COUNT);
	repair = in[0] & 0x80;
	step = (size_t)in[1] + 1;
	buf_init(&all, SIZE_MAX / 4);
	if (in[0] & 0x40) {
		stretch(&all, in + 2, len - 2);
		step *= 2039;
	} else {
		check(buf_add(&all, in + 2, len - 2));
	}
	run(&whole, kind, repair, &all, all.len);
	run(&cut, kind, repair, &all, step);
	check(whole.rc == cut.rc);
	check(whole.rc < 0 || whole.framing.repaired == cut.framing.repaired);
	check(!repair || whole.rc != FRAMING_ERR_UTF8);
	if (whole.rc >= 0 || !whole.bytes) {
		check(same(&whole.out, &cut.out));
		check_echo(&whole.out, step);
	}
	clear(&whole);
	clear(&cut);
	buf_clear(&all);
	return 0;
}
