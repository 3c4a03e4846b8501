/*
 * Peers that are no good, at a transport (flow/transport_ws): what one is told
 * that breaks the rules, what it may cost that pings much or stops reading, what
 * is said when the system has nothing left for it; and all that compression
 * adds to this.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "codec/ws_deflate.h"
#include "codec/ws_terms.h"
#include "codec/zmemory.h"
#include "flow/deflate.h"
#include "ws_world.h"

enum {
	BOMB = 4 * BIG, /* that some KiB become */
	MAX = 8,        /* bytes of a message, where there is a limit */
};

/* ------------------------------------------------- the rules */

#define IN(s) s, sizeof(s) - 1

/* Frames as they are masked, with a key of zeros. */
static const struct rule {
	const char *name;
	const char *in;
	size_t len;
	const char *says;
} rules[] = {
	{ "RSV1, uncompressed", IN("\xc1\x80\0\0\0\0"),
	    "1002 reserved bit set" },
	{ "RSV3", IN("\x91\x80\0\0\0\0"), "1002 reserved bit set" },
	{ "opcode 3", IN("\x83\x80\0\0\0\0"), "1002 unknown opcode" },
	{ "opcode 11", IN("\x8b\x80\0\0\0\0"), "1002 unknown opcode" },
	{ "not masked", IN("\x81\x01x"), "1002 wrong masking" },
	{ "16 bits for 5", IN("\x81\xfe\0\5\0\0\0\0"),
	    "1002 bad frame length" },
	{ "64 bits for 5", IN("\x81\xff\0\0\0\0\0\0\0\5\0\0\0\0"),
	    "1002 bad frame length" },
	{ "the top bit", IN("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
	    "1002 bad frame length" },
	{ "ping in fragments", IN("\x09\x80\0\0\0\0"),
	    "1002 control frame fragmented or too long" },
	{ "ping of 126", IN("\x89\xfe\0\x7e\0\0\0\0"),
	    "1002 control frame fragmented or too long" },
	{ "continuation of nothing", IN("\x80\x80\0\0\0\0"),
	    "1002 fragments out of order" },
	{ "a message in a message", IN("\x01\x80\0\0\0\0\x81\x80\0\0\0\0"),
	    "1002 fragments out of order" },
	{ "Close of a byte", IN("\x88\x81\0\0\0\0\x03"),
	    "1002 bad close frame" },
	{ "Close 1005", IN("\x88\x82\0\0\0\0\x03\xed"),
	    "1002 bad close frame" },
	{ "Close 999", IN("\x88\x82\0\0\0\0\x03\xe7"), "1002 bad close frame" },
	{ "a reason that is not UTF-8", IN("\x88\x83\0\0\0\0\x03\xe8\xff"),
	    "1007 text is not UTF-8" },
	{ "text that is not UTF-8", IN("\x81\x81\0\0\0\0\xff"),
	    "1007 text is not UTF-8" },
	{ "half a character", IN("\x81\x81\0\0\0\0\xc3"),
	    "1007 text is not UTF-8" },
	{ "nine bytes of eight",
	    IN("\x82\x89\0\0\0\0"
	       "123456789"),
	    "1009 message too big" },
	{ "nine bytes in fragments",
	    IN("\x02\x85\0\0\0\0zzzzz\x80\x84\0\0\0\0zzzz"),
	    "1009 message too big" },
};

/* More of the same, and what is right, follows it: nothing of that is heard. */
static void
assert_told(const struct rule *r)
{
	char fault[128], close[128];

	(void)snprintf(fault, sizeof(fault), "fault %s; ", r->says);
	(void)snprintf(close, sizeof(close), "close %s; ", r->says);
	begin(WS_SERVER, MAX);
	peer_writes(r->in, r->len);
	peer_writes(r->in, r->len);
	come(PING, "p");
	go();
	peer_writes(r->in, r->len);
	come(TEXT, "x");
	come_bytes(CLOSE, BYE, 5);
	go();
	if (strcmp(heard.said, fault) != 0)
		fail_msg("%s: \"%s\"", r->name, heard.said);
	hear_nothing();
	assert_int_equal(f.t->state, TRANSPORT_CLOSING);
	assert_sent(close);
	fd_close(&f.w.fd);
	go();
	assert_heard("gone ");
	end();
}

static void
who_breaks_a_rule_is_told_which_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(rules); i++)
		assert_told(&rules[i]);
}

static void
a_server_must_not_mask(void **state)
{
	(void)state;
	begin(WS_CLIENT, 0);
	peer_writes(IN("\x81\x81\0\0\0\0x"));
	go();
	assert_heard("fault 1002 wrong masking; ");
	assert_sent("close 1002 wrong masking; ");
	end();
}

