#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "feed.h"
#include "ipc/ipc_ask.h"
#include "ipc/ipc_chan.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_in.h"
#include "ipc/ipc_out.h"

enum { FDS = 1024, PACKET_MAX = IPC_HEAD + IPC_BODY_MAX };

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < FDS; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* ------------------------------------------------- the codec */

static const struct row {
	enum ipc_type type;
	const char *name;
	enum ipc_side from;
	size_t min, max, nfds_min, nfds_max;
} rows[] = {
	{ IPC_CONF, "conf", IPC_FROM_PARENT, 1, 65536, 0, 0 },
	{ IPC_LISTEN, "listen", IPC_FROM_PARENT, 7, 7, 1, 1 },
	{ IPC_START, "start", IPC_FROM_PARENT, 12, 12, 0, 0 },
	{ IPC_STOP, "stop", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_OPENED, "opened", IPC_FROM_PARENT, 4, 4, 1, 3 },
	{ IPC_REFUSED, "refused", IPC_FROM_PARENT, 8, 8, 0, 0 },
	{ IPC_EXITED, "exited", IPC_FROM_PARENT, 3, 3, 0, 0 },
	{ IPC_ADMITTED, "admitted", IPC_FROM_PARENT, 12, 12, 0, 0 },
	{ IPC_READY, "ready", IPC_FROM_ENGINE, 0, 0, 0, 0 },
	{ IPC_OPEN, "open", IPC_FROM_ENGINE, 12, 65536, 0, 0 },
	{ IPC_KILL, "kill", IPC_FROM_ENGINE, 8, 8, 0, 0 },
	{ IPC_DONE, "done", IPC_FROM_ENGINE, 4, 4, 0, 0 },
	{ IPC_ADMIT, "admit", IPC_FROM_ENGINE, 17, 17, 0, 0 },
	{ IPC_SPOILT, "spoilt", IPC_FROM_ENGINE, 0, 0, 0, 0 },
	{ IPC_LEAVE, "leave", IPC_FROM_ENGINE, 4, 4, 0, 0 },
	{ IPC_TLS_PART, "tls-part", IPC_FROM_PARENT, 1, 65536, 0, 0 },
	{ IPC_TLS_CHECK, "tls-check", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_TLS_USE, "tls-use", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_TLS_TICKETS, "tls-tickets", IPC_FROM_PARENT, 80, 160, 0, 0 },
	{ IPC_TLS_VERDICT, "tls-verdict", IPC_FROM_ENGINE, 8, 208, 0, 0 },
	{ IPC_FOLDER, "folder", IPC_FROM_PARENT, 8, 8, 1, 1 },
	{ IPC_TOKENS, "tokens", IPC_FROM_PARENT, 5, 65536, 0, 0 },
	{ IPC_LINK, "link", IPC_FROM_PARENT, 8, 8, 1, 1 },
	{ IPC_FORGET, "forget", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_PASSWORDS, "passwords", IPC_FROM_PARENT, 5, 65536, 0, 0 },
	{ IPC_RETIRE, "retire", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_LIST, "list", IPC_FROM_PARENT, 0, 0, 0, 0 },
	{ IPC_SIGNAL, "signal", IPC_FROM_ENGINE, 8, 8, 0, 0 },
	{ IPC_FAILED_LOGIN, "failed-login", IPC_FROM_ENGINE, 16, 16, 0, 0 },
	{ IPC_BLOCKED, "blocked", IPC_FROM_PARENT, 20, 20, 0, 0 },
};

static const uint8_t zeros[PACKET_MAX + 1];

static void
check_read(const struct row *r, enum ipc_side from, size_t len, size_t nfds)
{
	struct guarded g = guarded_new(zeros, IPC_HEAD + len);
	struct ipc_msg m = { .nfds = nfds };
	bool want = from == r->from && len >= r->min && len <= r->max &&
	    nfds >= r->nfds_min && nfds <= r->nfds_max;

	ipc_put_head(g.data, r->type, 0xfedcba98);
	if (ipc_read(&m, from, g.data, IPC_HEAD + len) != want)
		fail_msg("%s from %s, %zu bytes, %zu descriptors", r->name,
		    from == IPC_FROM_PARENT ? "parent" : "engine", len, nfds);
	if (want) {
		assert_int_equal(m.type, r->type);
		assert_int_equal(m.session, 0xfedcba98);
		assert_int_equal(m.len, len);
		assert_ptr_equal(m.body, g.data + IPC_HEAD);
	}
	guarded_free(&g);
}

static void
judges_every_size(void **state)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17,
		20, 255, 256, 257, 65535, 65536, 65537 };
	static const enum ipc_side sides[] = { IPC_FROM_PARENT,
		IPC_FROM_ENGINE };

	(void)state;
	assert_int_equal(nitems(rows), IPC_TYPES - 1);
	for (size_t i = 0; i < nitems(rows); i++)
		for (size_t k = 0; k < nitems(lengths); k++)
			for (size_t s = 0; s < nitems(sides); s++)
				for (size_t n = 0; n <= IPC_FDS_MAX + 1; n++)
					check_read(&rows[i], sides[s],
					    lengths[k], n);
}

