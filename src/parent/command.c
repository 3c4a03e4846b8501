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
#include "conf/words.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_vars.h"
#include "parent/command.h"
#include "parent/locale.h"
#include "proc/program.h"

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

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

/* What --setenv says for programs holds, whatever our own is. */
static bool
sets_locale(const struct conf_list *setenv)
{
	for (size_t i = 0; i < setenv->n; i++)
		if (strncmp(setenv->v[i], "LANG=", 5) == 0 ||
		    strncmp(setenv->v[i], "LC_ALL=", 7) == 0)
			return true;
	return false;
}

static void
put_locale(struct command *c)
{
	char *vars[LOCALE_VARS];
	size_t n = locale_make(vars);

	for (size_t i = 0; i < n; i++)
		put_env(c, vars[i]);
}

static void
make_env(struct command *c, const struct conf_route *r)
{
	const char *path = getenv("PATH"), *v;

	put_env(c, mem_printf("PATH=%s", path == NULL ? default_path : path));
	if (!sets_locale(&r->setenv))
		put_locale(c);
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
		if (c->env[i][0] == var[0] && strncmp(c->env[i], var, len) == 0)
			return true;
	return false;
}

/* A program that is asked for by a path is told by us where it was found. */
static bool
is_from_folder(const struct ipc_open *op)
{
	return op->part == IPC_PART_DIR || op->part == IPC_PART_CGI;
}

static bool
names_place(const char *var, size_t name)
{
	static const char *const names[] = { "SCRIPT_NAME", "PATH_INFO",
		"PATH_TRANSLATED", "SCRIPT_FILENAME", "REDIRECT_STATUS" };

	for (size_t i = 0; i < nitems(names); i++)
		if (strlen(names[i]) == name &&
		    memcmp(var, names[i], name) == 0)
			return true;
	return false;
}

static bool
var_ok(const struct command *c, const struct ipc_open *op, const char *var)
{
	const struct conf_list *listed = &c->route->gate_vars;
	size_t name = name_len(var);

	if (var[name] != '=')
		return false;
	if (ipc_var_allowed(var, name))
		return !is_from_folder(op) || !names_place(var, name);
	return c->gate.path != NULL && op->part != IPC_PART_GATE &&
	    ipc_gate_var_allowed(var, name, listed->v, listed->n);
}

bool
command_vars_ok(const struct command *c, const struct ipc_open *op)
{
	size_t n = 0;

	for (size_t at = 0; at < op->vars_len; n++) {
		if (!var_ok(c, op, op->vars + at))
			return false;
		at += strlen(op->vars + at) + 1;
	}
	return n <= IPC_VARS_MAX;
}

/* ------------------------------------------------- opening */

/* A program that is named by the configuration. */
static bool
open_line(struct command_line *line, char *const *argv, char **why)
{
	const char *path = getenv("PATH");

	line->argv = argv;
	line->path = program_find(argv[0], path == NULL ? default_path : path);
	if (line->path != NULL)
		return (*why = program_judge_script(line->path)) == NULL;
	*why = mem_printf("%s: %s", argv[0],
	    errno == ENOENT ? "command not found" : strerror(errno));
	return false;
}

static bool
open_gate(struct command *c, const struct conf_route *r, char **why)
{
	char *wrong;

	if (r->gate == NULL)
		return true;
	c->gate_words = words_split(r->gate);
	if (open_line(&c->gate, c->gate_words, &wrong))
		return true;
	*why = mem_printf("--gate: %s", wrong);
	free(wrong);
	return false;
}

/* Why a gate cannot set what is listed, or NULL. */
static const char *
judge_gate_var(const char *name)
{
	size_t len = strcspn(name, "*");

	if (ipc_var_harmful(name, len))
		return "a program would load or run something else by it";
	if (strcmp(name, "REMOTE_USER") != 0 &&
	    (ipc_var_allowed(name, len) || strncmp(name, "HTTP_", 5) == 0))
		return "it is the request's own, and no gate can set it";
	return NULL;
}

static bool
check_gate_vars(const struct conf_list *list, char **why)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *wrong = judge_gate_var(list->v[i]);

		if (wrong == NULL)
			continue;
		*why = mem_printf("--gate-vars=%s: %s", list->v[i], wrong);
		return false;
	}
	return true;
}

