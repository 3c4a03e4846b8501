#if defined(__linux__)
#include <sys/prctl.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "proc/lifeline.h"

int
lifeline_hold(pid_t parent)
{
#if defined(__linux__)
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
#elif defined(__FreeBSD__) && defined(PROC_PDEATHSIG_CTL)
	int sig = SIGTERM;

	(void)procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &sig);
#endif
	/* a parent that died before that sends nothing any more */
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}