static void
a_client_need_not_where_that_is_accepted(void **state)
{
	struct log_field fields[TRANSPORT_FIELDS];

	(void)state;
	begin(WS_SERVER, 0);
	transport_ws_accept_unmasked(f.t);
	come(TEXT, "a");
	go();
	assert_int_equal(transport_put_fields(f.t, fields), 0);
	peer_writes(IN("\x81\x01"
		       "b"));
	go();
	assert_heard("a\" b\" ");
	assert_int_equal(transport_put_fields(f.t, fields), 1);
	assert_string_equal(fields[0].name, "unmasked");
	end();
}

/* ------------------------------------------------- pings */

static void
pings_are_answered_in_order_while_the_peer_reads(void **state)
{
	char most[WS_CONTROL_MAX + 1], want[256];

	(void)state;
	memset(most, 'm', WS_CONTROL_MAX);
	most[WS_CONTROL_MAX] = '\0';
	begin(WS_SERVER, 0);
	come(PING, "1");
	come(PING, "");
	come(PING, most);
	go();
	(void)snprintf(want, sizeof(want), "pong:1 pong: pong:%s ", most);
	assert_sent(want);
	end();
}

static void
only_the_latest_ping_is_remembered_while_it_does_not(void **state)
{
	char said[64];

	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++) {
		begin((enum ws_role)role, 0);
		stall();
		come(PING, "first");
		come(PING, "2");
		come(PING, "");
		come(PING, "4");
		go();
		assert_heard("");
		read_all(said, sizeof(said));
		assert_string_equal(said, "drained ");
		assert_bulk_sent("pong:4 ");
		come(PING, "5");
		go();
		assert_sent("pong:5 ");
		end();
	}
}

static void
no_pong_follows_our_close(void **state)
{
	char said[64];

	(void)state;
	begin(WS_SERVER, 0);
	stall();
	come(PING, "late");
	go();
	transport_close(f.t, WS_CLOSE_NORMAL, "c", true);
	read_all(said, sizeof(said));
	assert_string_equal(said, "drained ");
	assert_bulk_sent("close 1000 c; ");
	end();
}

static void
an_owner_may_not_care_for_pongs(void **state)
{
	struct transport_ops deaf = transport_ops;

	(void)state;
	deaf.on_pong = NULL;
	begin(WS_SERVER, 0);
	transport_set_owner(f.t, &deaf, &f);
	come(PONG, "o");
	come(TEXT, "a");
	go();
	assert_heard("a\" ");
	end();
}

/* ------------------------------------------------- a peer that stops reading */

static void
what_it_does_not_take_waits_and_is_drained_once(void **state)
{
	char said[64];

	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++) {
		begin((enum ws_role)role, 0);
		stall();
		send_text("behind");
		go();
		assert_heard("");
		read_all(said, sizeof(said));
		assert_string_equal(said, "drained ");
		assert_int_equal(transport_queued(f.t), 0);
		assert_bulk_sent("behind\" ");
		go();
		end();
	}
}

static void
our_last_words_wait_for_it(void **state)
{
	char said[64];

	(void)state;
	begin(WS_SERVER, 0);
	stall();
	come_bytes(CLOSE, BYE, 5);
	assert_int_equal(shutdown(f.w.fd, SHUT_WR), 0);
	go();
	assert_heard("close 1000 bye; ");
	transport_close(f.t, WS_CLOSE_NORMAL, "c", true);
	go();
	assert_heard("");
	assert_int_equal(f.t->state, TRANSPORT_CLOSED);
	read_all(said, sizeof(said));
	assert_string_equal(said, "gone ");
	assert_bulk_sent("close 1000 c; | ");
	end();
}

static void
nothing_is_drained_of_one_that_is_gone(void **state)
{
	char said[64];

	(void)state;
	begin(WS_SERVER, 0);
	stall();
	transport_abort(f.t);
	assert_heard("gone ");
	read_all(said, sizeof(said));
	assert_string_equal(said, "");
	assert_bulk_sent("");
	end();
}

static void
it_is_lost_with_what_waits(void **state)
{
	(void)state;
	begin(WS_SERVER, 0);
	stall();
	fd_close(&f.w.fd);
	go();
	assert_heard("gone ");
	assert_null(f.t->shortage);
	end();
}

/* ------------------------------------------------- nothing is left */

static void
without_memory_for_a_queue_it_ends(void **state)
{
	(void)state;
	begin(WS_SERVER, 0);
	refused.memory = true;
	fill_up();
	refused.memory = false;
	go();
	assert_heard("gone ");
	assert_string_equal(f.t->shortage, stream_strshort(ENOMEM));
	end();
}

