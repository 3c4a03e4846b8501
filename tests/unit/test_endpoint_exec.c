#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/fd.h"
#include "flow/endpoint_exec.h"
#include "flow/flow.h"
#include "flow/stream.h"

enum { LINGER = 20, PID = 4711, STORY = 256 }; /* LINGER: ms */

/* A program of which the test holds the other ends, and what was told. */
struct world {
	struct event_base *base;
	struct flow flow;
	struct endpoint_exec exec;
	struct endpoint *endpoint;
	int in, out, err; /* the program's */
	char story[STORY];
};

static void
tell(struct world *w, const char *what, const void *data, size_t len)
{
	size_t n = strlen(w->story);

	(void)snprintf(w->story + n, sizeof(w->story) - n, "%s%.*s;", what,
	    (int)len, (const char *)data);
}

static void
on_open(void *owner)
{
	tell(owner, "open", "", 0);
}

static void
on_output(void *owner, const uint8_t *data, size_t len)
{
	tell(owner, "out ", data, len);
}

static void
on_output_end(void *owner)
{
	tell(owner, "end", "", 0);
}

static bool
on_stderr(void *owner, const uint8_t *line, size_t len)
{
	tell(owner, "err ", line, len);
	return true;
}

static void
on_input_drain(void *owner)
{
	tell(owner, "drain", "", 0);
}

static void
on_over(void *owner)
{
	tell(owner, "over", "", 0);
}

static const struct endpoint_ops ops = {
	.on_open = on_open,
	.on_output = on_output,
	.on_output_end = on_output_end,
	.on_stderr = on_stderr,
	.on_input_drain = on_input_drain,
	.on_over = on_over,
};

/* ------------------------------------------------- the other half */

static struct world *
world_of(struct endpoint *e)
{
	return container_of(e, struct world, exec.endpoint);
}

static void
on_leave(struct endpoint *e, uint32_t ago)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", ago);

	tell(world_of(e), "leave ", text, (size_t)n);
}

static void
on_signal(struct endpoint *e, int sig)
{
	(void)sig;
	tell(world_of(e), "signal", "", 0);
}

static void
on_free(struct endpoint *e)
{
	struct world *w = world_of(e);

	tell(w, "free", "", 0);
	endpoint_exec_clear(&w->exec);
}

static const struct endpoint_exec_ops half = { on_leave, on_signal, on_free };

/* ------------------------------------------------- the world */

static void
start(struct world *w)
{
	int in[2], out[2], err[2];

	assert_int_equal(fd_pipe_nonblock(in), 0);
	assert_int_equal(fd_pipe_nonblock(out), 0);
	assert_int_equal(fd_pipe_nonblock(err), 0);
	w->in = in[0];
	w->out = out[1];
	w->err = err[1];
	endpoint_exec_opened(&w->exec, PID, (int[]){ in[1], out[0], err[0] },
	    0);
	assert_string_equal(w->story, "open;");
	w->story[0] = '\0';
	endpoint_resume(w->endpoint);
	endpoint_read_stderr(w->endpoint);
}

static int
setup(void **state)
{
	static struct world w;

	w = (struct world){ .base = event_base_new() };
	signal(SIGPIPE, SIG_IGN);
	flow_init(&w.flow, w.base);
	endpoint_exec_init(&w.exec,
	    &(struct endpoint_exec_start){
		.flow = &w.flow,
		.half = &half,
		.ops = &ops,
		.owner = &w,
		.level = LOG_LVL_DEBUG,
		.linger_ms = LINGER,
	    });
	w.endpoint = &w.exec.endpoint;
	*state = &w;
	start(&w);
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	endpoint_exec_clear(&w->exec);
	fd_close(&w->in);
	fd_close(&w->out);
	fd_close(&w->err);
	flow_clear(&w->flow);
	event_base_free(w->base);
	return 0;
}

/* Two turns of the loop, and what was told in them. */
static void
expect(struct world *w, const char *story)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_string_equal(w->story, story);
	w->story[0] = '\0';
}

static void
say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void
ends(struct world *w, uint8_t status)
{
	endpoint_exec_exited(&w->exec, (struct ended){ .status = status });
}

