/*
 * What the parent waits for: descriptors, signals, moments. poll(2), and libc
 * only.
 *
 * A turn waits until something is there. Then it calls for descriptors, in the
 * order in which they were watched; for signals, in the order in which they
 * were named; for timers, the earliest first. What is watched or armed within a
 * turn has its first chance in the next one, and what is given up is not called
 * any more: everything here may be called from everywhere.
 *
 * Signals belong to the process: one loop catches them. They have to be blocked
 * outside of it (spawn_init()), so that the handlers run nowhere else.
 */
#ifndef PARENT_LOOP_H
#define PARENT_LOOP_H

#include <sys/queue.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_signal;

/* What poll(2) has found: POLLIN, POLLOUT, POLLHUP, POLLERR. */
typedef void loop_fd_fn(void *arg, short found);
typedef void loop_signal_fn(void *arg, int sig);
typedef void loop_timer_fn(void *arg);

/* Embedded, and all zero before its first use. */
struct loop_fd {
	struct loop *loop; /* kept; NULL: not watched */
	size_t place;      /* in the poll set */
	loop_fd_fn *fn;
	void *arg; /* kept */
};

/* The same. */
struct loop_timer {
	LIST_ENTRY(loop_timer) entry;
	bool armed;
	uint64_t at;   /* clock_ms() */
	uint64_t turn; /* in which it was armed */
	loop_timer_fn *fn;
	void *arg; /* kept */
};

struct loop {
	struct pollfd *set;  /* owned, n places and room for more */
	struct loop_fd **fd; /* whose place it is; NULL: nobody's any more */
	size_t n, room;
	struct loop_signal *signals; /* owned, nsignals of them */
	size_t nsignals;
	LIST_HEAD(, loop_timer) timers; /* the earliest first */
	uint64_t turn;
};

void loop_init(struct loop *);

/* Nothing may be watched any more; signals keep their handlers. */
void loop_clear(struct loop *);

/* Wait for POLLIN on fd (borrowed), or with loop_want() for something else. */
void loop_watch(struct loop *, struct loop_fd *, int fd, loop_fd_fn *,
    void *arg);
void loop_want(struct loop_fd *, short events);

/* Before fd is closed. What is not watched may be given up, too. */
void loop_unwatch(struct loop_fd *);

/* Catch a signal, whatever happened to it before; -1 with errno. */
int loop_catch(struct loop *, int sig, loop_signal_fn *, void *arg);

/*
 * Call fn once, when clock_ms() is `at`, which may be past; UINT64_MAX: never.
 * A timer that is armed is set anew.
 */
void loop_at(struct loop *, struct loop_timer *, uint64_t at, loop_timer_fn *,
    void *arg);
void loop_cancel(struct loop_timer *);

/* Wait once, and call for what is there. */
void loop_turn(struct loop *);

#endif
