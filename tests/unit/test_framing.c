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
#include "codec/framing.h"
#include "codec/utf8.h"
#include "feed.h"

#define FFFD "\\ef\\bf\\bd"
#define X25 "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X125 X25 X25 X25 X25 X25

enum { REPAIR = true, REFUSE = false };

/*
 * What a program wrote, until its end of file. For `lines`, `nul`, `frames`
 * and `content-length` the messages are the same however it was cut; `binary` and `text` promise
 * that of the bytes alone, so these stand in the row as one message.
 */
static const struct test_case {
	const char *name;
	enum framing_number kind;
	bool repair;
	const char *in;
	size_t in_len;
	const char *events;
	enum framing_result end; /* FRAMING_MORE, or the error it stops at */
} cases[] = {
#define IN(s) s, sizeof(s) - 1
#define LINES(name, in, events)                                           \
	{                                                                 \
		name, FRAMING_LINES, REPAIR, IN(in), events, FRAMING_MORE \
	}
	LINES("nothing", "", ""),
	LINES("a line", "abc\n", "T(abc)"),
	LINES("two lines", "abc\ndef\n", "T(abc)T(def)"),
	LINES("CRLF", "abc\r\ndef\r\n", "T(abc)T(def)"),
	LINES("lone CR", "a\rb\n", "T(a\\0db)"),
	LINES("CR CR LF", "a\r\r\n", "T(a\\0d)"),
	LINES("LF CR", "a\n\rb\n", "T(a)T(\\0db)"),
	LINES("only CR LF", "\r\n", "T()"),
	LINES("empty lines (F16)", "\n\na\n\n", "T()T()T(a)T()"),
	LINES("unterminated", "a\nbc", "T(a)T(bc)"),
	LINES("unterminated, CR last", "a\r", "T(a\\0d)"),
	LINES("CR alone", "\r", "T(\\0d)"),
	LINES("blanks (F13)", " \ta\t \n", "T(\\20\\09a\\09\\20)"),
	LINES("NUL", "a\0b\n", "T(a\\00b)"),
	LINES("UTF-8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n",
	    "T(\\c3\\a9\\e2\\82\\ac\\f0\\9f\\98\\80)"),
	LINES("Latin-1", "a\xe9z\n", "T(a" FFFD "z)"),
	LINES("half a character before the end", "a\xe2\x82\nb\n",
	    "T(a" FFFD ")T(b)"),
	LINES("half a character before CRLF", "a\xe2\x82\r\n", "T(a" FFFD ")"),
	LINES("the halves on two lines", "\xc3\n\xa9\n",
	    "T(" FFFD ")T(" FFFD ")"),
	LINES("half a character at the end of file", "a\n\xf0\x9f\x98",
	    "T(a)T(" FFFD ")"),
	LINES("a replacement for each subpart",
	    "\xf0\x9f\x98\xf0\x9f\x98\xff\xc0\xaf\n",
	    "T(" FFFD FFFD FFFD FFFD FFFD ")"),
	LINES("surrogate", "\xed\xa0\x80\n", "T(" FFFD FFFD FFFD ")"),
	{ "refused", FRAMING_LINES, REFUSE, IN("a\nb\xff\n"), "T(a)",
	    FRAMING_ERR_UTF8 },
	{ "refused: cut short by the end", FRAMING_LINES, REFUSE,
	    IN("a\n\xc3\n"), "T(a)", FRAMING_ERR_UTF8 },
	{ "refused: cut short by the end of file", FRAMING_LINES, REFUSE,
	    IN("a\n\xc3"), "T(a)", FRAMING_ERR_UTF8 },
	{ "nothing to refuse", FRAMING_LINES, REFUSE, IN("\xc3\xa9\n\xc3\xa9"),
	    "T(\\c3\\a9)T(\\c3\\a9)", FRAMING_MORE },

#define NUL(name, in, events)                                           \
	{                                                               \
		name, FRAMING_NUL, REPAIR, IN(in), events, FRAMING_MORE \
	}
	NUL("nul: records", "a\0bc\0", "T(a)T(bc)"),
	NUL("nul: empty records", "\0\0", "T()T()"),
	NUL("nul: CR and LF are nothing special", "a\r\0b\n\0",
	    "T(a\\0d)T(b\\0a)"),
	NUL("nul: unterminated", "a\0b", "T(a)T(b)"),
	NUL("nul: invalid", "\xff\0a\xc3\0", "T(" FFFD ")T(a" FFFD ")"),
	{ "nul: refused", FRAMING_NUL, REFUSE, IN("a\0\xff\0"), "T(a)",
	    FRAMING_ERR_UTF8 },

	{ "binary", FRAMING_BINARY, REFUSE, IN("a\n\0\xff\r\n"),
	    "B(a\\0a\\00\\ff\\0d\\0a)", FRAMING_MORE },
	{ "binary: nothing", FRAMING_BINARY, REFUSE, IN(""), "", FRAMING_MORE },

#define TEXT(name, in, events)                                           \
	{                                                                \
		name, FRAMING_TEXT, REPAIR, IN(in), events, FRAMING_MORE \
	}
	TEXT("text: nothing", "", ""),
	TEXT("text", "a\r\n\n\0b", "T(a\\0d\\0a\\0a\\00b)"),
	TEXT("text: characters of all lengths (F8)",
	    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z",
	    "T(a\\c3\\a9\\e2\\82\\ac\\f0\\9f\\98\\80z)"),
	TEXT("text: incomplete at the end (F8)", "a\xe2\x82", "T(a" FFFD ")"),
	TEXT("text: nothing but an incomplete one", "\xf0", "T(" FFFD ")"),
	TEXT("text: invalid (F9)", "a\xff\xc3(\x80",
	    "T(a" FFFD FFFD "(" FFFD ")"),
	{ "text: refused", FRAMING_TEXT, REFUSE, IN("\xff"), "",
	    FRAMING_ERR_UTF8 },
	{ "text: incomplete, refused", FRAMING_TEXT, REFUSE, IN("\xe2\x82"), "",
	    FRAMING_ERR_UTF8 },
	{ "text: nothing to refuse", FRAMING_TEXT, REFUSE, IN("\xe2\x82\xac"),
	    "T(\\e2\\82\\ac)", FRAMING_MORE },

#define FRAMES(name, in, events, end)                             \
	{                                                         \
		name, FRAMING_FRAMES, REPAIR, IN(in), events, end \
	}
	FRAMES("frames: nothing", "", "", FRAMING_MORE),
	FRAMES("frames: text", "T\0\0\0\3abc", "T(abc)", FRAMING_MORE),
	FRAMES("frames: binary", "B\0\0\0\2\xff\0", "B(\\ff\\00)",
	    FRAMING_MORE),
	FRAMES("frames: empty ones", "T\0\0\0\0B\0\0\0\0T\0\0\0\0", "T()B()T()",
	    FRAMING_MORE),
	FRAMES("frames: parts", "t\0\0\0\1at\0\0\0\2bcT\0\0\0\1d", "T(abcd)",
	    FRAMING_MORE),
	FRAMES("frames: binary parts", "b\0\0\0\1aB\0\0\0\1\xfe", "B(a\\fe)",
	    FRAMING_MORE),
	FRAMES("frames: empty parts", "t\0\0\0\0t\0\0\0\0T\0\0\0\0", "T()",
	    FRAMING_MORE),
	FRAMES("frames: empty first part", "b\0\0\0\0B\0\0\0\1a", "B(a)",
	    FRAMING_MORE),
	FRAMES("frames: empty last part", "b\0\0\0\1aB\0\0\0\0", "B(a)",
	    FRAMING_MORE),
	FRAMES("frames: close",
	    "C\0\0\0\5\3\xe8"
	    "bye",
	    "close(\\03\\e8bye)", FRAMING_MORE),
	FRAMES("frames: empty close", "C\0\0\0\0", "close()", FRAMING_MORE),
	FRAMES("frames: ping", "P\0\0\0\2\xff\xfe", "ping(\\ff\\fe)",
	    FRAMING_MORE),
	FRAMES("frames: empty ping", "P\0\0\0\0T\0\0\0\1a", "ping()T(a)",
	    FRAMING_MORE),
	FRAMES("frames: longest ping", "P\0\0\0\x7d" X125, "ping(" X125 ")",
	    FRAMING_MORE),
	FRAMES("frames: ping inside a message",
	    "t\0\0\0\1aP\0\0\0\1pT\0\0\0\1b", "ping(p)T(ab)", FRAMING_MORE),
	FRAMES("frames: empty ping inside a message",
	    "b\0\0\0\1aP\0\0\0\0B\0\0\0\0", "ping()B(a)", FRAMING_MORE),
	FRAMES("frames: close inside a message", "t\0\0\0\1aC\0\0\0\0",
	    "close()", FRAMING_ERR_OPEN),
	FRAMES("frames: ping inside a character",
	    "t\0\0\0\1\xc3P\0\0\0\1\xffT\0\0\0\1\xa9", "ping(\\ff)T(\\c3\\a9)",
	    FRAMING_MORE),
	FRAMES("frames: a character in three parts",
	    "t\0\0\0\1\xe2t\0\0\0\1\x82T\0\0\0\1\xac", "T(\\e2\\82\\ac)",
	    FRAMING_MORE),
	FRAMES("frames: a character that the message cuts",
	    "T\0\0\0\1\xc3T\0\0\0\1\xa9", "T(" FFFD ")T(" FFFD ")",
	    FRAMING_MORE),
	FRAMES("frames: a character that an empty last part cuts",
	    "t\0\0\0\1\xc3T\0\0\0\0", "T(" FFFD ")", FRAMING_MORE),
	FRAMES("frames: binary is not looked at", "B\0\0\0\1\xc3", "B(\\c3)",
	    FRAMING_MORE),
	{ "frames: text refused", FRAMING_FRAMES, REFUSE,
	    IN("B\0\0\0\1\xffT\0\0\0\1\xff"), "B(\\ff)", FRAMING_ERR_UTF8 },
	{ "frames: text cut short, refused", FRAMING_FRAMES, REFUSE,
	    IN("t\0\0\0\1\xc3T\0\0\0\0"), "", FRAMING_ERR_UTF8 },
	FRAMES("frames: unknown type", "T\0\0\0\1aX\0\0\0\0", "T(a)",
	    FRAMING_ERR_TYPE),
	FRAMES("frames: small c", "c\0\0\0\0", "", FRAMING_ERR_TYPE),
	FRAMES("frames: small p", "p\0\0\0\0", "", FRAMING_ERR_TYPE),
	FRAMES("frames: type 0", "\0\0\0\0\0", "", FRAMING_ERR_TYPE),
	FRAMES("frames: a program that prints lines", "hello\n", "",
	    FRAMING_ERR_TYPE),
	FRAMES("frames: binary inside a text", "t\0\0\0\1aB\0\0\0\1b", "",
	    FRAMING_ERR_PART),
	FRAMES("frames: text part inside a binary", "b\0\0\0\1at\0\0\0\1b", "",
	    FRAMING_ERR_PART),
	FRAMES("frames: inside an empty part", "b\0\0\0\0T\0\0\0\0", "",
	    FRAMING_ERR_PART),
	FRAMES("frames: types alternate", "b\0\0\0\0B\0\0\0\0T\0\0\0\0",
	    "B()T()", FRAMING_MORE),
	FRAMES("frames: ping of 126", "P\0\0\0\x7e", "", FRAMING_ERR_LENGTH),
	FRAMES("frames: close of 126", "C\0\0\0\x7e", "", FRAMING_ERR_LENGTH),
	FRAMES("frames: close of 4 GiB", "C\xff\xff\xff\xff", "",
	    FRAMING_ERR_LENGTH),
	FRAMES("frames: text of 4 GiB begins",
	    "T\xff\xff\xff\xff"
	    "abc",
	    "", FRAMING_ERR_OPEN),
	FRAMES("frames: end inside a head", "T\0\0", "", FRAMING_ERR_OPEN),
	FRAMES("frames: end behind a head", "T\0\0\0\1", "", FRAMING_ERR_OPEN),
	FRAMES("frames: end inside a payload", "B\0\0\0\2a", "",
	    FRAMING_ERR_OPEN),
	FRAMES("frames: end inside a ping", "P\0\0\0\2a", "", FRAMING_ERR_OPEN),
	FRAMES("frames: end inside a message", "B\0\0\0\1ab\0\0\0\1b", "B(a)",
	    FRAMING_ERR_OPEN),
	FRAMES("frames: end behind an empty part", "t\0\0\0\0", "",
	    FRAMING_ERR_OPEN),
#define LENGTH(name, in, events, end)                                    \
	{                                                                \
		"content-length: " name, FRAMING_CONTENT_LENGTH, REPAIR, \
		    IN(in), events, end                                  \
	}
	LENGTH("nothing", "", "", FRAMING_MORE),
	LENGTH("a message", "Content-Length: 2\r\n\r\n{}", "T({})",
	    FRAMING_MORE),
	LENGTH("two", "Content-Length: 1\r\n\r\naContent-Length:2\r\n\r\nbc",
	    "T(a)T(bc)", FRAMING_MORE),
	LENGTH("empty ones",
	    "Content-Length: 0\r\n\r\nContent-Length: 0\r\n\r\n", "T()T()",
	    FRAMING_MORE),
	LENGTH("case, blanks, zeros", "cOnTeNt-lEnGtH:\t 0002 \t\r\n\r\nab",
	    "T(ab)", FRAMING_MORE),
	LENGTH("other fields around",
	    "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
	    "Content-Length: 1\r\nX:\r\n\r\na",
	    "T(a)", FRAMING_MORE),
	LENGTH("line ends are payload", "Content-Length: 5\r\n\r\n\r\n\r\n\n",
	    "T(\\0d\\0a\\0d\\0a\\0a)", FRAMING_MORE),
	LENGTH("bytes, not characters", "Content-Length: 3\r\n\r\n\xe2\x82\xac",
	    "T(\\e2\\82\\ac)", FRAMING_MORE),
	LENGTH("the length cuts a character",
	    "Content-Length: 1\r\n\r\n\xc3"
	    "Content-Length: 1\r\n\r\n\xa9",
	    "T(" FFFD ")T(" FFFD ")", FRAMING_MORE),
	{ "content-length: text refused", FRAMING_CONTENT_LENGTH, REFUSE,
	    IN("Content-Length: 1\r\n\r\n\xff"), "", FRAMING_ERR_UTF8 },
	LENGTH("a program that prints lines", "hello\n", "",
	    FRAMING_ERR_HEADER),
	LENGTH("a prompt", "> ", "", FRAMING_ERR_HEADER),
	LENGTH("behind a message", "Content-Length: 1\r\n\r\na!b c", "T(a)",
	    FRAMING_ERR_HEADER),
	LENGTH("a line without CR", "Content-Length: 1\n\na", "",
	    FRAMING_ERR_HEADER),
	LENGTH("an empty line without CR", "Content-Length: 1\r\n\na", "",
	    FRAMING_ERR_HEADER),
	LENGTH("CR CR LF", "Content-Length: 1\r\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("a lone CR", "\rContent-Length: 1\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("no name", ": 1\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("no colon", "Content-Length\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("a blank before the colon", "Content-Length : 1\r\n", "",
	    FRAMING_ERR_HEADER),
	LENGTH("a name that is no text", "\xc3\xa9: 1\r\n", "",
	    FRAMING_ERR_HEADER),
	LENGTH("no digits", "Content-Length: \r\n", "", FRAMING_ERR_HEADER),
	LENGTH("a sign", "Content-Length: -1\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("a letter", "Content-Length: 1x\r\n", "", FRAMING_ERR_HEADER),
	LENGTH("two numbers", "Content-Length: 1 1\r\n", "",
	    FRAMING_ERR_HEADER),
	LENGTH("two lengths", "Content-Length: 1\r\nContent-Length: 1\r\n", "",
	    FRAMING_ERR_HEADER),
	LENGTH("no length", "Content-Type: x\r\n\r\n", "",
	    FRAMING_ERR_NO_LENGTH),
	LENGTH("no header", "\r\n", "", FRAMING_ERR_NO_LENGTH),
	LENGTH("4 GiB less a byte", "Content-Length: 4294967295\r\n\r\nab", "",
	    FRAMING_ERR_OPEN),
	LENGTH("4 GiB", "Content-Length: 4294967296\r\n", "",
	    FRAMING_ERR_TOO_LONG),
	LENGTH("more than a number holds",
	    "Content-Length: 99999999999999999999999\r\n", "",
	    FRAMING_ERR_TOO_LONG),
	LENGTH("end inside a name", "Content-Le", "", FRAMING_ERR_OPEN),
	LENGTH("end inside a header", "Content-Length: 1\r\n", "",
	    FRAMING_ERR_OPEN),
	LENGTH("end behind a header", "Content-Length: 1\r\n\r\n", "",
	    FRAMING_ERR_OPEN),
	LENGTH("end inside a message", "Content-Length: 2\r\n\r\na", "",
	    FRAMING_ERR_OPEN),
#undef IN
};

struct got {
	struct framing framing;
	enum framing_result rc;
	bool join; /* the row is of bytes: leave out where messages end */
	bool keep; /* the one message stays where it is, not written as event */
	bool open;
	bool text; /* type of the begun message */
	bool any;
	struct utf8 utf8; /* of the begun message */
	size_t pieces;
	struct buf message, events;
};

static void
got_init(struct got *g, enum framing_number kind, bool repair)
{
	*g = (struct got){
		.join = kind == FRAMING_BINARY || kind == FRAMING_TEXT,
	};
	framing_init(&g->framing, &framing_kinds[kind], repair);
	buf_init(&g->message, SIZE_MAX / 4);
	buf_init(&g->events, SIZE_MAX / 4);
}

static void
got_clear(struct got *g)
{
	framing_clear(&g->framing);
	buf_clear(&g->message);
	buf_clear(&g->events);
}

static void
put_event(struct got *g, const char *name, const uint8_t *p, size_t len)
{
	char byte[8];

	buf_add_str(&g->events, name);
	buf_add_str(&g->events, "(");
	for (size_t i = 0; i < len; i++) {
		bool plain = p[i] > ' ' && p[i] < 0x7f && p[i] != '\\';

		snprintf(byte, sizeof(byte), plain ? "%c" : "\\%02x", p[i]);
		buf_add_str(&g->events, byte);
	}
	buf_add_str(&g->events, ")");
}

static void
end_message(struct got *g)
{
	put_event(g, g->text ? "T" : "B", g->message.data, g->message.len);
	buf_drain(&g->message, g->message.len);
}

/* Whatever comes out: pieces in order, of one type, and text that is UTF-8. */
static void
take_piece(struct got *g, const struct piece *p)
{
	assert_int_equal(p->first, !g->open);
	if (p->first) {
		utf8_init(&g->utf8);
		g->text = p->text;
	}
	assert_int_equal(p->text, g->text);
	if (g->join || !p->last)
		assert_true(p->len > 0); /* never by accident (F8) */
	if (p->text) {
		assert_int_equal(utf8_check(&g->utf8, p->data, p->len), p->len);
		assert_true(utf8_complete(&g->utf8));
	}
	assert_true(buf_add(&g->message, p->data, p->len));
	g->open = !p->last;
	g->pieces++;
	g->any = true;
	if (p->last && !g->join && !g->keep)
		end_message(g);
}

static void
take_event(struct got *g, const struct piece *p)
{
	if (g->rc == FRAMING_PIECE)
		take_piece(g, p);
	else if (g->rc > 0)
		put_event(g, g->rc == FRAMING_CLOSE ? "close" : "ping", p->data,
		    p->len);
}

static bool
take(void *arg, uint8_t *piece, size_t len)
{
	struct piece p;
	struct got *g = arg;
	size_t used, idle = 0;

	do {
		g->rc = framing_read(&g->framing, piece, len, &used, &p);
		assert_true(used <= len);
		take_event(g, &p);
		if (g->rc == FRAMING_MORE)
			assert_int_equal(used, len);
		idle = used == 0 ? idle + 1 : 0;
		assert_true(idle < 4); /* it gets on */
		assert_in_range(g->framing.hold.cap, 0, FRAMING_HOLD);
		piece += used;
		len -= used;
	} while (g->rc > 0 && len > 0);
	return g->rc >= 0;
}

static void
take_end(struct got *g)
{
	struct piece p;

	if (g->rc < 0)
		return;
	for (int i = 0; i == 0 || g->rc > 0; i++) {
		assert_true(i < 4);
		g->rc = framing_end(&g->framing, &p);
		take_event(g, &p);
	}
	if (g->join && g->any && g->rc >= 0)
		end_message(g);
	if (g->rc >= 0)
		assert_false(g->open);
}

static void
assert_case(const struct test_case *c, const char *how, size_t cut,
    struct got *g)
{
	take_end(g);
	if (g->rc != c->end)
		fail_msg("%s, %s %zu: %s, not %s", c->name, how, cut,
		    framing_strresult(g->rc), framing_strresult(c->end));
	buf_add_byte(&g->events, '\0');
	if (strcmp((char *)g->events.data, c->events) != 0)
		fail_msg("%s, %s %zu: %s", c->name, how, cut,
		    (char *)g->events.data);
	if (g->rc >= 0 &&
	    g->framing.repaired != (strstr(c->events, FFFD) != NULL))
		fail_msg("%s, %s %zu: repaired %d", c->name, how, cut,
		    g->framing.repaired);
	got_clear(g);
}

static void
reads_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->in_len; cut++) {
			struct got g;

			got_init(&g, c->kind, c->repair);
			feed(cut, c->in, c->in_len, take, &g);
			assert_case(c, "cut at", cut, &g);
		}
	}
}

