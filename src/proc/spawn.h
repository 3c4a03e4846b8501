/*
 * Starting programs. (client/full_none.c becomes another program itself.)
 *
 * The caller is small and single-threaded, so the child borrows its memory
 * until it execs (vfork): that costs the same however large the caller is. A
 * child that becomes another user does not: others of that user may stop it
 * before it execs, and the caller with it. It gets a copy (fork), and is waited
 * for with a limit.
 *
 * The child sees descriptors 0, 1 and 2 and no other (everything else is
 * close-on-exec), default signal dispositions, an empty mask, and a process
 * group of its own. It gets TERM when the caller dies.
 */
#ifndef PROC_SPAWN_H
#define PROC_SPAWN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* A user to run as; the supplementary groups are the user's own. */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	size_t ngroups;
	char name[64];
	char home[256];
};

struct spawn_spec {
	const char *path; /* the program; no search is made */
	/*
	 * Borrowed: the same, open (O_PATH will do), so that no other is run;
	 * 0: by its path. A script is always found by its path, as the system
	 * gives that to its interpreter.
	 */
	int file;
	char *const *argv;
	char *const *envp;
	int fd[3];         /* become 0, 1 and 2; borrowed */
	bool blocking;     /* make these so first: new pipes of ours are not */
	const char *chdir; /* NULL: stay */
	const struct spawn_user *user; /* NULL: stay */
	bool survives;                 /* it may go on when the caller dies */
};

/* How far a child came that could not be started. */
enum spawn_step {
	SPAWN_SETUP, /* our own doing */
	SPAWN_USER,
	SPAWN_CHDIR,
	SPAWN_EXEC,
};

/*
 * Before the first spawn of a daemon: signals that were ignored before us are
 * put right, SIGPIPE is caught by a function that does nothing (exec turns a
 * caught signal into a default one, an ignored one it keeps), and the pipe on
 * which a failed exec is reported is made. All signals are blocked from here
 * on, so that no handler can run in a child's share of our memory: the caller
 * takes them while it waits, in ppoll(2). `caught` (kept) are the signals that
 * the caller has handlers for; a child takes them back before it unblocks any
 * (not the many of real time: what comes of one in that moment is a mark for
 * the caller that it came). No child gets the terminal that the caller may
 * have, nor capabilities that it would hand on (ambient ones). -1 with errno.
 */
int spawn_init(const int *caught, size_t n);

/*
 * The same for a program that belongs to a user's terminal: what was ignored
 * stays ignored (nohup), for it and its commands, they have its terminal, and
 * nothing is blocked. The caller blocks all signals around each spawn().
 */
int spawn_init_within(const int *caught, size_t n);

/*
 * Start it; the pid, or -1 with the errno of whatever failed, exec included:
 * then nothing runs and nothing is to be reaped.
 */
pid_t spawn(const struct spawn_spec *);

/* Where the last spawn() that failed has failed. */
enum spawn_step spawn_failed_at(void);

/*
 * Look a user and a group up (NULL: the user's own; a user of NULL keeps ours).
 * False and an owned sentence in *why.
 */
bool spawn_user_find(struct spawn_user *, const char *user, const char *group,
    char **why);

#endif
