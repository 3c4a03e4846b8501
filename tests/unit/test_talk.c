/*
 * The client's side of a session, whose server and local side are this test, by
 * a clock that this test moves: what is sent and printed, what is waited for, and
 * with which exit status and sentence each end of it is told.
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
#include "client/client.h"
#include "client/facts.h"
#include "client/local_body.h"
#include "client/login_secret.h"
#include "client/outcome.h"
#include "client/talk.h"
#include "codec/ws.h"
#include "flow_fakes.h"

enum { CLOSE = 2000, PING = 10000, PONG = 3000, WAIT = 1000 };

struct fixture {
	struct event_base *base;
	struct client client;
	struct local local;
	struct facts facts;
	struct talk *talk;
	struct ws_reader reader;
	int server; /* its end of the connection */
	int output; /* where what is printed can be read */
	int over;   /* how often we were told */
	struct outcome outcome;
};

/* ------------------------------------------------- our side */

static char *no_words[] = { NULL };

static void
local_clear(struct local *l)
{
	(void)l;
}

static const struct local_body local_body = { .clear = local_clear };

static void
output_lost(void *owner, int err)
{
	struct local *l = owner;

	(void)err;
	l->out = NULL;
	local_lose_output(l, 1001, "output");
}

static void
output_drained(void *owner)
{
	local_drained(owner);
}

static const struct stream_ops output_ops = {
	.on_lost = output_lost,
	.on_drain = output_drained,
};

static void
on_over(void *owner, const struct outcome *o)
{
	struct fixture *f = owner;

	f->over++;
	f->outcome = *o;
}

static const struct talk_ops talk_ops = { .on_over = on_over };

/* Settings that a test may change before start(). */
static void
open_world(struct fixture *f)
{
	clock_replace(loop_clock);
	*f = (struct fixture){
		.client.conf = {
			.files = no_words,
			.command = no_words,
			.framing = FRAMING_LINES,
			.max_message = 1024 * 1024,
			.close_timeout = CLOSE,
			.keepalive_timeout = PONG,
			.json = -1,
		},
	};
	f->base = event_base_new();
	assert_non_null(f->base);
	flow_init(&f->client.flow, f->base);
	facts_init(&f->facts);
}

