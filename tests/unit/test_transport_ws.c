/*
 * WebSocket as a transport, whose other end is this test, or another transport:
 * messages cut at every byte, pauses, both Closes in each order, every way of
 * breaking the rules, and ends of the connection at each state.
 */
#include <sys/socket.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "codec/ws.h"
#include "codec/ws_terms.h"
#include "flow/transport_ws.h"
#include "flow_fakes.h"

enum { MAX = 1024, BIG = 4 * 1024 * 1024 };

struct fixture {
	struct loop loop;
	struct transport *t;
	int peer;
	bool pauses;    /* after each read, and takes nothing more */
	size_t nbytes;  /* of data, in all */
	size_t drained; /* how often */
};

/* ------------------------------------------------- the owner */

static void
on_data(void *owner, const struct piece *p)
{
	struct fixture *f = owner;

	f->nbytes += p->len;
	if (p->len <= 64)
		hear("%.*s", (int)p->len, (const char *)p->data);
	if (p->last)
		hear(p->text ? "\" " : "' ");
}

static void
on_batch(void *owner)
{
	struct fixture *f = owner;

	if (f->pauses)
		transport_pause(f->t);
}

static void
on_close(void *owner, unsigned code, const uint8_t *reason, size_t len)
{
	(void)owner;
	hear("closed %u %.*s; ", code, (int)len, (const char *)reason);
}

static void
on_fault(void *owner, unsigned code, const char *reason)
{
	(void)owner;
	(void)reason;
	hear("fault %u; ", code);
}

static void
on_hangup(void *owner)
{
	(void)owner;
	hear("hung-up ");
}

static void
on_pong(void *owner, const uint8_t *data, size_t len)
{
	(void)owner;
	hear("pong:%.*s ", (int)len, (const char *)data);
}

static void
on_drain(void *owner)
{
	struct fixture *f = owner;

	f->drained++;
}

static void
on_gone(void *owner)
{
	(void)owner;
	hear("gone ");
}

static const struct transport_ops transport_ops = {
	.on_data = on_data,
	.on_batch = on_batch,
	.on_close = on_close,
	.on_fault = on_fault,
	.on_hangup = on_hangup,
	.on_pong = on_pong,
	.on_drain = on_drain,
	.on_gone = on_gone,
};

static struct transport *
new_transport(struct fixture *f, enum ws_role role, int fd)
{
	struct transport *t = transport_ws_new(role, &f->loop.flow,
	    stream_new(&f->loop.flow, STREAM_SOCKET, fd, 0), MAX);

	transport_set_owner(t, &transport_ops, f);
	return t;
}

static void
make_ends(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
}

/* A server, whose clients need not mask, so that rows can be read. */
static void
begin(struct fixture *f)
{
	int ends[2];

	*f = (struct fixture){ .pauses = false };
	loop_open(&f->loop);
	make_ends(ends);
	f->peer = ends[1];
	f->t = new_transport(f, WS_SERVER, ends[0]);
	transport_ws_accept_unmasked(f->t);
	transport_resume(f->t);
}

static void
turn(struct fixture *f)
{
	loop_turns(&f->loop, 5);
}

static void
end(struct fixture *f)
{
	transport_free(f->t);
	fd_close(&f->peer);
	loop_close(&f->loop);
	assert_heard("");
}

static void
peer_writes(struct fixture *f, const void *bytes, size_t len)
{
	assert_int_equal(write(f->peer, bytes, len), len);
	turn(f);
}

#define PEER_WRITES(f, text) peer_writes(f, text, sizeof(text) - 1)

/* The bytes that came, of which a frame's head is two here. */
static void
assert_wire(struct fixture *f, const void *want, size_t len)
{
	uint8_t got[512];

	turn(f);
	assert_int_equal(read(f->peer, got, sizeof(got)),
	    len == 0 ? -1 : (ssize_t)len);
	assert_memory_equal(got, want, len);
}

#define ASSERT_WIRE(f, text) assert_wire(f, text, sizeof(text) - 1)

/* ------------------------------------------------- messages */

static void
cut_at_every_byte(void **state)
{
	static const char bytes[] = "\1\3Hel\x89\2hi\x80\2lo\x8a\1p\x82\2\1\2"
				    "\x81\0\x88\5\x03\xe8"
				    "bye";
	size_t len = sizeof(bytes) - 1;

	(void)state;
	for (size_t cut = 1; cut < len; cut++) {
		struct fixture f;

		begin(&f);
		peer_writes(&f, bytes, cut);
		peer_writes(&f, bytes + cut, len - cut);
		assert_heard("Hello\" pong:p \1\2' \" closed 1000 bye; ");
		ASSERT_WIRE(&f, "\x8a\2hi");
		end(&f);
	}
}

