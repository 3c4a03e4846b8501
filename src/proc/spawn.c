#include <sys/ioctl.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "proc/lifeline.h"
#include "proc/spawn.h"

/* How long a child may take that does not share our memory: 5 seconds. */
enum { LOOK_MS = 50, LOOKS = 100 };

/*
 * A failed child writes one of these before it ends. The pipe of those that
 * share our memory lives as long as we do: making one for each spawn would cost
 * four system calls. The pid tells a report of this spawn from one that came
 * late, which happens only where vfork is emulated by fork (valgrind,
 * qemu-user).
 */
struct report {
	pid_t pid;
	int err;
	enum spawn_step step;
};

static int report_pipe[2] = { -1, -1 };
static enum spawn_step failed_at;
static pid_t ourselves;
static int terminal = -1; /* that a child gives up */

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
	ourselves = getpid();
	if (sigaction(SIGPIPE, &none, NULL) == -1 || fd_pipe(report_pipe) == -1)
		return -1;
	return fd_set_nonblock(report_pipe[0], true);
}

/* They would come through every exec; what we need ourselves we keep. */
static void
clear_ambient(void)
{
#ifdef PR_CAP_AMBIENT
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
#endif
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
	clear_ambient();
	terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
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

static bool
set_up(const struct spawn_spec *spec)
{
	if (setpgid(0, 0) == -1 || place(spec->fd[0], 0) == -1 ||
	    place(spec->fd[1], 1) == -1 || place(spec->fd[2], 2) == -1)
		return false;
	return !spec->blocking || make_blocking() == 0;
}

/*
 * A terminal could be made to type what a program wants typed (TIOCSTI). A
 * session of its own would take it away as well, but the leader of one ignores
 * SIGTSTP, and any serial line that it opens becomes its terminal.
 */
static void
leave_terminal(void)
{
	if (terminal != -1)
		(void)ioctl(terminal, TIOCNOTTY);
}

/* The step that fails; SPAWN_EXEC: none before that one. */
static enum spawn_step
prepare(const struct spawn_spec *spec)
{
	sigset_t empty;

	sigemptyset(&empty);
	leave_terminal();
	if (!set_up(spec))
		return SPAWN_SETUP;
	if (spec->user != NULL && become(spec->user) == -1)
		return SPAWN_USER;
	if (!spec->survives && lifeline_hold(ourselves) == -1)
		return SPAWN_SETUP;
	if (spec->chdir != NULL && chdir(spec->chdir) == -1)
		return SPAWN_CHDIR;
	if (sigprocmask(SIG_SETMASK, &empty, NULL) == -1)
		return SPAWN_SETUP;
	return SPAWN_EXEC;
}

/* Returns only if that failed. */
static void
exec(const struct spawn_spec *spec)
{
#ifdef SYS_execveat
	if (spec->file > 0) {
		(void)syscall(SYS_execveat, spec->file, "", spec->argv,
		    spec->envp, AT_EMPTY_PATH);
		if (errno != ENOENT && errno != ENOSYS)
			return; /* it is no script, and the system no old one */
	}
#endif
	execve(spec->path, spec->argv, spec->envp);
}

/*
 * In the child, maybe in the caller's memory: only system calls, and no return.
 * The caller opened 0 to 2 before anything else, so none of spec->fd is one of
 * them, unless it is in its own place.
 */
static void
run_child(const struct spawn_spec *spec, int report)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct report r;

	sigemptyset(&dfl.sa_mask);
	for (size_t i = 0; i < ncaught; i++)
		(void)sigaction(caught_signals[i], &dfl, NULL);
	r.step = prepare(spec);
	if (r.step == SPAWN_EXEC)
		exec(spec);
	r.err = errno;
	r.pid = getpid();
	(void)!write(report, &r, sizeof(r));
	_exit(127);
}

/* Whether child `pid` has left a report. */
static bool
read_report(int fd, pid_t pid, struct report *r)
{
	while (read(fd, r, sizeof(*r)) == (ssize_t)sizeof(*r))
		if (r->pid == pid)
			return true;
	return false;
}

static bool
is_stopped(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG | WNOWAIT) ==
	    0 &&
	    si.si_pid == pid;
}

/* The pipe ends when the child has become its program, or is dead. */
static bool
await_report(int fd, pid_t pid, struct report *r)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < LOOKS; i++) {
		if (poll(&pfd, 1, LOOK_MS) == 1)
			return read_report(fd, pid, r);
		if (is_stopped(pid))
			break;
	}
	(void)kill(pid, SIGKILL);
	*r = (struct report){ .err = ETIMEDOUT, .step = SPAWN_EXEC };
	return true;
}

static pid_t
start_sharing(const struct spawn_spec *spec, struct report *r, bool *failed)
{
	pid_t pid = vfork();

	if (pid == 0)
		run_child(spec, report_pipe[1]);
	if (pid != -1)
		*failed = read_report(report_pipe[0], pid, r);
	return pid;
}

static pid_t
start_apart(const struct spawn_spec *spec, struct report *r, bool *failed)
{
	int report[2];
	pid_t pid;

	if (fd_pipe(report) == -1)
		return -1;
	if ((pid = fork()) == 0)
		run_child(spec, report[1]);
	fd_close(&report[1]);
	if (pid != -1)
		*failed = await_report(report[0], pid, r);
	fd_close(&report[0]);
	return pid;
}

pid_t
spawn(const struct spawn_spec *spec)
{
	struct report r = { .step = SPAWN_SETUP };
	bool failed = false;
	pid_t pid = spec->user == NULL ? start_sharing(spec, &r, &failed)
				       : start_apart(spec, &r, &failed);

	if (pid != -1 && !failed)
		return pid;
	failed_at = r.step;
	if (pid == -1)
		return -1;
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	errno = r.err;
	return -1;
}

enum spawn_step
spawn_failed_at(void)
{
	return failed_at;
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
