/*
 * What one of many may have done in one turn of the loop: frames of a client,
 * lines of a program. Each row puts many of them where one read finds them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/fd.h"
#include "codec/ws.h"
#include "flow/endpoint_exec.h"
#include "flow/flow.h"
#include "flow/stream.h"
#include "flow/transport.h"
#include "flow/transport_ws.h"

enum {
	MANY = 5000,
	FEW = 1024,   /* that may be done in a turn */
	LINES = 64,   /* of standard error */
	TURNS = 1000, /* in which all is done */
};

struct world {
	struct event_base *base;
	struct flow flow;
	size_t total; /* units of work that were done */
	size_t most;  /* of them, in one turn */
	bool ended;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->base = event_base_new();
	assert_non_null(w->base);
	flow_init(&w->flow, w->base);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	flow_clear(&w->flow);
	event_base_free(w->base);
	free(w);
	return 0;
}

static void
turn(struct world *w)
{
	size_t before = w->total;

	assert_int_not_equal(event_base_loop(w->base,
				 EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
	if (w->total - before > w->most)
		w->most = w->total - before;
}

static void
turn_until(struct world *w, size_t total)
{
	for (int i = 0; i < TURNS && w->total < total; i++)
		turn(w);
	assert_int_equal(w->total, total);
}

/* ------------------------------------------------- frames */

static void
on_data(void *owner, const struct piece *p)
{
	struct world *w = owner;

	assert_int_equal(p->len, 0);
	w->total++;
}

static void
on_pong(void *owner, const uint8_t *data, size_t len)
{
	struct world *w = owner;

	(void)data;
	(void)len;
	w->total++;
}

static void
on_nothing(void *owner)
{
	(void)owner;
}

static void
on_gone(void *owner)
{
	struct world *w = owner;

	w->ended = true;
}

static const struct transport_ops transport_ops = {
	.on_data = on_data,
	.on_batch = on_nothing,
	.on_pong = on_pong,
	.on_drain = on_nothing,
	.on_gone = on_gone,
};

static const struct frame_case {
	const char *name;
	uint8_t head[12]; /* masked with nothing */
	size_t len;
	size_t units;
} frame_cases[] = {
	{ "empty text", { 0x81, 0x80 }, 6, 1 },
	{ "empty binary", { 0x82, 0x80 }, 6, 1 },
	{ "two fragments", { 0x01, 0x80, 0, 0, 0, 0, 0x80, 0x80 }, 12, 2 },
	{ "pong", { 0x8a, 0x80 }, 6, 1 },
};

static void
check_frames(struct world *w, const struct frame_case *c)
{
	struct transport *t;
	uint8_t *all = malloc(MANY * c->len);
	int fd[2];

	assert_non_null(all);
	for (size_t i = 0; i < MANY; i++)
		memcpy(all + i * c->len, c->head, c->len);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fd),
	    0);
	t = transport_ws_new(WS_SERVER, &w->flow,
	    stream_new(&w->flow, STREAM_SOCKET, fd[0], 0), 0);
	transport_set_owner(t, &transport_ops, w);
	w->total = w->most = 0;
	w->ended = false;
	assert_int_equal(write(fd[1], all, MANY * c->len), MANY * c->len);
	close(fd[1]);
	turn_until(w, MANY * c->units);
	if (w->most > FEW)
		fail_msg("%s: %zu in one turn", c->name, w->most);
	turn(w);
	assert_true(w->ended); /* and not before */
	transport_free(t);
	free(all);
}

static void
fault_A1_frames(void **state)
{
	for (size_t i = 0; i < nitems(frame_cases); i++)
		check_frames(*state, &frame_cases[i]);
}

