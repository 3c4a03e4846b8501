#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "parent/loop.h"

enum { PIPES = 3, TIMERS = 4 };

/* A loop, and what it has called for: a letter a call. */
struct world {
	struct loop loop;
	int pipe[PIPES][2];
	struct loop_fd fd[PIPES];
	struct loop_timer timer[TIMERS];
	char said[64];
	short found;
};

static struct world w;
static uint64_t now;

static uint64_t
test_clock(void)
{
	return now;
}

static void
say(char letter)
{
	size_t n = strlen(w.said);

	assert_true(n + 1 < sizeof(w.said));
	w.said[n] = letter;
	w.said[n + 1] = '\0';
}

/* What was said since the last time. */
static void
assert_said(const char *text)
{
	assert_string_equal(w.said, text);
	w.said[0] = '\0';
}

static int
setup(void **state)
{
	sigset_t all;

	(void)state;
	memset(&w, 0, sizeof(w));
	now = 1000;
	clock_replace(test_clock);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	loop_init(&w.loop);
	for (size_t i = 0; i < PIPES; i++)
		assert_int_equal(fd_pipe_nonblock(w.pipe[i]), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < PIPES; i++) {
		loop_unwatch(&w.fd[i]);
		fd_close2(w.pipe[i]);
	}
	for (size_t i = 0; i < TIMERS; i++)
		loop_cancel(&w.timer[i]);
	loop_clear(&w.loop);
	clock_replace(NULL);
	return 0;
}

/* ------------------------------------------------- timers */

static void
on_timer(void *arg)
{
	struct loop_timer *t = arg;

	say((char)('a' + (t - w.timer)));
}

static void
arm(size_t i, uint64_t at)
{
	loop_at(&w.loop, &w.timer[i], at, on_timer, &w.timer[i]);
}

static void
calls_the_earliest_first(void **state)
{
	(void)state;
	arm(0, 1030);
	arm(1, 1010);
	arm(2, 1020);
	arm(3, 1020);
	now = 1020;
	loop_turn(&w.loop);
	assert_said("bcd");
	now = 1030;
	loop_turn(&w.loop);
	assert_said("a");
}

static void
sets_a_timer_anew(void **state)
{
	(void)state;
	arm(0, 1010);
	arm(0, 1030);
	arm(1, 1020);
	arm(2, 1020);
	arm(2, UINT64_MAX); /* never */
	arm(3, 1020);
	loop_cancel(&w.timer[3]);
	loop_cancel(&w.timer[3]);
	now = 1025;
	loop_turn(&w.loop);
	assert_said("b");
	now = 1035;
	loop_turn(&w.loop);
	assert_said("a");
	assert_false(w.timer[2].armed);
}

/* As most timers do; and as one does whose clock stands still. */
static void
on_repeat(void *arg)
{
	(void)arg;
	say('r');
	loop_at(&w.loop, &w.timer[0], now, on_repeat, NULL);
}

static void
calls_once_a_turn(void **state)
{
	(void)state;
	loop_at(&w.loop, &w.timer[0], 0, on_repeat, NULL);
	arm(1, 1000);
	loop_turn(&w.loop);
	assert_said("rb");
	loop_turn(&w.loop);
	assert_said("r");
}

static void
on_cancel(void *arg)
{
	(void)arg;
	say('x');
	loop_cancel(&w.timer[1]);
	loop_cancel(&w.timer[0]);
	arm(2, 1000);
}

static void
cancels_what_is_due(void **state)
{
	(void)state;
	loop_at(&w.loop, &w.timer[0], 999, on_cancel, NULL);
	arm(1, 1000);
	arm(3, 1000);
	loop_turn(&w.loop);
	assert_said("xd");
	loop_turn(&w.loop);
	assert_said("c");
}

/* The real clock: it neither sleeps too long nor turns in vain. */
static void
waits_for_the_next(void **state)
{
	uint64_t begun;

	(void)state;
	clock_replace(NULL);
	begun = clock_ms();
	arm(0, begun + 30);
	while (w.said[0] == '\0')
		loop_turn(&w.loop);
	assert_said("a");
	assert_true(clock_ms() >= begun + 30);
	assert_true(w.loop.turn < 10);
}

/* ------------------------------------------------- descriptors */