/* Three pieces: the middle one may hold nothing but a part of something. */
static void
reads_every_two_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		size_t n = c->in_len < 40 ? c->in_len : 0;

		for (size_t k = 0; k < n * n; k++) {
			size_t one = k / n, two = k % n;
			struct got g;

			if (one >= two)
				continue;
			got_init(&g, c->kind, c->repair);
			if (feed_piece(c->in, one, take, &g) &&
			    feed_piece(c->in + one, two - one, take, &g))
				feed_piece(c->in + two, n - two, take, &g);
			assert_case(c, "cuts", one * 1000 + two, &g);
		}
	}
}

static void
reads_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct got g;

		got_init(&g, cases[i].kind, cases[i].repair);
		feed_bytes(cases[i].in, cases[i].in_len, take, &g);
		assert_case(&cases[i], "bytes", 1, &g);
	}
}

/* A long record whose last byte is other than the rest. */
struct record {
	enum framing_number kind;
	size_t len;
	const char *letter; /* that it is made of */
	const char *ending;
};

static uint8_t *
make_record(const struct record *r, size_t *len)
{
	size_t size = strlen(r->letter), end = strlen(r->ending);
	uint8_t *in = malloc(r->len + end + 1);

	assert_non_null(in);
	for (size_t i = 0; i < r->len; i++)
		in[i] = (uint8_t)r->letter[i % size];
	memcpy(in + r->len, r->ending, end);
	if (r->kind == FRAMING_NUL && end > 0 && r->ending[end - 1] == '\n')
		in[r->len + end - 1] = '\0';
	*len = r->len + end;
	return in;
}