static void
without_a_watch_for_its_socket_it_ends(void **state)
{
	(void)state;
	refused.watches = ENOSPC;
	begin(WS_SERVER, 0);
	come(TEXT, "a");
	go();
	assert_heard("gone ");
	assert_string_equal(f.t->shortage, stream_strshort(ENOSPC));
	end();
}

/* ------------------------------------------------- compression */

#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00" /* RFC 7692, section 7.2.3.1 */

enum { DEFLATED = TEXT | WS_DEFLATED };

static void
begin_deflated(enum ws_role role, uint64_t max_message)
{
	static const struct ws_terms terms = {
		.server = { .bits = 15 },
		.client = { .bits = 15 },
	};

	begin(role, max_message);
	zpool_init(&f.w.loop.flow.zpool, 6, SIZE_MAX);
	assert_true(zpool_prepare(&f.w.loop.flow.zpool, 15));
	transport_ws_compress(f.t, &terms, 32);
	ws_reader_inflate(&f.reader);
}

/* So many of 'z', as one message. */
static void
come_bomb(size_t len)
{
	struct zmemory memory = { .max = SIZE_MAX };
	struct ws_deflate *d = ws_deflate_new(&memory, 15, 6);
	size_t room = ws_deflate_bound(d, len), n;
	uint8_t *z = malloc(len), *out = malloc(room);

	assert_true(d != NULL && z != NULL && out != NULL);
	memset(z, 'z', len);
	n = ws_deflate_add(d, z, len, out, room);
	n += ws_deflate_end(d, true, out + n, room - n);
	assert_true(n < len / 100);
	come_bytes(DEFLATED, out, n);
	ws_deflate_free(d);
	free(z);
	free(out);
}

static void
deflated_messages_and_others_come_alike(void **state)
{
	(void)state;
	for (int role = WS_SERVER; role <= WS_CLIENT; role++) {
		begin_deflated((enum ws_role)role, 0);
		come_bytes(DEFLATED, HELLO, 7);
		come(TEXT, "plain");
		come_bytes(DEFLATED & ~FIN, HELLO, 3);
		come(PING, "p");
		come_bytes(FIN | WS_OP_CONTINUATION, &HELLO[3], 4);
		go();
		assert_heard("Hello\" plain\" Hello\" ");
		assert_sent("pong:p ");
		end();
	}
}

static void
ours_are_deflated_when_they_are_worth_it(void **state)
{
	char text[1001];
	uint64_t received, sent;

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = '\0';
	begin_deflated(WS_SERVER, 0);
	send_text("short");
	assert_sent("short\" ");
	assert_true(transport_ws_wire(f.t, &received, &sent));
	assert_int_equal(sent, 5);
	send_text(text);
	assert_true(transport_ws_wire(f.t, &received, &sent));
	assert_in_range(sent, 6, 50);
	assert_int_equal(received, 0);
	end();
}

static void
what_the_log_says_is_what_travelled(void **state)
{
	struct log_field fields[TRANSPORT_FIELDS];
	uint64_t in, out;

	(void)state;
	begin(WS_SERVER, 0);
	assert_false(transport_ws_wire(f.t, &in, &out));
	assert_int_equal(transport_put_fields(f.t, fields), 0);
	end();
	begin_deflated(WS_SERVER, 0);
	come_bytes(DEFLATED, HELLO, 7);
	go();
	assert_heard("Hello\" ");
	assert_int_equal(transport_put_fields(f.t, fields), 2);
	assert_string_equal(fields[0].name, "in_wire");
	assert_int_equal(fields[0].n, 7);
	assert_string_equal(fields[1].name, "out_wire");
	assert_int_equal(fields[1].n, 0);
	end();
}

static void
a_turn_inflates_so_much(void **state)
{
	(void)state;
	begin_deflated(WS_SERVER, 0);
	come_bomb(BOMB);
	come(TEXT, "behind");
	turn(&f.w);
	assert_in_range(f.bulk, 1, BOMB / 2);
	loop_turns(&f.w.loop, 20);
	assert_int_equal(f.bulk, BOMB);
	assert_heard("\" behind\" ");
	end();
}

static void
pause_once(void)
{
	transport_pause(f.t);
	f.inside = NULL;
}

