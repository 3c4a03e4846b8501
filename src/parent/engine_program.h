/*
 * The program of engines and their workers, and who it runs as.
 */
#ifndef PARENT_ENGINE_PROGRAM_H
#define PARENT_ENGINE_PROGRAM_H

#include <sys/types.h>

#include <stdbool.h>

#include "ipc/ipc.h"
#include "proc/spawn.h"

struct engine_program {
	char *path; /* owned */
	bool has_user;
	struct spawn_user user;
};

/* Find it beside our own. False and an owned sentence in *why. */
bool engine_program_open(struct engine_program *, char **why);
void engine_program_close(struct engine_program *);

/*
 * Start it, to be what the role says; its standard input is chan (borrowed). It
 * has our standard error. The pid, or -1 with errno.
 */
pid_t engine_program_spawn(const struct engine_program *, enum ipc_role,
    int chan);

#endif
