/*
 * The command of a route: found at start, run for each session.
 *
 * Used by: parent/daemon.c, parent/engine.c.
 */
#ifndef PARENT_COMMAND_H
#define PARENT_COMMAND_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "proc/child.h"
#include "proc/spawn.h"

struct conf;

enum { COMMAND_ENV_MAX = 256 }; /* variables that the configuration sets */

struct command {
	char *path;        /* owned: absolute, found once */
	char *const *argv; /* kept */
	char **env;        /* owned: what every session gets */
	size_t nenv;
	const char *chdir; /* kept; NULL: stay */
	int null; /* owned: its standard error if nobody wants that; or -1 */
	bool has_user;
	struct spawn_user user;
	struct child_rung rung[8];
	struct child_ladder ladder; /* of those */
};

/*
 * Find the program of the route and put together what all sessions share; keeps
 * the settings. False and an owned sentence in *why.
 */
bool command_open(struct command *, const struct conf *, char **why);
void command_close(struct command *);

/* Our ends of the pipes: write to its 0, read from its 1 and maybe 2. */
struct command_pipes {
	int fd[3];
	size_t n; /* 2 or 3 */
};

/*
 * Start it with these variables besides its own: NAME=value, each with a NUL,
 * checked by command_vars_ok(). The pid and *pipes (yours now, non-blocking),
 * or -1 with errno.
 */
pid_t command_start(const struct command *, const char *vars, size_t len,
    struct command_pipes *pipes);

/* Whether an engine may set all of these. */
bool command_vars_ok(const char *vars, size_t len);

#endif
