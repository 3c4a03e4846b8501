#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "proc/aside.h"

/* What comes until the copy has closed its end, as a text. */
static void
read_all(int fd, char *out, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	do {
		assert_int_equal(poll(&p, 1, 20000), 1);
		n = read(fd, out + len, size - len - 1);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	assert_int_equal(n, 0);
	out[len] = '\0';
}

static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1)
		_exit(1);
}

static void
answer(int fd, void *arg)
{
	say(fd, arg);
}

static void
answers(void **state)
{
	char text[] = "what was asked for", got[64];
	int fd = -1;
	pid_t pid = aside_start(&fd, answer, text);

	(void)state;
	assert_int_not_equal(pid, -1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	read_all(fd, got, sizeof(got));
	assert_string_equal(got, text);
	aside_reap(pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(fd);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* Besides the pipe: three descriptors, and nothing of the signals. */
static void
look_around(int fd, void *arg)
{
	const int *ours = arg;
	struct sigaction sa;
	sigset_t mask;

	say(fd, is_open(0) && is_open(1) && is_open(2) ? "standard " : "");
	say(fd, ours[0] == fd || !is_open(ours[0]) ? "nothing " : "");
	(void)sigaction(SIGUSR1, NULL, &sa);
	say(fd, sa.sa_handler == SIG_DFL ? "default " : "");
	(void)sigaction(SIGPIPE, NULL, &sa);
	say(fd, sa.sa_handler == SIG_DFL ? "default " : "");
	(void)sigprocmask(SIG_BLOCK, NULL, &mask);
	say(fd, sigismember(&mask, SIGTERM) ? "" : "open");
}

static void
on_signal(int sig)
{
	(void)sig;
}

static void
holds_nothing_of_ours(void **state)
{
	int ours[] = { fcntl(0, F_DUPFD, 100) }, fd = -1;
	char got[128];
	pid_t pid;

	(void)state;
	(void)signal(SIGUSR1, on_signal);
	(void)signal(SIGPIPE, SIG_IGN);
	pid = aside_start(&fd, look_around, ours);
	assert_int_not_equal(pid, -1);
	read_all(fd, got, sizeof(got));
	assert_string_equal(got, "standard nothing default default open");
	aside_reap(pid);
	close(fd);
	close(ours[0]);
}

static void
sleep_on(int fd, void *arg)
{
	(void)arg;
	say(fd, "x");
	for (;;)
		(void)pause();
}

static void
ends_at_once(void **state)
{
	int fd = -1;
	pid_t pid = aside_start(&fd, sleep_on, NULL);
	char got[4];

	(void)state;
	assert_int_not_equal(pid, -1);
	aside_end(pid);
	read_all(fd, got, sizeof(got));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(holds_nothing_of_ours),
		cmocka_unit_test(ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