static void
what_is_sent(void **state)
{
	struct piece p = piece_whole(true, "yes", 3);
	struct fixture f;

	(void)state;
	begin(&f);
	transport_send(f.t, &p);
	transport_send_after(f.t, "no, ", 4, &p);
	transport_flush(f.t);
	ASSERT_WIRE(&f, "\x81\3yes\x81\7no, yes");
	p.last = false;
	transport_send(f.t, &p);
	assert_true(f.t->in_message);
	p.first = false;
	p.last = true;
	transport_send(f.t, &p);
	assert_false(f.t->in_message);
	transport_ping(f.t, (const uint8_t *)"x", 1);
	transport_flush(f.t);
	ASSERT_WIRE(&f, "\1\3yes\x80\3yes\x89\1x");
	end(&f);
}

static void
what_is_paused_comes_after(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.pauses = true;
	PEER_WRITES(&f, "\x81\3one");
	PEER_WRITES(&f, "\x81\3two");
	assert_heard("one\" ");
	transport_resume(f.t);
	turn(&f);
	assert_heard("two\" ");
	turn(&f);
	end(&f);
}

/* Everything queued was written: that is told when it has been, not before. */
static void
a_peer_that_does_not_read(void **state)
{
	static uint8_t much[BIG], in[65536];
	struct piece p = piece_whole(false, much, sizeof(much));
	struct fixture f;
	size_t got = 0;
	ssize_t n;

	(void)state;
	begin(&f);
	transport_send(f.t, &p);
	transport_flush(f.t);
	turn(&f);
	assert_true(transport_queued(f.t) > 0);
	assert_true(transport_unsent(f.t) >= transport_queued(f.t));
	assert_int_equal(f.drained, 0);
	while ((n = read(f.peer, in, sizeof(in))) > 0) {
		got += (size_t)n;
		turn(&f);
	}
	assert_int_equal(got, BIG + 10);
	assert_int_equal(f.drained, 1);
	end(&f);
}

/* ------------------------------------------------- parting */

static void
we_close_first(void **state)
{
	struct piece p = piece_whole(true, "late", 4);
	struct fixture f;

	(void)state;
	begin(&f);
	transport_close(f.t, 1000, "done", true);
	ASSERT_WIRE(&f,
	    "\x88\6\x03\xe8"
	    "done");
	assert_int_equal(f.t->state, TRANSPORT_CLOSING);
	transport_send(f.t, &p);
	transport_flush(f.t);
	PEER_WRITES(&f, "\x81\3you\x88\2\x03\xe8");
	assert_int_equal(f.t->state, TRANSPORT_CLOSED);
	fd_close(&f.peer);
	turn(&f);
	assert_heard("gone ");
	end(&f);
}

static void
it_closes_first(void **state)
{
	struct piece p = piece_whole(true, "still", 5);
	struct fixture f;

	(void)state;
	begin(&f);
	PEER_WRITES(&f, "\x88\4\x0f\xa1hm\x81\2no");
	assert_heard("closed 4001 hm; ");
	assert_int_equal(f.t->state, TRANSPORT_LEAVING);
	transport_send(f.t, &p);
	transport_close(f.t, 4001, "", true);
	assert_int_equal(f.t->state, TRANSPORT_CLOSED);
	ASSERT_WIRE(&f, "\x81\5still\x88\2\x0f\xa1");
	assert_heard("");
	fd_close(&f.peer);
	turn(&f);
	assert_heard("gone ");
	end(&f);
}

/* Nobody waits for its Close: what it still says is not read. */
static void
we_do_not_wait(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	transport_close(f.t, 1002, "", false);
	assert_int_equal(f.t->state, TRANSPORT_CLOSED);
	PEER_WRITES(&f, "\x81\3you\x83\1x");
	fd_close(&f.peer);
	turn(&f);
	assert_heard("gone ");
	end(&f);
}

/* A client that has closed still takes what the server had to say. */
static void
a_client_closes_first(void **state)
{
	struct fixture f;
	int ends[2];

	(void)state;
	f = (struct fixture){ .pauses = false };
	loop_open(&f.loop);
	make_ends(ends);
	f.peer = ends[1];
	f.t = new_transport(&f, WS_CLIENT, ends[0]);
	transport_resume(f.t);
	transport_close(f.t, 1000, "", true);
	PEER_WRITES(&f, "\x81\3you\x88\2\x03\xe8");
	assert_heard("you\" ");
	fd_close(&f.peer);
	turn(&f);
	assert_heard("gone ");
	end(&f);
}

static void
dropped_at_each_state(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct fixture f;

		begin(&f);
		if (i == 1 || i == 3)
			PEER_WRITES(&f, "\x88\2\x03\xe8");
		if (i >= 2)
			transport_close(f.t, 1000, "", true);
		hear_nothing();
		transport_abort(f.t);
		transport_abort(f.t);
		assert_int_equal(f.t->state, TRANSPORT_GONE);
		turn(&f);
		assert_heard("gone ");
		end(&f);
	}
}

static void
it_goes_at_each_state(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct fixture f;

		begin(&f);
		if (i == 1 || i == 3)
			PEER_WRITES(&f, "\x88\2\x03\xe8");
		if (i >= 2)
			transport_close(f.t, 1000, "", true);
		hear_nothing();
		fd_close(&f.peer);
		turn(&f);
		if (i == 1) /* it may still be told something */
			transport_close(f.t, 1000, "", true);
		turn(&f);
		assert_heard("gone ");
		end(&f);
	}
}

