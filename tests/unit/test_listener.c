/*
 * How flow/listener accepts: so many in a turn, not while it is paused or the
 * system is short of something, and what it says of a socket that somebody has
 * shut. The clients are real; accept4() and epoll_ctl() of this test refuse what
 * it wants refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "flow/listener.h"
#include "loop.h"

enum { IN_A_TURN = 16, MANY = 2 * IN_A_TURN + 3, LATER = 1000 };

static struct fixture {
	struct loop loop;
	struct listener *listener;
	int fd; /* the listener's, or of the same socket; borrowed */
	struct sockaddr_storage addr; /* where it listens */
	socklen_t len;
	int clients[MANY], accepted[MANY];
	size_t nclients, naccepted, nspoilt;
	size_t pauses_at;   /* accept so many, then pause; 0: never */
	sa_family_t family; /* of the latest that was accepted */
	FILE *log;          /* standard error, for the time being */
	int saved;
} f;

/* ------------------------------------------------- what may be refused */

static struct {
	int accepts;    /* errno of accept4(); 0: none is refused */
	size_t naccept; /* times it was called */
	int watches;    /* errno of epoll_ctl(); 0: the same */
} refused;

/* For a GNU system its address is a union of all kinds of them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
int
accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	refused.naccept++;
	if (refused.accepts != 0) {
		errno = refused.accepts;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, addr, len, flags);
}
#pragma GCC diagnostic pop

int
epoll_ctl(int set, int op, int fd, struct epoll_event *ev)
{
	if (op == EPOLL_CTL_ADD && refused.watches != 0) {
		errno = refused.watches;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, ev);
}

/* ------------------------------------------------- the owner */

static void
on_accept(void *owner, struct listener *l, int fd, const struct sockaddr *addr,
    socklen_t len)
{
	assert_ptr_equal(owner, &f);
	assert_ptr_equal(l, f.listener);
	assert_true(len >= sizeof(sa_family_t));
	assert_true(f.naccepted < MANY);
	f.family = addr->sa_family;
	f.accepted[f.naccepted++] = fd;
	if (f.naccepted == f.pauses_at)
		listener_pause(l);
}

static void
on_spoilt(void *owner, struct listener *l)
{
	assert_ptr_equal(owner, &f);
	assert_ptr_equal(l, f.listener);
	f.nspoilt++;
}

static const struct listener_ops ops = {
	.on_accept = on_accept,
	.on_spoilt = on_spoilt,
};

/* ------------------------------------------------- both sides */

static int
setup(void **state)
{
	static const struct log_conf conf = {
		.program = "test",
		.level = LOG_LVL_INFO,
		.format = LOG_TEXT,
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	memset(&refused, 0, sizeof(refused));
	loop_open(&f.loop);
	if ((f.log = tmpfile()) == NULL)
		return -1;
	f.saved = dup(STDERR_FILENO);
	if (f.saved == -1 || dup2(fileno(f.log), STDERR_FILENO) == -1)
		return -1;
	log_init(&conf);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	listener_free(f.listener);
	for (size_t i = 0; i < f.nclients; i++)
		fd_close(&f.clients[i]);
	for (size_t i = 0; i < f.naccepted; i++)
		fd_close(&f.accepted[i]);
	loop_close(&f.loop);
	(void)dup2(f.saved, STDERR_FILENO);
	(void)close(f.saved);
	return fclose(f.log);
}

/* What was logged since the last time is so many lines with that in each. */
static void
assert_logged(size_t want, const char *what)
{
	char line[1024];
	size_t n = 0;

	rewind(f.log);
	for (; fgets(line, sizeof(line), f.log) != NULL; n++)
		assert_non_null(strstr(line, what));
	assert_int_equal(n, want);
	assert_int_equal(ftruncate(fileno(f.log), 0), 0);
	rewind(f.log);
}

/* A socket that listens at a free place, which is noted. */
static int
new_socket(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(addr->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, addr, len), 0);
	assert_int_equal(listen(fd, 2 * MANY), 0);
	f.len = sizeof(f.addr);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&f.addr, &f.len),
	    0);
	return fd;
}

