#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ipc/ipc.h"
#include "ipc/ipc_vars.h"
#include "parent/command.h"

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

/* ------------------------------------------------- finding the program */

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

/* As the shell does; gives an absolute path, or NULL with errno. */
static char *
find_program(const char *name, const char *search)
{
	char *found = NULL, *p;

	if (strchr(name, '/') != NULL) {
		if ((found = realpath(name, NULL)) != NULL &&
		    !is_program(found)) {
			free(found);
			errno = EACCES;
			return NULL;
		}
		free(found);
		if (found == NULL)
			return NULL;
		/* the name as it was given, so that links keep their meaning */
		if (name[0] == '/')
			return mem_strdup(name);
		if ((p = getcwd(NULL, 0)) == NULL)
			return NULL;
		found = mem_printf("%s/%s", p, name);
		free(p);
		return found;
	}
	while (*search != '\0') {
		size_t len = strcspn(search, ":");

		if (len > 0 && search[0] == '/') {
			p = mem_printf("%.*s/%s", (int)len, search, name);
			if (is_program(p))
				return p;
			free(p);
		}
		search += len + (search[len] == ':');
	}
	errno = ENOENT;
	return NULL;
}

/* ------------------------------------------------- the environment */

static size_t
name_len(const char *var)
{
	return strcspn(var, "=");
}

/* Set or replace; takes var. */
static void
put_env(struct command *c, char *var)
{
	size_t len = name_len(var) + 1;

	for (size_t i = 0; i < c->nenv; i++) {
		if (strncmp(c->env[i], var, len) == 0) {
			free(c->env[i]);
			c->env[i] = var;
			return;
		}
	}
	c->env = mem_grow(c->env, c->nenv + 1, sizeof(*c->env));
	c->env[c->nenv++] = var;
}

static void
make_env(struct command *c, const struct conf_route *r)
{
	const char *path = getenv("PATH"), *v;

	put_env(c, mem_printf("PATH=%s", path == NULL ? default_path : path));
	if (c->has_user && c->user.name[0] != '\0') {
		put_env(c, mem_printf("HOME=%s", c->user.home));
		put_env(c, mem_printf("USER=%s", c->user.name));
		put_env(c, mem_printf("LOGNAME=%s", c->user.name));
	}
	for (size_t i = 0; i < r->passenv.n; i++)
		if ((v = getenv(r->passenv.v[i])) != NULL)
			put_env(c, mem_printf("%s=%s", r->passenv.v[i], v));
	for (size_t i = 0; i < r->setenv.n; i++)
		put_env(c, mem_strdup(r->setenv.v[i]));
}

/* What the configuration sets stands; an engine cannot change it. */
static bool
is_ours(const struct command *c, const char *var)
{
	size_t len = name_len(var) + 1;

	for (size_t i = 0; i < c->nenv; i++)
		if (strncmp(c->env[i], var, len) == 0)
			return true;
	return false;
}

bool
command_vars_ok(const char *vars, size_t len)
{
	size_t n = 0;

	for (size_t at = 0; at < len; n++) {
		const char *var = vars + at;
		size_t var_len = strlen(var), name = name_len(var);

		if (name == var_len || !ipc_var_allowed(var, name))
			return false;
		at += var_len + 1;
	}
	return n <= IPC_VARS_MAX;
}

/* ------------------------------------------------- starting it */

/* Who is not root can only stay what it is. */
static bool
may_become(const struct spawn_user *u, const struct conf_route *r, char **why)
{
	bool other_user = u->uid != geteuid(),
	     other_group = u->gid != getegid();

	if (geteuid() == 0 ||
	    (!other_user && !(other_group && r->group != NULL)))
		return true;
	*why = mem_printf("--%s=%s: only root can do that",
	    other_user ? "user" : "group", other_user ? r->user : r->group);
	return false;
}

