/*
 * What the workers have in common: the roles of this program beside the engines,
 * a process each, that engines ask over a socket of their own.
 *
 * The parent sends the settings, then the ends of the sockets (askers), one for
 * each engine; that of an engine that was replaced takes its place. A worker is
 * over when the parent says so, goes, or says what nobody can mean.
 */
#ifndef ENGINE_WORKER_H
#define ENGINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ipc/ipc_chan.h"

enum { WORKER_ASKERS = 256 };

struct conf;

struct worker_ops {
	/*
	 * The settings (borrowed) are complete: get everything ready, and be
	 * confined. The parent hears that the worker is ready.
	 */
	void (*on_settings)(void *owner, const struct conf *);
	/* What only this worker is told; false: nobody can mean it. */
	bool (*on_msg)(void *owner, const struct ipc_msg *);
	/* asker[i] is new, or about to be closed. NULL: not of interest. */
	void (*on_asker)(void *owner, size_t i);
	void (*on_drop)(void *owner, size_t i);
};

struct worker {
	const struct worker_ops *ops; /* kept */
	void *owner;                  /* kept */
	const char *name;             /* kept: for the log */
	struct ipc_chan chan;         /* to the parent */
	struct buf settings;          /* until they are complete */
	int asker[WORKER_ASKERS];     /* owned; -1: none */
	bool ready;
	bool over;
	int status; /* to exit with */
};

/* The parent is on descriptor 0. */
void worker_init(struct worker *, const char *name, const struct worker_ops *,
    void *owner);
void worker_clear(struct worker *);

/* All that the parent has said; then look at `over`. */
void worker_hear(struct worker *);

/* An engine that has gone, or speaks nonsense, is not listened to any more. */
void worker_drop(struct worker *, size_t i);

#endif