static bool
open_programs(struct command *c, const struct conf_route *r, char **why)
{
	c->dir.fd = c->cgidir.fd = -1;
	return (r->argv == NULL || r->argv[0] == NULL ||
		   open_line(&c->line, r->argv, why)) &&
	    open_gate(c, r, why) && check_gate_vars(&r->gate_vars, why) &&
	    (r->dir == NULL || folder_open(&c->dir, "dir", r->dir, why)) &&
	    (r->cgidir == NULL ||
		folder_open(&c->cgidir, "cgidir", r->cgidir, why));
}

/* A daemon that is not root's can only stay what it is. */
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

/* Lines that the log leaves out need no pipe, and no engine that reads it. */
static bool
wants_stderr(const struct conf *conf, const struct conf_route *r)
{
	return conf->loglevel >= r->stderr_level ||
	    r->stderr_to != CONF_STDERR_LOG;
}

bool
command_open(struct command *c, const struct conf *conf,
    const struct conf_route *r, char **why)
{
	*c = (struct command){
		.route = r,
		.websocketd = conf->compat == CONF_COMPAT_WEBSOCKETD,
		.null = -1,
	};
	if (!open_programs(c, r, why))
		goto fail;
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
	if (!wants_stderr(conf, r) &&
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
	free(c->line.path);
	free(c->gate.path);
	words_free(c->gate_words);
	folder_close(&c->dir);
	folder_close(&c->cgidir);
	fd_close(&c->null);
	*c = (struct command){ .null = -1, .dir.fd = -1, .cgidir.fd = -1 };
}

/* ------------------------------------------------- starting one */

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

enum {
	PLACE_VARS = 5, /* the names of names_place() */
	ENV_MAX = COMMAND_ENV_MAX + IPC_VARS_MAX + PLACE_VARS + 1,
};

/* One start: which program, and how it is to run. */
struct start {
	char *path; /* owned */
	int file;   /* owned: what is there, found in a folder; 0: not said */
	char *const *argv;
	char *own_argv[2]; /* of a program that has no words but its name */
	char *chdir;       /* owned; NULL: stay */
	/* Owned: by which name it was found. NULL: not said. */
	char *place[PLACE_VARS];
};

static bool
use_line(struct start *st, const struct command_line *line, const char *chdir)
{
	if (line->path == NULL) {
		errno = ENOENT;
		return false;
	}
	st->path = mem_strdup(line->path);
	st->argv = line->argv;
	st->chdir = chdir == NULL ? NULL : mem_strdup(chdir);
	return true;
}

/* SCRIPT_NAME and PATH_INFO of a program that the first `name` bytes name. */
static void
put_place(struct start *st, const struct command *c, const struct ipc_open *op,
    size_t name)
{
	const char *rest = op->path + name;
	int len = (int)(op->path_len - name);

	st->place[0] = mem_printf("SCRIPT_NAME=/%.*s", (int)name, op->path);
	st->place[1] = mem_printf("PATH_INFO=%.*s", len, rest);
	if (c->root != NULL && len > 0)
		st->place[2] =
		    mem_printf("PATH_TRANSLATED=%s%.*s", c->root, len, rest);
	else if (c->websocketd)
		st->place[2] = mem_printf("PATH_TRANSLATED=/%.*s",
		    (int)op->path_len, op->path);
	/* no standard, but what php-cgi runs, and only with the second */
	if (op->part == IPC_PART_CGI) {
		st->place[3] = mem_printf("SCRIPT_FILENAME=%s", st->path);
		st->place[4] = mem_strdup("REDIRECT_STATUS=200");
	}
}

/* RFC 3875, section 7.2: CGI programs run in their own folder. */
static bool
use_folder(struct start *st, const struct command *c, const struct folder *f,
    const struct ipc_open *op)
{
	const char *chdir = c->route->chdir;
	size_t name, above;

	if (f->fd == -1)
		errno = ENOENT;
	else
		st->path = folder_find_program(f, op->path, op->path_len, &name,
		    &st->file);
	if (st->path == NULL)
		return false;
	st->own_argv[0] = st->path;
	st->argv = st->own_argv;
	put_place(st, c, op, name);
	above = (size_t)(strrchr(st->path, '/') - st->path);
	if (op->part == IPC_PART_CGI)
		st->chdir = mem_strndup(st->path, above == 0 ? 1 : above);
	else if (chdir != NULL)
		st->chdir = mem_strdup(chdir);
	return true;
}

static bool
choose(struct start *st, const struct command *c, const struct ipc_open *op)
{
	const char *chdir = c->route->chdir;

	switch (op->part) {
	case IPC_PART_COMMAND:
		return use_line(st, &c->line, chdir);
	case IPC_PART_GATE:
		return use_line(st, &c->gate, chdir);
	case IPC_PART_DIR:
		return use_folder(st, c, &c->dir, op);
	case IPC_PART_CGI:
		return use_folder(st, c, &c->cgidir, op);
	default:
		bug("a program of part %d", (int)op->part);
	}
}

static void
start_clear(struct start *st)
{
	int saved = errno;

	free(st->path);
	if (st->file > 0)
		close(st->file);
	free(st->chdir);
	for (size_t i = 0; i < PLACE_VARS; i++)
		free(st->place[i]);
	errno = saved;
}

bool
command_has(const struct command *c, const struct ipc_open *op)
{
	struct start st = { 0 };
	bool has = choose(&st, c, op) || !folder_lacks(errno);

	start_clear(&st);
	return has;
}

static void
fill_env(char *env[ENV_MAX], const struct command *c, const struct start *st,
    const struct ipc_open *op)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nenv; i++)
		env[n++] = c->env[i];
	for (size_t i = 0; i < PLACE_VARS; i++)
		if (st->place[i] != NULL && !is_ours(c, st->place[i]))
			env[n++] = st->place[i];
	for (size_t at = 0; at < op->vars_len; at += strlen(op->vars + at) + 1)
		if (!is_ours(c, op->vars + at))
			env[n++] = (char *)(uintptr_t)(op->vars + at);
	env[n] = NULL;
}