static void
a_pause_takes_effect_in_the_middle_of_a_message(void **state)
{
	size_t before;

	(void)state;
	begin_deflated(WS_SERVER, 0);
	f.inside = pause_once;
	come_bomb(BOMB);
	come(TEXT, "behind");
	loop_turns(&f.w.loop, 20);
	before = f.bulk;
	assert_in_range(before, 1, ZPOOL_ROOM);
	f.inside = pause_once;
	transport_resume(f.t);
	loop_turns(&f.w.loop, 20);
	assert_in_range(f.bulk, before + 1, before + ZPOOL_ROOM);
	transport_resume(f.t);
	loop_turns(&f.w.loop, 20);
	assert_int_equal(f.bulk, BOMB);
	assert_heard("\" behind\" ");
	end();
}

static void
the_rest_is_dropped_by_who_closes_meanwhile(void **state)
{
	size_t before;

	(void)state;
	begin_deflated(WS_SERVER, 0);
	f.inside = pause_once;
	come_bomb(BOMB);
	come_bytes(CLOSE, BYE, 5);
	loop_turns(&f.w.loop, 20);
	before = f.bulk;
	transport_close(f.t, WS_CLOSE_NORMAL, "c", true);
	loop_turns(&f.w.loop, 20);
	assert_int_equal(f.bulk, before);
	assert_heard("");
	assert_int_equal(f.t->state, TRANSPORT_CLOSED);
	assert_sent("close 1000 c; | ");
	end();
}

static void
what_is_inflated_obeys_the_rules(void **state)
{
	(void)state;
	begin_deflated(WS_SERVER, 1000);
	come_bomb(BOMB);
	come_bytes(DEFLATED, HELLO, 7);
	go();
	assert_heard("fault 1009 message too big; ");
	assert_sent("close 1009 message too big; ");
	end();
	begin_deflated(WS_SERVER, 0);
	come(DEFLATED, "Hello, world");
	come_bytes(DEFLATED, HELLO, 7);
	go();
	assert_heard("fault 1007 bad compressed data; ");
	assert_sent("close 1007 bad compressed data; ");
	end();
}

static void
without_memory_to_inflate_with_it_is_to_try_later(void **state)
{
	(void)state;
	begin_deflated(WS_SERVER, 0);
	f.w.loop.flow.zpool.memory.max = 0;
	come(TEXT, "plain");
	come_bytes(DEFLATED, HELLO, 7);
	come_bytes(DEFLATED, HELLO, 7);
	go();
	assert_heard("plain\" fault 1013 no memory to decompress with; ");
	assert_sent("close 1013 no memory to decompress with; ");
	end();
}

static void
what_cannot_be_held_does_not_wait(void **state)
{
	static const struct ws_terms terms = { .client = { .bits = 15 } };
	struct piece rest = { .data = (uint8_t *)(uintptr_t)HELLO, .len = 7 };
	struct deflate *d;

	(void)state;
	begin_deflated(WS_SERVER, 0);
	d = deflate_new(&f.w.loop.flow.zpool, WS_SERVER, &terms, 0);
	d->held.max = rest.len;
	assert_false(deflate_hold(d, &rest, 0));
	assert_false(d->waits);
	deflate_free(d);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_breaks_a_rule_is_told_which_once),
		cmocka_unit_test(a_server_must_not_mask),
		cmocka_unit_test(a_client_need_not_where_that_is_accepted),
		cmocka_unit_test(
		    pings_are_answered_in_order_while_the_peer_reads),
		cmocka_unit_test(
		    only_the_latest_ping_is_remembered_while_it_does_not),
		cmocka_unit_test(no_pong_follows_our_close),
		cmocka_unit_test(an_owner_may_not_care_for_pongs),
		cmocka_unit_test(
		    what_it_does_not_take_waits_and_is_drained_once),
		cmocka_unit_test(our_last_words_wait_for_it),
		cmocka_unit_test(nothing_is_drained_of_one_that_is_gone),
		cmocka_unit_test(it_is_lost_with_what_waits),
		cmocka_unit_test(without_memory_for_a_queue_it_ends),
		cmocka_unit_test(without_a_watch_for_its_socket_it_ends),
		cmocka_unit_test(deflated_messages_and_others_come_alike),
		cmocka_unit_test(ours_are_deflated_when_they_are_worth_it),
		cmocka_unit_test(what_the_log_says_is_what_travelled),
		cmocka_unit_test(a_turn_inflates_so_much),
		cmocka_unit_test(
		    a_pause_takes_effect_in_the_middle_of_a_message),
		cmocka_unit_test(the_rest_is_dropped_by_who_closes_meanwhile),
		cmocka_unit_test(what_is_inflated_obeys_the_rules),
		cmocka_unit_test(
		    without_memory_to_inflate_with_it_is_to_try_later),
		cmocka_unit_test(what_cannot_be_held_does_not_wait),
	};

	return cmocka_run_group_tests(tests, setup_memory, NULL);
}