/* A pause holds back what was read as well as what was not. */
static void
fault_A1_paused_frames(void **state)
{
	struct world *w = *state;
	struct transport *t;
	uint8_t frames[MANY][6];
	int fd[2];

	for (size_t i = 0; i < MANY; i++)
		memcpy(frames[i], "\x81\x80\0\0\0\0", 6);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fd),
	    0);
	t = transport_ws_new(WS_SERVER, &w->flow,
	    stream_new(&w->flow, STREAM_SOCKET, fd[0], 0), 0);
	transport_set_owner(t, &transport_ops, w);
	assert_int_equal(write(fd[1], frames, sizeof(frames)), sizeof(frames));
	turn(w);
	transport_pause(t);
	assert_true(w->total > 0 && w->total < MANY);
	for (size_t i = 0, before = w->total; i < 10; i++) {
		turn(w);
		assert_int_equal(w->total, before);
	}
	transport_resume(t);
	turn_until(w, MANY);
	transport_free(t);
	close(fd[1]);
}

/* ------------------------------------------------- lines */

static bool
on_stderr(void *owner, const uint8_t *line, size_t len)
{
	struct world *w = owner;

	(void)line;
	(void)len;
	w->total++;
	return true;
}

static void
on_output(void *owner, const uint8_t *data, size_t len)
{
	(void)owner;
	(void)data;
	(void)len;
}

static void
on_short(void *owner, const char *why)
{
	(void)owner;
	(void)why;
}

static const struct endpoint_ops endpoint_ops = {
	.on_open = on_nothing,
	.on_output = on_output,
	.on_output_end = on_nothing,
	.on_stderr = on_stderr,
	.on_input_drain = on_nothing,
	.on_short = on_short,
};

/* A program that has complained at length; its ends of the pipes are closed. */
static void
start_program(struct world *w, struct endpoint_exec *x, const char *line)
{
	int in[2], out[2], err[2];

	assert_int_equal(fd_pipe_nonblock(in), 0);
	assert_int_equal(fd_pipe_nonblock(out), 0);
	assert_int_equal(fd_pipe_nonblock(err), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(write(err[1], line, strlen(line)),
		    strlen(line));
	close(in[0]);
	close(out[1]);
	close(err[1]);
	endpoint_exec_init(x,
	    &(struct endpoint_exec_start){
		.flow = &w->flow,
		.ops = &endpoint_ops,
		.owner = w,
	    });
	endpoint_exec_opened(x, 1, (int[]){ in[1], out[0], err[0] }, 0);
}

static void
fault_A1_lines(void **state)
{
	static const char *const lines[] = { "\n", "e\n", "an error\n" };
	struct world *w = *state;
	struct endpoint_exec x;

	for (size_t i = 0; i < nitems(lines); i++) {
		w->total = w->most = 0;
		start_program(w, &x, lines[i]);
		endpoint_read_stderr(&x.endpoint);
		turn_until(w, MANY);
		assert_true(w->most <= LINES);
		endpoint_exec_clear(&x);
	}
}

/* When it has ended there is no later turn: all that is there is given. */
static void
fault_A1_last_lines(void **state)
{
	struct world *w = *state;
	struct endpoint_exec x;

	start_program(w, &x, "e\n");
	endpoint_read_last(&x.endpoint);
	assert_int_equal(w->total, MANY);
	endpoint_exec_clear(&x);
	w->total = 0;
	start_program(w, &x, "e\n");
	endpoint_read_stderr(&x.endpoint);
	turn(w);
	endpoint_read_last(&x.endpoint);
	assert_int_equal(w->total, MANY);
	endpoint_exec_clear(&x);
}

/* ------------------------------------------------- what the log takes */

/* Engines share what may come at once, but each hears a program's last words. */
static void
fault_A1_burst_is_shared(void **state)
{
	static const struct {
		unsigned processes;
		uint64_t burst;
	} row[] = { { 1, 2500 }, { 2, 1250 }, { 10, 250 }, { 25, 100 },
		{ 64, 100 }, { 4096, 100 } };
	struct complaints_share s;

	(void)state;
	for (size_t i = 0; i < nitems(row); i++) {
		complaints_share_init(&s, row[i].processes);
		assert_int_equal(s.burst, row[i].burst);
		assert_int_equal(s.step, 400 * row[i].processes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fault_A1_frames, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(fault_A1_paused_frames, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(fault_A1_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(fault_A1_last_lines, setup,
		    teardown),
		cmocka_unit_test(fault_A1_burst_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