static void
start(struct fixture *f)
{
	int ends[2], pipe_ends[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
	f->server = ends[1];
	f->output = pipe_ends[0];
	local_init(&f->local, &local_body, &f->client);
	f->local.out =
	    stream_new(&f->client.flow, STREAM_SINK, pipe_ends[1], 0);
	stream_set_owner(f->local.out, &output_ops, &f->local);
	ws_reader_init(&f->reader, WS_SERVER, 0);
	f->talk = talk_new(&(struct talk_start){
	    .client = &f->client,
	    .stream = stream_new(&f->client.flow, STREAM_SOCKET, ends[0], 0),
	    .local = &f->local,
	    .facts = &f->facts,
	    .ops = &talk_ops,
	    .owner = f,
	});
	talk_start_reading(f->talk);
}

static void
begin(struct fixture *f)
{
	open_world(f);
	start(f);
}

static void
turn(struct fixture *f)
{
	for (int i = 0; i < 6; i++)
		(void)event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
pass(struct fixture *f, uint64_t ms)
{
	struct loop l = { .base = f->base };

	loop_pass(&l, ms);
	turn(f);
}

static void
close_world(struct fixture *f)
{
	talk_free(f->talk);
	local_free(&f->local);
	fd_close(&f->server);
	fd_close(&f->output);
	facts_clear(&f->facts);
	flow_clear(&f->client.flow);
	event_base_free(f->base);
	clock_replace(NULL);
}

static void
input(struct fixture *f, const char *text)
{
	char bytes[256];

	assert_false(f->local.paused);
	(void)snprintf(bytes, sizeof(bytes), "%s", text);
	local_give(&f->local, (uint8_t *)bytes, strlen(text));
}

static void
assert_printed(struct fixture *f, const char *want)
{
	char got[256] = "";

	turn(f);
	(void)!read(f->output, got, sizeof(got) - 1);
	assert_string_equal(got, want);
}

/* It is over, once, with a status and a sentence; none: "". */
static void
assert_outcome(struct fixture *f, int status, const char *why)
{
	turn(f);
	assert_int_equal(f->over, 1);
	assert_string_equal(f->outcome.why, why);
	assert_int_equal(f->outcome.status, status);
}

/* ------------------------------------------------- the server */

static void
server_sends(struct fixture *f, uint8_t first, const void *payload, size_t len)
{
	uint8_t frame[256] = { first, (uint8_t)len };

	assert_true(len <= WS_CONTROL_MAX);
	if (len > 0)
		memcpy(frame + 2, payload, len);
	assert_int_equal(write(f->server, frame, 2 + len), 2 + len);
	turn(f);
}

static void
server_says(struct fixture *f, const char *text)
{
	server_sends(f, 0x81, text, strlen(text));
}

/* Code 0: a Close without any. */
static void
server_closes(struct fixture *f, unsigned code, const char *reason)
{
	uint8_t payload[WS_CONTROL_MAX];

	server_sends(f, 0x88, payload,
	    code == 0 ? 0 : ws_put_close(payload, code, reason));
}

static void
server_goes(struct fixture *f)
{
	fd_close(&f->server);
	turn(f);
}

static void
hear_event(const struct ws_event *ev, enum ws_result rc)
{
	const uint8_t *p = ev->piece.data;
	int len = (int)ev->piece.len;

	if (rc != WS_CONTROL)
		hear("%.*s%s", len, (const char *)p,
		    ev->piece.last ? "\" " : "");
	else if (ev->opcode == WS_OP_CLOSE && len >= 2)
		hear("close %u %.*s; ", (unsigned)(p[0] << 8 | p[1]), len - 2,
		    (const char *)p + 2);
	else if (ev->opcode == WS_OP_CLOSE)
		hear("close; ");
	else
		hear(ev->opcode == WS_OP_PING ? "ping " : "pong ");
}

/* What the server got. */
static void
assert_sent(struct fixture *f, const char *want)
{
	uint8_t in[4096];
	struct ws_event ev;
	size_t at = 0, used;
	ssize_t len;

	turn(f);
	len = read(f->server, in, sizeof(in));
	for (; len > 0 && at < (size_t)len; at += used) {
		enum ws_result rc =
		    ws_read(&f->reader, in + at, (size_t)len - at, &used, &ev);

		assert_true(rc >= 0);
		if (rc > 0)
			hear_event(&ev, rc);
	}
	assert_heard(want);
}

/* ------------------------------------------------- messages */

static void
both_ways(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	input(&f, "one\ntwo\nthr");
	input(&f, "ee\n");
	assert_sent(&f, "one\" two\" three\" ");
	server_says(&f, "hello");
	server_sends(&f, 0x01, "in ", 3);
	server_sends(&f, 0x80, "parts", 5);
	assert_printed(&f, "hello\nin parts\n");
	server_closes(&f, 1000, "");
	assert_sent(&f, "close 1000 ; ");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	talk_tell(f.talk, &f.facts);
	assert_int_equal(f.facts.sent, 3);
	assert_int_equal(f.facts.received, 2);
	assert_false(f.facts.closed_by_us);
	close_world(&f);
}

/* The end of input closes nothing: what is answered is printed. */
static void
the_end_of_input(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	input(&f, "last");
	local_input_ended(&f.local);
	assert_sent(&f, "last\" ");
	pass(&f, 3600000);
	assert_sent(&f, "");
	server_says(&f, "late");
	assert_printed(&f, "late\n");
	server_closes(&f, 1000, "");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	close_world(&f);
}

/* Silence counts from the last message, after the end of input alone. */
static void
silence_is_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.client.conf.waits = true;
	f.client.conf.wait = WAIT;
	start(&f);
	pass(&f, 10 * WAIT);
	local_input_ended(&f.local);
	pass(&f, WAIT - 1);
	server_says(&f, "here");
	pass(&f, WAIT - 1);
	assert_sent(&f, "");
	pass(&f, 1);
	assert_sent(&f, "close 1000 ; ");
	server_closes(&f, 1000, "");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	close_world(&f);
}

static void
so_many_messages(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.client.conf.count = 2;
	start(&f);
	server_says(&f, "one");
	assert_sent(&f, "");
	server_says(&f, "two");
	server_says(&f, "three");
	assert_sent(&f, "close 1000 ; ");
	assert_printed(&f, "one\ntwo\n");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	close_world(&f);
}

static void
what_is_sent_first(void **state)
{
	char login[] = "login", please[] = "please";
	struct login_secret first[] = {
		{ .text = login, .len = 5 },
		{ .text = please, .len = 6 },
	};
	struct fixture f;

	(void)state;
	open_world(&f);
	f.client.first.v = first;
	f.client.first.n = nitems(first);
	start(&f);
	input(&f, "then this\n");
	assert_sent(&f, "login\" please\" then this\" ");
	server_goes(&f);
	close_world(&f);
}

/* Who does not take what we print holds the server up, and loses nothing. */
static void
output_that_is_not_taken(void **state)
{
	enum { MESSAGES = 4000 };
	char text[100], in[4096];
	struct fixture f;
	size_t sent = 0, printed = 0;
	ssize_t n;

	(void)state;
	memset(text, 'x', sizeof(text));
	begin(&f);
	for (int i = 0; i < MESSAGES; i++) {
		uint8_t frame[2 + sizeof(text)] = { 0x82, sizeof(text) };

		memcpy(frame + 2, text, sizeof(text));
		if (write(f.server, frame, sizeof(frame)) != sizeof(frame))
			break;
		sent++;
		turn(&f);
	}
	assert_true(sent < MESSAGES);
	server_goes(&f);
	assert_int_equal(f.over, 0);
	while ((n = read(f.output, in, sizeof(in))) > 0) {
		printed += (size_t)n;
		turn(&f);
	}
	assert_int_equal(printed, sent * (sizeof(text) + 1));
	assert_outcome(&f, OUTCOME_BROKEN,
	    "the connection was lost (no Close came)");
	close_world(&f);
}

static void
nobody_takes_our_output(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	local_lose_output(&f.local, 1001, "output");
	assert_sent(&f, "close 1001 output; ");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	close_world(&f);
}

/* ------------------------------------------------- how it ends */

/* By each Close of the server, and by none. */
static void
ends_of_the_server(void **state)
{
	static const struct {
		const char *name;
		int code; /* -1: it goes without one */
		const char *reason;
		bool no_close_expected;
		int status;
		const char *why;
	} rows[] = {
		{ "a good one", 1000, "done", false, 0, "" },
		{ "without a code", 0, "", false, 0, "" },
		{ "exit status", 4003, "exit status 3", false, 3, "" },
		{ "a signal", 4139, "killed by SIGSEGV", false, 139, "" },
		{ "its own 4003", 4003, "rate", false, OUTCOME_BROKEN,
		    "closed by the server: 4003 rate" },
		{ "an error", 1011, "oops", false, OUTCOME_BROKEN,
		    "closed by the server: 1011 oops" },
		{ "an error without words", 1001, "", false, OUTCOME_BROKEN,
		    "closed by the server: 1001" },
		{ "lost", -1, "", false, OUTCOME_BROKEN,
		    "the connection was lost (no Close came)" },
		{ "lost, as expected", -1, "", true, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fixture f;

		print_message("%s\n", rows[i].name);
		open_world(&f);
		f.client.conf.no_close_expected = rows[i].no_close_expected;
		start(&f);
		server_says(&f, "x");
		if (rows[i].code != -1)
			server_closes(&f, (unsigned)rows[i].code,
			    rows[i].reason);
		server_goes(&f);
		assert_outcome(&f, rows[i].status, rows[i].why);
		close_world(&f);
	}
}

static void
we_close(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	talk_close(f.talk, 4000, "enough");
	talk_close(f.talk, 1000, "once only");
	assert_sent(&f, "close 4000 enough; ");
	server_says(&f, "still this");
	assert_printed(&f, "still this\n");
	server_closes(&f, 4000, "");
	server_goes(&f);
	assert_outcome(&f, 0, "");
	talk_tell(f.talk, &f.facts);
	assert_true(f.facts.closed_by_us);
	assert_int_equal(f.facts.code, 4000);
	close_world(&f);
}

static void
our_close_has_no_answer(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	talk_close(f.talk, 1000, "");
	pass(&f, CLOSE - 1);
	assert_int_equal(f.over, 0);
	pass(&f, 1);
	assert_outcome(&f, 0, "");
	close_world(&f);
}

static void
no_answer_to_a_ping(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.client.conf.keepalive = PING;
	start(&f);
	pass(&f, PING);
	assert_sent(&f, "ping ");
	pass(&f, PONG);
	assert_sent(&f, "close 1011 the server does not answer a ping; ");
	pass(&f, CLOSE);
	assert_outcome(&f, OUTCOME_TIMEOUT,
	    "the server does not answer a ping");
	close_world(&f);
}

static void
the_server_breaks_the_rules(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	server_says(&f, "good");
	server_sends(&f, 0x83, "", 0);
	assert_printed(&f, "good\n");
	server_goes(&f);
	assert_int_equal(f.over, 1);
	assert_int_equal(f.outcome.status, OUTCOME_BROKEN);
	close_world(&f);
}

/* What it said before that was good: a command's answers to it are its due. */
static void
a_command_answers_first(void **state)
{
	static char cat[] = "cat", *words[] = { cat, NULL };
	struct fixture f;

	(void)state;
	open_world(&f);
	f.client.conf.command = words;
	start(&f);
	server_says(&f, "good");
	server_sends(&f, 0x83, "", 0);
	input(&f, "an answer\n");
	assert_sent(&f, "an answer\" ");
	pass(&f, CLOSE - 1);
	assert_sent(&f, "");
	pass(&f, 1);
	turn(&f);
	assert_false(f.over);
	server_goes(&f);
	assert_int_equal(f.over, 1);
	assert_int_equal(f.outcome.status, OUTCOME_BROKEN);
	close_world(&f);
}

/* ------------------------------------------------- in every order */

enum step { INPUT_ENDS, SERVER_CLOSES, WE_CLOSE, SERVER_GOES, TIME, STEPS };

static void
take_step(struct fixture *f, enum step what)
{
	switch (what) {
	case INPUT_ENDS:
		local_input_ended(&f->local);
		break;
	case SERVER_CLOSES:
		if (f->server != -1)
			server_closes(f, 1000, "");
		break;
	case WE_CLOSE:
		talk_close(f->talk, 1000, "");
		break;
	case SERVER_GOES:
		server_goes(f);
		break;
	case TIME:
		pass(f, CLOSE);
		break;
	case STEPS:
		break;
	}
	turn(f);
}

static void
play_order(size_t n)
{
	enum step left[STEPS];
	struct fixture f;

	for (size_t i = 0; i < STEPS; i++)
		left[i] = (enum step)i;
	begin(&f);
	for (size_t i = STEPS; i > 0; i--) {
		enum step what = left[n % i];

		left[n % i] = left[i - 1];
		n /= i;
		take_step(&f, what);
	}
	assert_int_equal(f.over, 1);
	close_world(&f);
}

static void
in_every_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < 120; i++)
		play_order(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(the_end_of_input),
		cmocka_unit_test(silence_is_waited_for),
		cmocka_unit_test(so_many_messages),
		cmocka_unit_test(what_is_sent_first),
		cmocka_unit_test(output_that_is_not_taken),
		cmocka_unit_test(nobody_takes_our_output),
		cmocka_unit_test(ends_of_the_server),
		cmocka_unit_test(we_close),
		cmocka_unit_test(our_close_has_no_answer),
		cmocka_unit_test(no_answer_to_a_ping),
		cmocka_unit_test(the_server_breaks_the_rules),
		cmocka_unit_test(a_command_answers_first),
		cmocka_unit_test(in_every_order),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
