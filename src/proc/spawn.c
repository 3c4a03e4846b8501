#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "proc/spawn.h"

/*
 * A failed child writes one of these before it ends. The pipe lives as long as
 * we do: making one for each spawn would cost four system calls. The pid tells
 * a report of this spawn from one that came late, which happens only where
 * vfork is emulated by fork (valgrind, qemu-user).
 */
struct report {
	pid_t pid;
	int err;
};

static int report_pipe[2] = { -1, -1 };

/* What the caller catches. */
static const int *caught_signals;
static size_t ncaught;

static void
on_sigpipe(int sig)
{
	(void)sig;
}

/*
 * The two signals that glibc keeps to itself: its posix_spawn, with which make
 * for one may have started us, leaves them ignored, and its sigaction does not
 * touch them.
 */
static void
reset_internal_signals(void)
{
#if defined(__linux__) && defined(__GLIBC__)
	static const uint64_t dfl[4]; /* SIG_DFL in the kernel's words */

	for (long sig = 32; sig <= 33; sig++)
		(void)syscall(SYS_rt_sigaction, sig, dfl, NULL,
		    sizeof(uint64_t));
#endif
}

int
spawn_init_within(const int *caught, size_t n)
{
	struct sigaction none = { .sa_handler = on_sigpipe,
		.sa_flags = SA_RESTART };

	sigemptyset(&none.sa_mask);
	caught_signals = caught;
	ncaught = n;
	if (sigaction(SIGPIPE, &none, NULL) == -1 || fd_pipe(report_pipe) == -1)
		return -1;
	return fd_set_nonblock(report_pipe[0], true);
}

int
spawn_init(const int *caught, size_t n)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigemptyset(&dfl.sa_mask);
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL); /* KILL, STOP: EINVAL */
	reset_internal_signals();
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) == -1)
		return -1;
	return spawn_init_within(caught, n);
}

static int
become(const struct spawn_user *u)
{
	if (setgroups(u->ngroups, u->groups) == -1 || setgid(u->gid) == -1 ||
	    setuid(u->uid) == -1)
		return -1;
	return 0;
}

/* dup2 clears close-on-exec, except of a descriptor onto itself. */
static int
place(int from, int to)
{
	if (from == to)
		return fcntl(from, F_SETFD, 0);
	return dup2(from, to);
}

/* Programs expect to wait; a new pipe has no other flags to keep. */
static int
make_blocking(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_SETFL, 0) == -1)
			return -1;
	return 0;
}

/*
 * In the child, in the caller's memory: only system calls, and no return. The
 * caller opened 0 to 2 before anything else, so none of spec->fd is one of
 * them, unless it is in its own place.
 */
static void
run_child(const struct spawn_spec *spec)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct report r;
	sigset_t empty;

	sigemptyset(&empty);
	sigemptyset(&dfl.sa_mask);
	for (size_t i = 0; i < ncaught; i++)
		(void)sigaction(caught_signals[i], &dfl, NULL);
	if (setpgid(0, 0) == 0 && place(spec->fd[0], 0) != -1 &&
	    place(spec->fd[1], 1) != -1 && place(spec->fd[2], 2) != -1 &&
	    (!spec->blocking || make_blocking() == 0) &&
	    (spec->user == NULL || become(spec->user) == 0) &&
	    (spec->chdir == NULL || chdir(spec->chdir) == 0) &&
	    sigprocmask(SIG_SETMASK, &empty, NULL) == 0)
		execve(spec->path, spec->argv, spec->envp);
	r = (struct report){ .pid = getpid(), .err = errno };
	(void)!write(report_pipe[1], &r, sizeof(r));
	_exit(127);
}

/* The errno that child `pid` left, or 0. */
static int
read_report(pid_t pid)
{
	struct report r;

	while (read(report_pipe[0], &r, sizeof(r)) == (ssize_t)sizeof(r))
		if (r.pid == pid)
			return r.err;
	return 0;
}

pid_t
spawn(const struct spawn_spec *spec)
{
	pid_t pid = vfork();
	int err;

	if (pid == 0)
		run_child(spec);
	if (pid == -1)
		return -1;
	if ((err = read_report(pid)) != 0) {
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			continue;
		errno = err;
		return -1;
	}
	return pid;
}

static bool
find_group(struct spawn_user *u, const char *group, char **why)
{
	struct group *gr;
	uint64_t gid;

	if ((gr = getgrnam(group)) != NULL)
		u->gid = gr->gr_gid;
	else if (str_uint(group, UINT32_MAX - 1, &gid))
		u->gid = (gid_t)gid;
	else {
		*why = mem_printf("group \"%s\" does not exist", group);
		return false;
	}
	return true;
}

bool
spawn_user_find(struct spawn_user *u, const char *user, const char *group,
    char **why)
{
	struct passwd *pw = NULL;
	int n = (int)nitems(u->groups);
	uint64_t uid;

	*u = (struct spawn_user){ .uid = geteuid(), .gid = getegid() };
	if (user == NULL)
		pw = getpwuid(u->uid);
	else if ((pw = getpwnam(user)) == NULL &&
	    str_uint(user, UINT32_MAX - 1, &uid)) {
		pw = getpwuid((uid_t)uid);
		u->uid = (uid_t)uid;
		u->gid = (gid_t)uid;
	} else if (pw == NULL) {
		*why = mem_printf("user \"%s\" does not exist", user);
		return false;
	}
	if (pw != NULL) {
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
		str_copy(u->name, sizeof(u->name), pw->pw_name);
		str_copy(u->home, sizeof(u->home), pw->pw_dir);
	}
	if (group != NULL && !find_group(u, group, why))
		return false;
	if (pw == NULL ||
	    getgrouplist(pw->pw_name, u->gid, u->groups, &n) == -1) {
		u->groups[0] = u->gid;
		n = 1;
	}
	u->ngroups = (size_t)n;
	return true;
}
