/*
 * A program that is asked of the parent, until its exit is known: the asking
 * half of a flow/endpoint_exec.
 *
 *   ASKED -> RUNNING -> ENDED -> gone
 *       \-> refused: gone
 *
 * To who wants it it is an endpoint. An owner that lets it go leaves the rest to
 * us: the program is sent away, and its end awaited here.
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"

struct buf;
struct endpoint;
struct endpoint_ops;
struct engine;
struct ipc_msg;

/* Which one, and what it gets; all borrowed but the route. */
struct program_wish {
	const struct route *route; /* kept: the ladder, the linger ... */
	enum ipc_part part;
	const char *path; /* inside a folder, by part; else NULL */
	size_t path_len;
	const struct buf *vars; /* NAME=value, each with a NUL */
	uint32_t id;            /* engine_new_id(): the parent and the log */
};

enum { PROGRAM_VARS_MAX = IPC_BODY_MAX - IPC_OPEN_MAX };

/* Gives one that is not open yet; keeps ops and owner. */
struct endpoint *program_open(struct engine *, const struct program_wish *,
    const struct endpoint_ops *, void *owner);

/* What the parent says; false if it makes no sense. */
bool program_on_opened(struct engine *, const struct ipc_msg *);
bool program_on_refused(struct engine *, const struct ipc_msg *);
bool program_on_exited(struct engine *, const struct ipc_msg *);

/* The daemon stops; the engine ends. */
void program_stop_all(struct engine *);
void program_drop_all(struct engine *);

#endif
