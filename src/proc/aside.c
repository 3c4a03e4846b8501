#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "proc/aside.h"

enum { ANSWER_FD = 3 };

static void copy(int fd, void (*work)(int fd, void *arg),
    void *arg) attr_noreturn;

/* All signals are blocked: no handler of ours may run with our descriptors. */
static void
copy(int fd, void (*work)(int fd, void *arg), void *arg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	for (int i = 0; i < ANSWER_FD; i++)
		(void)dup2(null, i);
	if (dup2(fd, ANSWER_FD) == -1)
		_exit(EXIT_FAILURE);
	fd_close_from(ANSWER_FD + 1);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	work(ANSWER_FD, arg);
	_exit(EXIT_SUCCESS);
}

pid_t
aside_start(int *fd, void (*work)(int fd, void *arg), void *arg)
{
	int ends[2] = { -1, -1 };
	sigset_t all, before;
	pid_t pid;

	if (fd_pipe(ends) == -1)
		return -1;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if ((pid = fork()) == 0)
		copy(ends[1], work, arg);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid != -1) {
		(void)fd_set_nonblock(ends[0], true);
		*fd = ends[0];
		ends[0] = -1;
	}
	fd_close2(ends);
	return pid;
}

void
aside_reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

void
aside_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	aside_reap(pid);
}