static void
refuses_what_is_no_message(void **state)
{
	static const uint32_t types[] = { 0, IPC_TYPES, IPC_TYPES + 1, 0x10000,
		INT32_MAX, 0x80000001, UINT32_MAX };
	uint8_t head[IPC_HEAD];
	struct ipc_msg m = { 0 };

	(void)state;
	for (size_t i = 0; i < nitems(types); i++) {
		ipc_put_head(head, (enum ipc_type)types[i], 1);
		assert_false(ipc_read(&m, IPC_FROM_PARENT, head, sizeof(head)));
		assert_false(ipc_read(&m, IPC_FROM_ENGINE, head, sizeof(head)));
	}
	ipc_put_head(head, IPC_READY, 1);
	assert_true(ipc_read(&m, IPC_FROM_ENGINE, head, sizeof(head)));
	for (size_t len = 0; len < IPC_HEAD; len++) {
		struct guarded g = guarded_new(head, len);

		assert_false(ipc_read(&m, IPC_FROM_ENGINE, g.data, len));
		guarded_free(&g);
	}
}

/* Fields come back as they were put, and a body that is cut anywhere is bad. */
static void
takes_bodies_apart(void **state)
{
	uint8_t body[32], copied[2];
	struct ipc_out out;
	struct ipc_in in;
	size_t n;

	(void)state;
	ipc_out_init(&out, body, sizeof(body));
	ipc_out_u8(&out, 250);
	ipc_out_u16(&out, 65000);
	ipc_out_u32(&out, 4000000000);
	ipc_out_bool(&out, true);
	ipc_out_bytes(&out, "text", 5);
	ipc_out_bytes(&out, "co", 2);
	assert_int_equal(out.len, 15);
	for (size_t cut = 0; cut <= out.len; cut++) {
		struct guarded g = guarded_new(body, cut);
		const char *text;

		ipc_in_init(&in, g.data, cut);
		assert_int_equal(ipc_in_u8(&in), cut < 1 ? 0 : 250);
		assert_int_equal(ipc_in_u16(&in), cut < 3 ? 0 : 65000);
		assert_int_equal(ipc_in_u32(&in), cut < 7 ? 0 : 4000000000);
		assert_int_equal(ipc_in_bool(&in), cut >= 8);
		text = ipc_in_text(&in, 4);
		assert_true(
		    cut < 13 ? text == NULL : strcmp(text, "text") == 0);
		ipc_in_copy(&in, copied, 2);
		assert_int_equal(ipc_in_end(&in), cut == out.len);
		assert_int_equal(ipc_in_rest(&in, &n) == NULL, cut < out.len);
		assert_int_equal(n, 0);
		guarded_free(&g);
	}
	assert_memory_equal(copied, "co", 2);
}

/* What is wrong once stays wrong, whatever is right after it. */
static void
remembers_what_is_bad(void **state)
{
	static const uint8_t body[] = "\2\1abc";
	struct ipc_in in;
	size_t n;

	(void)state;
	ipc_in_init(&in, body, 5);
	assert_int_equal(ipc_in_within(&in, ipc_in_u8(&in), 2, 2), 2);
	assert_true(ipc_in_bool(&in));
	assert_ptr_equal(ipc_in_rest(&in, &n), body + 2);
	assert_int_equal(n, 3);
	assert_true(ipc_in_end(&in));

	ipc_in_init(&in, body, 5);
	assert_false(ipc_in_bool(&in));
	assert_int_equal(ipc_in_u8(&in), 0);
	assert_null(ipc_in_text(&in, 3));
	assert_null(ipc_in_rest(&in, &n));
	assert_int_equal(n, 0);
	assert_false(ipc_in_end(&in));

	ipc_in_init(&in, body, 5);
	assert_int_equal(ipc_in_within(&in, ipc_in_u8(&in), 3, 9), 0);
	assert_null(ipc_in_bytes(&in, 0));
	assert_false(ipc_in_end(&in));

	ipc_in_init(&in, body, 6);
	assert_null(ipc_in_text(&in, 4)); /* one byte too long */
	ipc_in_init(&in, body, 6);
	assert_non_null(ipc_in_text(&in, 5));
	assert_true(ipc_in_end(&in));
}

/* A message of these bytes, which end at the forbidden page. */
static struct ipc_msg
message(struct guarded *g, const void *body, size_t len)
{
	*g = guarded_new(body, len);
	return (struct ipc_msg){ .body = g->data, .len = len };
}