/* Lines that the log leaves out need no pipe, and nobody who reads it. */
static bool
wants_stderr(const struct conf *conf)
{
	return conf->loglevel >= conf->route.stderr_level ||
	    conf->route.stderr_to != CONF_STDERR_LOG;
}

bool
command_open(struct command *c, const struct conf *conf, char **why)
{
	const struct conf_route *r = &conf->route;
	const char *path = getenv("PATH");

	*c = (struct command){ .argv = r->argv, .chdir = r->chdir, .null = -1 };
	c->path = find_program(r->argv[0], path == NULL ? default_path : path);
	if (c->path == NULL) {
		*why = mem_printf("%s: %s", r->argv[0],
		    errno == ENOENT ? "command not found" : strerror(errno));
		return false;
	}
	if (r->user != NULL || r->group != NULL) {
		if (!spawn_user_find(&c->user, r->user, r->group, why))
			goto fail;
		if (!may_become(&c->user, r, why))
			goto fail;
		c->has_user = geteuid() == 0;
	}
	if (r->chdir != NULL && access(r->chdir, X_OK) == -1) {
		*why = mem_printf("--chdir=%s: %s", r->chdir, strerror(errno));
		goto fail;
	}
	for (size_t i = 0; i < r->kill.n; i++)
		c->rung[i] = (struct child_rung){ r->kill.rung[i].sig,
			r->kill.rung[i].wait_ms };
	c->ladder = (struct child_ladder){ c->rung, r->kill.n };
	if (!wants_stderr(conf) &&
	    (c->null = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1) {
		*why = mem_printf("/dev/null: %s", strerror(errno));
		goto fail;
	}
	make_env(c, r);
	if (c->nenv <= COMMAND_ENV_MAX)
		return true;
	*why = mem_printf("--setenv and --passenv: more than %d variables",
	    COMMAND_ENV_MAX);
fail:
	command_close(c);
	return false;
}

void
command_close(struct command *c)
{
	for (size_t i = 0; i < c->nenv; i++)
		free(c->env[i]);
	free(c->env);
	free(c->path);
	fd_close(&c->null);
	*c = (struct command){ 0 };
}

/* theirs[] for the program, ours[] for the engine. */
static int
make_pipes(size_t n, int theirs[3], int ours[3])
{
	int p[2];

	for (size_t i = 0; i < n; i++) {
		int their_end = i == 0 ? 0 : 1;

		if (fd_pipe_nonblock(p) == -1)
			return -1;
		theirs[i] = p[their_end];
		ours[i] = p[!their_end];
	}
	return 0;
}

static pid_t
run(const struct command *c, const char *vars, size_t len, const int fd[3])
{
	char *env[COMMAND_ENV_MAX + IPC_VARS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < c->nenv; i++)
		env[n++] = c->env[i];
	for (size_t at = 0; at < len; at += strlen(vars + at) + 1)
		if (!is_ours(c, vars + at))
			env[n++] = (char *)(uintptr_t)(vars + at);
	env[n] = NULL;
	return spawn(&(struct spawn_spec){
	    .path = c->path,
	    .argv = c->argv,
	    .envp = env,
	    .fd = { fd[0], fd[1], fd[2] },
	    .blocking = true,
	    .chdir = c->chdir,
	    .user = c->has_user ? &c->user : NULL,
	});
}

pid_t
command_start(const struct command *c, const char *vars, size_t len,
    struct command_pipes *pipes)
{
	int theirs[3] = { -1, -1, -1 }, ours[3] = { -1, -1, -1 };
	size_t n = c->null == -1 ? 3 : 2;
	pid_t pid = -1;

	theirs[2] = c->null;
	if (make_pipes(n, theirs, ours) == 0 &&
	    (pid = run(c, vars, len, theirs)) != -1) {
		memcpy(pipes->fd, ours, sizeof(ours));
		pipes->n = n;
		ours[0] = ours[1] = ours[2] = -1;
	}
	for (size_t i = 0; i < n; i++) {
		fd_close(&theirs[i]);
		fd_close(&ours[i]);
	}
	return pid;
}