/* How many bytes of the ending are left out. */
static size_t
stripped(const struct record *r)
{
	size_t end = strlen(r->ending);

	if (end == 0 || r->ending[end - 1] != '\n')
		return 0;
	return r->kind == FRAMING_LINES && end > 1 ? 2 : 1;
}

static void
check_long(const struct record *r, size_t first, size_t step)
{
	size_t len, want;
	uint8_t *in = make_record(r, &len);
	struct got g;

	got_init(&g, r->kind, REFUSE);
	g.keep = true;
	want = len - stripped(r);
	for (size_t at = 0, n = first; at < len; at += n, n = step) {
		if (n == 0 || n > len - at)
			n = len - at;
		assert_true(take(&g, in + at, n));
	}
	if (stripped(r) == 0) {
		struct piece p;

		assert_true(g.open || g.message.len == 0);
		g.rc = framing_end(&g.framing, &p);
		take_event(&g, &p);
		assert_int_equal(framing_end(&g.framing, &p), FRAMING_MORE);
	}
	if (g.open || g.message.len != want ||
	    memcmp(g.message.data, in, want) != 0)
		fail_msg("%zu bytes of %s, kind %d, %zu then %zu: %zu, %s",
		    r->len, r->letter, r->kind, first, step, g.message.len,
		    g.open ? "open" : "ended");
	if (len <= FRAMING_HOLD && g.pieces != 1)
		fail_msg("%zu bytes, %zu then %zu: %zu pieces", r->len, first,
		    step, g.pieces);
	if (r->len > FRAMING_HOLD && first < r->len && first > 0 &&
	    g.pieces < 2)
		fail_msg("%zu bytes, %zu then %zu: gathered", r->len, first,
		    step);
	free(in);
	got_clear(&g);
}