static void
reads_opens(void **state)
{
	static const struct {
		const char *name, *body;
		size_t len;
		bool ok;
	} opens[] = {
#define IS(s) s, sizeof(s) - 1
		{ "nothing", IS(""), false },
		{ "half a head", IS("\7\0\0\0\0\0\0\0\0\0\0"), false },
		{ "no variables", IS("\7\0\0\0\0\0\0\0\0\0\0\0"), true },
		{ "a variable", IS("\7\0\0\0\0\0\0\0\0\0\0\0A=b\0"), true },
		{ "two", IS("\7\0\0\0\0\0\0\0\0\0\0\0A=b\0C=d\0"), true },
		{ "an empty one", IS("\7\0\0\0\0\0\0\0\0\0\0\0\0"), true },
		{ "unterminated", IS("\7\0\0\0\0\0\0\0\0\0\0\0A=b"), false },
		{ "the second so", IS("\7\0\0\0\0\0\0\0\0\0\0\0A=b\0C"),
		    false },
		{ "the command by path", IS("\7\0\0\0\0\0\0\0\1\0\0\0a"),
		    false },
		{ "one of a folder", IS("\7\0\0\0\1\0\0\0\1\0\0\0a"), true },
		{ "with a variable", IS("\7\0\0\0\1\0\0\0\3\0\0\0a/bA=b\0"),
		    true },
		{ "without a path", IS("\7\0\0\0\1\0\0\0\0\0\0\0A=b\0"),
		    false },
		{ "a path too long", IS("\7\0\0\0\1\0\0\0\4\0\0\0a/b"), false },
		{ "far too long", IS("\7\0\0\0\1\0\0\0\377\377\377\377a/b"),
		    false },
		{ "a bad path", IS("\7\0\0\0\1\0\0\0\4\0\0\0a/.."), false },
		{ "NUL in a path", IS("\7\0\0\0\1\0\0\0\3\0\0\0a\0b"), false },
		{ "CGI", IS("\7\0\0\0\2\0\0\0\1\0\0\0a"), true },
		{ "bad CGI", IS("\7\0\0\0\2\0\0\0\2\0\0\0/a"), false },
		{ "the gate", IS("\7\0\0\0\3\0\0\0\0\0\0\0A=b\0"), true },
		{ "the gate by path", IS("\7\0\0\0\3\0\0\0\1\0\0\0a"), false },
		{ "no part", IS("\7\0\0\0\4\0\0\0\0\0\0\0"), false },
		{ "no part at all", IS("\7\0\0\0\377\377\377\377\0\0\0\0"),
		    false },
#undef IS
	};

	(void)state;
	for (size_t i = 0; i < nitems(opens); i++) {
		struct guarded g;
		struct ipc_msg m = message(&g, opens[i].body, opens[i].len);
		struct ipc_open op;

		if (ipc_read_open(&m, &op) != opens[i].ok)
			fail_msg("%s", opens[i].name);
		if (opens[i].ok) {
			assert_int_equal(op.route, 7);
			assert_int_equal(op.part, opens[i].body[4]);
			assert_int_equal(op.path_len, opens[i].body[8]);
			assert_ptr_equal(op.path, (char *)g.data + 12);
			assert_ptr_equal(op.vars, op.path + op.path_len);
			assert_int_equal(op.vars_len,
			    opens[i].len - 12 - op.path_len);
		}
		guarded_free(&g);
	}
}

/* What is put is read again, and no other size is. */
static void
reads_listeners(void **state)
{
	static const struct ipc_listen some[] = {
		{ 0 },
		{ .tls = IPC_TLS, .proxy = true },
		{ .tls = IPC_TLS_AUTO, .redirect = IPC_REDIRECT_PLAIN },
		{ .redirect = IPC_REDIRECT_ALL,
		    .to_https = true,
		    .to_port = 65535 },
		{ .connected = true },
	};
	static const uint8_t most[IPC_LISTEN_BODY] = { 2, 2, 1, 1, 1 };
	uint8_t out[IPC_LISTEN_BODY];
	struct ipc_listen l;
	struct guarded g;
	struct ipc_msg m;

	(void)state;
	for (size_t i = 0; i < nitems(some); i++) {
		assert_int_equal(ipc_put_listen(out, &some[i]), sizeof(out));
		m = message(&g, out, sizeof(out));
		assert_true(ipc_read_listen(&m, &l));
		assert_int_equal(l.tls, some[i].tls);
		assert_int_equal(l.redirect, some[i].redirect);
		assert_int_equal(l.proxy, some[i].proxy);
		assert_int_equal(l.connected, some[i].connected);
		assert_int_equal(l.to_https, some[i].to_https);
		assert_int_equal(l.to_port, some[i].to_port);
		guarded_free(&g);
	}
	for (size_t i = 0; i < 5; i++) {
		memcpy(out, most, sizeof(out));
		out[i]++;
		m = message(&g, out, sizeof(out));
		assert_false(ipc_read_listen(&m, &l));
		guarded_free(&g);
	}
}

/* A message of that body alone. */
static struct ipc_msg
with_body(const uint8_t *body, size_t len)
{
	return (struct ipc_msg){ .body = body, .len = len };
}

static void
reads_admissions(void **state)
{
	const struct addr a = { .byte = "0123456789abcde" };
	uint8_t out[IPC_BLOCKED_BODY];
	struct ipc_admitted answer;
	struct ipc_admit ask;
	struct ipc_msg m;
	struct addr got;
	uint32_t ms;

	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		const struct ipc_admit put = {
			.connection = bits & 1,
			.counted = bits & 2,
			.stays = bits & 4,
			.addr = a,
		};

		m = with_body(out, ipc_put_admit(out, &put));
		assert_true(ipc_read_admit(&m, &ask));
		assert_true(ask.connection == put.connection &&
		    ask.counted == put.counted && ask.stays == put.stays &&
		    addr_same(&ask.addr, &a));
	}
	out[0] = 8;
	assert_false(ipc_read_admit(&m, &ask));

	for (uint32_t v = 0; v < 6; v++) {
		const struct ipc_admitted put = { (enum ipc_admission)v, 7,
			UINT32_MAX };
		bool ok = v >= IPC_ADMIT_YES && v <= IPC_ADMIT_RATE;

		m = with_body(out, ipc_put_admitted(out, &put));
		assert_int_equal(ipc_read_admitted(&m, &answer), ok);
		if (ok)
			assert_true(answer.verdict == put.verdict &&
			    answer.retry == 7 && answer.seat == UINT32_MAX);
	}

	m = with_body(out, ipc_put_blocked(out, &a, 4711));
	assert_true(ipc_read_blocked(&m, &got, &ms));
	assert_true(addr_same(&got, &a));
	assert_int_equal(ms, 4711);
	assert_false(ipc_read_addr(&m, &got));
	m = with_body(a.byte, sizeof(a));
	assert_true(ipc_read_addr(&m, &got) && addr_same(&got, &a));
}

