#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"

static bool
is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static bool
is_nonblock(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* Whether fn is true in a process of its own. */
static void
assert_in_child(bool (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
makes_pipes(void **state)
{
	int fds[2] = { -1, -1 };
	char byte = 0;

	(void)state;
	assert_int_equal(fd_pipe(fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(is_cloexec(fds[i]));
		assert_false(is_nonblock(fds[i]));
	}
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	fd_close2(fds);
	assert_int_equal(fds[0], -1);
	assert_int_equal(fds[1], -1);
}

static void
makes_pairs_of_packets(void **state)
{
	int fds[2] = { -1, -1 };
	char got[8];

	(void)state;
	assert_int_equal(fd_seqpacket_pair(fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(is_cloexec(fds[i]));
		assert_true(is_nonblock(fds[i]));
	}
	assert_int_equal(send(fds[0], "ab", 2, 0), 2);
	assert_int_equal(send(fds[0], "c", 1, 0), 1);
	assert_int_equal(recv(fds[1], got, sizeof(got), 0), 2);
	assert_int_equal(recv(fds[1], got, sizeof(got), 0), 1);
	fd_close2(fds);
}

static void
switches_flags(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(fd_pipe(fds), 0);
	assert_int_equal(fd_set_nonblock(fds[0], true), 0);
	assert_true(is_nonblock(fds[0]));
	assert_int_equal(fd_set_nonblock(fds[0], false), 0);
	assert_false(is_nonblock(fds[0]));
	assert_int_equal(fd_set_cloexec(fds[0], false), 0);
	assert_false(is_cloexec(fds[0]));
	assert_int_equal(fd_set_cloexec(fds[0], true), 0);
	assert_true(is_cloexec(fds[0]));
	fd_close2(fds);
	assert_int_equal(fd_set_nonblock(-1, true), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fd_set_cloexec(-1, true), -1);
}

static void
closes_once_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY), number = fd;

	(void)state;
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(number, F_GETFD), -1);
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(errno, ENOENT);
}

static bool
failing_leaves_nothing(void)
{
	const struct rlimit none = { 3, 3 };
	int fds[2] = { 7, 8 };

	return setrlimit(RLIMIT_NOFILE, &none) == 0 && fd_pipe(fds) == -1 &&
	    errno == EMFILE && fd_seqpacket_pair(fds) == -1 && fds[0] == 7 &&
	    fds[1] == 8;
}

static void
fails_cleanly(void **state)
{
	(void)state;
	assert_in_child(failing_leaves_nothing);
}

static bool
is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    major(st.st_rdev) == 1 && minor(st.st_rdev) == 3;
}

static bool
opens_missing(void)
{
	close(0);
	close(2);
	return fd_open_standard() == 0 && is_null(0) && is_null(2) &&
	    write(2, "x", 1) == 1 && fd_open_standard() == 0;
}

static bool
opens_missing_for_reading(void)
{
	char c;

	close(0);
	close(1);
	return fd_open_standard_for_reading() == 0 && is_null(0) &&
	    is_null(1) && read(0, &c, 1) == 0 && write(1, "x", 1) == -1 &&
	    errno == EBADF;
}

static bool
keeps_present(void)
{
	int fds[2];

	return fd_pipe(fds) == 0 && dup2(fds[1], 1) == 1 &&
	    fd_open_standard() == 0 && !is_null(1);
}

static void
opens_standard_descriptors(void **state)
{
	(void)state;
	assert_in_child(opens_missing);
	assert_in_child(opens_missing_for_reading);
	assert_in_child(keeps_present);
}

static bool
marks_what_was_left_open(void)
{
	int low = fcntl(0, F_DUPFD, 10), high = fcntl(0, F_DUPFD, 100);

	fd_cloexec_from(50);
	if (low == -1 || is_cloexec(low) || !is_cloexec(high))
		return false;
	fd_cloexec_from(3);
	return is_cloexec(low) && !is_cloexec(0);
}

static void
marks_descriptors(void **state)
{
	(void)state;
	assert_in_child(marks_what_was_left_open);
}

static bool
closes_what_is_left(void)
{
	int low = fcntl(0, F_DUPFD, 10), high = fcntl(0, F_DUPFD, 100);

	fd_close_from(50);
	return fcntl(low, F_GETFD) != -1 && fcntl(high, F_GETFD) == -1;
}

static void
closes_descriptors(void **state)
{
	(void)state;
	assert_in_child(closes_what_is_left);
}

static bool
raises(void)
{
	struct rlimit rl;
	size_t got;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return false;
	rl.rlim_cur = 64;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return false;
	got = fd_raise_limit();
	return getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur == rl.rlim_max && got == (size_t)rl.rlim_cur;
}

static void
raises_the_limit(void **state)
{
	(void)state;
	assert_in_child(raises);
}

/* A client that waits in it is no matter. */
static void
check_shut(const void *where, socklen_t size)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int fd, client;

	memcpy(&at, where, size);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	client = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_false(fd_is_shut(fd));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, len), 0);
	assert_false(fd_is_shut(fd));
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_true(fd_is_shut(fd));
	fd_close(&client);
	fd_close(&fd);
}

static void
sees_that_a_listener_was_shut(void **state)
{
	const sa_family_t local = AF_UNIX; /* anywhere */
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	(void)state;
	check_shut(&local, sizeof(local));
	check_shut(&loopback, sizeof(loopback));
}

static uint64_t
noon(void)
{
	return 43200000;
}

static void
clock_runs_and_can_be_replaced(void **state)
{
	uint64_t before = clock_ms(), coarse, after;

	(void)state;
	coarse = clock_coarse_ms();
	after = clock_ms();
	assert_true(before <= after);
	assert_true(coarse <= after && coarse + 1000 > before);
	clock_replace(noon);
	assert_true(clock_ms() == 43200000 && clock_coarse_ms() == 43200000);
	clock_replace(NULL);
	assert_true(clock_ms() >= after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_pipes),
		cmocka_unit_test(makes_pairs_of_packets),
		cmocka_unit_test(switches_flags),
		cmocka_unit_test(closes_once_and_keeps_errno),
		cmocka_unit_test(fails_cleanly),
		cmocka_unit_test(opens_standard_descriptors),
		cmocka_unit_test(marks_descriptors),
		cmocka_unit_test(closes_descriptors),
		cmocka_unit_test(raises_the_limit),
		cmocka_unit_test(sees_that_a_listener_was_shut),
		cmocka_unit_test(clock_runs_and_can_be_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