static void
splits_long_records(void **state)
{
	static const size_t lengths[] = { 65533, 65534, 65535, 65536, 65537,
		65538, 131072, 131073, 200000 };
	static const size_t steps[] = { 1, 997, 4096, 65535, 65536, 65537, 0 };
	static const char *const endings[] = { "\n", "\r\n", "", "\r" };

	(void)state;
	for (size_t i = 0; i < nitems(lengths); i++) {
		for (size_t k = 0; k < nitems(steps) * nitems(endings); k++) {
			struct record r = { FRAMING_LINES, lengths[i],
				"0123456", endings[k / nitems(steps)] };
			size_t step = steps[k % nitems(steps)];

			check_long(&r, step, step);
			r.kind = FRAMING_NUL;
			check_long(&r, step, step);
		}
	}
}

/* An ending, or a character, on either side of the hold's last byte. */
static void
cuts_at_the_edge_of_the_hold(void **state)
{
	static const char *const letters[] = { "a", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };
	static const char *const endings[] = { "\n", "\r\n", "\r\r\n", "" };

	(void)state;
	for (size_t i = 0; i < nitems(letters) * nitems(endings); i++) {
		const char *letter = letters[i / nitems(endings)];
		size_t size = strlen(letter);

		for (size_t n = 65528 / size; n <= 65544 / size; n++) {
			struct record r = { FRAMING_LINES, n * size, letter,
				endings[i % nitems(endings)] };

			for (size_t cut = 65529; cut < 65545; cut++) {
				check_long(&r, cut, 0);
				check_long(&r, cut, 1);
			}
		}
	}
}

