/*
 * The programs of a route: the command and the gate, found at start, and what
 * folders of programs hold, found when it is asked for.
 */
#ifndef PARENT_COMMAND_H
#define PARENT_COMMAND_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "ipc/ipc.h"
#include "parent/folder.h"
#include "proc/child.h"
#include "proc/spawn.h"

struct ipc_open;

enum { COMMAND_ENV_MAX = 256 }; /* variables that the configuration sets */

/* A program and its words. */
struct command_line {
	char *path; /* owned: absolute, found once; NULL: there is none */
	char *const *argv; /* kept */
};

struct command {
	const struct conf_route *route; /* kept */
	struct command_line line, gate;
	char **gate_words; /* owned: of the gate's argv */
	struct folder dir, cgidir;
	const char *root; /* kept: of files that the same paths name, or NULL */
	bool websocketd;  /* PATH_TRANSLATED is the path where there is none */
	char **env;       /* owned: what every program gets */
	size_t nenv;
	int null; /* owned: its standard error if that is not wanted; or -1 */
	bool has_user;
	struct spawn_user user;
	struct child_rung rung[CONF_LADDER_MAX];
	struct child_ladder ladder; /* of those */
};

/*
 * Find the programs of the route and put together what all of them share; keeps
 * the settings. False and an owned sentence in *why.
 */
bool command_open(struct command *, const struct conf *,
    const struct conf_route *, char **why);
void command_close(struct command *);

/* Our ends of the pipes: write to its 0, read from its 1 and maybe 2. */
struct command_pipes {
	int fd[3];
	size_t n; /* 2 or 3 */
};

/* Whether there is what an engine asks for; false with errno. */
bool command_has(const struct command *, const struct ipc_open *);

/*
 * Start what an engine asked for, with the variables that it gave, which
 * command_vars_ok() has let pass, besides our own. The pid and *pipes (yours
 * now, non-blocking), or -1 with errno and the reason in *why, and for
 * IPC_REFUSED_EXEC an owned sentence in *text, or NULL.
 */
pid_t command_start(const struct command *, const struct ipc_open *,
    struct command_pipes *pipes, enum ipc_refusal *why, char **text);

/*
 * Whether an engine may set all the variables of a request. Where the program
 * was found in a folder we say ourselves by which name.
 */
bool command_vars_ok(const struct command *, const struct ipc_open *);

#endif
