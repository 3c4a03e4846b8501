/*
 * What the loop calls and when: flow/later.c, and the timers of flow/watch.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "flow/later.h"
#include "flow/watch.h"
#include "loop.h"

struct world {
	struct loop loop;
	struct later later;
	struct event news; /* of a pipe that can be read */
	int fd[2];
	char order[16]; /* l: later, n: the news, t: a timer */
	size_t n;
	int again;                   /* so often it asks for one more */
	void (*ask)(struct later *); /* what is made of the news */
};

static int refused; /* errno of each watch; 0: none is refused */

int
epoll_ctl(int set, int op, int fd, struct epoll_event *ev)
{
	if (op == EPOLL_CTL_ADD && refused != 0) {
		errno = refused;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, ev);
}

static void
note(struct world *w, char c)
{
	assert_true(w->n < sizeof(w->order) - 1);
	w->order[w->n++] = c;
}

static void
on_later(void *owner)
{
	struct world *w = owner;

	note(w, 'l');
	if (w->again-- > 0)
		later_in_turn(&w->later);
}

static void
on_news(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	note(w, what & EV_READ ? 'n' : 't');
	if (w->ask != NULL)
		w->ask(&w->later);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL || fd_pipe_nonblock(w->fd) == -1)
		return -1;
	loop_open(&w->loop);
	later_init(&w->later, w->loop.base, on_later, w);
	(void)event_assign(&w->news, w->loop.base, w->fd[0], EV_READ, on_news,
	    w);
	watch_need(&w->news, NULL);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	refused = 0;
	later_forget(&w->later);
	(void)event_del(&w->news);
	fd_close2(w->fd);
	loop_close(&w->loop);
	free(w);
	return 0;
}

static void
nothing_by_itself(void **state)
{
	struct world *w = *state;

	loop_turns(&w->loop, 3);
	assert_string_equal(w->order, "");
}

/* There is news all the time, and each of it asks for a call. */
static void
ask_at_news(struct world *w, void (*ask)(struct later *))
{
	(void)event_del(&w->news);
	(void)event_assign(&w->news, w->loop.base, w->fd[0],
	    EV_READ | EV_PERSIST, on_news, w);
	watch_need(&w->news, NULL);
	assert_int_equal(write(w->fd[1], "n", 1), 1);
	w->ask = ask;
}

static void
soon_is_before_what_is_new(void **state)
{
	struct world *w = *state;

	ask_at_news(w, later_soon);
	loop_turn(&w->loop);
	assert_string_equal(w->order, "nl");
	loop_turn(&w->loop);
	assert_string_equal(w->order, "nlnl");
}

static void
in_turn_is_with_what_is_new(void **state)
{
	struct world *w = *state;

	ask_at_news(w, later_in_turn);
	loop_turn(&w->loop);
	assert_string_equal(w->order, "n");
	w->ask = NULL;
	loop_turn(&w->loop);
	assert_int_equal(w->n, 3);
	assert_non_null(strchr(w->order, 'l'));
}

/* However often it asks for more, others get their turn. */
static void
again_and_again(void **state)
{
	struct world *w = *state;

	w->again = 3;
	later_in_turn(&w->later);
	later_in_turn(&w->later);
	for (size_t i = 1; i <= 4; i++) {
		loop_turn(&w->loop);
		assert_int_equal(w->n, i);
	}
	loop_turns(&w->loop, 3);
	assert_string_equal(w->order, "llll");
}

static void
forgotten(void **state)
{
	struct world *w = *state;

	later_forget(&w->later);
	later_soon(&w->later);
	later_forget(&w->later);
	later_in_turn(&w->later);
	later_forget(&w->later);
	loop_turns(&w->loop, 3);
	assert_string_equal(w->order, "");
	later_soon(&w->later);
	loop_turn(&w->loop);
	assert_string_equal(w->order, "l");
}

/* ------------------------------------------------- watches */

static void
no_watch_is_left(void **state)
{
	static const int errors[] = { ENOSPC, ENOMEM };
	struct world *w = *state;

	for (size_t i = 0; i < nitems(errors); i++) {
		(void)event_del(&w->news);
		refused = errors[i];
		errno = 0;
		assert_false(watch_try(&w->news, NULL));
		assert_int_equal(errno, errors[i]);
		refused = 0;
		assert_true(watch_try(&w->news, NULL));
	}
}

/* What a process is nothing without: it ends rather than wait for ever. */
static void
without_it_all_ends(void **state)
{
	static const int errors[] = { ENOSPC, ENOMEM };
	struct world *w = *state;
	int status;
	pid_t pid;

	for (size_t i = 0; i < nitems(errors); i++) {
		(void)event_del(&w->news);
		if ((pid = fork()) == 0) {
			fd_close(&(int){ STDERR_FILENO }); /* of what it says */
			refused = errors[i];
			watch_need(&w->news, NULL);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
}

/* Set again, it is set to that alone. */
static void
a_timer_set_twice(void **state)
{
	struct world *w = *state;
	struct timeval now, at;

	(void)event_del(&w->news);
	(void)evtimer_assign(&w->news, w->loop.base, on_news, w);
	watch_after(&w->news, 0);
	watch_after(&w->news, 3600 * 1000 + 500);
	loop_turns(&w->loop, 3);
	assert_string_equal(w->order, "");
	assert_true(event_pending(&w->news, EV_TIMEOUT, &at));
	(void)event_base_gettimeofday_cached(w->loop.base, &now);
	assert_in_range(at.tv_sec - now.tv_sec, 3599, 3601);
	watch_after(&w->news, 0);
	loop_turn(&w->loop);
	assert_string_equal(w->order, "t");
}

#define later_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		later_test(nothing_by_itself),
		later_test(soon_is_before_what_is_new),
		later_test(in_turn_is_with_what_is_new),
		later_test(again_and_again),
		later_test(forgotten),
		later_test(no_watch_is_left),
		later_test(without_it_all_ends),
		later_test(a_timer_set_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
