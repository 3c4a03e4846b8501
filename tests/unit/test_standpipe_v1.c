#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "dialect/standpipe_v1.h"
#include "feed.h"

/* What a message became, told as text: its type and all of its bytes. */
struct got {
	struct v1_reader reader;
	enum v1_result end;
	size_t at, len; /* of the message that is fed */
	bool text;
	char told[256];
	size_t n;
};

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct got *g = arg;
	const struct piece p = {
		.text = g->text,
		.last = g->at + len == g->len,
		.data = piece,
		.len = len,
	};
	struct v1_event ev;

	g->at += len;
	g->end = v1_read(&g->reader, &p, &ev);
	if (g->end <= V1_NOTHING)
		return g->end == V1_NOTHING;
	if (ev.piece.first)
		g->n += (size_t)snprintf(g->told + g->n, sizeof(g->told) - g->n,
		    "<%u ", ev.type);
	assert_true(g->n + ev.piece.len + 2 < sizeof(g->told));
	memcpy(g->told + g->n, ev.piece.data, ev.piece.len);
	g->n += ev.piece.len;
	if (ev.piece.last)
		g->told[g->n++] = '>';
	g->told[g->n] = '\0';
	return true;
}

static void
feed_message(struct got *g, size_t cut, const char *in, size_t len, bool text)
{
	g->at = 0;
	g->len = len;
	g->text = text;
	if (len == 0)
		(void)take(g, NULL, 0);
	else
		feed(cut, in, len, take, g);
}

static const struct {
	const char *name;
	const char *in;
	size_t len;
	bool text;
	const char *told;
	enum v1_result end;
} cases[] = {
#define IN(s) s, sizeof(s) - 1
	{ "bytes", IN("\2abc"), false, "<2 abc>", V1_DATA },
	{ "no bytes", IN("\2"), false, "<2 >", V1_DATA },
	{ "text", IN("\3a"), false, "<3 a>", V1_DATA },
	{ "binary", IN("\4a"), false, "<4 a>", V1_DATA },
	{ "stderr", IN("\5a\n"), false, "<5 a\n>", V1_DATA },
	{ "hello", IN("\1a b\n"), false, "<1 a b\n>", V1_CONTROL },
	{ "end", IN("\6"), false, "<6 >", V1_CONTROL },
	{ "end and more", IN("\6xyz"), false, "<6 xyz>", V1_CONTROL },
	{ "window", IN("\7abcd"), false, "<7 abcd>", V1_CONTROL },
	{ "window and more", IN("\7abcdefgh"), false, "<7 abcdefgh>",
	    V1_CONTROL },
	{ "window, short", IN("\7abc"), false, "", V1_ERR_CONTENT },
	{ "signal", IN("\10INT"), false, "<8 INT>", V1_CONTROL },
	{ "signal, small letters", IN("\10int"), false, "", V1_ERR_CONTENT },
	{ "signal, none", IN("\10"), false, "", V1_ERR_CONTENT },
	{ "signal, long", IN("\10ABCDEFGHABCDEFGHA"), false, "",
	    V1_ERR_CONTENT },
	{ "exit", IN("\11\3"), false, "<9 \3>", V1_CONTROL },
	{ "exit by a signal", IN("\11\x89KILL"), false, "<9 \x89KILL>",
	    V1_CONTROL },
	{ "exit, empty", IN("\11"), false, "", V1_ERR_CONTENT },
	{ "ack", IN("\nabcdefgh"), false, "<10 abcdefgh>", V1_CONTROL },
	{ "ack, short", IN("\nabcdefg"), false, "", V1_ERR_CONTENT },
	{ "another type", IN("\13whatever"), false, "", V1_NOTHING },
	{ "the last type", IN("\377whatever"), false, "", V1_NOTHING },
	{ "type 0", IN("\0a"), false, "", V1_ERR_EMPTY },
	{ "no type", IN(""), false, "", V1_ERR_EMPTY },
	{ "a text message", IN("\2a"), true, "", V1_ERR_TEXT },
#undef IN
};

static void
reads_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		for (size_t cut = 0; cut <= cases[i].len; cut++) {
			struct got g = { 0 };

			v1_reader_init(&g.reader);
			feed_message(&g, cut, cases[i].in, cases[i].len,
			    cases[i].text);
			if (g.end != cases[i].end ||
			    strcmp(g.told, cases[i].told) != 0)
				fail_msg("%s, cut at %zu: %s, \"%s\"",
				    cases[i].name, cut, v1_strresult(g.end),
				    g.told);
		}
	}
}

