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
	enum ws_opcode opcode; /* of the begun message */
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
take_close(const struct ws_event *ev)
{
	const uint8_t *reason;
	unsigned code;
	size_t len;

	if (ws_read_close(ev->data, ev->len, &code, &reason, &len) < 0)
		return;
	check(code == WS_CLOSE_NO_STATUS || ws_close_code_ok(code));
	check(len <= WS_REASON_MAX);
}

static void
take_control(struct got *g, const struct ws_event *ev)
{
	uint8_t op = (uint8_t)ev->opcode;

	check(ev->len <= WS_CONTROL_MAX && ev->first && ev->last);
	g->sum = add(add(g->sum, &op, 1), ev->data, ev->len);
	if (ev->opcode == WS_OP_CLOSE)
		take_close(ev);
}

static void
take_data(struct got *g, const struct ws_event *ev)
{
	uint8_t op = (uint8_t)ev->opcode;

	check(ev->opcode == WS_OP_TEXT || ev->opcode == WS_OP_BINARY);
	check(ev->first == !g->open);
	if (ev->first) {
		utf8_init(&g->utf8);
		g->opcode = ev->opcode;
		g->size = 0;
		g->message = op;
	}
	check(ev->opcode == g->opcode);
	g->size += ev->len;
	check(g->max == 0 || g->size <= g->max || ev->deflated);
	g->message = add(g->message, ev->data, ev->len);
	check(!ev->deflated || g->reader.inflates);
	if (ev->opcode == WS_OP_TEXT && !ev->deflated)
		check(utf8_check(&g->utf8, ev->data, ev->len) == ev->len);
	g->open = !ev->last;
	check(ws_reader_in_message(&g->reader) == g->open);
	if (!ev->last)
		return;
	check(ev->opcode != WS_OP_TEXT || ev->deflated ||
	    utf8_complete(&g->utf8));
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