static void
reads_what_was_put(void **state)
{
	struct ipc_exit x,
	    exits[] = { { { 0, 0 }, 0 }, { { 0, 255 }, 1 }, { { 11, 0 }, 0 } };
	enum ipc_refusal why;
	struct ipc_open op;
	uint8_t out[IPC_OPEN_MAX] = { 0 };
	struct guarded g;
	struct ipc_msg m;
	uint32_t v, ago;
	int err;

	(void)state;
	assert_int_equal(ipc_put_u32(out, 0xdeadbeef), 4);
	m = message(&g, out, 4);
	assert_true(ipc_read_u32(&m, &v));
	assert_int_equal(v, 0xdeadbeef);
	guarded_free(&g);

	op = (struct ipc_open){
		.route = 3,
		.part = IPC_PART_CGI,
		.path = "a/b",
		.path_len = 3,
	};
	assert_int_equal(ipc_put_open(out, &op), 15);
	m = message(&g, out, 15);
	assert_true(ipc_read_open(&m, &op));
	assert_int_equal(op.route, 3);
	assert_int_equal(op.part, IPC_PART_CGI);
	assert_int_equal(op.path_len, 3);
	assert_memory_equal(op.path, "a/b", 3);
	assert_int_equal(op.vars_len, 0);
	guarded_free(&g);
	op = (struct ipc_open){ .part = IPC_PART_GATE };
	assert_int_equal(ipc_put_open(out, &op), 12);
	m = message(&g, out, 12);
	assert_true(ipc_read_open(&m, &op));
	assert_int_equal(op.part, IPC_PART_GATE);
	guarded_free(&g);

	assert_int_equal(ipc_put_kill(out, 4711, 100), 8);
	m = message(&g, out, 8);
	assert_true(ipc_read_kill(&m, &v, &ago));
	assert_int_equal(v, 4711);
	assert_int_equal(ago, 100);
	guarded_free(&g);

	for (int w = 0; w <= IPC_REFUSED_MISSING + 1; w++) {
		bool ok = w >= IPC_REFUSED_EXEC && w <= IPC_REFUSED_MISSING;

		assert_int_equal(ipc_put_refused(out, (enum ipc_refusal)w,
				     ENOENT),
		    8);
		m = message(&g, out, 8);
		assert_int_equal(ipc_read_refused(&m, &why, &err), ok);
		if (ok) {
			assert_int_equal(why, w);
			assert_int_equal(err, ENOENT);
		}
		guarded_free(&g);
	}
	for (size_t i = 0; i < nitems(exits); i++) {
		assert_int_equal(ipc_put_exit(out, &exits[i]), 3);
		m = message(&g, out, 3);
		assert_true(ipc_read_exit(&m, &x));
		assert_int_equal(x.ended.signal, exits[i].ended.signal);
		assert_int_equal(x.ended.status, exits[i].ended.status);
		assert_int_equal(x.want_done, exits[i].want_done);
		guarded_free(&g);
	}
	for (size_t len = 0; len < 12; len++) {
		memset(out, 1, sizeof(out));
		m = message(&g, out, len);
		assert_int_equal(ipc_read_u32(&m, &v), len == 4);
		assert_int_equal(ipc_read_exit(&m, &x), len == 3);
		assert_int_equal(ipc_read_kill(&m, &v, &ago), len == 8);
		if (len != 8)
			assert_false(ipc_read_refused(&m, &why, &err));
		guarded_free(&g);
	}
}

static void
reads_starts_and_links(void **state)
{
	static const struct ipc_start bad[] = {
		{ 0, 1, 1 },
		{ 1, 0, 1 },
		{ 1, 1, 0 },
	};
	const struct ipc_start start = { 3, 64, 2 };
	const struct ipc_link link = { IPC_ROLE_NAMES, 255 };
	uint8_t out[IPC_START_BODY];
	struct ipc_start s;
	struct ipc_link l;
	struct ipc_msg m;

	(void)state;
	m = with_body(out, ipc_put_start(out, &start));
	assert_true(ipc_read_start(&m, &s));
	assert_true(s.number == 3 && s.step == 64 && s.engines == 2);
	for (size_t i = 0; i < nitems(bad); i++) {
		m = with_body(out, ipc_put_start(out, &bad[i]));
		assert_false(ipc_read_start(&m, &s));
	}
	m = with_body(out, ipc_put_link(out, &link));
	assert_true(ipc_read_link(&m, &l));
	assert_true(l.role == IPC_ROLE_NAMES && l.index == 255);
	out[0] = IPC_ROLES;
	assert_false(ipc_read_link(&m, &l));
}

