/*
 * Settings and the engines that have them.
 *
 * What the settings name is read and opened when a generation is made, and
 * hangs on it: routes, certificates, the engines themselves and the workers that
 * serve them. An engine has the settings that it began with until it ends.
 * Others come into force with another generation: when that is ready, the one
 * before is retired, accepts no clients any more, and is over when the last
 * session of its engines has ended. Sessions of both have different numbers, and
 * what is counted for the whole daemon is counted for both.
 *
 * What generations share - the loop, the sockets that clients arrive at, the
 * limits - is the owner's, as is what becomes of the requests of engines.
 */
#ifndef PARENT_GENERATION_H
#define PARENT_GENERATION_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "parent/certs.h"
#include "parent/engine.h"
#include "parent/route.h"

struct conf;
struct conf_route;
struct limits;
struct listen_set;

struct generation_ops {
	/* All its processes work. */
	void (*on_ready)(void *owner, struct generation *);
	/* Before that one could not be started, or ended: it is no use. */
	void (*on_failed)(void *owner, struct generation *);
};

enum generation_state {
	GENERATION_STARTING,
	GENERATION_SERVING, /* it was ready */
	GENERATION_RETIRED, /* engines end with their last session */
	GENERATION_STOPPED, /* all were told to end */
};

struct generation {
	TAILQ_ENTRY(generation) entry; /* the owner's */
	enum generation_state state;
	const struct conf *conf;          /* kept */
	struct buf packed;                /* the same, as engines get it */
	struct engines *all;              /* kept */
	struct listen_set *listeners;     /* kept */
	const struct limits *limits;      /* kept */
	const struct generation_ops *ops; /* kept */
	void *owner;                      /* kept */
	struct certs certs;
	struct route *route[IPC_ROUTES_MAX]; /* owned, nroutes of them */
	size_t nroutes;
	TAILQ_HEAD(, engine) engines; /* owned: those that serve */
	TAILQ_HEAD(, engine) workers; /* owned: those that serve them */
	size_t nengines;              /* of the first */
};

/* All is kept. */
struct generation_start {
	const struct conf *conf;
	struct engines *all;
	struct listen_set *listeners;
	const struct limits *limits;
	const struct generation_ops *ops;
	void *owner;
};

/*
 * Gives one whose settings are read and whose engines do not run yet; NULL and
 * an owned sentence in *why.
 */
struct generation *generation_new(const struct generation_start *, char **why);

/* Its processes are left alone. Not from a callback of an engine of it. */
void generation_free(struct generation *);

/* One more route, with these settings (kept). As above. */
bool generation_add_route(struct generation *, const struct conf_route *,
    char **why);

/* The route of that number; NULL: it has none. */
struct route *generation_route(const struct generation *, uint32_t index);

/* Start its processes. */
void generation_begin(struct generation *);

/* Let engines accept nobody any more, and end with their last session. */
void generation_retire(struct generation *);

/* Let all send their clients away and end. */
void generation_stop(struct generation *);

/* Whether it was told to end, and has. */
bool generation_is_over(const struct generation *);

/* Read the files again that may change while it serves. */
void generation_reload(struct generation *);

/* Whether there are such. */
bool generation_may_reload(const struct generation *);

/* Hand the listener of that number to the engines that accept. */
void generation_tell_listener(struct generation *, size_t);

/* For the owner's engine_ops. */
bool generation_on_begin(struct engine *);
void generation_on_failed(struct engine *);

/* Whether another one is wanted in its place, which is the owner's to start. */
bool generation_on_lost(struct engine *);

/* What an engine says to it; false if that makes no sense. */
bool generation_on_ready(struct engine *);
bool generation_on_verdict(struct engine *, const struct ipc_msg *);

#endif