/* Broken text in a line that leaves in fragments is repaired as it comes. */
static void
repairs_long_lines(void **state)
{
	static const size_t steps[] = { 1, 3, 1000, 65536, 65537, 300000 };
	enum { N = 100000 };

	(void)state;
	for (size_t i = 0; i < nitems(steps); i++) {
		uint8_t *in = malloc(2 * N + 1);
		struct got g;

		assert_non_null(in);
		for (size_t k = 0; k < N; k++)
			memcpy(in + 2 * k, k % 2 == 0 ? "\xc3\xa9" : "\xe2\x82",
			    2);
		in[2 * N] = '\n';
		got_init(&g, FRAMING_LINES, REPAIR);
		g.keep = true;
		for (size_t at = 0; at < 2 * N + 1; at += steps[i]) {
			size_t left = 2 * N + 1 - at;

			assert_true(take(&g, in + at,
			    left < steps[i] ? left : steps[i]));
		}
		assert_false(g.open);
		assert_true(g.framing.repaired);
		assert_int_equal(g.message.len, N / 2 * 5);
		for (size_t k = 0; k < N / 2; k++)
			assert_memory_equal(g.message.data + 5 * k,
			    "\xc3\xa9\xef\xbf\xbd", 5);
		free(in);
		got_clear(&g);
	}
}