static void
reads_pieces(void **state)
{
	static const struct {
		const char *body;
		size_t len;
		bool ok, last;
	} list[] = {
		{ "\3\0\0\0", 4, false, false },
		{ "\3\0\0\0\0", 5, true, false },
		{ "\3\0\0\0\1", 5, true, true },
		{ "\3\0\0\0\0abc", 8, true, false },
		{ "\3\0\0\0\1abc", 8, true, true },
		{ "\3\0\0\0\2abc", 8, false, false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(list); i++) {
		struct guarded g;
		struct ipc_msg m = message(&g, list[i].body, list[i].len);
		struct ipc_piece p;

		assert_int_equal(ipc_read_piece(&m, &p), list[i].ok);
		if (list[i].ok) {
			assert_int_equal(p.route, 3);
			assert_int_equal(p.last, list[i].last);
			assert_int_equal(p.len, list[i].len - 5);
			assert_memory_equal(p.data, list[i].body + 5, p.len);
		}
		guarded_free(&g);
	}
}

static void
reads_folders(void **state)
{
	const struct ipc_folder errors = { 7, IPC_FOLDER_ERRORS };
	uint8_t out[IPC_FOLDER_BODY];
	struct ipc_folder f;
	struct ipc_msg m;

	(void)state;
	m = with_body(out, ipc_put_folder(out, &errors));
	assert_true(ipc_read_folder(&m, &f));
	assert_true(f.route == 7 && f.which == IPC_FOLDER_ERRORS);
	out[4] = IPC_FOLDERS;
	assert_false(ipc_read_folder(&m, &f));
}

/* What an engine and the auth worker say to each other. */
static void
reads_questions(void **state)
{
	static const struct {
		const char *name, *packet;
		size_t len;
		const char *user, *password; /* NULL: it is none */
	} list[] = {
#define P(s) s, sizeof(s) - 1
		{ "a question", P("\7\0\0\0\2\0\0\0a\0bc\0"), "a", "bc" },
		{ "of nothing", P("\7\0\0\0\2\0\0\0\0\0"), "", "" },
		{ "empty", P(""), NULL, NULL },
		{ "no user", P("\7\0\0\0\2\0\0\0"), NULL, NULL },
		{ "no password", P("\7\0\0\0\2\0\0\0a\0"), NULL, NULL },
		{ "no end", P("\7\0\0\0\2\0\0\0a\0b"), NULL, NULL },
		{ "three texts", P("\7\0\0\0\2\0\0\0a\0b\0c\0"), NULL, NULL },
#undef P
	};
	uint8_t out[IPC_ASK_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(list); i++) {
		struct guarded g = guarded_new(list[i].packet, list[i].len);
		struct ipc_ask a;
		bool ok = ipc_read_ask(g.data, list[i].len, &a);

		if (ok != (list[i].user != NULL))
			fail_msg("%s", list[i].name);
		if (ok) {
			assert_int_equal(a.route, 2);
			assert_string_equal(a.user, list[i].user);
			assert_string_equal(a.password, list[i].password);
			assert_int_equal(ipc_put_ask(out, &a), list[i].len);
			assert_memory_equal(out, list[i].packet, list[i].len);
		}
		guarded_free(&g);
	}
}

static void
bounds_questions(void **state)
{
	static char text[IPC_ASK_TEXT + 2];
	uint8_t out[IPC_ASK_MAX], answer[IPC_ANSWER_LEN];
	struct ipc_ask a = { .id = 9, .user = text, .password = text }, b;
	uint32_t id;
	bool right;

	(void)state;
	memset(text, 'x', IPC_ASK_TEXT);
	assert_int_equal(ipc_put_ask(out, &a), IPC_ASK_MAX);
	assert_true(ipc_read_ask(out, IPC_ASK_MAX, &b));
	assert_int_equal(b.id, 9);
	memset(text, 'x', IPC_ASK_TEXT + 1);
	assert_int_equal(ipc_put_ask(out, &a), 0);
	ipc_put_answer(answer, 9, true);
	assert_true(ipc_read_answer(answer, sizeof(answer), &id, &right));
	assert_true(id == 9 && right);
	assert_false(ipc_read_answer(answer, sizeof(answer) - 1, &id, &right));
	answer[IPC_ANSWER_LEN - 1] = 2;
	assert_false(ipc_read_answer(answer, sizeof(answer), &id, &right));
}

static void
names_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		assert_string_equal(ipc_strtype(rows[i].type), rows[i].name);
	assert_string_equal(ipc_strtype((enum ipc_type)0), "unknown");
	assert_string_equal(ipc_strtype(IPC_TYPES), "unknown");
	assert_string_equal(ipc_strtype((enum ipc_type) - 1), "unknown");
}

/* ------------------------------------------------- the channel */

struct pair {
	struct ipc_chan parent, engine;
	int fds; /* that were open before */
};

static int
pair_setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fd[2];

	if (p == NULL)
		return -1;
	p->fds = count_fds();
	if (fd_seqpacket_pair(fd) == -1)
		return -1;
	ipc_chan_init(&p->parent, fd[0], IPC_FROM_PARENT);
	ipc_chan_init(&p->engine, fd[1], IPC_FROM_ENGINE);
	*state = p;
	return 0;
}

/* Whatever a test did, no descriptor is left. */
static int
pair_teardown(void **state)
{
	struct pair *p = *state;
	int left;

	ipc_chan_clear(&p->parent);
	ipc_chan_clear(&p->engine);
	left = count_fds() - p->fds;
	free(p);
	if (left != 0)
		print_error("%d descriptors left open\n", left);
	return left == 0 ? 0 : -1;
}

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd != -1);
	return fd;
}

static void
open_nulls(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd[i] = open_null();
}

static void
close_fds(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(close(fd[i]), 0);
}

static void
carries_messages(void **state)
{
	struct pair *p = *state;
	static char big[IPC_BODY_MAX];
	struct ipc_msg m;

	memset(big, 'x', sizeof(big));
	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_NONE);
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_NONE);

	assert_true(ipc_chan_tell(&p->engine, IPC_READY, 0, NULL, 0));
	assert_true(ipc_chan_send(&p->engine, IPC_OPEN, 17, "\1\0\0\0", 4,
	    "A=b\0C=d", 8, NULL, 0));
	assert_true(
	    ipc_chan_send(&p->engine, IPC_OPEN, 18, big, 12, big, 0, NULL, 0));
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_MSG);
	assert_int_equal(m.type, IPC_READY);
	assert_int_equal(m.len, 0);
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_MSG);
	assert_int_equal(m.session, 17);
	assert_int_equal(m.len, 12);
	assert_memory_equal(m.body, "\1\0\0\0A=b\0C=d", 12);
	assert_int_equal(m.nfds, 0);
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_MSG);
	assert_int_equal(m.session, 18);
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_NONE);

	assert_true(ipc_chan_tell(&p->parent, IPC_CONF, 0, big, sizeof(big)));
	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_MSG);
	assert_int_equal(m.len, sizeof(big));
	assert_memory_equal(m.body, big, sizeof(big));
	assert_false(ipc_chan_queued(&p->parent));
}

