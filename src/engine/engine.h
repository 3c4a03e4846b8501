/*
 * The engine: everything one unprivileged process has in its hands.
 *
 * It is told by the parent what to serve, accepts, and asks for a program for
 * each session. A job is one accepted connection from its first byte to the
 * last word about its program; it has the number that both halves of the
 * daemon and the log know it by.
 *
 * Used by: engine/main.c, conn.c.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "ipc/ipc.h"

struct conn;
struct engine;
struct session;

struct job {
	uint32_t id;
	bool admitted; /* counted by the parent: it hears of the end */
	bool waits_for_admit;
	bool waits_for_spawn;
	bool waits_for_exit;     /* a program runs and nobody is there for it */
	pid_t pid;               /* of that */
	struct conn *conn;       /* owned; NULL: none any more */
	struct session *session; /* owned; NULL: none yet, or none any more */
	struct engine *engine;   /* kept */
	struct job *next_in_bucket;
	struct job *next, **link; /* all jobs */
};

/*
 * Gives an engine that speaks with its parent over fd (taken) and may have
 * max_fds descriptors open: it accepts no connection whose program's pipes it
 * could not hold.
 */
struct engine *engine_new(int fd, size_t max_fds);

/* Serve until the parent says stop, or has gone; the exit status. */
int engine_run(struct engine *);
void engine_free(struct engine *);

struct flow *engine_flow(struct engine *);
const struct conf *engine_conf(const struct engine *);

/*
 * Ask for a program: route 0 with these variables (borrowed). conn_spawned() or
 * conn_refused() is the answer, as long as the job has its conn.
 */
void engine_spawn(struct engine *, struct job *, const struct buf *vars);

/* The conn has handed its connection over, or has ended. */
void engine_conn_done(struct job *);

/* A session of the job begins; its end is the job's. */
void engine_session_begins(struct job *, struct session *);
const struct session_ops *engine_session_ops(void);

#endif
