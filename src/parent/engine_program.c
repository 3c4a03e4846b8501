#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beside.h"
#include "base/fd.h"
#include "base/mem.h"
#include "parent/engine_program.h"

/* Root's engines run as a user who has nothing. */
static bool
find_user(struct engine_program *p, char **why)
{
	static const char *const names[] = { "_standpipe", "nobody" };

	if (geteuid() != 0)
		return true;
	p->has_user = true;
	for (size_t i = 0; i < nitems(names); i++) {
		free(*why);
		*why = NULL;
		if (spawn_user_find(&p->user, names[i], NULL, why))
			return true;
	}
	return false;
}

bool
engine_program_open(struct engine_program *p, char **why)
{
	*p = (struct engine_program){ 0 };
	p->path = beside_find("standpiped-engine", why);
	if (p->path != NULL && find_user(p, why))
		return true;
	engine_program_close(p);
	return false;
}

void
engine_program_close(struct engine_program *p)
{
	free(p->path);
	p->path = NULL;
}

/* Nothing of our environment but what sanitizers and the clock look at. */
static size_t
make_env(char **env, size_t room)
{
	static const char *const names[] = { "TZ", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS" };
	size_t n = 0;

	for (size_t i = 0; i < nitems(names) && n + 1 < room; i++) {
		const char *v = getenv(names[i]);

		if (v != NULL)
			env[n++] = mem_printf("%s=%s", names[i], v);
	}
	env[n] = NULL;
	return n;
}

/* What it is told to be; an engine is what it is without a word. */
static char *
word_of(enum ipc_role role)
{
	static char auth[] = "auth", names[] = "names";

	return role == IPC_ROLE_AUTH ? auth
	    : role == IPC_ROLE_NAMES ? names
				     : NULL;
}

pid_t
engine_program_spawn(const struct engine_program *p, enum ipc_role role,
    int chan)
{
	static char name[] = "standpiped-engine";
	char *argv[] = { name, word_of(role), NULL };
	char *env[8];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = -1;
	int saved;
	size_t n;

	if (null == -1)
		return -1;
	n = make_env(env, nitems(env));
	pid = spawn(&(struct spawn_spec){
	    .path = p->path,
	    .argv = argv,
	    .envp = env,
	    .fd = { chan, null, STDERR_FILENO },
	    .user = p->has_user ? &p->user : NULL,
	    .survives = true, /* its socket tells it */
	});
	saved = errno;
	while (n > 0)
		free(env[--n]);
	fd_close(&null);
	errno = saved;
	return pid;
}
