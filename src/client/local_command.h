/*
 * A command that is joined to a URL: a process group of its own, with two pipes
 * for standard input and output, and our standard error.
 *
 * A process has one of them at most.
 */
#ifndef CLIENT_LOCAL_COMMAND_H
#define CLIENT_LOCAL_COMMAND_H

#include <sys/types.h>

#include "proc/child.h"

struct local_command;
struct event_base;

struct local_command_ops {
	/* It has ended; others of its group may go on. Once. */
	void (*on_exit)(void *owner, struct ended);
	/* This process of it cannot be ended, and is not waited for. */
	void (*on_left)(void *owner, pid_t);
	/*
	 * Nothing is left of it that can be ended, after local_command_end().
	 * Once.
	 */
	void (*on_gone)(void *owner);
};

/*
 * Start path with argv (both borrowed); keeps the rest. Gives our ends of the
 * pipes, non-blocking: fd[0] writes its input, fd[1] reads its output. NULL with
 * errno.
 */
struct local_command *local_command_new(struct event_base *, const char *path,
    char *const *argv, int fd[2], const struct local_command_ops *,
    void *owner);

/*
 * The connection is over: end of input was given, then come 2 seconds, TERM, 3
 * seconds, KILL; for what is left of one that has exited TERM, a second, KILL.
 */
void local_command_end(struct local_command *);

/* It is not waited for any longer: all of its group get KILL. */
void local_command_kill(struct local_command *);

/* What still runs is killed; NULL is accepted. */
void local_command_free(struct local_command *);

#endif
