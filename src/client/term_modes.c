#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/base.h"
#include "client/term_modes.h"

static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT,
	SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM, SIGTERM, SIGXCPU,
	SIGXFSZ, SIGSYS };

static struct termios kept;
static int terminal = -1; /* of our own, never closed */

void
term_modes_restore(void)
{
	int saved = errno;
	pid_t group;

	if (terminal != -1) {
		group = tcgetpgrp(terminal);
		if (group == -1 || group == getpgrp())
			(void)tcsetattr(terminal, TCSANOW, &kept);
	}
	errno = saved;
}

static void
term_modes_on_deadly(int sig)
{
	term_modes_restore();
	/* The handler is gone already, and nothing blocks it. */
	(void)raise(sig);
}

static void
catch_deadly(void)
{
	struct sigaction now,
	    sa = {
		    .sa_handler = term_modes_on_deadly,
		    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER),
	    };

	(void)sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < nitems(deadly); i++) {
		if (sigaction(deadly[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_DFL)
			(void)sigaction(deadly[i], &sa, NULL);
	}
}

void
term_modes_keep(int fd)
{
	if (terminal != -1 || tcgetattr(fd, &kept) == -1)
		return;
	if ((terminal = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return;
	(void)atexit(term_modes_restore);
	catch_deadly();
}