/* ------------------------------------------------- hang-ups */

static void
it_hangs_up_while_we_do_not_read(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	transport_pause(f.t);
	PEER_WRITES(&f, "\x81\4last");
	fd_close(&f.peer);
	turn(&f);
	loop_be_silent(&f.loop);
	turn(&f);
	assert_heard("hung-up ");
	transport_resume(f.t);
	turn(&f);
	assert_heard("last\" gone ");
	end(&f);
}

/* ------------------------------------------------- the rules */

static void
each_way_of_breaking_them(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *heard;
	} rows[] = {
#define ROW(name, bytes, heard) { name, bytes, sizeof(bytes) - 1, heard }
		ROW("opcode", "\x83\1x", "fault 1002; "),
		ROW("control opcode", "\x8b\1x", "fault 1002; "),
		ROW("reserved bit", "\xc1\1x", "fault 1002; "),
		ROW("long control", "\x89\x7e", "fault 1002; "),
		ROW("control in parts", "\x09\1x", "fault 1002; "),
		ROW("length in long form", "\x81\x7e\0\1x", "fault 1002; "),
		ROW("continues nothing", "\x80\1x", "fault 1002; "),
		ROW("begins inside", "\1\1x\x81\1y", "xfault 1002; "),
		ROW("too big", "\x82\x7e\x04\x01", "fault 1009; "),
		ROW("no UTF-8", "\x81\1\xff", "fault 1007; "),
		ROW("a Close of a byte", "\x88\1\3", "fault 1002; "),
		ROW("a Close's code", "\x88\2\x03\xed", "fault 1002; "),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fixture f;

		print_message("%s\n", rows[i].name);
		begin(&f);
		peer_writes(&f, rows[i].bytes, rows[i].len);
		peer_writes(&f, "\x81\3you", 5);
		assert_heard(rows[i].heard);
		assert_int_equal(f.t->state, TRANSPORT_OPEN);
		transport_close(f.t, 1002, "", false);
		ASSERT_WIRE(&f, "\x88\2\x03\xea");
		end(&f);
	}
}

/* Where nothing else is said clients mask, and servers do not. */
static void
masks(void **state)
{
	struct fixture f;
	int ends[2];

	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++) {
		f = (struct fixture){ .pauses = false };
		loop_open(&f.loop);
		make_ends(ends);
		f.peer = ends[1];
		f.t = new_transport(&f, (enum ws_role)role, ends[0]);
		transport_resume(f.t);
		if (role == WS_SERVER)
			PEER_WRITES(&f, "\x81\1x");
		else
			PEER_WRITES(&f, "\x81\x81\0\0\0\0x");
		assert_heard("fault 1002; ");
		end(&f);
	}
}

/* ------------------------------------------------- compressed */

/* Two transports, one at each end, that agreed on it. */
static void
compressed_both_ways(void **state)
{
	static const struct ws_terms terms = {
		.server = { .takeover = true, .bits = 15 },
		.client = { .takeover = true, .bits = 15 },
	};
	char text[MAX];
	struct fixture f;
	struct transport *client;
	uint64_t received, sent;
	int ends[2];

	(void)state;
	memset(text, 'a', sizeof(text));
	f = (struct fixture){ .peer = -1 };
	loop_open(&f.loop);
	zpool_init(&f.loop.flow.zpool, 6, 64 * 1024 * 1024);
	assert_true(zpool_prepare(&f.loop.flow.zpool, 15));
	make_ends(ends);
	f.t = new_transport(&f, WS_SERVER, ends[0]);
	client = new_transport(&f, WS_CLIENT, ends[1]);
	transport_ws_compress(f.t, &terms, 32);
	transport_ws_compress(client, &terms, 32);
	transport_resume(f.t);
	transport_resume(client);
	for (size_t len = 0; len <= MAX; len += 31) {
		struct piece p = piece_whole(true, text, len);

		f.nbytes = 0;
		transport_send(client, &p);
		transport_send(f.t, &p);
		transport_flush(client);
		transport_flush(f.t);
		turn(&f);
		assert_int_equal(f.nbytes, 2 * len);
		hear_nothing();
	}
	assert_true(transport_ws_wire(f.t, &received, &sent));
	assert_true(received < 4 * MAX && sent < 4 * MAX);
	transport_free(client);
	turn(&f);
	assert_heard("gone ");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(what_is_paused_comes_after),
		cmocka_unit_test(a_peer_that_does_not_read),
		cmocka_unit_test(we_close_first),
		cmocka_unit_test(it_closes_first),
		cmocka_unit_test(we_do_not_wait),
		cmocka_unit_test(a_client_closes_first),
		cmocka_unit_test(dropped_at_each_state),
		cmocka_unit_test(it_goes_at_each_state),
		cmocka_unit_test(it_hangs_up_while_we_do_not_read),
		cmocka_unit_test(each_way_of_breaking_them),
		cmocka_unit_test(masks),
		cmocka_unit_test(compressed_both_ways),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
