/*
 * The commands that run: their processes, their ends, and the kill ladder.
 *
 * A child is a process group that spawn() founded. When its leader dies the
 * owner hears of it at once. If others of the group still live, the dead
 * leader is kept unreaped, because that pins the group's number, until the
 * owner releases the child and the last signal to the group has gone. A child
 * counts until it has been reaped.
 *
 * A ladder does not reach everybody: a program that has become another user may
 * not be signalled, and one that waits for a broken disk does not die. A second
 * after the last rung the owner hears of who is left; the child is its own
 * master then, and stays, and counts, until it has ended.
 *
 * Nothing here waits. The owner calls child_reap() after SIGCHLD and
 * child_tick() when child_next() has come.
 */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"

/* One rung of a ladder: signal the group (0: only wait), then wait. */
struct child_rung {
	int sig;
	uint64_t wait_ms;
};

struct child_ladder {
	const struct child_rung *rung; /* kept */
	size_t n;
};

struct child {
	pid_t pid;        /* and the number of its group */
	uint32_t session; /* the owner's name for it */
	uint32_t kind;    /* what else the owner remembers of it */
	uint32_t owner;   /* number of it; 0: it is told nothing any more */
	bool dead;        /* the leader has ended, and is kept unreaped */
	bool listed;      /* the ladder runs, or has left a process */
	bool left;        /* it has: nothing further will be done */
	struct child_ladder ladder;
	size_t rung;       /* the one we wait on */
	uint64_t deadline; /* of that wait */
	struct child *next_in_bucket;
	struct child *next_listed, **link_listed;
};

struct child_set;

struct child_ops {
	/*
	 * The leader has ended. `kept`: others of its group live, so
	 * child_release() must follow; otherwise the child is gone when this
	 * returns.
	 */
	void (*on_exit)(void *arg, struct child *, struct ended, bool kept);
	/*
	 * The ladder has ended and this process of the child, its leader if
	 * that lives, has not. It has no owner when this returns.
	 */
	void (*on_left)(void *arg, struct child *, pid_t);
	/* And now it has, with all of its group. May be NULL. */
	void (*on_left_ended)(void *arg, struct child *);
	/* A process that is no child of the set has been reaped. */
	void (*on_other)(void *arg, pid_t, struct ended);
};

/* Keeps ops and arg. */
struct child_set *child_set_new(const struct child_ops *, void *arg);
void child_set_free(struct child_set *);

/*
 * A process that spawn() just started; the number of its owner is not 0, and the
 * rungs of its ladder (kept) outlive it.
 */
struct child *child_add(struct child_set *, pid_t, uint32_t owner,
    uint32_t session, struct child_ladder);

/* NULL: no such child. */
struct child *child_find(struct child_set *, pid_t);

/* How many there are, unreaped ones included. */
size_t child_count(const struct child_set *);

/* How many of them the ladder has left. */
size_t child_count_left(const struct child_set *);

/* How many have no ladder, and end when they please. */
size_t child_count_bare(const struct child_set *);

/*
 * The client has gone, `ago` milliseconds before now: start the ladder, if it
 * does not run already.
 */
void child_start_ladder(struct child_set *, struct child *, uint64_t ago);

/*
 * Its session is over: what is left of the group gets TERM, a second, KILL
 * (unless the ladder is "none").
 */
void child_release(struct child_set *, struct child *);

/* The owner has gone: forget it and start the ladder of all that it had. */
void child_disown(struct child_set *, uint32_t owner);

/* Start the ladder of every child; force: KILL at once. */
void child_stop_all(struct child_set *, bool force);

/* Collect everything that has ended. */
void child_reap(struct child_set *);

/* When child_tick() is due, in clock_ms() time; UINT64_MAX: never. */
uint64_t child_next(const struct child_set *);
void child_tick(struct child_set *, uint64_t now);

#endif