static void
counts_replacements(void **state)
{
	static const struct {
		const char *name, *text;
		size_t n;
	} rows[] = {
		{ "lone continuations", "\x80\x80\x80", 3 },
		{ "overlong", "\xc0\xaf", 2 },
		{ "overlong of three", "\xe0\x80\xaf", 3 },
		{ "three of four", "\xf0\x9f\x98", 1 },
		{ "three of four, then a letter", "\xf0\x9f\x98z", 1 },
		{ "two beginnings", "\xe2\x82\xe2\x82", 2 },
		{ "over U+10FFFF", "\xf4\x90\x80\x80", 4 },
		{ "FE FF", "\xfe\xff", 2 },
		{ "none", "\xf4\x8f\xbf\xbf", 0 },
	};
	static const enum framing_number kinds[] = { FRAMING_LINES,
		FRAMING_TEXT, FRAMING_NUL };

	(void)state;
	for (size_t i = 0; i < nitems(rows) * nitems(kinds); i++) {
		const char *text = rows[i / nitems(kinds)].text;

		for (size_t cut = 0; cut <= strlen(text); cut++) {
			const char *p;
			size_t n = 0;
			struct got g;

			got_init(&g, kinds[i % nitems(kinds)], REPAIR);
			feed(cut, text, strlen(text), take, &g);
			take_end(&g);
			buf_add_byte(&g.events, '\0');
			p = (const char *)g.events.data;
			while ((p = strstr(p, FFFD)) != NULL) {
				p += strlen(FFFD);
				n++;
			}
			if (n != rows[i / nitems(kinds)].n)
				fail_msg("%s, cut at %zu: %zu",
				    rows[i / nitems(kinds)].name, cut, n);
			got_clear(&g);
		}
	}
}