static void
on_fd(void *arg, short found)
{
	struct loop_fd *f = arg;
	char byte;

	w.found = found;
	say((char)('0' + (f - w.fd)));
	if (found & POLLIN)
		(void)!read(w.pipe[f - w.fd][0], &byte, 1);
}

static void
watch(size_t i, loop_fd_fn *fn)
{
	loop_watch(&w.loop, &w.fd[i], w.pipe[i][0], fn, &w.fd[i]);
}

static void
feed(size_t i)
{
	assert_int_equal(write(w.pipe[i][1], "x", 1), 1);
}

static void
calls_for_what_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < PIPES; i++)
		watch(i, on_fd);
	feed(2);
	feed(0);
	arm(0, 1000);
	loop_turn(&w.loop);
	assert_said("02a");
	feed(1);
	loop_turn(&w.loop);
	assert_said("1");
	fd_close(&w.pipe[1][1]);
	loop_turn(&w.loop);
	assert_said("1");
	assert_true(w.found & POLLHUP);
}

static void
waits_for_room(void **state)
{
	(void)state;
	loop_watch(&w.loop, &w.fd[0], w.pipe[0][1], on_fd, &w.fd[0]);
	arm(0, 1000);
	loop_turn(&w.loop);
	assert_said("a");
	loop_want(&w.fd[0], POLLOUT);
	loop_turn(&w.loop);
	assert_said("0");
	assert_int_equal(w.found, POLLOUT);
	loop_want(&w.fd[0], 0);
	arm(0, 1000);
	loop_turn(&w.loop);
	assert_said("a");
}

/* The first that is called gives up all others, and itself; and comes back. */
static void
on_fd_alone(void *arg, short found)
{
	(void)found;
	for (size_t i = 0; i < PIPES; i++)
		loop_unwatch(&w.fd[i]);
	on_fd(arg, POLLIN);
	watch(2, on_fd);
	watch(0, on_fd);
}

static void
gives_up_within_a_turn(void **state)
{
	(void)state;
	for (size_t i = 0; i < PIPES; i++) {
		watch(i, on_fd_alone);
		feed(i);
	}
	loop_turn(&w.loop);
	assert_said("0");
	assert_int_equal(w.loop.n, 2);
	loop_turn(&w.loop);
	assert_said("2");
	feed(0);
	loop_turn(&w.loop);
	assert_said("0");
	loop_unwatch(&w.fd[1]);
	loop_want(&w.fd[1], POLLOUT); /* of what is not watched */
}

static void
watches_many(void **state)
{
	struct loop_fd many[100];

	(void)state;
	for (size_t i = 0; i < nitems(many); i++)
		loop_watch(&w.loop, &many[i], w.pipe[1][0], on_fd, &w.fd[1]);
	feed(0);
	watch(0, on_fd);
	for (size_t i = 0; i < nitems(many); i++)
		loop_unwatch(&many[i]);
	loop_turn(&w.loop);
	assert_said("0");
	assert_int_equal(w.loop.n, 1);
}

/* ------------------------------------------------- signals */

static void
on_sig(void *arg, int sig)
{
	(void)arg;
	say(sig == SIGUSR1 ? 'u' : 'h');
}

/* One that came twice while nobody could hear it has come once. */
static void
calls_for_signals(void **state)
{
	(void)state;
	assert_int_equal(loop_catch(&w.loop, SIGUSR1, on_sig, NULL), 0);
	assert_int_equal(loop_catch(&w.loop, SIGHUP, on_sig, NULL), 0);
	assert_int_equal(loop_catch(&w.loop, SIGKILL, on_sig, NULL), -1);
	watch(0, on_fd);
	raise(SIGHUP);
	raise(SIGHUP);
	loop_turn(&w.loop);
	assert_said("h");
	raise(SIGUSR1);
	arm(0, 1000);
	loop_turn(&w.loop);
	assert_said("ua");
	feed(0);
	arm(0, 1000);
	loop_turn(&w.loop);
	assert_said("0a");
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(calls_the_earliest_first),
		TEST(sets_a_timer_anew),
		TEST(calls_once_a_turn),
		TEST(cancels_what_is_due),
		TEST(waits_for_the_next),
		TEST(calls_for_what_is_there),
		TEST(waits_for_room),
		TEST(gives_up_within_a_turn),
		TEST(watches_many),
		TEST(calls_for_signals),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
