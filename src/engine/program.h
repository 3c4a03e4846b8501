/*
 * A program that was asked of the parent, until its exit is known.
 *
 *   ASKED -> RUNNING -> ENDED -> (program_leave: gone)
 *       \-> refused: gone
 *
 * Its owner hears what becomes of it. An owner that loses interest leaves it:
 * the program is then sent away, and its end awaited here.
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "engine/ids.h"
#include "ipc/ipc.h"

struct buf;
struct engine;
struct ipc_msg;
struct program;

struct program_ops {
	/* It runs. The owner takes our ends of its 0, 1 and 2 (or -1). */
	void (*on_started)(void *owner, pid_t, const int fd[3]);
	/* It does not, and the struct program is gone after the call. */
	void (*on_refused)(void *owner, enum ipc_refusal, int err);
	/* It has ended; program_leave() is still to come. */
	void (*on_exited)(void *owner, struct ended);
	/* A line of the log about it, if it is a session. May be NULL. */
	void (*on_list)(void *owner);
	/* The daemon stops: say so to the client, soon. */
	void (*on_stop)(void *owner);
	/* The engine ends: free everything at once, but not the program. */
	void (*on_drop)(void *owner);
};

/* Which one, and what it gets; all borrowed. */
struct program_wish {
	uint32_t route; /* its number */
	enum ipc_part part;
	const char *path; /* inside a folder, by part; else NULL */
	size_t path_len;
	const struct buf *vars; /* NAME=value, each with a NUL */
};

enum { PROGRAM_VARS_MAX = IPC_BODY_MAX - IPC_OPEN_MAX };

/* Ask for one. Keeps ops and owner until program_leave(). */
struct program *program_start(struct engine *, const struct program_ops *,
    void *owner, const struct program_wish *);

/* Start the ladder, as if it had been `ago` milliseconds earlier; once. */
void program_kill(struct program *, uint32_t ago);

/* Have the parent send it a signal of those that clients may send. */
void program_signal(struct program *, int sig);

/* The owner has gone; the program follows. NULL is accepted. */
void program_leave(struct program *);

/* The number that the parent and the log know it by. */
uint32_t program_id(const struct program *);

/* What the parent says; false if it makes no sense. */
bool program_on_opened(struct engine *, const struct ipc_msg *);
bool program_on_refused(struct engine *, const struct ipc_msg *);
bool program_on_exited(struct engine *, const struct ipc_msg *);

/*
 * Have up to n of those that follow say what they are, from the first after
 * program_list_begin(); how many did. Done once engine_programs() is at NULL.
 */
void program_list_begin(struct engine *);
size_t program_list(struct engine *, size_t n);

/* The daemon stops; the engine ends. */
void program_stop_all(struct engine *);
void program_drop_all(struct engine *);

#endif