static void
counts_data(void **state)
{
	struct got g = { 0 };

	(void)state;
	v1_reader_init(&g.reader);
	feed_message(&g, 2, "\2abc", 4, false);
	feed_message(&g, 0, "\3de", 3, false);
	feed_message(&g, 0, "\4f", 2, false);
	feed_message(&g, 0, "\5not counted", 12, false);
	feed_message(&g, 0, "\143nor this", 9, false);
	assert_int_equal(g.reader.received, 6);
}

static void
ends(void **state)
{
	struct got g = { 0 };

	(void)state;
	v1_reader_init(&g.reader);
	feed_message(&g, 0, "\6", 1, false);
	feed_message(&g, 0, "\10INT", 4, false);
	assert_int_equal(g.end, V1_CONTROL);
	feed_message(&g, 0, "\2", 1, false);
	assert_int_equal(g.end, V1_ERR_ENDED);
	assert_int_equal(v1_close_code(g.end), 1002);
	assert_int_equal(v1_close_code(V1_ERR_TEXT), 1003);
}

static void
bounds_what_it_keeps(void **state)
{
	static uint8_t in[1 + V1_CONTROL_MAX + 1] = { V1_HELLO };
	struct piece p = { .last = true, .data = in, .len = sizeof(in) };
	struct v1_reader r;
	struct v1_event ev;

	(void)state;
	v1_reader_init(&r);
	assert_int_equal(v1_read(&r, &p, &ev), V1_ERR_LONG);
	v1_reader_init(&r);
	p.len--;
	assert_int_equal(v1_read(&r, &p, &ev), V1_CONTROL);
	assert_int_equal(ev.piece.len, V1_CONTROL_MAX);
	in[0] = 99;
	p.last = false;
	p.len = sizeof(in);
	for (int i = 0; i < 100; i++)
		assert_int_equal(v1_read(&r, &p, &ev), V1_NOTHING);
}

static struct v1_event
read_whole(struct v1_reader *r, const uint8_t *in, size_t len)
{
	const struct piece p = { .last = true, .data = in, .len = len };
	struct v1_event ev;

	v1_reader_init(r);
	assert_int_equal(v1_read(r, &p, &ev), V1_CONTROL);
	return ev;
}

static void
reads_what_was_put(void **state)
{
	uint8_t out[64], status;
	char name[V1_SIGNAL_MAX + 1];
	unsigned columns, rows;
	struct v1_reader r;
	struct v1_event ev;

	(void)state;
	ev = read_whole(&r, out, v1_put_window(out, 80, 65535));
	v1_read_window(&ev, &columns, &rows);
	assert_int_equal(columns, 80);
	assert_int_equal(rows, 65535);
	ev = read_whole(&r, out, v1_put_signal(out, "RTMIN+3"));
	v1_read_signal(&ev, name);
	assert_string_equal(name, "RTMIN+3");
	ev = read_whole(&r, out,
	    v1_put_exit(out, (struct ended){ .status = 3 }));
	v1_read_exit(&ev, &status, name);
	assert_int_equal(status, 3);
	assert_string_equal(name, "");
	ev = read_whole(&r, out,
	    v1_put_exit(out, (struct ended){ .signal = SIGSEGV }));
	v1_read_exit(&ev, &status, name);
	assert_int_equal(status, 139);
	assert_string_equal(name, "SEGV");
	ev = read_whole(&r, out, v1_put_ack(out, UINT64_C(0x123456789abcdef0)));
	assert_true(v1_read_ack(&ev) == UINT64_C(0x123456789abcdef0));
}

static void
reads_hello(void **state)
{
	static const char in[] = "\1data bytes\nflag\n\nsignal  INT\nlast x";
	static const char *const want[][2] = {
		{ "data", "bytes" },
		{ "flag", "" },
		{ "", "" },
		{ "signal", " INT" },
		{ "last", "x" },
	};
	const char *name, *value;
	size_t at = 0, n = 0, name_len, value_len;
	struct v1_reader r;
	struct v1_event ev =
	    read_whole(&r, (const uint8_t *)in, sizeof(in) - 1);

	(void)state;
	for (; v1_read_hello(&ev, &at, &name, &name_len, &value, &value_len);
	     n++) {
		assert_true(n < nitems(want));
		assert_int_equal(name_len, strlen(want[n][0]));
		assert_memory_equal(name, want[n][0], name_len);
		assert_int_equal(value_len, strlen(want[n][1]));
		assert_memory_equal(value, want[n][1], value_len);
	}
	assert_int_equal(n, nitems(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(counts_data),
		cmocka_unit_test(ends),
		cmocka_unit_test(bounds_what_it_keeps),
		cmocka_unit_test(reads_what_was_put),
		cmocka_unit_test(reads_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
