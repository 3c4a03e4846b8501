/*
 * How frames become what the owner of a transport hears (flow/transport_ws),
 * however they are cut and whenever it pauses; and how the two part, in each
 * order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ws_world.h"

enum { IN_A_TURN = 512 }; /* frames that are read */

/* ------------------------------------------------- frames */

static void
make_session(struct buf *b)
{
	char x[201];

	memset(x, 'x', 200);
	x[200] = '\0';
	buf_init(b, BIG);
	add_frame(b, WS_OP_TEXT, "H\xc3", 2);
	add_frame(b, PING, "p", 1);
	add_frame(b, WS_OP_CONTINUATION, "\xa4l", 2);
	add_frame(b, PONG, "q", 1);
	add_frame(b, FIN | WS_OP_CONTINUATION, "lo", 2);
	add_frame(b, BINARY, x, 200);
	add_frame(b, TEXT, "", 0);
	add_frame(b, CLOSE, BYE, 5);
}

static void
assert_session(void)
{
	char want[512], x[201];

	memset(x, 'x', 200);
	x[200] = '\0';
	(void)snprintf(want, sizeof(want),
	    "H\xc3\xa4lpong:q lo\" %s\" \" close 1000 bye; ", x);
	assert_heard(want);
	assert_int_equal(f.t->state, TRANSPORT_LEAVING);
	assert_sent("pong:p ");
}

static void
frames_may_be_cut_at_every_byte(void **state)
{
	struct buf b;
	size_t len = 1;

	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++)
		for (size_t cut = 1; cut < len || cut == 1; cut++) {
			begin((enum ws_role)role, 0);
			make_session(&b);
			len = b.len;
			peer_writes(b.data, cut);
			go();
			peer_writes(b.data + cut, len - cut);
			go();
			assert_session();
			buf_clear(&b);
			end();
		}
}

static void
frames_may_come_byte_by_byte(void **state)
{
	struct buf b;

	(void)state;
	begin(WS_SERVER, 0);
	make_session(&b);
	for (size_t i = 0; i < b.len; i++) {
		peer_writes(b.data + i, 1);
		turn(&f.w);
	}
	assert_session();
	buf_clear(&b);
	end();
}

static void
pieces_of_ours_are_one_message(void **state)
{
	struct piece p = { .text = true,
		.first = true,
		.data = (uint8_t *)(uintptr_t) "ab",
		.len = 2 };

	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++) {
		begin((enum ws_role)role, 0);
		transport_send(f.t, &p);
		assert_true(f.t->in_message);
		transport_ping(f.t, (const uint8_t *)"k", 1);
		p.first = false;
		p.last = true;
		transport_send_after(f.t, "12", 2, &p);
		assert_false(f.t->in_message);
		transport_flush(f.t);
		assert_sent("abping:k 12ab\" ");
		p.first = true;
		p.last = false;
		end();
	}
}

static void
a_turn_reads_so_many_frames(void **state)
{
	struct buf b;

	(void)state;
	begin(WS_SERVER, 0);
	buf_init(&b, BIG);
	for (int i = 0; i < IN_A_TURN + 10; i++)
		add_frame(&b, TEXT, "", 0);
	peer_writes(b.data, b.len);
	buf_clear(&b);
	turn(&f.w);
	assert_int_equal(heard.n, 2 * IN_A_TURN);
	go();
	assert_int_equal(heard.n, 2 * (IN_A_TURN + 10));
	hear_nothing();
	end();
}

/* ------------------------------------------------- pauses */

static void
pause_inside(void)
{
	transport_pause(f.t);
}

static void
what_was_left_comes_after_the_resume(void **state)
{
	(void)state;
	begin(WS_SERVER, 0);
	transport_pause(f.t);
	come(TEXT, "a");
	come(TEXT, "b");
	go();
	assert_heard("");
	transport_resume(f.t);
	go();
	assert_heard("a\" b\" ");
	end();
}

