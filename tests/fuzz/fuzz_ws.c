/*
 * WebSocket frames. The first byte says who reads, whether messages may be
 * deflated, whether they must be masked and how the rest is cut, the second how
 * long a message may be; what is read must not depend on the cuts.
 * A message keeps its limit, and text is UTF-8 at every byte that is given.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/utf8.h"
#include "codec/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct got {
	struct ws_reader reader;
	struct utf8 utf8;
	enum ws_result rc;
	bool text; /* of the begun message */
	bool open;
	uint64_t max, size;    /* of the begun message */
	uint64_t sum, message; /* over all that was given; of the begun one */
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t
add(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static void
take_close(const struct piece *p)
{
	const uint8_t *reason;
	unsigned code;
	size_t len;

	if (ws_read_close(p->data, p->len, &code, &reason, &len) < 0)
		return;
	check(code == WS_CLOSE_NO_STATUS || ws_close_code_ok(code));
	check(len <= WS_REASON_MAX);
}

static void
take_control(struct got *g, const struct ws_event *ev)
{
	const struct piece *p = &ev->piece;

	check(p->len <= WS_CONTROL_MAX && p->first && p->last);
	g->sum = add(add(g->sum, &ev->opcode, 1), p->data, p->len);
	if (ev->opcode == WS_OP_CLOSE)
		take_close(p);
}

static void
take_data(struct got *g, const struct ws_event *ev)
{
	const struct piece *p = &ev->piece;

	check(p->first == !g->open);
	if (p->first) {
		utf8_init(&g->utf8);
		g->text = p->text;
		g->size = 0;
		g->message = p->text ? WS_OP_TEXT : WS_OP_BINARY;
	}
	check(p->text == g->text);
	g->size += p->len;
	check(g->max == 0 || g->size <= g->max || ev->deflated);
	g->message = add(g->message, p->data, p->len);
	check(!ev->deflated || g->reader.inflates);
	if (p->text && !ev->deflated)
		check(utf8_check(&g->utf8, p->data, p->len) == p->len);
	g->open = !p->last;
	check(ws_reader_in_message(&g->reader) == g->open);
	if (!p->last)
		return;
	check(!p->text || ev->deflated || utf8_complete(&g->utf8));
	g->sum = add(g->sum, (uint8_t *)&g->message, sizeof(g->message));
}

/* A piece of its own size on the heap, so that no byte beyond is touched. */
static void
take(struct got *g, const uint8_t *in, size_t len)
{
	uint8_t *piece = malloc(len == 0 ? 1 : len);
	struct ws_event ev;
	size_t at = 0, used;

	check(piece != NULL);
	memcpy(piece, in, len);
	do {
		g->rc = ws_read(&g->reader, piece + at, len - at, &used, &ev);
		check(used <= len - at);
		if (g->rc == WS_DATA)
			take_data(g, &ev);
		else if (g->rc == WS_CONTROL)
			take_control(g, &ev);
		check(g->rc != WS_MORE || used == len - at);
		at += used;
	} while (g->rc > 0 && at < len);
	free(piece);
}

static struct got
run(const uint8_t *in, size_t len, uint8_t how, uint64_t max, size_t step)
{
	struct got g = { .max = max };

	ws_reader_init(&g.reader, how & 1 ? WS_CLIENT : WS_SERVER, max);
	if (how & 0x80)
		ws_reader_inflate(&g.reader);
	if (how & 0x40)
		ws_reader_accept_unmasked(&g.reader);
	for (size_t at = 0; at < len && g.rc >= 0; at += step)
		take(&g, in + at, len - at < step ? len - at : step);
	return g;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct got whole, cut;
	size_t step;

	if (len < 3)
		return 0;
	step = (size_t)(in[0] >> 1 & 0x1f) + 1;
	whole = run(in + 2, len - 2, in[0], in[1], len);
	cut = run(in + 2, len - 2, in[0], in[1], step);
	check(whole.sum == cut.sum);
	check((whole.rc < 0 ? whole.rc : WS_MORE) ==
	    (cut.rc < 0 ? cut.rc : WS_MORE));
	check(whole.rc >= 0 || ws_close_code_ok(ws_close_code(whole.rc)));
	check(whole.rc < 0 || !whole.open ||
	    (whole.message == cut.message && whole.size == cut.size));
	check(ws_reader_in_message(&whole.reader) ==
	    ws_reader_in_message(&cut.reader));
	return 0;
}
