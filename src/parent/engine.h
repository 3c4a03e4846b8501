/*
 * The processes beside the parent: engines, and their workers. They are
 * started, spoken with, and replaced when they die or speak nonsense. None is
 * trusted.
 *
 * What one is told when it begins, and what becomes of what it asks for, is its
 * owner's affair.
 */
#ifndef PARENT_ENGINE_H
#define PARENT_ENGINE_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"
#include "ipc/ipc_chan.h"
#include "parent/certs.h"
#include "parent/limits.h"
#include "parent/loop.h"

struct engine;
struct generation;

struct engine_ops {
	/*
	 * Start its process, whose standard input is chan (borrowed). The pid,
	 * or -1 with errno.
	 */
	pid_t (*spawn)(struct engine *, int chan);
	/* It runs: tell it everything. False: it does not take it. */
	bool (*on_begin)(struct engine *);
	/* It could not be started, which is logged; it is tried again. */
	void (*on_failed)(struct engine *);
	/* It says something (borrowed). False: it may not go on. */
	bool (*on_msg)(struct engine *, const struct ipc_msg *);
	/*
	 * The one of that number is no more, or may not go on: take back what it
	 * holds, and have it replaced, if that is wanted, by engine_replace().
	 */
	void (*on_lost)(struct engine *, uint32_t number);
};

/* All of them, whatever settings they serve. */
struct engines {
	struct loop *loop;            /* kept */
	const struct engine_ops *ops; /* kept */
	void *owner;                  /* kept */
	uint32_t step;                /* their numbers are 1 to that */
	uint32_t last_number;
	LIST_HEAD(, engine) list;
};

/* What is to become of one. */
enum engine_fate {
	ENGINE_WANTED,  /* and replaced if need be */
	ENGINE_RETIRED, /* it ends with its last session */
	ENGINE_STOPPED, /* it was told to end */
	ENGINE_FORCED,  /* it was killed */
};

struct engine {
	LIST_ENTRY(engine) entry;
	TAILQ_ENTRY(engine) sibling;   /* its generation's */
	struct engines *engines;       /* kept */
	struct generation *generation; /* kept: whose settings it has */
	struct ipc_chan chan;          /* fd -1: not running */
	struct loop_fd watch;          /* of that */
	enum ipc_role role;
	enum engine_fate fate;
	uint32_t index;  /* its place in the generation */
	uint32_t number; /* a new one at every start; 0: not running */
	pid_t pid;       /* 0: not running; unreaped till then */
	bool ready;
	unsigned failures; /* in a row */
	uint64_t started;
	uint64_t restart_at; /* UINT64_MAX: it runs, or is not wanted */
	struct loop_timer restart;
	struct certs_user certs;
	struct limits_seats seats; /* what it took of the limits */
};

/* All of them are kept. */
void engines_init(struct engines *, struct loop *, const struct engine_ops *,
    void *owner);

/*
 * Have numbers for so many places, in each of which one follows another, and
 * for generations that overlap. The number of one that runs is no other's, nor
 * are those of its sessions: for that the step stays as it is first set.
 */
void engines_set_step(struct engines *, size_t places);

/* Whether there is a process left. */
bool engines_remain(const struct engines *);

/* Tell all that run and serve clients. */
void engines_tell(struct engines *, enum ipc_type, const void *body,
    size_t len);

/* End them all. */
void engines_force(struct engines *);

/* NULL: there is none. */
struct engine *engines_find_pid(const struct engines *, pid_t);
struct engine *engines_find(const struct engines *, uint32_t number);

void engine_init(struct engine *, struct engines *, struct generation *,
    enum ipc_role, uint32_t index);

/* At the end of everything; the process is left alone. */
void engine_clear(struct engine *);

/* Start it, if it is wanted, now or as soon as that is possible. */
void engine_begin(struct engine *);

/* The same for one that was lost: soon, or later if that happens often. */
void engine_replace(struct engine *);

/* Whether it can be spoken with, and whether there is any of it left. */
bool engine_runs(const struct engine *);
bool engine_is_there(const struct engine *);

/*
 * Send it a body in two parts (borrowed, either may be NULL) and descriptors
 * (taken). False if it does not take it, and is to be lost.
 */
bool engine_send(struct engine *, enum ipc_type, uint32_t session,
    const void *a, size_t alen, const void *b, size_t blen, const int *fd,
    size_t nfds);
bool engine_put(struct engine *, enum ipc_type, uint32_t session,
    const void *body, size_t len);

/*
 * The same; one that does not take it is lost, one that does not run is not
 * told.
 */
void engine_tell(struct engine *, enum ipc_type, uint32_t session,
    const void *body, size_t len);

/* Something was sent, if only to its chan, or not: then it is lost. */
void engine_after(struct engine *, bool sent);

/* Let both get to each other, if both of them run; -1 with errno. */
int engine_link(struct engine *, struct engine *);

/* Let it accept nobody any more, and end with its last session. */
void engine_retire(struct engine *);

/* Let it send its clients away and end. */
void engine_stop(struct engine *);

/* End it. */
void engine_force(struct engine *);

/* It is no more, or may not go on. */
void engine_lost(struct engine *, const char *why);

/* Its process has ended, and was reaped. */
void engine_reaped(struct engine *, struct ended);

#endif
