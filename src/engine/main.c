/*
 * standpiped-engine: the half of the daemon that talks to the network.
 *
 * Started by standpiped with the socket to it as descriptor 0, and of no use by
 * itself. The argument "auth" makes it the auth worker, "names" the names worker.
 */
#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "engine/authworker.h"
#include "engine/nameworker.h"
#include "engine/serve.h"

/* Whether descriptor 0 is what standpiped would have put there. */
static bool
started_by_parent(void)
{
	socklen_t len = sizeof(int);
	int type;

	return getsockopt(0, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_SEQPACKET;
}

/* Somebody may signal all of us: the parent says what is to happen. */
static void
ignore_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < signals_to_all_n; i++)
		(void)signal(signals_to_all[i], SIG_IGN);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		(void)signal(sig, SIG_IGN);
}

int
main(int argc, char **argv)
{
	if (!started_by_parent()) {
		fprintf(stderr,
		    "standpiped-engine: started by standpiped, not by hand\n");
		return 2;
	}
	ignore_signals();
	log_init(&(
	    struct log_conf){ .program = "standpiped", .level = LOG_LVL_INFO });
	if (argc == 2 && strcmp(argv[1], "auth") == 0)
		return authworker_run();
	if (argc == 2 && strcmp(argv[1], "names") == 0)
		return nameworker_run();
	return serve(0, fd_raise_limit());
}
