/*
 * A session whose transport and endpoint are this test, by a clock that this test
 * moves: each way closes on its own, each time limit has its Close, and whatever
 * fails in whatever order, a session has one last word and is freed once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/log.h"
#include "codec/framing.h"
#include "conf/conf.h"
#include "flow/peer.h"
#include "flow/session.h"
#include "flow_fakes.h"

enum { CLOSE = 2000, DRAIN = 5000, LONGEST = 3600000 };

struct fixture {
	struct loop loop;
	struct conf_route route;
	struct fake_transport transport;
	struct fake_endpoint endpoint;
	struct session *session; /* NULL: it is over */
};

static const struct peer_rules rules = {
	.idle_timeout = 60000,
	.close_timeout = CLOSE,
	.stall = 20000,
};

static void
on_free(void *owner, struct session *s)
{
	struct fixture *f = owner;

	assert_ptr_equal(s, f->session);
	f->session = NULL;
}

static const struct session_ops session_ops = { .on_free = on_free };

static struct peer *
new_peer(struct fixture *f, struct fake_transport *t)
{
	return peer_new(&(struct peer_start){
	    .flow = &f->loop.flow,
	    .transport = fake_transport_init(t),
	    .dialect = &dialect_plain,
	    .rules = &rules,
	});
}

/* A route that a test may change before start(). */
static void
open_world(struct fixture *f)
{
	clock_replace(loop_clock);
	*f = (struct fixture){
		.route = {
			.framing = FRAMING_LINES,
			.max_message = 1024 * 1024,
			.stderr_to = CONF_STDERR_LOG,
			.close_drain = DRAIN,
			.max_session = LONGEST,
		},
	};
	loop_open(&f->loop);
}

static void
start(struct fixture *f)
{
	f->session = session_new(&(struct session_start){
	    .flow = &f->loop.flow,
	    .route = &f->route,
	    .ops = &session_ops,
	    .owner = f,
	    .endpoint = fake_endpoint_init(&f->endpoint, &f->loop.flow),
	    .id = 7,
	});
	assert_true(f->endpoint.paused);
	session_attach(f->session, new_peer(f, &f->transport), NULL);
	assert_false(f->endpoint.paused);
	assert_true(f->transport.paused);
	session_start_reading(f->session);
	assert_false(f->transport.paused);
}

static void
begin(struct fixture *f)
{
	open_world(f);
	start(f);
}

/* What libevent was asked to do at once. */
static void
turn(struct fixture *f)
{
	loop_turns(&f->loop, 3);
}

static void
pass(struct fixture *f, uint64_t ms)
{
	loop_pass(&f->loop, ms);
}

static void
close_world(struct fixture *f)
{
	turn(f);
	assert_null(f->session);
	assert_true(f->transport.freed && f->endpoint.freed);
	fd_close(&f->endpoint.input);
	loop_close(&f->loop);
	clock_replace(NULL);
}

/* The peer answers our Close, and hangs up. */
static void
part(struct fixture *f)
{
	peer_closes(&f->transport, 1000, "");
	fake_gone(&f->transport.base);
}

/* ------------------------------------------------- a good end */

static void
a_whole_session(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	peer_says(&f.transport, "hello");
	assert_input(&f.endpoint, "hello\n");
	program_prints(&f.endpoint, "one\ntwo\nthr");
	program_prints(&f.endpoint, "ee\n");
	assert_heard("one\" two\" three\" ");
	program_ends_output(&f.endpoint);
	turn(&f);
	assert_heard("");
	program_exits(&f.endpoint, 3);
	assert_heard("close 4003 exit status 3; ");
	part(&f);
	assert_heard("eof ");
	turn(&f);
	assert_heard("last-words ");
	close_world(&f);
}

/* The exit status may come first: what is in the pipe still goes out. */
static void
the_exit_comes_before_the_end_of_output(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	program_exits(&f.endpoint, 0);
	turn(&f);
	program_prints(&f.endpoint, "last");
	program_ends_output(&f.endpoint);
	assert_heard("last\" close 1000 ; ");
	part(&f);
	turn(&f);
	assert_heard("eof last-words ");
	close_world(&f);
}

static void
the_end_of_input_is_not_the_end(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	peer_closes(&f.transport, 4321, "bye");
	assert_heard("eof leave ");
	program_prints(&f.endpoint, "sorted\n");
	assert_heard("sorted\" ");
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	assert_heard("close 4321 ; ");
	fake_gone(&f.transport.base);
	turn(&f);
	assert_heard("last-words ");
	close_world(&f);
}

/* ------------------------------------------------- pauses */

static void
a_program_that_reads_slowly(void **state)
{
	static char big[256 * 1024];
	struct fixture f;
	char in[65536];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	begin(&f);
	peer_says(&f.transport, big);
	assert_true(f.transport.paused);
	for (int i = 0; f.transport.paused && i < 100; i++) {
		while (read(f.endpoint.input, in, sizeof(in)) > 0)
			;
		turn(&f);
	}
	assert_false(f.transport.paused);
	peer_says(&f.transport, "and more");
	turn(&f);
	fake_gone(&f.transport.base);
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	turn(&f);
	assert_heard("eof leave last-words ");
	close_world(&f);
}