static void
frames_that_were_put_back_wait_for_the_resume(void **state)
{
	struct buf b;

	(void)state;
	begin(WS_SERVER, 0);
	f.inside = pause_inside;
	buf_init(&b, BIG);
	for (int i = 0; i < IN_A_TURN + 10; i++)
		add_frame(&b, TEXT, "", 0);
	peer_writes(b.data, b.len);
	buf_clear(&b);
	go();
	assert_int_equal(heard.n, 2 * IN_A_TURN);
	hear_nothing();
	transport_resume(f.t);
	go();
	assert_int_equal(heard.n, 2 * 10);
	hear_nothing();
	end();
}

static void
a_hangup_is_told_to_one_that_is_paused(void **state)
{
	(void)state;
	begin(WS_SERVER, 0);
	transport_pause(f.t);
	come(TEXT, "a");
	assert_int_equal(shutdown(f.w.fd, SHUT_WR), 0);
	go();
	assert_heard("hangup ");
	transport_resume(f.t);
	go();
	assert_heard("a\" gone ");
	assert_true(transport_ws_ended_well(f.t));
	end();
}

/* ------------------------------------------------- parting */

/*
 * The peer: C its Close, D data, Q a ping, F shuts its side, X closes both.
 * We: c close and wait, n do not wait, a abort, s send, p r pause, resume.
 * Turns of the loop are . and a moment of silence is ,
 */
static void
step(char c)
{
	switch (c) {
	case 'C':
		come_bytes(CLOSE, BYE, 5);
		break;
	case 'D':
		come(TEXT, "d");
		break;
	case 'Q':
		come(PING, "q");
		break;
	case 'O':
		come(PONG, "o");
		break;
	case 'F':
		assert_int_equal(shutdown(f.w.fd, SHUT_WR), 0);
		break;
	case 'X':
		fd_close(&f.w.fd);
		break;
	case 'c':
		transport_close(f.t, WS_CLOSE_GOING_AWAY, "c", true);
		break;
	case 'n':
		transport_close(f.t, WS_CLOSE_GOING_AWAY, "n", false);
		break;
	case 'a':
		transport_abort(f.t);
		break;
	case 's':
		send_text("s");
		break;
	case 'p':
		transport_pause(f.t);
		break;
	case 'r':
		transport_resume(f.t);
		break;
	case ',':
		loop_be_silent(&f.w.loop);
		break;
	default:
		go();
		break;
	}
}

enum { BOTH = -1 };

