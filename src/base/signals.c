#include <signal.h>

#include "base/base.h"
#include "base/signals.h"

const int signals_to_all[] = {
	SIGCHLD,
	SIGHUP,
	SIGUSR1,
	SIGUSR2,
	SIGQUIT,
	SIGALRM,
	SIGVTALRM,
	SIGPROF,
	SIGXCPU,
	SIGXFSZ,
#ifdef SIGIO
	SIGIO,
#endif
#ifdef SIGPWR
	SIGPWR,
#endif
#ifdef SIGSTKFLT
	SIGSTKFLT,
#endif
	SIGTERM,
	SIGINT,
};

const size_t signals_to_all_n = nitems(signals_to_all);