/* The receiver's are new, close-on-exec, in order; the sender's are closed. */
static void
carries_descriptors(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m;
	int pipes[3][2], theirs[3], before;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fd_pipe(pipes[i]), 0);
		theirs[i] = pipes[i][1];
	}
	before = count_fds();
	assert_true(ipc_chan_send(&p->parent, IPC_OPENED, 5, "\1\2\3\4", 4,
	    NULL, 0, theirs, 3));
	assert_int_equal(count_fds(), before - 3);
	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_MSG);
	assert_int_equal(m.nfds, 3);
	assert_int_equal(count_fds(), before);
	for (int i = 0; i < 3; i++) {
		char byte = 0, sent = (char)('a' + i);

		assert_int_equal(fcntl(m.fd[i], F_GETFD), FD_CLOEXEC);
		assert_int_equal(write(m.fd[i], &sent, 1), 1);
		assert_int_equal(read(pipes[i][0], &byte, 1), 1);
		assert_int_equal(byte, sent);
		close(pipes[i][0]);
	}
	close_fds(m.fd, 3);
}

/* A packet as nobody of ours sends it. */
static void
send_raw(const struct ipc_chan *c, enum ipc_type type, size_t len,
    const int *fd, size_t nfds)
{
	static uint8_t bytes[PACKET_MAX + 1];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} r = { .bytes = { 0 } };
	struct iovec iov = { bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	ipc_put_head(bytes, type, 1);
	if (nfds > 0) {
		struct cmsghdr *cm = &r.align;

		mh.msg_control = r.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cm), fd, sizeof(int) * nfds);
	}
	assert_int_equal(sendmsg(c->fd, &mh, 0), len);
}

static void
refuses_bad_packets(void **state)
{
	static const struct {
		const char *name;
		enum ipc_side from;
		enum ipc_type type;
		size_t len;
		size_t nfds;
	} packets[] = {
		{ "too short", IPC_FROM_ENGINE, IPC_READY, 7, 0 },
		{ "unknown type", IPC_FROM_ENGINE, IPC_TYPES, 8, 0 },
		{ "type 0", IPC_FROM_ENGINE, (enum ipc_type)0, 8, 0 },
		{ "the other side's", IPC_FROM_ENGINE, IPC_STOP, 8, 0 },
		{ "too long for its type", IPC_FROM_ENGINE, IPC_KILL, 13, 0 },
		{ "too long for all", IPC_FROM_ENGINE, IPC_OPEN, PACKET_MAX + 1,
		    0 },
		{ "a descriptor for the parent", IPC_FROM_ENGINE, IPC_READY, 8,
		    1 },
		{ "five for the parent", IPC_FROM_ENGINE, IPC_OPEN, 12, 5 },
		{ "from the parent too", IPC_FROM_PARENT, IPC_READY, 8, 0 },
		{ "a descriptor too few", IPC_FROM_PARENT, IPC_OPENED, 12, 0 },
		{ "a descriptor too many", IPC_FROM_PARENT, IPC_OPENED, 12, 4 },
		{ "two too many", IPC_FROM_PARENT, IPC_OPENED, 12, 5 },
		{ "five too many", IPC_FROM_PARENT, IPC_OPENED, 12, 8 },
		{ "descriptors where none belong", IPC_FROM_PARENT, IPC_STOP, 8,
		    3 },
		{ "all of them and too long", IPC_FROM_PARENT, IPC_OPENED, 13,
		    3 },
	};
	struct pair *p = *state;

	for (size_t i = 0; i < nitems(packets); i++) {
		bool engine = packets[i].from == IPC_FROM_ENGINE;
		struct ipc_chan *from = engine ? &p->engine : &p->parent;
		struct ipc_chan *to = engine ? &p->parent : &p->engine;
		int fd[8], before = count_fds();
		enum ipc_recv rc;
		struct ipc_msg m;

		open_nulls(fd, packets[i].nfds);
		send_raw(from, packets[i].type, packets[i].len, fd,
		    packets[i].nfds);
		close_fds(fd, packets[i].nfds);
		rc = ipc_chan_recv(to, &m);
		if (rc != IPC_RECV_BAD || m.nfds != 0)
			fail_msg("%s: %d, %zu descriptors", packets[i].name, rc,
			    m.nfds);
		if (count_fds() != before)
			fail_msg("%s: %d descriptors more", packets[i].name,
			    count_fds() - before);
	}
}

/* The kernel rounds room for three up to room for four. */
static void
writes_no_fourth_descriptor(void **state)
{
	struct pair *p = *state;
	struct {
		struct ipc_msg m;
		uint8_t bytes[sizeof(struct ipc_msg)];
	} u;
	const size_t behind = offsetof(struct ipc_msg, fd) + sizeof(u.m.fd);
	int fd[4];

	open_nulls(fd, 4);
	send_raw(&p->parent, IPC_OPENED, 12, fd, 4);
	close_fds(fd, 4);
	memset(&u.m, 0, sizeof(u.m));
	assert_int_equal(ipc_chan_recv(&p->engine, &u.m), IPC_RECV_BAD);
	memcpy(u.bytes, &u.m, sizeof(u.m));
	for (size_t i = behind; i < offsetof(struct ipc_msg, nfds); i++)
		assert_int_equal(u.bytes[i], 0);
}

