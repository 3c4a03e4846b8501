/*
 * A listener on a Unix socket: how many it accepts in a turn, its pauses, a lack
 * of descriptors, and what it does when somebody has shut its socket.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/fd.h"
#include "flow/listener.h"
#include "loop.h"

enum { CLIENTS = 40 };

struct fixture {
	struct loop loop;
	struct listener *listener;
	struct sockaddr_un at;
	socklen_t at_len;
	int client[CLIENTS];
	size_t nclients;
	size_t accepted;
	size_t spoilt; /* how often we were told */
};

static void
on_accept(void *owner, struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	struct fixture *f = owner;

	(void)len;
	assert_ptr_equal(l, f->listener);
	assert_int_equal(sa->sa_family, AF_UNIX);
	f->accepted++;
	fd_close(&fd);
}

static void
on_spoilt(void *owner, struct listener *l)
{
	struct fixture *f = owner;

	assert_ptr_equal(l, f->listener);
	f->spoilt++;
}

static const struct listener_ops ops = {
	.on_accept = on_accept,
	.on_spoilt = on_spoilt,
};

/* A socket of the system's own name, for as many as wait. */
static int
make_socket(struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	f->at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(bind(fd, (struct sockaddr *)&f->at,
			     sizeof(sa_family_t)),
	    0);
	f->at_len = sizeof(f->at);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&f->at, &f->at_len),
	    0);
	assert_int_equal(listen(fd, CLIENTS), 0);
	return fd;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	clock_replace(loop_clock);
	loop_open(&f->loop);
	f->listener =
	    listener_new(&f->loop.flow, make_socket(f), NULL, &ops, f);
	*state = f;
	return f->listener == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	listener_free(f->listener);
	for (size_t i = 0; i < f->nclients; i++)
		fd_close(&f->client[i]);
	loop_close(&f->loop);
	clock_replace(NULL);
	free(f);
	return 0;
}

static void
connect_some(struct fixture *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(fd != -1 && f->nclients < CLIENTS);
		assert_int_equal(connect(fd, (struct sockaddr *)&f->at,
				     f->at_len),
		    0);
		f->client[f->nclients++] = fd;
	}
}

/* ------------------------------------------------- accepting */

static void
nobody_before_it_is_started(void **state)
{
	struct fixture *f = *state;

	connect_some(f, 2);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 0);
	assert_int_equal(listener_start(f->listener), 0);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 2);
}

/* Those who are here already have a turn before all who come. */
static void
so_many_in_a_turn(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(listener_start(f->listener), 0);
	connect_some(f, CLIENTS);
	for (size_t before = 0; f->accepted < CLIENTS; before = f->accepted) {
		loop_turn(&f->loop);
		assert_in_range(f->accepted - before, 1, 16);
	}
}

static void
a_pause(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(listener_start(f->listener), 0);
	listener_pause(f->listener);
	connect_some(f, 2);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 0);
	listener_resume(f->listener);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 2);
}

/* ------------------------------------------------- descriptors */

/* Nobody is accepted or lost, and the loop does not spin; then it goes on. */
static void
no_descriptor_is_left(void **state)
{
	struct fixture *f = *state;
	struct rlimit all, few;

	assert_int_equal(listener_start(f->listener), 0);
	connect_some(f, 3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	loop_turns(&f->loop, 3);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(f->accepted, 0);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 0); /* it waits for its time */
	loop_pass(&f->loop, 1000);
	assert_int_equal(f->accepted, 3);
}

/* A pause of the owner's outlives the one for descriptors. */
static void
a_pause_within_that(void **state)
{
	struct fixture *f = *state;
	struct rlimit all, few;

	assert_int_equal(listener_start(f->listener), 0);
	connect_some(f, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	loop_turns(&f->loop, 3);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	listener_pause(f->listener);
	loop_pass(&f->loop, 1000);
	assert_int_equal(f->accepted, 0);
	listener_resume(f->listener);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 1);
}

/* ------------------------------------------------- a spoilt socket */

static void
somebody_shuts_it(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	    shared;

	assert_true(fd != -1);
	fd_close(&fd);
	listener_free(f->listener);
	fd = make_socket(f);
	shared = dup(fd);
	f->listener = listener_new(&f->loop.flow, fd, NULL, &ops, f);
	assert_int_equal(listener_start(f->listener), 0);
	assert_int_equal(shutdown(shared, SHUT_RDWR), 0);
	fd_close(&shared);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->spoilt, 1);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->spoilt, 1); /* not in each turn */
	loop_pass(&f->loop, 1000);
	assert_int_equal(f->spoilt, 2);
	listener_renew(f->listener, make_socket(f));
	connect_some(f, 2);
	loop_turns(&f->loop, 3);
	assert_int_equal(f->accepted, 2);
	loop_pass(&f->loop, 10000);
	assert_int_equal(f->spoilt, 2);
}

#define listener_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		listener_test(nobody_before_it_is_started),
		listener_test(so_many_in_a_turn),
		listener_test(a_pause),
		listener_test(no_descriptor_is_left),
		listener_test(a_pause_within_that),
		listener_test(somebody_shuts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
