/*
 * One accepted connection until a transport takes it over, or an HTTP answer
 * ends it.
 *
 *   ADMITTING -> READING -> STARTING -> (session)
 *        \          \           \
 *         `----------`-----------`----> ANSWERED -> closed
 *
 * Used by: engine/engine.c.
 */
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>

#include "ipc/ipc.h"

struct conn;
struct job;
struct listener;

/*
 * Before the first connection: have libcrypto load what it loads on its first
 * use, which a confined process could not and a first client would wait for.
 */
void conn_prepare(void);

/*
 * Takes fd; keeps job. admit: nothing is read before conn_admitted().
 */
struct conn *conn_new(struct job *, struct listener *, int fd,
    const struct sockaddr *, socklen_t, bool admit);

/* Close and free; engine_conn_done() is not called. */
void conn_free(struct conn *);

/* Whether the parent lets the connection in. */
void conn_admitted(struct conn *, bool ok);

/* The client has gone, and the conn will with the next turn of the loop. */
bool conn_is_over(const struct conn *);

/*
 * The answers to engine_spawn(), not for a conn that is over: the first takes
 * the descriptors and frees the conn.
 */
void conn_spawned(struct conn *, pid_t, const int fd[3]);
void conn_refused(struct conn *, enum ipc_refusal, int err);

/* The daemon stops: whoever is served no program yet is sent away. */
void conn_stop(struct conn *);

#endif
