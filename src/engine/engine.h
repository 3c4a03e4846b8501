/*
 * The engine: everything one unprivileged process has in its hands, for whatever
 * needs the settings or the parent. What it does is serve.h.
 *
 * Connections (conn.h), sessions (sessions.h) and programs (program.h) have
 * numbers of one kind, by which both halves of the daemon and the log know
 * them; a session has that of its program.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "flow/flow.h"
#include "ipc/ipc.h"

struct remote_rules;
struct engine;
struct hostnames;
struct ids;
struct limits;
struct passwords;
struct route;
struct tls;

/*
 * Gives an engine that speaks with its parent over fd (taken) and may have
 * max_fds descriptors open, but does nothing yet; NULL: no event loop is good
 * enough.
 */
struct engine *engine_new(int fd, size_t max_fds);
void engine_free(struct engine *);

/*
 * Whether there is room for the pipes of a program: without it they would be
 * lost on their way here.
 */
bool engine_may_start(const struct engine *);

/*
 * Whether the parent keeps up with what it is asked: what clients make us say to
 * it waits in our memory, and an end of that would be ours.
 */
bool engine_may_ask(const struct engine *);

/*
 * Whether there is room for a file, or a folder that is listed; and that one is
 * open for more than a moment, and then not any more.
 */
bool engine_may_open(const struct engine *);
void engine_file_opened(struct engine *);
void engine_file_closed(struct engine *);

struct flow *engine_flow(struct engine *);
const struct conf *engine_conf(const struct engine *);
const struct remote_rules *engine_remote_rules(const struct engine *);
struct tls *engine_tls(struct engine *);
struct hostnames *engine_hostnames(const struct engine *);
struct limits *engine_limits(const struct engine *);
struct ids *engine_conns(struct engine *);
struct ids *engine_programs(struct engine *);
struct ids *engine_sessions(struct engine *);

/*
 * What is served: n routes (NULL: however many), in the order in which they are
 * tried. There is one at least, and it is for requests that have none yet.
 */
const struct route *engine_routes(const struct engine *, size_t *n);

/* Where passwords are checked; NULL: none are asked for. */
struct passwords *engine_passwords(struct engine *);

/* Whether the parent has said stop. */
bool engine_stopping(const struct engine *);

/* Or others have taken over: it ends with its last connection or session. */
bool engine_is_leaving(const struct engine *);

/* A number that no connection, session or program has. */
uint32_t engine_new_id(struct engine *);

/* Say something to the parent, in one part or two (borrowed). */
void engine_tell(struct engine *, enum ipc_type, uint32_t id, const void *body,
    size_t len);
void engine_send(struct engine *, enum ipc_type, uint32_t id, const void *a,
    size_t alen, const void *b, size_t blen);

/* A connection, a session or a program is no more. */
void engine_settle(struct engine *);

#endif