static pid_t
run(const struct command *c, const struct start *st, const struct ipc_open *op,
    const int fd[3], char **text)
{
	char *env[ENV_MAX];
	const struct spawn_spec spec = {
		.path = st->path,
		.file = st->file,
		.argv = st->argv,
		.envp = env,
		.fd = { fd[0], fd[1], fd[2] },
		.blocking = true,
		.chdir = st->chdir,
		.user = c->has_user ? &c->user : NULL,
		.survives = c->ladder.n == 0,
	};
	pid_t pid;
	int saved;

	fill_env(env, c, st, op);
	if ((pid = spawn(&spec)) == -1) {
		saved = errno;
		*text = program_explain(&spec, saved);
		errno = saved;
	}
	return pid;
}

/* Root that may not give files away, as in many a container. */
static void
warn_pipes_stay_ours(int err)
{
	static bool said;

	if (said)
		return;
	said = true;
	LOG(LOG_LVL_WARN, "pipes cannot be given to the user of the programs",
	    LOG_STR("error", strerror(err)));
}

/*
 * A pipe is opened again (/dev/stdin and its like) by those who may open a file
 * of its owner. The null device stays what it is.
 */
static void
give_pipes(const struct command *c, const int fd[3], size_t n)
{
	for (size_t i = 0; c->has_user && i < n; i++)
		if (fchown(fd[i], c->user.uid, c->user.gid) == -1)
			warn_pipes_stay_ours(errno);
}

static pid_t
run_with_pipes(const struct command *c, const struct start *st,
    const struct ipc_open *op, struct command_pipes *pipes, char **text)
{
	int theirs[3] = { -1, -1, -1 }, ours[3] = { -1, -1, -1 };
	size_t n = c->null == -1 ? 3 : 2;
	pid_t pid = -1;

	theirs[2] = c->null;
	if (make_pipes(n, theirs, ours) == 0) {
		give_pipes(c, theirs, n);
		pid = run(c, st, op, theirs, text);
	}
	if (pid != -1) {
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

/*
 * A program of a folder that its user may not run is none. Other trouble with
 * one that is there is ours: an interpreter that is missing, for one.
 */
pid_t
command_start(const struct command *c, const struct ipc_open *op,
    struct command_pipes *pipes, enum ipc_refusal *why, char **text)
{
	struct start st = { 0 };
	pid_t pid = -1;

	*text = NULL;
	*why = IPC_REFUSED_EXEC;
	if (!choose(&st, c, op)) {
		if (folder_lacks(errno))
			*why = IPC_REFUSED_MISSING;
	} else if ((pid = run_with_pipes(c, &st, op, pipes, text)) == -1 &&
	    is_from_folder(op) && errno == EACCES) {
		*why = IPC_REFUSED_MISSING;
	}
	start_clear(&st);
	return pid;
}