/* With repair refused nothing is given of the record that is at fault. */
static void
refuses_early(void **state)
{
	struct piece p;
	struct framing f;
	uint8_t in[70000];
	size_t used;

	(void)state;
	memset(in, 'a', sizeof(in));
	in[66000] = 0xff;
	framing_init(&f, &framing_kinds[FRAMING_LINES], REFUSE);
	assert_int_equal(framing_read(&f, in, 66000, &used, &p), FRAMING_PIECE);
	assert_int_equal(used, 66000);
	assert_int_equal(framing_read(&f, in + used, 1, &used, &p),
	    FRAMING_ERR_UTF8);
	framing_clear(&f);
}

/* One message or record as the client sent it. */
struct sent {
	const char *name;
	enum framing_number kind;
	bool text;
	const char *parts[4]; /* NULL: no more */
	const char *bytes;    /* on the program's standard input */
	size_t len;
};

static void
put_sent(struct buf *b, const struct sent *s)
{
	for (size_t i = 0; i < nitems(s->parts) && s->parts[i] != NULL; i++) {
		bool last =
		    i + 1 == nitems(s->parts) || s->parts[i + 1] == NULL;
		uint8_t head[FRAMING_HEAD_MAX], tail[1];
		struct piece p =
		    piece_whole(s->text, s->parts[i], strlen(s->parts[i]));

		p.first = i == 0;
		p.last = last;
		assert_true(buf_add(b, head,
		    framing_head(head, &framing_kinds[s->kind], &p)));
		assert_true(buf_add(b, p.data, p.len));
		assert_true(buf_add(b, tail,
		    framing_tail(tail, &framing_kinds[s->kind], &p)));
	}
}

static void
puts_messages(void **state)
{
	static const struct sent rows[] = {
#define IS(s) s, sizeof(s) - 1
		{ "lines", FRAMING_LINES, true, { "abc" }, IS("abc\n") },
		{ "lines, binary", FRAMING_LINES, false, { "abc" },
		    IS("abc\n") },
		{ "lines, empty", FRAMING_LINES, true, { "" }, IS("\n") },
		{ "lines, in parts", FRAMING_LINES, true, { "a", "", "b" },
		    IS("ab\n") },
		{ "lines, an LF inside", FRAMING_LINES, true, { "a\nb" },
		    IS("a\nb\n") },
		{ "nul", FRAMING_NUL, true, { "a", "b" }, IS("ab\0") },
		{ "binary", FRAMING_BINARY, true, { "a", "b" }, IS("ab") },
		{ "text", FRAMING_TEXT, false, { "ab" }, IS("ab") },
		{ "frames", FRAMING_FRAMES, true, { "abc" },
		    IS("T\0\0\0\3abc") },
		{ "frames, empty", FRAMING_FRAMES, false, { "" },
		    IS("B\0\0\0\0") },
		{ "content-length", FRAMING_CONTENT_LENGTH, true, { "abc" },
		    IS("Content-Length: 3\r\n\r\nabc") },
		{ "content-length, empty", FRAMING_CONTENT_LENGTH, false,
		    { "" }, IS("Content-Length: 0\r\n\r\n") },
		{ "frames, in parts", FRAMING_FRAMES, true, { "a", "", "bc" },
		    IS("t\0\0\0\1at\0\0\0\0T\0\0\0\2bc") },
		{ "frames, binary in parts", FRAMING_FRAMES, false,
		    { "a", "b" }, IS("b\0\0\0\1aB\0\0\0\1b") },
#undef IS
	};
	const struct piece part = { .len = 0x01020304 };
	uint8_t head[FRAMING_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct buf b;

		buf_init(&b, 4096);
		put_sent(&b, &rows[i]);
		if (b.len != rows[i].len ||
		    memcmp(b.data, rows[i].bytes, b.len) != 0)
			fail_msg("%s: %zu bytes", rows[i].name, b.len);
		buf_clear(&b);
	}
	assert_int_equal(framing_head(head, &framing_kinds[FRAMING_FRAMES],
			     &part),
	    5);
	assert_memory_equal(head, "b\1\2\3\4", 5);
	for (int k = FRAMING_LINES; k < FRAMING_FRAMES; k++)
		assert_int_equal(framing_close_head(head, &framing_kinds[k], 2),
		    0);
	assert_int_equal(framing_close_head(head,
			     &framing_kinds[FRAMING_FRAMES], 125),
	    5);
	assert_memory_equal(head, "C\0\0\0\x7d", 5);
	assert_int_equal(framing_kinds[FRAMING_LINES].delimiter, '\n');
	assert_int_equal(framing_kinds[FRAMING_NUL].delimiter, '\0');
	assert_int_equal(framing_kinds[FRAMING_BINARY].delimiter, -1);
	assert_int_equal(framing_kinds[FRAMING_TEXT].delimiter, -1);
	assert_int_equal(framing_kinds[FRAMING_FRAMES].delimiter, -1);
}

