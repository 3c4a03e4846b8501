#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/sandbox.h"
#include "engine/sandbox_parts.h"

/*
 * Commands may run as the engine's user: where the parent is somebody else
 * (root), nobody but root may look into our memory or trace us.
 */
static void
hide_memory(void)
{
	struct ucred parent;
	socklen_t len = sizeof(parent);

	if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &parent, &len) == 0 &&
	    parent.uid != geteuid())
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Root may always, so this counts for engines of other users. */
static void
forbid_processes(const struct sandbox *s)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		log_warn("%s: RLIMIT_NPROC: %s", s->who, strerror(errno));
}

void
sandbox_enter(const struct sandbox *s)
{
	if (s->how == CONF_SANDBOX_OFF)
		return;
	hide_memory();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		log_warn("%s: no_new_privs: %s", s->who, strerror(errno));
	forbid_processes(s);
	sandbox_forbid_access(s);
	sandbox_forbid_calls(s, s->how == CONF_SANDBOX_CALLS);
}
