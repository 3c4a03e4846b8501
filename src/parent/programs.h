/*
 * The programs that run for sessions, of whichever engine and route: an engine
 * asks for one, has it signalled or ended, and hears of its end.
 *
 * What an engine names is checked: a route that it has, a part of that, a
 * program that it has started itself. --maxforks counts all of them, and --once
 * and inetd have one whose exit status is the daemon's.
 */
#ifndef PARENT_PROGRAMS_H
#define PARENT_PROGRAMS_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "parent/engine.h"
#include "proc/child.h"

struct conf;
struct ladder;

struct programs_ops {
	/* The one session of --once is over. */
	void (*on_once_over)(void *owner);
	/* A process that is no program of ours has been reaped. */
	void (*on_other)(void *owner, pid_t, struct ended);
};

struct programs {
	const struct conf *conf;        /* kept */
	const struct engines *engines;  /* kept: whose they are */
	const struct programs_ops *ops; /* kept */
	void *owner;                    /* kept */
	struct child_set *children;     /* owned */
	LIST_HEAD(, ladder) ladders;    /* owned: of all that were started */
	bool stopping;                  /* no more are started */
	bool once_taken;                /* --once has had its session */
	pid_t status_of; /* the one whose status is ours; 0: none */
	int status;      /* that, to exit with */
};

void programs_init(struct programs *, const struct conf *,
    const struct engines *, const struct programs_ops *, void *owner);
void programs_clear(struct programs *);

/* What an engine asks for; false if that makes no sense. */
bool programs_on_open(struct programs *, struct engine *,
    const struct ipc_msg *);
bool programs_on_kill(struct programs *, struct engine *,
    const struct ipc_msg *);
bool programs_on_signal(struct programs *, struct engine *,
    const struct ipc_msg *);
bool programs_on_done(struct programs *, struct engine *,
    const struct ipc_msg *);

/* The engine of that number has gone: its programs get the ladder. */
void programs_disown(struct programs *, uint32_t number);

/* Start no more, and start the ladder of all; force: kill them. */
void programs_stop(struct programs *, bool force);

/*
 * Whether any has yet to end. Those without a ladder are left to themselves,
 * but not by force; those that a ladder has left are not waited for.
 */
bool programs_remain(const struct programs *);

/* Whether a ladder has left one. */
bool programs_left_any(const struct programs *);

/* After SIGCHLD; and when it is time, in clock_ms(), or never (UINT64_MAX). */
void programs_reap(struct programs *);
uint64_t programs_next(const struct programs *);
void programs_tick(struct programs *);

#endif