/* `cat` under `frames` is a faithful echo server. */
static void
echoes_frames(void **state)
{
	static const struct sent rows[] = {
		{ .text = true, .parts = { "abc" } },
		{ .text = false, .parts = { "\xff\xfe" } },
		{ .text = true, .parts = { "" } },
		{ .text = true, .parts = { "", "a\n", "", "\xc3" } },
		{ .text = false, .parts = { "a", "b", "c", "" } },
		{ .text = true, .parts = { "\xf0\x9f", "\x98\x80" } },
	};
	static const char events[] =
	    "T(abc)B(\\ff\\fe)T()T(a\\0a" FFFD ")B(abc)"
	    "T(\\f0\\9f\\98\\80)close(\\03\\e8bye)";
	uint8_t head[FRAMING_HEAD_MAX];
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct sent s = rows[i];

		s.kind = FRAMING_FRAMES;
		put_sent(&b, &s);
	}
	buf_add(&b, head,
	    framing_close_head(head, &framing_kinds[FRAMING_FRAMES], 5));
	buf_add_str(&b,
	    "\3\xe8"
	    "bye");
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct got g;

		got_init(&g, FRAMING_FRAMES, REPAIR);
		feed(cut, b.data, b.len, take, &g);
		take_end(&g);
		assert_int_equal(g.rc, FRAMING_MORE);
		assert_int_equal(g.events.len, strlen(events));
		assert_memory_equal(g.events.data, events, g.events.len);
		got_clear(&g);
	}
	buf_clear(&b);
}

/* A header may have so many bytes, in one line or in many, and no more. */
static void
bounds_headers(void **state)
{
	static const char line[] = "X-Field: 0123456789abcdef012345\r\n";
	char in[FRAMING_HEADER_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(in) - 1; i++)
		in[i] = line[i % (sizeof(line) - 1)];
	for (size_t step = 1; step <= sizeof(in); step += 1023) {
		struct got g;
		size_t n;

		got_init(&g, FRAMING_CONTENT_LENGTH, REPAIR);
		for (size_t at = 0; at < FRAMING_HEADER_MAX; at += n) {
			n = FRAMING_HEADER_MAX - at < step
			    ? FRAMING_HEADER_MAX - at
			    : step;
			assert_true(take(&g, (uint8_t *)in + at, n));
		}
		assert_false(take(&g, (uint8_t *)in + FRAMING_HEADER_MAX, 1));
		assert_int_equal(g.rc, FRAMING_ERR_TOO_LONG);
		got_clear(&g);
	}
}

/* In every cut, which is what the sentence must not depend on. */
static void
says_what_is_wrong(void **state)
{
	static const struct {
		const char *in, *why;
	} rows[] = {
		{ "Hello, \"world\"\n",
		    "malformed header: \"Hello, \\\"world\\\"\\n\"" },
		{ "Content-Length: 2\r\n\r\n{}\n",
		    "malformed header: \"\\n\"" },
		{ "\t\x01\\\xff\r\n",
		    "malformed header: \"\\t\\x01\\\\\\xff\\r\\n\"" },
		{ "Content-Length: 9999999999\r\n",
		    "header or message too long: \"Content-Length: 9999\"" },
		{ "A: b\r\n\r\n", "header without Content-Length" },
	};
	char why[FRAMING_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct got g;

		got_init(&g, FRAMING_CONTENT_LENGTH, REPAIR);
		feed(0, rows[i].in, strlen(rows[i].in), take, &g);
		framing_put_why(&g.framing, g.rc, why);
		assert_string_equal(why, rows[i].why);
		got_clear(&g);
	}
	framing_put_why(NULL, FRAMING_ERR_UTF8, why);
	assert_string_equal(why, framing_strresult(FRAMING_ERR_UTF8));
}

/* Twenty bytes of four characters each still fit into a Close. */
static void
keeps_sentences_short(void **state)
{
	char why[FRAMING_WHY_SIZE];
	struct got g;
	uint8_t in[64];

	(void)state;
	memset(in, 0xff, sizeof(in));
	got_init(&g, FRAMING_CONTENT_LENGTH, REPAIR);
	assert_false(take(&g, in, sizeof(in)));
	framing_put_why(&g.framing, FRAMING_ERR_TOO_LONG, why);
	assert_int_equal(strlen(why),
	    strlen("header or message too long: \"\"") + 80);
	got_clear(&g);
}

static void
names_results(void **state)
{
	(void)state;
	for (int rc = FRAMING_ERR_TOO_LONG; rc < FRAMING_PING; rc++)
		assert_string_not_equal(framing_strresult(
					    (enum framing_result)rc),
		    framing_strresult((enum framing_result)(rc + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_cut),
		cmocka_unit_test(reads_every_two_cuts),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(splits_long_records),
		cmocka_unit_test(cuts_at_the_edge_of_the_hold),
		cmocka_unit_test(repairs_long_lines),
		cmocka_unit_test(counts_replacements),
		cmocka_unit_test(refuses_early),
		cmocka_unit_test(puts_messages),
		cmocka_unit_test(echoes_frames),
		cmocka_unit_test(bounds_headers),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(keeps_sentences_short),
		cmocka_unit_test(names_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
