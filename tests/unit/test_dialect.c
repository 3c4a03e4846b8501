/* What each body makes of messages, either way, with an owner that notes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "dialect/dialect.h"
#include "dialect/standpipe_v1.h"

static struct buf notes;

static void
note(const char *what, const void *data, size_t len)
{
	assert_true(buf_add_str(&notes, what) && buf_add(&notes, data, len));
}

static void
note_piece(const char *what, const void *before, size_t before_len,
    const struct piece *p)
{
	note(what, NULL, 0);
	note(p->text ? "T" : "B", NULL, 0);
	note(p->first ? "(" : "..", before, before_len);
	note("", p->data, p->len);
	note(p->last ? ")" : "..", NULL, 0);
}

static void
to_endpoint(void *owner, const struct piece *p)
{
	(void)owner;
	note_piece("in", NULL, 0, p);
}

static void
bytes_to_endpoint(void *owner, const struct piece *p)
{
	(void)owner;
	note_piece("bytes", NULL, 0, p);
}

static void
on_end(void *owner)
{
	(void)owner;
	note("end", NULL, 0);
}

static void
on_signal(void *owner, const char *name)
{
	(void)owner;
	note("signal ", name, strlen(name));
}

static void
on_refused(void *owner, unsigned code, const char *reason)
{
	char text[80];

	(void)owner;
	snprintf(text, sizeof(text), "refused %u %s", code, reason);
	note(text, NULL, 0);
}

static void
to_peer(void *owner, const void *before, size_t before_len,
    const struct piece *p)
{
	(void)owner;
	note_piece("out", before, before_len, p);
}

static const struct dialect_ops ops = {
	.to_endpoint = to_endpoint,
	.bytes_to_endpoint = bytes_to_endpoint,
	.on_end = on_end,
	.on_signal = on_signal,
	.on_refused = on_refused,
	.to_peer = to_peer,
};

static void
begin(struct dialect *d, const struct dialect_body *body)
{
	buf_init(&notes, 64 * 1024);
	dialect_init(d, body, &ops, NULL);
}

static void
assert_notes(const char *want)
{
	assert_true(buf_add_byte(&notes, '\0'));
	assert_string_equal((char *)notes.data, want);
	buf_clear(&notes);
}

/* A message in two pieces. */
static void
say(struct dialect *d, void (*way)(struct dialect *, const struct piece *),
    bool text, const char *begin, const char *end)
{
	struct piece p = {
		.text = text,
		.first = true,
		.data = (const uint8_t *)begin,
		.len = strlen(begin),
	};

	way(d, &p);
	p = piece_whole(text, end, strlen(end));
	p.first = false;
	way(d, &p);
}

static void
say_everything(struct dialect *d)
{
	static char interrupt[] = "INT", none[] = "none";
	static char *const signals[] = { interrupt, none, interrupt };
	const struct dialect_hello hello = {
		.bytes = true,
		.stderr_lines = true,
		.signals = signals,
		.signals_len = nitems(signals),
		.subprotocol = "chat",
	};

	dialect_say_hello(d, &hello);
	say(d, dialect_send, true, "a\"", "b");
	say(d, dialect_send, false, "c", "");
	if (dialect_takes_bytes(d))
		dialect_send_bytes(d, (const uint8_t *)"d\n", 2);
	dialect_send_line(d, (const uint8_t *)"\xc3", 1);
	dialect_say_end(d);
	dialect_say_exit(d, (struct ended){ .status = 'x' });
}

static void
plain_is_what_it_is(void **state)
{
	struct dialect d;

	(void)state;
	begin(&d, &dialect_plain);
	say(&d, dialect_from_peer, true, "\1a", "b");
	say_everything(&d);
	assert_false(dialect_says_end(&d));
	dialect_clear(&d);
	assert_notes("inT(\1a..inT..b)"
		     "outT(a\"..outT..b)outB(c..outB..)"
		     "outT(\xef\xbf\xbd)");
}

static void
json_names_streams(void **state)
{
	struct dialect d;

	(void)state;
	begin(&d, &dialect_json_stderr);
	say(&d, dialect_from_peer, false, "a", "b");
	say_everything(&d);
	assert_false(dialect_says_end(&d));
	dialect_clear(&d);
	assert_notes("inB(a..inB..b)"
		     "outT({\"stream\":\"stdout\",\"data\":\"a\\\"..outT..b\"})"
		     "outT({\"stream\":\"stdout\",\"data\":\"c..outT..\"})"
		     "outT({\"stream\":\"stderr\",\"data\":\"\xef\xbf\xbd\"})");
}

/* Any message becomes fragments of a bounded size, of one object. */
static void
json_cuts_long_messages(void **state)
{
	static uint8_t in[10000];
	struct piece p = piece_whole(true, in, sizeof(in));
	struct dialect d;
	size_t n = 0;

	(void)state;
	memset(in, 'x', sizeof(in));
	begin(&d, &dialect_json_stderr);
	dialect_send(&d, &p);
	for (size_t i = 0; i < notes.len; i++)
		n += notes.data[i] == 'x';
	assert_int_equal(n, sizeof(in));
	assert_memory_equal(notes.data, "outT({", 6);
	assert_memory_equal(notes.data + notes.len - 3, "\"})", 3);
	dialect_clear(&d);
	buf_clear(&notes);
}

static void
v1_says_everything(void **state)
{
	struct dialect d;

	(void)state;
	begin(&d, &dialect_v1);
	say_everything(&d);
	assert_true(dialect_says_end(&d));
	dialect_clear(&d);
	assert_notes("outB(\1data bytes\nsignal INT\nstderr yes\n"
		     "subprotocol chat\n)"
		     "outB(\3a\"..outB..b)outB(\4c..outB..)outB(\2d\n)"
		     "outB(\5\xc3\n)outB(\6)outB(\x09x)");
}

static void
v1_hears_everything(void **state)
{
	struct dialect d;

	(void)state;
	begin(&d, &dialect_v1);
	say(&d, dialect_from_peer, false, "\3a", "b");
	say(&d, dialect_from_peer, false, "\4", "c");
	say(&d, dialect_from_peer, false, "\2d", "");
	say(&d, dialect_from_peer, false, "\10IN", "T");
	say(&d, dialect_from_peer, false, "\7ab", "cd");
	say(&d, dialect_from_peer, false, "\6", "");
	say(&d, dialect_from_peer, false, "\3a", "");
	dialect_clear(&d);
	assert_notes("inT(a..inT..b)inB(..inB..c)bytesB(d..bytesB..)"
		     "signal INTendrefused 1002 standpipe.v1: data behind its "
		     "endrefused 1002 standpipe.v1: data behind its end");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_is_what_it_is),
		cmocka_unit_test(json_names_streams),
		cmocka_unit_test(json_cuts_long_messages),
		cmocka_unit_test(v1_says_everything),
		cmocka_unit_test(v1_hears_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