/* Fill the socket and then the queue; numbers count up. */
static uint32_t
fill(struct ipc_chan *c, size_t more)
{
	static char body[1000];
	uint32_t n = 0;

	while (!ipc_chan_queued(c)) {
		assert_in_range(n, 0, 100000);
		assert_true(
		    ipc_chan_tell(c, IPC_CONF, n++, body, sizeof(body)));
	}
	for (size_t i = 0; i < more; i++)
		assert_true(
		    ipc_chan_tell(c, IPC_CONF, n++, body, sizeof(body)));
	return n;
}

static void
queues_and_keeps_the_order(void **state)
{
	struct pair *p = *state;
	uint32_t n = fill(&p->parent, 500), next = 0;
	int pipe_fd[2], fd[3], before = count_fds();
	struct ipc_msg m;
	char byte = 0;

	/* descriptors wait with their message */
	assert_int_equal(fd_pipe(pipe_fd), 0);
	fd[0] = pipe_fd[1];
	open_nulls(fd + 1, 2);
	assert_true(ipc_chan_send(&p->parent, IPC_OPENED, n, "\1\0", 2, "\0\0",
	    2, fd, 3));
	assert_true(ipc_chan_tell(&p->parent, IPC_STOP, n + 1, NULL, 0));
	assert_int_equal(count_fds(), before + 4);

	assert_true(ipc_chan_flush(&p->parent));
	assert_true(ipc_chan_queued(&p->parent));
	while (next < n + 2) {
		enum ipc_recv rc = ipc_chan_recv(&p->engine, &m);

		if (rc == IPC_RECV_NONE) {
			assert_true(ipc_chan_queued(&p->parent));
			assert_true(ipc_chan_flush(&p->parent));
			continue;
		}
		assert_int_equal(rc, IPC_RECV_MSG);
		assert_int_equal(m.session, next++);
		if (m.type != IPC_OPENED)
			continue;
		assert_int_equal(m.session, n);
		assert_int_equal(write(m.fd[0], "y", 1), 1);
		close_fds(m.fd, m.nfds);
	}
	assert_int_equal(m.type, IPC_STOP);
	assert_false(ipc_chan_queued(&p->parent));
	assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
	assert_int_equal(read(pipe_fd[0], &byte, 1), 0); /* no copy is left */
	close(pipe_fd[0]);
	assert_int_equal(count_fds(), before);
}

/* What is sent while something waits must wait behind it. */
static void
does_not_overtake(void **state)
{
	struct pair *p = *state;
	uint32_t n = fill(&p->parent, 1), next = 0;
	struct ipc_msg m;

	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_MSG);
	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_MSG);
	assert_true(ipc_chan_tell(&p->parent, IPC_STOP, n++, NULL, 0));
	for (next = 2; next < n; next++) {
		if (ipc_chan_recv(&p->engine, &m) == IPC_RECV_NONE) {
			assert_true(ipc_chan_flush(&p->parent));
			assert_int_equal(ipc_chan_recv(&p->engine, &m),
			    IPC_RECV_MSG);
		}
		assert_int_equal(m.session, next);
	}
	assert_int_equal(m.type, IPC_STOP);
}

static void
bounds_the_queue(void **state)
{
	struct pair *p = *state;
	static char body[IPC_BODY_MAX];
	int fd[3], before = count_fds();
	size_t n = 0;

	while (ipc_chan_tell(&p->parent, IPC_CONF, 0, body, sizeof(body)))
		assert_in_range(n++, 0, 1000);
	assert_in_range(p->parent.queued, 4 << 19, 4 << 20);
	/* a small one may still fit; one that is refused leaves nothing */
	while (ipc_chan_tell(&p->parent, IPC_STOP, 0, NULL, 0))
		assert_in_range(n++, 0, 100000);
	open_nulls(fd, 3);
	assert_false(
	    ipc_chan_send(&p->parent, IPC_OPENED, 0, body, 4, NULL, 0, fd, 3));
	assert_int_equal(count_fds(), before);
}

static void
clears_what_is_queued(void **state)
{
	struct pair *p = *state;
	int fd[3], before = count_fds();

	fill(&p->parent, 1);
	for (int i = 0; i < 10; i++) {
		open_nulls(fd, 3);
		assert_true(ipc_chan_send(&p->parent, IPC_OPENED, 0, "\0\0\0\0",
		    4, NULL, 0, fd, 3));
	}
	assert_int_equal(count_fds(), before + 30);
	ipc_chan_clear(&p->parent);
	assert_int_equal(count_fds(), before - 1);
	assert_int_equal(p->parent.fd, -1);
	assert_false(ipc_chan_queued(&p->parent));
}

static void
notices_the_end(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m;
	int fd[3], before;

	assert_true(ipc_chan_tell(&p->engine, IPC_READY, 9, NULL, 0));
	fill(&p->parent, 1);
	ipc_chan_clear(&p->engine);
	before = count_fds();
	assert_false(ipc_chan_flush(&p->parent));
	ipc_chan_clear(&p->parent);
	open_nulls(fd, 3);
	assert_false(ipc_chan_send(&p->parent, IPC_OPENED, 0, "\0\0\0\0", 4,
	    NULL, 0, fd, 3));
	assert_false(ipc_chan_tell(&p->parent, IPC_STOP, 0, NULL, 0));
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_END);
	assert_int_equal(count_fds(), before - 1);
}