/* The loop runs as long as somebody may linger, and longer. */
static void
wait_linger(struct world *w)
{
	static const struct timeval tv = { .tv_usec = 3 * LINGER * 1000 };

	(void)event_base_loopexit(w->base, &tv);
	(void)event_base_dispatch(w->base);
}

/* ------------------------------------------------- the cases */

static void
is_over_at_the_end_of_both(void **state)
{
	struct world *w = *state;
	char how[ENDED_BRIEF];

	say(w->out, "a");
	expect(w, "out a;");
	fd_close(&w->out);
	expect(w, "end;");
	endpoint_put_end(w->endpoint, how);
	assert_string_equal(how, "running");
	ends(w, 3);
	expect(w, "over;");
	endpoint_put_end(w->endpoint, how);
	assert_string_equal(how, "3");
}

static void
is_over_at_the_end_of_both_the_other_way(void **state)
{
	struct world *w = *state;

	ends(w, 0);
	say(w->out, "late");
	fd_close(&w->out);
	expect(w, "out late;end;over;");
}

static void
output_that_is_held_ends_behind_the_linger(void **state)
{
	struct world *w = *state;

	ends(w, 0);
	expect(w, "");
	wait_linger(w);
	expect(w, "end;over;");
	assert_int_equal(write(w->out, "x", 1), -1);
}

/* While it may not come nobody knows whether there is more. */
static void
a_pause_takes_no_time_of_the_linger(void **state)
{
	struct world *w = *state;

	endpoint_pause(w->endpoint);
	ends(w, 0);
	say(w->out, "late");
	wait_linger(w);
	expect(w, "");
	endpoint_resume(w->endpoint);
	expect(w, "out late;");
	wait_linger(w);
	expect(w, "end;over;");
}

static void
output_that_nobody_wants_has_ended(void **state)
{
	struct world *w = *state;

	endpoint_close_output(w->endpoint);
	assert_int_equal(write(w->out, "x", 1), -1);
	expect(w, "");
	ends(w, 0);
	expect(w, "over;");
}

static void
is_over_when_it_may_live_on(void **state)
{
	struct world *w = *state;

	endpoint_exec_abandon(&w->exec);
	expect(w, "over;");
	say(w->out, "a");
	expect(w, "out a;");
	fd_close(&w->out);
	ends(w, 0);
	expect(w, "end;");
}

static void
leaves_and_gets_signals_while_it_runs(void **state)
{
	struct world *w = *state;

	endpoint_signal(w->endpoint, SIGINT);
	endpoint_leave(w->endpoint, 100);
	expect(w, "signal;leave 100;");
	ends(w, 0);
	endpoint_signal(w->endpoint, SIGINT);
	endpoint_leave(w->endpoint, 0);
	expect(w, "");
	endpoint_free(w->endpoint);
	expect(w, "free;");
}

static void
input_that_nobody_reads_has_nowhere_to_go(void **state)
{
	struct world *w = *state;

	assert_non_null(endpoint_input(w->endpoint));
	assert_false(endpoint_is_full(w->endpoint));
	fd_close(&w->in);
	stream_write(endpoint_input(w->endpoint), "x", 1);
	expect(w, "drain;");
	assert_null(endpoint_input(w->endpoint));
	assert_false(endpoint_is_full(w->endpoint));
	endpoint_end_input(w->endpoint);
}

static void
its_last_words_are_given(void **state)
{
	struct world *w = *state;

	say(w->err, "one\ntwo\nthr");
	expect(w, "err one;err two;");
	say(w->err, "ee");
	ends(w, 0);
	endpoint_read_last(w->endpoint);
	expect(w, "err three;");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_over_at_the_end_of_both),
		TEST(is_over_at_the_end_of_both_the_other_way),
		TEST(output_that_is_held_ends_behind_the_linger),
		TEST(a_pause_takes_no_time_of_the_linger),
		TEST(output_that_nobody_wants_has_ended),
		TEST(is_over_when_it_may_live_on),
		TEST(leaves_and_gets_signals_while_it_runs),
		TEST(input_that_nobody_reads_has_nowhere_to_go),
		TEST(its_last_words_are_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