static const struct script {
	const char *steps;
	int role;
	const char *heard, *sent; /* sent: NULL, nobody is there to read */
	enum transport_state state;
} scripts[] = {
	/* the peer's end without its Close */
	{ "F.", BOTH, "gone ", "", TRANSPORT_GONE },
	{ "DF.", BOTH, "d\" gone ", "", TRANSPORT_GONE },
	{ "X.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "sX.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "psX.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "pF.r.", BOTH, "hangup gone ", "", TRANSPORT_GONE },
	{ "c.F.", BOTH, "gone ", "close 1001 c; ", TRANSPORT_GONE },
	{ "c.X.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "a", BOTH, "gone ", "", TRANSPORT_GONE },
	{ "aa.DCF.", BOTH, "gone ", "", TRANSPORT_GONE },
	{ "a.cs.", BOTH, "gone ", "", TRANSPORT_GONE },

	/* ours first */
	{ "c.", BOTH, "", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "ccns.", BOTH, "", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "c.Q.", BOTH, "", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "c.O.", BOTH, "pong:o ", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "c.D.", WS_SERVER, "", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "c.D.", WS_CLIENT, "d\" ", "close 1001 c; ", TRANSPORT_CLOSING },
	{ "c.a", BOTH, "gone ", "close 1001 c; ", TRANSPORT_GONE },
	{ "c.C.", WS_SERVER, "", "close 1001 c; | ", TRANSPORT_CLOSED },
	{ "c.C.", WS_CLIENT, "", "close 1001 c; ", TRANSPORT_CLOSED },
	{ "c.C.F.", WS_SERVER, "gone ", "close 1001 c; | ", TRANSPORT_GONE },
	{ "c.C.F.", WS_CLIENT, "gone ", "close 1001 c; ", TRANSPORT_GONE },
	{ "c.CF.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "c.CX.,", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "pDc.C.F.", WS_SERVER, "gone ", NULL, TRANSPORT_GONE },

	/* the peer's first */
	{ "C.", BOTH, "close 1000 bye; ", "", TRANSPORT_LEAVING },
	{ "DCD.D.", BOTH, "d\" close 1000 bye; ", "", TRANSPORT_LEAVING },
	{ "CQCO.", BOTH, "close 1000 bye; ", "", TRANSPORT_LEAVING },
	{ "C.s", BOTH, "close 1000 bye; ", "s\" ", TRANSPORT_LEAVING },
	{ "C.F.s", BOTH, "close 1000 bye; ", "s\" ", TRANSPORT_LEAVING },
	{ "pC.r.", BOTH, "close 1000 bye; ", "", TRANSPORT_LEAVING },
	{ "C.a", BOTH, "close 1000 bye; gone ", "", TRANSPORT_GONE },
	{ "sC.X.", BOTH, "close 1000 bye; gone ", NULL, TRANSPORT_GONE },
	{ "C.sc.", WS_SERVER, "close 1000 bye; ", "s\" close 1001 c; | ",
	    TRANSPORT_CLOSED },
	{ "C.sc.", WS_CLIENT, "close 1000 bye; ", "s\" close 1001 c; ",
	    TRANSPORT_CLOSED },
	{ "C.c.F.", BOTH, "close 1000 bye; gone ", NULL, TRANSPORT_GONE },
	{ "C.F.c", BOTH, "close 1000 bye; gone ", NULL, TRANSPORT_GONE },
	{ "C.c.X.", BOTH, "close 1000 bye; gone ", NULL, TRANSPORT_GONE },

	/* both at the same time, and nobody waits */
	{ "cC.", BOTH, "", NULL, TRANSPORT_CLOSED },
	{ "Cc.", BOTH, "", NULL, TRANSPORT_CLOSED },
	{ "n.", WS_SERVER, "", "close 1001 n; | ", TRANSPORT_CLOSED },
	{ "n.", WS_CLIENT, "", "close 1001 n; ", TRANSPORT_CLOSED },
	{ "n.DQOC.", BOTH, "", NULL, TRANSPORT_CLOSED },
	{ "nsc.", BOTH, "", NULL, TRANSPORT_CLOSED },
	{ "pDn.F.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "n.F.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "n.X.", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "n.a", BOTH, "gone ", NULL, TRANSPORT_GONE },
	{ "c.C.DQOC.", BOTH, "", NULL, TRANSPORT_CLOSED },
};

static void
play(const struct script *s, enum ws_role role)
{
	begin(role, 0);
	for (const char *p = s->steps; *p != '\0'; p++)
		step(*p);
	if (strcmp(heard.said, s->heard) != 0 || f.t->state != s->state)
		fail_msg("%s of a %s: \"%s\", state %u", s->steps,
		    role == WS_SERVER ? "server" : "client", heard.said,
		    f.t->state);
	hear_nothing();
	if (s->sent != NULL)
		assert_sent(s->sent);
	end();
}

static void
the_two_part_in_every_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(scripts); i++) {
		if (scripts[i].role != WS_CLIENT)
			play(&scripts[i], WS_SERVER);
		if (scripts[i].role != WS_SERVER)
			play(&scripts[i], WS_CLIENT);
	}
}

static void
abort_inside(void)
{
	transport_abort(f.t);
}

static void
nothing_follows_an_abort_from_inside(void **state)
{
	(void)state;
	begin(WS_SERVER, 0);
	f.inside = abort_inside;
	come(TEXT, "a");
	come(TEXT, "b");
	come_bytes(CLOSE, BYE, 5);
	go();
	assert_heard("a\" gone ");
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_may_be_cut_at_every_byte),
		cmocka_unit_test(frames_may_come_byte_by_byte),
		cmocka_unit_test(pieces_of_ours_are_one_message),
		cmocka_unit_test(a_turn_reads_so_many_frames),
		cmocka_unit_test(what_was_left_comes_after_the_resume),
		cmocka_unit_test(frames_that_were_put_back_wait_for_the_resume),
		cmocka_unit_test(a_hangup_is_told_to_one_that_is_paused),
		cmocka_unit_test(the_two_part_in_every_order),
		cmocka_unit_test(nothing_follows_an_abort_from_inside),
	};

	return cmocka_run_group_tests(tests, setup_memory, NULL);
}