/* What was sent before the end is still read; there is no SIGPIPE. */
static void
reads_before_the_end(void **state)
{
	struct pair *p = *state;
	struct ipc_msg m;
	int fd[3], before;

	assert_true(ipc_chan_tell(&p->engine, IPC_READY, 9, NULL, 0));
	ipc_chan_clear(&p->engine);
	before = count_fds();
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_MSG);
	assert_int_equal(m.session, 9);
	assert_int_equal(ipc_chan_recv(&p->parent, &m), IPC_RECV_END);
	open_nulls(fd, 3);
	assert_false(ipc_chan_send(&p->parent, IPC_OPENED, 0, "\0\0\0\0", 4,
	    NULL, 0, fd, 3));
	assert_int_equal(count_fds(), before);
}

/* As a parent without privileges that starts many commands at once. */
static int
send_many_descriptors(struct pair *p)
{
	const struct rlimit few = { 64, 64 };
	enum { MESSAGES = 30 };
	uint32_t next = 0;
	struct ipc_msg m;
	int fd[3];

	if (setrlimit(RLIMIT_NOFILE, &few) == -1 ||
	    (geteuid() == 0 && setuid(65534) == -1))
		return 1;
	for (uint32_t i = 0; i < MESSAGES; i++) {
		open_nulls(fd, 3);
		if (!ipc_chan_send(&p->parent, IPC_OPENED, i, "\0\0\0\0", 4,
			NULL, 0, fd, 3))
			return 2;
	}
	if (!ipc_chan_queued(&p->parent))
		return 3; /* nothing was refused: this tests nothing */
	for (; ipc_chan_queued(&p->parent); next++) {
		if (ipc_chan_recv(&p->engine, &m) != IPC_RECV_MSG ||
		    m.session != next)
			return 4;
		close_fds(m.fd, m.nfds);
		if (!ipc_chan_flush(&p->parent))
			return 5;
	}
	return 0;
}

static void
waits_while_too_many_descriptors_travel(void **state)
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(send_many_descriptors(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As many as fit: the first descriptor that there is no room for has this one. */
static void
leave_room(rlim_t n, struct rlimit *before)
{
	struct rlimit few;
	int next = open_null();

	assert_int_equal(close(next), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	few = (struct rlimit){ (rlim_t)next + n, before->rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

/* Whose descriptors have no room is a message all the same, and leaves none. */
static void
fault_A12_says_what_it_has_no_room_for(void **state)
{
	static const struct {
		enum ipc_type type;
		size_t len; /* of the packet */
		enum ipc_recv rc;
	} packets[] = {
		{ IPC_OPENED, 12, IPC_RECV_MSG },
		{ IPC_OPENED, 13, IPC_RECV_BAD },
		{ IPC_LINK, IPC_HEAD + IPC_LINK_BODY, IPC_RECV_MSG },
		{ IPC_STOP, IPC_HEAD, IPC_RECV_BAD },
	};
	struct pair *p = *state;
	struct rlimit before;
	struct ipc_msg m;
	enum ipc_recv rc;
	int fd[3], held = count_fds();

	for (size_t i = 0; i < 3 * nitems(packets); i++) {
		open_nulls(fd, 3);
		send_raw(&p->parent, packets[i / 3].type, packets[i / 3].len,
		    fd, 3);
		close_fds(fd, 3);
		leave_room(i % 3, &before);
		rc = ipc_chan_recv(&p->engine, &m);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(rc, packets[i / 3].rc);
		assert_int_equal(m.nfds, 0);
		for (size_t k = 0; k < nitems(m.fd); k++)
			assert_int_equal(m.fd[k], -1);
		assert_true(rc == IPC_RECV_BAD || m.cut);
		assert_int_equal(count_fds(), held);
	}
	open_nulls(fd, 3);
	send_raw(&p->parent, IPC_OPENED, 12, fd, 3);
	close_fds(fd, 3);
	assert_int_equal(ipc_chan_recv(&p->engine, &m), IPC_RECV_MSG);
	assert_false(m.cut);
	close_fds(m.fd, m.nfds);
}

#define pair_test(f) \
	cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_every_size),
		cmocka_unit_test(refuses_what_is_no_message),
		cmocka_unit_test(takes_bodies_apart),
		cmocka_unit_test(remembers_what_is_bad),
		cmocka_unit_test(reads_opens),
		cmocka_unit_test(reads_listeners),
		cmocka_unit_test(reads_admissions),
		cmocka_unit_test(reads_what_was_put),
		cmocka_unit_test(reads_starts_and_links),
		cmocka_unit_test(reads_pieces),
		cmocka_unit_test(reads_folders),
		cmocka_unit_test(reads_questions),
		cmocka_unit_test(bounds_questions),
		cmocka_unit_test(names_types),
		pair_test(carries_messages),
		pair_test(carries_descriptors),
		pair_test(refuses_bad_packets),
		pair_test(writes_no_fourth_descriptor),
		pair_test(fault_A12_says_what_it_has_no_room_for),
		pair_test(queues_and_keeps_the_order),
		pair_test(does_not_overtake),
		pair_test(bounds_the_queue),
		pair_test(clears_what_is_queued),
		pair_test(waits_while_too_many_descriptors_travel),
		pair_test(notices_the_end),
		pair_test(reads_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