/* The system chooses a name that is no file. */
static int
new_unix(void)
{
	const struct sockaddr_un sun = { .sun_family = AF_UNIX };

	return new_socket((const struct sockaddr *)&sun, sizeof(sa_family_t));
}

static int
new_inet(const char *host)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, host, &sin.sin_addr), 1);
	return new_socket((const struct sockaddr *)&sin, sizeof(sin));
}

static void
make(int fd, const struct ipc_listen *how)
{
	f.fd = fd;
	f.listener = listener_new(&f.loop.flow, fd, how, &ops, &f);
	assert_non_null(f.listener);
}

static void
start(int fd)
{
	make(fd, NULL);
	assert_int_equal(listener_start(f.listener), 0);
}

static void
come(size_t n)
{
	for (; n > 0; n--) {
		int fd =
		    socket(f.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_not_equal(fd, -1);
		f.clients[f.nclients++] = fd;
		assert_int_equal(connect(fd, (struct sockaddr *)&f.addr, f.len),
		    0);
	}
}

static void
turn(void)
{
	loop_turn(&f.loop);
}

/* The listener tries again what it has put off. */
static void
wait_a_moment(void)
{
	loop_pass(&f.loop, LATER);
}

/* ------------------------------------------------- accepting */

static void
clients_are_accepted_when_it_was_started(void **state)
{
	(void)state;
	make(new_unix(), NULL);
	come(2);
	turn();
	assert_int_equal(f.naccepted, 0);
	assert_int_equal(listener_start(f.listener), 0);
	turn();
	assert_int_equal(f.naccepted, 2);
	come(1);
	turn();
	assert_int_equal(f.naccepted, 3);
}

static void
what_is_accepted_neither_blocks_nor_is_inherited(void **state)
{
	(void)state;
	start(new_inet("127.0.0.1"));
	come(1);
	turn();
	assert_int_equal(f.naccepted, 1);
	assert_int_equal(f.family, AF_INET);
	assert_true(fcntl(f.accepted[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(f.accepted[0], F_GETFD) & FD_CLOEXEC);
}

static void
a_turn_accepts_so_many(void **state)
{
	(void)state;
	start(new_unix());
	come(MANY);
	turn();
	assert_int_equal(f.naccepted, IN_A_TURN);
	turn();
	assert_int_equal(f.naccepted, 2 * IN_A_TURN);
	turn();
	assert_int_equal(f.naccepted, MANY);
}

static void
those_who_have_gone_already_are_bounded_as_well(void **state)
{
	(void)state;
	start(new_unix());
	come(1);
	refused.accepts = ECONNABORTED;
	turn();
	assert_int_equal(refused.naccept, IN_A_TURN);
	refused.accepts = 0;
	turn();
	assert_int_equal(f.naccepted, 1);
	assert_logged(0, "");
}

/* ------------------------------------------------- pauses */

static void
who_comes_in_a_pause_waits_for_its_end(void **state)
{
	(void)state;
	start(new_unix());
	listener_pause(f.listener);
	come(3);
	turn();
	wait_a_moment();
	assert_int_equal(f.naccepted, 0);
	listener_resume(f.listener);
	turn();
	assert_int_equal(f.naccepted, 3);
}

static void
the_owner_may_pause_it_between_two_clients(void **state)
{
	(void)state;
	start(new_unix());
	f.pauses_at = 2;
	come(5);
	turn();
	turn();
	assert_int_equal(f.naccepted, 2);
	listener_resume(f.listener);
	turn();
	assert_int_equal(f.naccepted, 5);
}

static void
nothing_is_started_that_cannot_be_watched(void **state)
{
	(void)state;
	make(new_unix(), NULL);
	refused.watches = ENOSPC;
	errno = 0;
	assert_int_equal(listener_start(f.listener), -1);
	assert_int_equal(errno, ENOSPC);
	assert_logged(0, "");
}

static void
a_resume_that_cannot_be_watched_is_tried_again(void **state)
{
	(void)state;
	start(new_unix());
	listener_pause(f.listener);
	come(1);
	refused.watches = ENOSPC;
	listener_resume(f.listener);
	wait_a_moment();
	assert_int_equal(f.naccepted, 0);
	refused.watches = 0;
	wait_a_moment();
	assert_int_equal(f.naccepted, 1);
	assert_logged(1, strerror(ENOSPC));
}

/* ------------------------------------------------- something is short */

static void
without_descriptors_it_waits_for_some(void **state)
{
	struct rlimit old, none;

	(void)state;
	start(new_unix());
	come(2);
	turn();
	come(1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)f.clients[f.nclients - 1] + 1; /* the latest */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn();
	assert_int_equal(f.naccepted, 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	turn();
	assert_int_equal(f.naccepted, 2); /* not before the moment has passed */
	wait_a_moment();
	assert_int_equal(f.naccepted, 3);
	assert_logged(1, strerror(EMFILE));
}

static void
whatever_is_short_is_asked_for_once_in_a_moment(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };

	(void)state;
	start(new_unix());
	for (size_t i = 0; i < nitems(errors); i++) {
		refused.accepts = errors[i];
		refused.naccept = 0;
		come(1);
		loop_turns(&f.loop, 5);
		assert_int_equal(refused.naccept, 1);
		wait_a_moment();
		assert_int_equal(refused.naccept, 2);
		refused.accepts = 0;
		wait_a_moment();
		assert_int_equal(f.naccepted, i + 1);
		assert_logged(1, strerror(errors[i]));
	}
}

static void
a_pause_outlasts_a_shortage(void **state)
{
	(void)state;
	start(new_unix());
	come(1);
	refused.accepts = EMFILE;
	turn();
	listener_pause(f.listener);
	refused.accepts = 0;
	wait_a_moment();
	wait_a_moment();
	assert_int_equal(f.naccepted, 0);
	listener_resume(f.listener);
	turn();
	assert_int_equal(f.naccepted, 1);
}

/* ------------------------------------------------- a spoilt one */

static void
assert_told_when_shut(int fd)
{
	start(fd);
	come(1);
	turn();
	assert_int_equal(f.naccepted, 1);
	assert_int_equal(shutdown(f.fd, SHUT_RDWR), 0);
	loop_turns(&f.loop, 5);
	assert_int_equal(f.nspoilt, 1);
	wait_a_moment();
	assert_int_equal(f.nspoilt, 2);
	listener_pause(f.listener);
	wait_a_moment();
	assert_int_equal(f.nspoilt, 2);
	assert_logged(0, "");
}

static void
a_unix_socket_that_was_shut_is_told_from_time_to_time(void **state)
{
	(void)state;
	assert_told_when_shut(new_unix());
}

static void
a_tcp_socket_that_was_shut_is_told_from_time_to_time(void **state)
{
	(void)state;
	assert_told_when_shut(new_inet("127.0.0.1"));
}

static void
nobody_there_is_no_spoilt_socket(void **state)
{
	(void)state;
	start(new_unix());
	come(1);
	refused.accepts = EAGAIN;
	turn();
	assert_int_equal(refused.naccept, 1);
	assert_int_equal(f.nspoilt, 0);
	refused.accepts = 0;
	turn();
	assert_int_equal(f.naccepted, 1);
}

static void
spoil(void)
{
	assert_int_equal(shutdown(f.fd, SHUT_RDWR), 0);
	turn();
}

static void
renew(void)
{
	f.fd = new_unix();
	listener_renew(f.listener, f.fd);
}

static void
it_goes_on_with_another_socket(void **state)
{
	(void)state;
	start(new_unix());
	spoil();
	assert_int_equal(f.nspoilt, 1);
	renew();
	come(1);
	turn();
	wait_a_moment();
	assert_int_equal(f.naccepted, 1);
	assert_int_equal(f.nspoilt, 1);
}

static void
only_the_first_socket_is_kept(void **state)
{
	int first, second;

	(void)state;
	start(new_unix());
	first = f.fd;
	spoil();
	renew();
	second = f.fd;
	spoil();
	renew();
	assert_int_not_equal(fcntl(first, F_GETFD), -1);
	assert_int_equal(fcntl(second, F_GETFD), -1);
	come(1);
	turn();
	assert_int_equal(f.naccepted, 1);
	listener_free(f.listener);
	f.listener = NULL;
	assert_int_equal(fcntl(first, F_GETFD), -1);
	assert_int_equal(fcntl(f.fd, F_GETFD), -1);
}

static void
another_socket_ends_no_pause(void **state)
{
	(void)state;
	start(new_unix());
	spoil();
	listener_pause(f.listener);
	renew();
	come(1);
	turn();
	wait_a_moment();
	assert_int_equal(f.naccepted, 0);
	listener_resume(f.listener);
	turn();
	assert_int_equal(f.naccepted, 1);
}

/* ------------------------------------------------- the one client */

static void
the_one_client_is_given_once(void **state)
{
	static const struct ipc_listen how = { .connected = true };
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fd),
	    0);
	f.clients[f.nclients++] = fd[1];
	make(fd[0], &how);
	assert_true(listener_how(f.listener)->connected);
	turn();
	assert_int_equal(f.naccepted, 0);
	assert_int_equal(listener_start(f.listener), 0);
	turn();
	assert_int_equal(f.naccepted, 1);
	assert_int_equal(f.accepted[0], fd[0]);
	assert_int_equal(f.family, AF_UNIX);
	listener_pause(f.listener);
	listener_resume(f.listener);
	loop_turns(&f.loop, 3);
	assert_int_equal(f.naccepted, 1);
}

/* ------------------------------------------------- where it is */

static void
its_port_is_that_of_the_socket(void **state)
{
	(void)state;
	make(new_inet("127.0.0.1"), NULL);
	assert_int_equal(listener_port(f.listener),
	    ntohs(((struct sockaddr_in *)&f.addr)->sin_port));
	assert_false(listener_how(f.listener)->connected);
	listener_free(f.listener);
	make(new_unix(), NULL);
	assert_int_equal(listener_port(f.listener), 0);
}

static void
loopback_is_told_from_where_a_client_arrived(void **state)
{
	(void)state;
	start(new_inet("0.0.0.0"));
	((struct sockaddr_in *)&f.addr)->sin_addr.s_addr =
	    htonl(INADDR_LOOPBACK);
	come(1);
	turn();
	assert_int_equal(f.naccepted, 1);
	assert_true(listener_is_loopback(f.listener, f.accepted[0]));
	assert_false(listener_is_loopback(f.listener, f.fd));
	listener_free(f.listener);
	make(new_inet("127.0.0.2"), NULL);
	assert_true(listener_is_loopback(f.listener, -1));
	listener_free(f.listener);
	make(new_unix(), NULL);
	assert_false(listener_is_loopback(f.listener, -1));
}

static void
what_is_no_socket_is_closed(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_null(listener_new(&f.loop.flow, fd, NULL, &ops, &f));
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define listener_test(f_) cmocka_unit_test_setup_teardown(f_, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		listener_test(clients_are_accepted_when_it_was_started),
		listener_test(what_is_accepted_neither_blocks_nor_is_inherited),
		listener_test(a_turn_accepts_so_many),
		listener_test(those_who_have_gone_already_are_bounded_as_well),
		listener_test(who_comes_in_a_pause_waits_for_its_end),
		listener_test(the_owner_may_pause_it_between_two_clients),
		listener_test(nothing_is_started_that_cannot_be_watched),
		listener_test(a_resume_that_cannot_be_watched_is_tried_again),
		listener_test(without_descriptors_it_waits_for_some),
		listener_test(whatever_is_short_is_asked_for_once_in_a_moment),
		listener_test(a_pause_outlasts_a_shortage),
		listener_test(
		    a_unix_socket_that_was_shut_is_told_from_time_to_time),
		listener_test(
		    a_tcp_socket_that_was_shut_is_told_from_time_to_time),
		listener_test(nobody_there_is_no_spoilt_socket),
		listener_test(it_goes_on_with_another_socket),
		listener_test(only_the_first_socket_is_kept),
		listener_test(another_socket_ends_no_pause),
		listener_test(the_one_client_is_given_once),
		listener_test(its_port_is_that_of_the_socket),
		listener_test(loopback_is_told_from_where_a_client_arrived),
		listener_test(what_is_no_socket_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