static void
a_client_that_reads_slowly(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.transport.queued = 1;
	program_prints(&f.endpoint, "much\n");
	assert_true(f.endpoint.paused);
	peer_drains(&f.transport);
	assert_false(f.endpoint.paused);
	fake_gone(&f.transport.base);
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	turn(&f);
	assert_heard("much\" eof leave last-words ");
	close_world(&f);
}

/* Of one program so many records a turn: the rest comes again. */
static void
a_program_that_says_much(void **state)
{
	enum { RECORDS = 512 };
	char text[2 * RECORDS + 4];
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 == 0 ? 'y' : '\n';
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		text[2 * RECORDS] = i == 0 ? '\0' : text[0];
		program_prints(&f.endpoint, text);
		assert_non_null(strstr(heard.said, "y\" "));
		assert_int_equal(strstr(heard.said, "back:y") != NULL, i == 1);
		hear_nothing();
	}
	fake_gone(&f.transport.base);
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("eof leave last-words ");
}

/* ------------------------------------------------- time */

/* Each limit ends a session whose program does not end, by a Close. */
static void
time_limits(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	pass(&f, 59999);
	assert_heard("stderr ");
	pass(&f, 1);
	assert_heard("close 1008 idle timeout; eof leave closed ");
	pass(&f, CLOSE);
	assert_heard("abort ");
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");

	begin(&f);
	for (int i = 0; i < LONGEST / 40000; i++) {
		peer_says(&f.transport, "");
		pass(&f, 40000);
	}
	assert_heard(
	    "stderr close 1008 maximum session time; eof leave closed ");
	part(&f);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

/* Once all has been said, it is taken in whatever time that takes. */
static void
no_time_limit_after_the_last_word(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.transport.unsent = 1000;
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	assert_heard("close 1000 ; ");
	for (int i = 0; i < 2 * LONGEST / 10000; i++) {
		f.transport.unsent--;
		pass(&f, 10000);
	}
	assert_heard("stderr ");
	part(&f);
	close_world(&f);
	assert_heard("eof last-words ");
}

/* Who has closed gets what is still said, and so much time for it. */
static void
a_program_goes_on_after_a_close(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	peer_closes(&f.transport, 1000, "");
	pass(&f, DRAIN - 1);
	program_prints(&f.endpoint, "still\n");
	assert_heard("eof leave stderr still\" ");
	pass(&f, 1);
	assert_heard("close 1000 ; closed ");
	program_prints(&f.endpoint, "nobody hears\n");
	fake_gone(&f.transport.base);
	turn(&f);
	assert_non_null(f.session);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

/* A ladder that waits first is begun when most programs have ended. */
static void
a_ladder_that_waits(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.route.kill = (struct conf_ladder){
		.rung = { { .sig = 0, .wait_ms = 2000 }, { .sig = 15 } },
		.n = 2,
	};
	start(&f);
	fake_gone(&f.transport.base);
	pass(&f, 99);
	assert_heard("eof closed ");
	pass(&f, 1);
	assert_heard("stderr leave-100 ");
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

/* ------------------------------------------------- faults */

static void
the_peer_breaks_the_rules(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	peer_says(&f.transport, "good");
	peer_breaks_rules(&f.transport, "bad opcode");
	assert_input(&f.endpoint, "good\n");
	program_prints(&f.endpoint, "an answer\n");
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	assert_heard("eof leave an answer\" close 1002 bad opcode!; ");
	fake_gone(&f.transport.base);
	close_world(&f);
	assert_heard("last-words ");
}

static void
the_program_breaks_its_framing(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.route.framing = FRAMING_CONTENT_LENGTH;
	start(&f);
	program_prints(&f.endpoint,
	    "Content-Length: 3\r\n\r\nyesno header\r\n\r\n");
	turn(&f);
	assert_non_null(strstr(heard.said, "yes\" close 1011 "));
	assert_non_null(strstr(heard.said, "; eof leave closed "));
	hear_nothing();
	part(&f);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

static void
we_are_short(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.endpoint.base.ops->on_short(f.endpoint.base.owner, "no memory");
	turn(&f);
	assert_heard("close 1011 no memory; eof leave closed ");
	part(&f);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

/* The process ends: everything goes at once, without a word. */
static void
all_is_dropped(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.endpoint.base.ops->on_drop(f.endpoint.base.owner);
	assert_heard("");
	close_world(&f);
}

/* ------------------------------------------------- standard error */

static void
standard_error(void **state)
{
	struct fixture f;

	(void)state;
	open_world(&f);
	f.route.stderr_to = CONF_STDERR_CLIENT;
	start(&f);
	turn(&f);
	assert_true(program_complains(&f.endpoint, "oh"));
	assert_heard("stderr oh\" ");
	fake_gone(&f.transport.base);
	assert_false(program_complains(&f.endpoint, "the log has this"));
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	turn(&f);
	assert_heard("eof leave last-words last-words ");
	close_world(&f);
}

/* ------------------------------------------------- another peer */

static void
another_peer(void **state)
{
	struct fake_transport second;
	struct fixture f;

	(void)state;
	begin(&f);
	program_prints(&f.endpoint, "one\n");
	peer_free(session_detach(f.session));
	assert_true(f.transport.freed && f.endpoint.paused);
	assert_null(session_detach(f.session));
	pass(&f, 120000); /* nobody is idle */
	assert_heard("one\" stderr ");
	assert_false(program_complains(&f.endpoint, "the log has this"));
	session_list(f.session);
	session_attach(f.session, new_peer(&f, &second), NULL);
	session_start_reading(f.session);
	assert_false(f.endpoint.paused || second.paused);
	peer_says(&second, "me now");
	assert_input(&f.endpoint, "me now\n");
	program_prints(&f.endpoint, "two\n");
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	assert_heard("two\" close 1000 ; ");
	fake_gone(&second.base);
	assert_heard("eof ");
	close_world(&f);
	assert_heard("last-words ");
	assert_true(second.freed);
}

/* Nobody is there when its program ends. */
static void
it_ends_alone(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	peer_free(session_detach(f.session));
	program_ends_output(&f.endpoint);
	program_exits(&f.endpoint, 0);
	close_world(&f);
	assert_heard("last-words ");
}

/* ------------------------------------------------- in every order */

enum step {
	PEER_CLOSES,
	PEER_FAULTS,
	PEER_GOES,
	OUTPUT_ENDS,
	PROGRAM_EXITS,
	WE_STOP,
	DRAIN_ENDS,
	STEPS,
};

static void
take_step(struct fixture *f, enum step what)
{
	if (f->session == NULL)
		return;
	switch (what) {
	case PEER_CLOSES:
		peer_closes(&f->transport, 1000, "");
		break;
	case PEER_FAULTS:
		peer_breaks_rules(&f->transport, "bad");
		break;
	case PEER_GOES:
		fake_gone(&f->transport.base);
		break;
	case OUTPUT_ENDS:
		program_prints(&f->endpoint, "x");
		program_ends_output(&f->endpoint);
		break;
	case PROGRAM_EXITS:
		program_exits(&f->endpoint, 1);
		break;
	case WE_STOP:
		session_stop(f->session);
		break;
	case DRAIN_ENDS:
		pass(f, DRAIN);
		break;
	case STEPS:
		break;
	}
	turn(f);
}

static size_t
count(const char *word)
{
	size_t n = 0;

	for (const char *at = heard.said; (at = strstr(at, word)) != NULL; at++)
		n++;
	return n;
}

/* The same steps in the n-th order of them. */
static void
play_order(size_t n)
{
	enum step left[STEPS];
	struct fixture f;
	size_t i;

	for (i = 0; i < STEPS; i++)
		left[i] = (enum step)i;
	begin(&f);
	for (i = STEPS; i > 0; i--) {
		enum step what = left[n % i];

		left[n % i] = left[i - 1];
		n /= i;
		take_step(&f, what);
	}
	turn(&f);
	assert_int_equal(count("close "), count("; "));
	assert_true(count("close ") <= 1);
	assert_int_equal(count("eof "), 1);
	assert_true(count("leave") <= 1);
	hear_nothing();
	close_world(&f);
}

static void
in_every_order(void **state)
{
	size_t orders = 1;

	(void)state;
	for (size_t i = 2; i <= STEPS; i++)
		orders *= i;
	for (size_t i = 0; i < orders; i++)
		play_order(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_session),
		cmocka_unit_test(the_exit_comes_before_the_end_of_output),
		cmocka_unit_test(the_end_of_input_is_not_the_end),
		cmocka_unit_test(a_program_that_reads_slowly),
		cmocka_unit_test(a_client_that_reads_slowly),
		cmocka_unit_test(a_program_that_says_much),
		cmocka_unit_test(time_limits),
		cmocka_unit_test(no_time_limit_after_the_last_word),
		cmocka_unit_test(a_program_goes_on_after_a_close),
		cmocka_unit_test(a_ladder_that_waits),
		cmocka_unit_test(the_peer_breaks_the_rules),
		cmocka_unit_test(the_program_breaks_its_framing),
		cmocka_unit_test(we_are_short),
		cmocka_unit_test(all_is_dropped),
		cmocka_unit_test(standard_error),
		cmocka_unit_test(another_peer),
		cmocka_unit_test(it_ends_alone),
		cmocka_unit_test(in_every_order),
	};
	const struct log_conf quietly = { .level = LOG_LVL_ERROR };

	log_init(&quietly);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
