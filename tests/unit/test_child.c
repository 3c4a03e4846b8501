#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "proc/child.h"
#include "proc/group.h"
#include "proc/spawn.h"

enum {
	BOUND_S = 20, /* no wait takes longer */
	MANY = 500,
	ORPHAN_STATUS = 3,
	OWNER = 1,
	SOMEBODY = 2,
};

/* ------------------------------------------------- the program started */

/*
 * This program plays the commands too: `test_child SCRIPT` does what the
 * letters say, one after the other, and ends with status 0.
 */
static void
on_term(int sig)
{
	(void)sig;
	(void)!write(1, "t", 1);
}

static void
play_letter(char letter)
{
	char byte;

	switch (letter) {
	case 'i': /* ignore the polite signal */
		signal(SIGTERM, SIG_IGN);
		break;
	case 't': /* tell of it */
		sigaction(SIGTERM,
		    &(struct sigaction){ .sa_handler = on_term,
			.sa_flags = SA_RESTART },
		    NULL);
		break;
	case 'o': /* go on as a grandchild of whose parent nothing is left */
		if (fork() != 0)
			_exit(ORPHAN_STATUS);
		break;
	case 'p': /* go on in two processes */
		(void)!fork();
		break;
	case 'g': /* leave the group */
		setpgid(0, 0);
		break;
	case 'u': /* up */
		(void)!write(1, "u", 1);
		break;
	case 'w': /* wait for the end of input */
		while (read(0, &byte, 1) == 1)
			continue;
		break;
	default:
		_exit(99);
	}
}

static void
play(const char *script)
{
	while (*script != '\0')
		play_letter(*script++);
	_exit(0);
}

/* ------------------------------------------------- waiting, in bounds */

static char self[PATH_MAX];
static uint64_t now_ms = 1000000;

static uint64_t
stopped_clock(void)
{
	return now_ms;
}

static time_t
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* A process has changed; false when that has taken too long. */
static bool
wait_sigchld(time_t until)
{
	struct timespec left = { .tv_sec = until - seconds() };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (left.tv_sec <= 0)
		return false;
	return sigtimedwait(&set, NULL, &left) != -1 || errno == EINTR;
}

static void
no_handler(int sig)
{
	(void)sig;
}

/* The next byte of fd, or -1 at its end. */
static int
read_byte(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint8_t byte;
	ssize_t n;

	if (poll(&pfd, 1, BOUND_S * 1000) != 1)
		fail_msg("nothing to read after %d s", BOUND_S);
	n = read(fd, &byte, 1);
	assert_true(n >= 0);
	return n == 0 ? -1 : byte;
}

static void
expect_bytes(int fd, const char *bytes)
{
	for (; *bytes != '\0'; bytes++)
		assert_int_equal(read_byte(fd), *bytes);
}

/* All that is written to fd until its end, as text. */
static void
read_text(int fd, char *text, size_t size)
{
	size_t n = 0;
	int byte;

	while ((byte = read_byte(fd)) != -1) {
		assert_true(n + 1 < size);
		text[n++] = (char)byte;
	}
	text[n] = '\0';
}

/* ------------------------------------------------- a set and what it said */

struct seen {
	pid_t pid;
	struct ended end;
	bool kept;
	bool other; /* no child of the set */
};

struct world {
	struct child_set *set;
	int in[2], out[2]; /* standard input and output of all commands */
	struct seen seen[MANY + 8];
	size_t nseen, nleft, nleft_ended;
	pid_t left;      /* the last that a ladder has left */
	bool release;    /* in on_exit, at once */
	uint32_t disown; /* in on_exit, at once; 0: nobody */
	int fds;         /* open at the start */
};

static void
on_exit_seen(void *arg, struct child *c, struct ended end, bool kept)
{
	struct world *w = arg;

	assert_true(w->nseen < nitems(w->seen));
	assert_ptr_equal(child_find(w->set, c->pid), c);
	w->seen[w->nseen++] = (struct seen){ c->pid, end, kept, false };
	if (w->release && kept)
		child_release(w->set, c);
	if (w->disown != 0)
		child_disown(w->set, w->disown);
}

static void
on_left_seen(void *arg, struct child *c, pid_t pid)
{
	struct world *w = arg;

	assert_ptr_equal(child_find(w->set, c->pid), c);
	w->nleft++;
	w->left = pid;
}

static void
on_left_ended_seen(void *arg, struct child *c)
{
	struct world *w = arg;

	assert_true(c->left);
	w->nleft_ended++;
}

static void
on_other_seen(void *arg, pid_t pid, struct ended end)
{
	struct world *w = arg;

	assert_true(w->nseen < nitems(w->seen));
	assert_null(child_find(w->set, pid));
	w->seen[w->nseen++] = (struct seen){ pid, end, false, true };
}

static const struct seen *
find_seen(const struct world *w, pid_t pid)
{
	for (size_t i = 0; i < w->nseen; i++)
		if (w->seen[i].pid == pid)
			return &w->seen[i];
	return NULL;
}

/* Reap until that many ends were heard of. */
static void
wait_seen(struct world *w, size_t n)
{
	time_t until = seconds() + BOUND_S;

	for (child_reap(w->set); w->nseen < n; child_reap(w->set))
		if (!wait_sigchld(until))
			fail_msg("heard of %zu ends, not %zu", w->nseen, n);
	assert_int_equal(w->nseen, n);
}

/* Reap until that one's end was heard of. */
static void
wait_seen_pid(struct world *w, pid_t pid)
{
	time_t until = seconds() + BOUND_S;

	for (child_reap(w->set); find_seen(w, pid) == NULL; child_reap(w->set))
		if (!wait_sigchld(until))
			fail_msg("%d has not ended", (int)pid);
}

/* Reap until that many children are left. */
static void
wait_count(struct world *w, size_t n)
{
	time_t until = seconds() + BOUND_S;

	for (child_reap(w->set); child_count(w->set) > n; child_reap(w->set))
		if (!wait_sigchld(until))
			fail_msg("%zu children left, not %zu",
			    child_count(w->set), n);
	assert_int_equal(child_count(w->set), n);
}

/* Whether no child is left, dead or alive. */
static bool
no_process_is_left(void)
{
	siginfo_t si;

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 &&
	    errno == ECHILD;
}

/* Reap until no process is left, in the set or beside it. */
static void
wait_nobody(struct world *w)
{
	time_t until = seconds() + BOUND_S;

	for (child_reap(w->set); !no_process_is_left(); child_reap(w->set))
		if (!wait_sigchld(until))
			fail_msg("a process was left");
	assert_int_equal(child_count(w->set), 0);
}

/* Whether that process is dead and not reaped. */
static bool
is_zombie(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    0 &&
	    si.si_pid == pid;
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static const struct child_rung polite_rungs[] = {
	{ 0, 2000 },
	{ SIGTERM, 3000 },
	{ SIGKILL, 0 },
};
static const struct child_ladder polite = { polite_rungs, 3 };
static const struct child_ladder no_ladder;

static int
world_setup(void **state)
{
	static const struct child_ops ops = {
		.on_exit = on_exit_seen,
		.on_left = on_left_seen,
		.on_left_ended = on_left_ended_seen,
		.on_other = on_other_seen,
	};
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	w->fds = count_fds();
	if (fd_pipe(w->in) == -1 || fd_pipe(w->out) == -1)
		return -1;
	w->set = child_set_new(&ops, w);
	clock_replace(stopped_clock);
	*state = w;
	return 0;
}

/* A test that failed leaves processes: they must not disturb the next one. */
static int
world_teardown(void **state)
{
	struct world *w = *state;
	time_t until = seconds() + BOUND_S;
	bool clean = no_process_is_left();

	clock_replace(NULL);
	child_stop_all(w->set, true);
	fd_close2(w->in);
	fd_close2(w->out);
	while (!no_process_is_left() &&
	    (waitpid(-1, NULL, WNOHANG) > 0 || wait_sigchld(until)))
		continue;
	child_set_free(w->set);
	if (!clean)
		print_error("a process was left\n");
	if (count_fds() != w->fds)
		print_error("%d descriptors left\n", count_fds() - w->fds);
	clean = clean && count_fds() == w->fds;
	free(w);
	return clean ? 0 : -1;
}

/* What execve() wants and does not write to. */
static char *
word(const char *text)
{
	return (char *)(uintptr_t)text;
}

static pid_t
start(const struct world *w, const char *path, const char *arg)
{
	char *argv[] = { word(path), word(arg), NULL };
	char *envp[] = { NULL };

	return spawn(&(struct spawn_spec){
	    .path = path,
	    .argv = argv,
	    .envp = envp,
	    .fd = { w->in[0], w->out[1], STDERR_FILENO },
	});
}

static pid_t
start_script(const struct world *w, const char *script)
{
	pid_t pid = start(w, self, script);

	assert_true(pid > 0);
	return pid;
}

/* A child of the set that plays a script. */
static struct child *
add_script(struct world *w, const char *script, const struct child_ladder *l)
{
	return child_add(w->set, start_script(w, script), OWNER, 1, *l);
}

/* A dead leader, kept by a grandchild that is up. */
static struct child *
add_kept(struct world *w, const char *script, const struct child_ladder *l)
{
	struct child *c = add_script(w, script, l);

	expect_bytes(w->out[0], "u");
	wait_seen(w, w->nseen + 1);
	assert_true(w->seen[w->nseen - 1].kept);
	assert_int_equal(w->seen[w->nseen - 1].pid, c->pid);
	assert_int_equal(w->seen[w->nseen - 1].end.status, ORPHAN_STATUS);
	assert_true(is_zombie(c->pid));
	return c;
}

/* ------------------------------------------------- starting programs */

static void
run_sh(const struct world *w, const char *script, char *text, size_t size)
{
	char *argv[] = { word("sh"), word("-c"), word(script), NULL };
	char *envp[] = { word("PATH=/usr/bin:/bin"), NULL };
	int out[2];
	pid_t pid;

	assert_int_equal(fd_pipe(out), 0);
	pid = spawn(&(struct spawn_spec){
	    .path = "/bin/sh",
	    .argv = argv,
	    .envp = envp,
	    .fd = { w->in[0], out[1], STDERR_FILENO },
	});
	assert_true(pid > 0);
	close(out[1]);
	read_text(out[0], text, size);
	close(out[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Nothing runs, nothing is to be reaped, and the next spawn is all right. */
static void
tells_why_exec_failed(void **state)
{
	char plain[sizeof(self) + 8];
	const struct {
		const char *name, *path, *chdir;
		int err;
	} rows[] = {
		{ "not there", "/nonexistent/program", NULL, ENOENT },
		{ "a folder", "/", NULL, EACCES },
		{ "not executable", "/dev/null", NULL, EACCES },
		{ "below a file", "/dev/null/x", NULL, ENOTDIR },
		{ "no program", plain, NULL, ENOEXEC },
		{ "no folder to change to", "/bin/sh", "/nonexistent", ENOENT },
		{ "a file to change to", "/bin/sh", "/dev/null", ENOTDIR },
	};
	struct world *w = *state;
	int fd;

	snprintf(plain, sizeof(plain), "%s.XXXXXX", self);
	assert_true((fd = mkstemp(plain)) != -1);
	assert_int_equal(write(fd, "\1\2\3\4", 4), 4);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	for (size_t i = 0; i < nitems(rows); i++) {
		char *argv[] = { plain, NULL }, *envp[] = { NULL };
		int before = count_fds(), err;
		pid_t pid = spawn(&(struct spawn_spec){
		    .path = rows[i].path,
		    .argv = argv,
		    .envp = envp,
		    .fd = { w->in[0], w->out[1], STDERR_FILENO },
		    .chdir = rows[i].chdir,
		});

		err = errno;
		if (pid != -1 || err != rows[i].err)
			fail_msg("%s: %d, %s", rows[i].name, (int)pid,
			    strerror(err));
		assert_true(no_process_is_left());
		assert_int_equal(count_fds(), before);
	}
	unlink(plain);
	child_add(w->set, start_script(w, ""), OWNER, 1, polite);
	wait_count(w, 0);
	assert_int_equal(w->seen[0].end.status, 0);
}

/* Whoever started us had signals ignored and blocked, and files open. */
static void
starts_from_a_clean_state(void **state)
{
	static const char *const lines[] = { "SigPnd", "ShdPnd", "SigBlk",
		"SigIgn" };
	struct world *w = *state;
	char text[8192];
	int stray[2];

	if (access("/proc/self/status", R_OK) == -1)
		skip();
	assert_int_equal(fd_pipe(stray), 0);
	run_sh(w, "exec cat /proc/self/status", text, sizeof(text));
	for (size_t i = 0; i < nitems(lines); i++) {
		const char *p = strstr(text, lines[i]);

		assert_non_null(p);
		p += strlen(lines[i]) + 2;
		if (strspn(p, "0") != strcspn(p, "\n"))
			fail_msg("%s: %.16s", lines[i], p);
	}
	run_sh(w,
	    "i=0; while [ $i -lt 256 ]; do"
	    " [ -e /proc/$$/fd/$i ] && echo $i; i=$((i + 1)); done",
	    text, sizeof(text));
	assert_string_equal(text, "0\n1\n2\n");
	fd_close2(stray);
}

static void
gives_what_was_asked_for(void **state)
{
	struct world *w = *state;
	char *argv[] = { word("zero"), word("-c"),
		word("echo $0 $#; echo $A; pwd; read x; echo $x;"
		     " echo err >&2"),
		NULL };
	char *envp[] = { word("A=b c"), NULL };
	char text[256];
	int err[2];
	pid_t pid;

	assert_int_equal(fd_pipe(err), 0);
	assert_int_equal(write(w->in[1], "line\n", 5), 5);
	pid = spawn(&(struct spawn_spec){
	    .path = "/bin/sh",
	    .argv = argv,
	    .envp = envp,
	    .fd = { w->in[0], w->out[1], err[1] },
	    .chdir = "/",
	});
	assert_true(pid > 0);
	assert_int_equal(getpgid(pid), pid);
	assert_int_not_equal(getpgrp(), pid);
	fd_close(&err[1]);
	fd_close(&w->out[1]);
	read_text(w->out[0], text, sizeof(text));
	assert_string_equal(text, "zero 0\nb c\n/\nline\n");
	read_text(err[0], text, sizeof(text));
	assert_string_equal(text, "err\n");
	fd_close(&err[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
becomes_a_user(void **state)
{
	struct world *w = *state;
	char *argv[] = { word("sh"), word("-c"), word("id -u; id -g; id -G"),
		NULL };
	char *envp[] = { word("PATH=/usr/bin:/bin"), NULL };
	char text[1024], want[1024];
	struct spawn_user u;
	char *why = NULL;
	size_t n = 0;
	pid_t pid;

	if (geteuid() != 0 || !spawn_user_find(&u, "nobody", NULL, &why)) {
		free(why);
		skip();
	}
	pid = spawn(&(struct spawn_spec){
	    .path = "/bin/sh",
	    .argv = argv,
	    .envp = envp,
	    .fd = { w->in[0], w->out[1], STDERR_FILENO },
	    .user = &u,
	});
	assert_true(pid > 0);
	fd_close(&w->out[1]);
	read_text(w->out[0], text, sizeof(text));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	n = (size_t)snprintf(want, sizeof(want), "%u\n%u\n%u", u.uid, u.gid,
	    u.gid);
	assert_int_equal(strncmp(text, want, n), 0);
	assert_string_equal(u.name, "nobody");
}

static pid_t
start_file(const struct world *w, int file, const char *path)
{
	char *argv[] = { word(path), word("%s"), word("by file\n"), NULL };
	char *envp[] = { NULL };

	return spawn(&(struct spawn_spec){
	    .path = path,
	    .file = file,
	    .argv = argv,
	    .envp = envp,
	    .fd = { w->in[0], w->out[1], STDERR_FILENO },
	});
}

/* Whatever the path has come to mean: but a script is given to its shell. */
static void
fault_A11_runs_the_file_that_was_looked_at(void **state)
{
	struct world *w = *state;
	char script[sizeof(self) + 8], text[64];
	int program = open("/usr/bin/printf", O_RDONLY | O_CLOEXEC), fd;
	pid_t pid;

	if (program == -1)
		skip();
	pid = start_file(w, program, "/nonexistent");
#ifdef __linux__
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	expect_bytes(w->out[0], "by file\n");
#endif
	close(program);
	snprintf(script, sizeof(script), "%s.XXXXXX", self);
	assert_true((fd = mkstemp(script)) != -1);
	assert_true(write(fd, "#!/bin/sh\necho $0\n", 18) == 18);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	assert_true((fd = open(script, O_RDONLY | O_CLOEXEC)) != -1);
	pid = start_file(w, fd, script);
	close(fd);
	assert_true(pid > 0);
	fd_close(&w->out[1]);
	read_text(w->out[0], text, sizeof(text));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(strncmp(text, script, strlen(script)), 0);
	unlink(script);
}

/* Stops every child of `parent`, for as long as that lives. */
static void
play_stopper(pid_t parent)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent,
	    (int)parent);
	while (getppid() == parent) {
		FILE *f = fopen(path, "re");
		int pid;

		if (f == NULL)
			break;
		while (fscanf(f, "%d", &pid) == 1)
			if (pid != getpid())
				(void)kill(pid, SIGSTOP);
		fclose(f);
	}
	_exit(0);
}

/*
 * Whoever is of the same user can stop a child between setuid and exec. The
 * caller goes on, and nothing is left of the child.
 */
static void
fault_A6_a_child_that_is_stopped(void **state)
{
	struct world *w = *state;
	char *argv[] = { word("true"), NULL }, *envp[] = { NULL };
	pid_t parent = getpid(), stopper, pid = 0;
	struct spawn_user u;
	char *why = NULL;

	if (geteuid() != 0 || access("/proc/thread-self/children", R_OK) ||
	    !spawn_user_find(&u, "4242", NULL, &why)) {
		free(why);
		skip();
	}
	if ((stopper = fork()) == 0)
		play_stopper(parent);
	for (int i = 0; i < MANY && pid != -1; i++) {
		pid = spawn(&(struct spawn_spec){
		    .path = "/bin/true",
		    .argv = argv,
		    .envp = envp,
		    .fd = { w->in[0], w->out[1], STDERR_FILENO },
		    .user = &u,
		});
		if (pid != -1) {
			assert_int_equal(kill(pid, SIGKILL), 0);
			assert_int_equal(waitpid(pid, NULL, 0), pid);
		}
	}
	if (pid == -1)
		assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(kill(stopper, SIGKILL), 0);
	assert_int_equal(waitpid(stopper, NULL, 0), stopper);
	if (pid != -1)
		skip(); /* it was never the right moment */
	assert_true(no_process_is_left());
}

/* The program that an ancestor of which nothing is left has started. */
static void
fault_F12_a_child_ends_with_the_caller(void **state)
{
	struct world *w = *state;
	pid_t caller = fork();

	if (caller == 0) {
		if (spawn_init(NULL, 0) == -1 || start(w, self, "tuw") == -1)
			_exit(1);
		for (;;)
			pause();
	}
	expect_bytes(w->out[0], "u");
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, NULL, 0), caller);
#if defined(__linux__) || defined(__FreeBSD__)
	expect_bytes(w->out[0], "t");
#endif
	fd_close(&w->in[1]);
	wait_nobody(w);
}

static void
finds_users(void **state)
{
	struct spawn_user u;
	char *why = NULL;

	(void)state;
	assert_true(spawn_user_find(&u, NULL, NULL, &why));
	assert_int_equal(u.uid, geteuid());
	assert_true(spawn_user_find(&u, "root", NULL, &why));
	assert_int_equal(u.uid, 0);
	assert_true(spawn_user_find(&u, "root", "4242", &why));
	assert_int_equal(u.gid, 4242);
	assert_true(spawn_user_find(&u, "424242", NULL, &why));
	assert_int_equal(u.uid, 424242);
	assert_int_equal(u.ngroups, 1);
	assert_null(why);
	assert_false(spawn_user_find(&u, "no such user", NULL, &why));
	assert_string_equal(why, "user \"no such user\" does not exist");
	free(why);
	why = NULL;
	assert_false(spawn_user_find(&u, NULL, "no such group", &why));
	assert_string_equal(why, "group \"no such group\" does not exist");
	free(why);
}

/* ------------------------------------------------- ends */

static void
tells_how_they_ended(void **state)
{
	static const struct {
		const char *script;
		uint8_t status, sig;
	} rows[] = {
		{ "exit 0", 0, 0 },
		{ "exit 3", 3, 0 },
		{ "exit 255", 255, 0 },
		{ "kill -TERM $$", 0, SIGTERM },
		{ "kill -KILL $$", 0, SIGKILL },
		{ "ulimit -c 0; kill -SEGV $$", 0, SIGSEGV },
	};
	struct world *w = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		char *argv[] = { word("sh"), word("-c"), word(rows[i].script),
			NULL };
		char *envp[] = { NULL };
		pid_t pid = spawn(&(struct spawn_spec){
		    .path = "/bin/sh",
		    .argv = argv,
		    .envp = envp,
		    .fd = { w->in[0], w->out[1], STDERR_FILENO },
		});
		const struct seen *s = &w->seen[i];

		child_add(w->set, pid, OWNER, 1, polite);
		wait_seen(w, i + 1);
		if (s->pid != pid || s->end.status != rows[i].status ||
		    s->end.signal != rows[i].sig || s->kept || s->other)
			fail_msg("%s: %d, %d", rows[i].script, s->end.status,
			    s->end.signal);
		assert_int_equal(child_count(w->set), 0);
		assert_null(child_find(w->set, pid));
	}
}

static void
finds_its_own(void **state)
{
	struct world *w = *state;
	struct child *a = add_script(w, "w", &polite);
	struct child *b = add_script(w, "w", &polite);

	assert_int_equal(child_count(w->set), 2);
	assert_ptr_equal(child_find(w->set, a->pid), a);
	assert_ptr_equal(child_find(w->set, b->pid), b);
	assert_null(child_find(w->set, getpid()));
	assert_int_equal(child_next(w->set), UINT64_MAX);
	child_reap(w->set);
	assert_int_equal(w->nseen, 0);
	fd_close(&w->in[1]);
	wait_count(w, 0);
	assert_int_equal(w->nseen, 2);
}

/* No zombie and no end unheard of, though one SIGCHLD stands for many. */
static void
hears_of_all_that_die_together(void **state)
{
	struct world *w = *state;
	static pid_t pids[MANY];

	for (size_t i = 0; i < MANY; i++) {
		pids[i] = start(w, "/bin/cat", NULL);
		assert_true(pids[i] > 0);
		child_add(w->set, pids[i], OWNER, (uint32_t)i, polite);
	}
	assert_int_equal(child_count(w->set), MANY);
	fd_close(&w->in[1]);
	wait_count(w, 0);
	assert_int_equal(w->nseen, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_non_null(find_seen(w, pids[i]));
		assert_int_equal(find_seen(w, pids[i])->end.status, 0);
	}
	assert_true(no_process_is_left());
}

/* ------------------------------------------------- kept leaders */

/* TERM is enough for what is left of the group. */
static void
releases_a_kept_leader(void **state)
{
	struct world *w = *state;
	struct child *c = add_kept(w, "ouw", &polite);

	assert_int_equal(child_count(w->set), 1);
	assert_int_equal(child_next(w->set), UINT64_MAX);
	child_reap(w->set);
	assert_int_equal(w->nseen, 1); /* heard of once */
	child_release(w->set, c);
	assert_int_equal(child_next(w->set), now_ms + 1000);
	wait_count(w, 0);
	assert_int_equal(child_next(w->set), UINT64_MAX);
	assert_true(no_process_is_left());
}

/* Who ignores TERM is killed a second later. */
static void
kills_what_is_left(void **state)
{
	struct world *w = *state;
	struct child *c = add_kept(w, "oiuw", &polite);

	child_release(w->set, c);
	child_tick(w->set, now_ms + 999);
	child_reap(w->set);
	assert_int_equal(child_count(w->set), 1);
	assert_int_equal(child_next(w->set), now_ms + 1000);
	child_tick(w->set, now_ms + 1000);
	wait_count(w, 0);
	wait_nobody(w);
	assert_int_equal(w->seen[1].end.signal, SIGKILL);
}

/* The grandchild has gone by itself before the session was over. */
static void
releases_an_empty_group(void **state)
{
	struct world *w = *state;
	struct child *c = add_kept(w, "ouw", &polite);

	fd_close(&w->in[1]);
	wait_seen(w, 2);
	assert_true(w->seen[1].other);
	assert_int_equal(child_count(w->set), 1);
	assert_true(is_zombie(c->pid));
	child_release(w->set, c);
	assert_int_equal(child_count(w->set), 0);
	assert_true(no_process_is_left());
}

/* The session was over before the leader died. */
static void
releases_before_the_end(void **state)
{
	struct world *w = *state;
	struct child *c = add_script(w, "ptuw", &polite);

	expect_bytes(w->out[0], "uu");
	child_release(w->set, c);
	assert_int_equal(child_next(w->set), UINT64_MAX);
	assert_int_equal(kill(c->pid, SIGKILL), 0);
	wait_seen(w, 1);
	assert_true(w->seen[0].kept);
	assert_int_equal(child_next(w->set), now_ms + 1000);
	expect_bytes(w->out[0], "t");
	child_tick(w->set, now_ms + 1000);
	wait_count(w, 0);
	wait_nobody(w);
}

/* A ladder of none: nothing is signalled, and nothing is kept. */
static void
leaves_them_alone(void **state)
{
	struct world *w = *state;
	struct child *c = add_script(w, "tuw", &no_ladder);
	struct child *k;

	expect_bytes(w->out[0], "u");
	child_start_ladder(w->set, c, 0);
	child_stop_all(w->set, false);
	child_disown(w->set, OWNER);
	assert_int_equal(child_next(w->set), UINT64_MAX);

	k = add_kept(w, "otuw", &no_ladder);
	child_release(w->set, k);
	assert_int_equal(child_count(w->set), 1);
	fd_close(&w->in[1]);
	wait_seen(w, 3);
	fd_close(&w->out[1]);
	assert_int_equal(read_byte(w->out[0]), -1); /* no "t" */
	assert_int_equal(child_count(w->set), 0);
}

/* An owner that releases from within the callback. */
static void
releases_at_once(void **state)
{
	static const struct child_ladder *const ladders[] = { &no_ladder,
		&polite };
	struct world *w = *state;

	w->release = true;
	for (size_t i = 0; i < nitems(ladders); i++) {
		size_t n = w->nseen;

		add_script(w, "oiuw", ladders[i]);
		expect_bytes(w->out[0], "u");
		wait_seen(w, n + 1);
		assert_true(w->seen[n].kept);
		assert_int_equal(child_count(w->set), i);
	}
	fd_close(&w->in[1]);
	wait_count(w, 0);
	wait_nobody(w);
}

/*
 * An owner that goes while it is told of an end: all of its are disowned, the
 * one it is told of too.
 */
static void
disowns_at_once(void **state)
{
	static const struct child_ladder *const ladders[] = { &no_ladder,
		&polite };
	static const char *const scripts[] = { "", "oiuw" };
	struct world *w = *state;

	w->disown = OWNER;
	for (size_t i = 0; i < nitems(ladders) * nitems(scripts); i++) {
		const char *script = scripts[i % 2];
		size_t n = w->nseen;

		add_script(w, script, ladders[i / 2]);
		if (script[0] != '\0')
			expect_bytes(w->out[0], "u");
		wait_seen(w, n + 1);
		assert_int_equal(w->seen[n].kept, script[0] != '\0');
		assert_int_equal(child_count(w->set), i == 3);
	}
	fd_close(&w->in[1]);
	wait_count(w, 0);
	wait_nobody(w);
}

/* ------------------------------------------------- the ladder */

/* The whole group, leader and grandchild, at each rung and not before. */
static void
climbs(void **state)
{
	struct world *w = *state;
	struct child *c = add_script(w, "ptuw", &polite);
	pid_t pid = c->pid;

	expect_bytes(w->out[0], "uu");
	child_start_ladder(w->set, c, 0);
	assert_int_equal(child_next(w->set), now_ms + 2000);
	child_start_ladder(w->set, c, 0); /* it runs already */
	child_tick(w->set, now_ms + 1999);
	assert_int_equal(child_next(w->set), now_ms + 2000);

	now_ms += 2000;
	child_tick(w->set, now_ms);
	assert_int_equal(child_next(w->set), now_ms + 3000);
	expect_bytes(w->out[0], "tt");
	child_tick(w->set, now_ms + 2999);
	child_reap(w->set);
	assert_int_equal(w->nseen, 0);

	now_ms += 3000;
	child_tick(w->set, now_ms);
	assert_int_equal(child_next(w->set), now_ms + 1000); /* to die in */
	fd_close(&w->out[1]);
	assert_int_equal(read_byte(w->out[0]), -1); /* no third "t" */
	/* the leader may have died first and be kept: then it is released */
	wait_seen_pid(w, pid);
	if ((c = child_find(w->set, pid)) != NULL)
		child_release(w->set, c);
	wait_nobody(w);
	assert_int_equal(find_seen(w, pid)->end.signal, SIGKILL);
}

/* A ladder that ended below KILL is not climbed again, and its owner hears. */
static void
climbs_once(void **state)
{
	static const struct child_rung rungs[] = { { SIGTERM, 10 } };
	static const struct child_ladder mild = { rungs, 1 };
	struct world *w = *state;
	struct child *c = add_script(w, "tuw", &mild);

	expect_bytes(w->out[0], "u");
	child_start_ladder(w->set, c, 0);
	expect_bytes(w->out[0], "t");
	child_tick(w->set, now_ms + 10);
	assert_int_equal(child_next(w->set), now_ms + 1010);
	child_start_ladder(w->set, c, 0);
	child_stop_all(w->set, false);
	assert_int_equal(child_next(w->set), now_ms + 1010);
	assert_int_equal(w->nleft, 0);
	child_tick(w->set, now_ms + 1010);
	assert_int_equal(child_next(w->set), UINT64_MAX);
	assert_int_equal(w->nleft, 1);
	assert_int_equal(w->left, c->pid);
	assert_int_equal(c->owner, 0);
	assert_int_equal(child_count_left(w->set), 1);
	assert_int_equal(child_count(w->set), 1);
	fd_close(&w->in[1]);
	fd_close(&w->out[1]);
	assert_int_equal(read_byte(w->out[0]), -1); /* no second "t" */
	wait_nobody(w);
	assert_int_equal(child_count_left(w->set), 0);
	assert_int_equal(w->nleft_ended, 1);
}

/* By force those are killed, too, that a mild ladder has left. */
static void
fault_F4_force_does_not_pass_over_who_is_left(void **state)
{
	static const struct child_rung rungs[] = { { SIGTERM, 10 } };
	static const struct child_ladder mild = { rungs, 1 };
	struct world *w = *state;
	struct child *c = add_script(w, "iuw", &mild);

	expect_bytes(w->out[0], "u");
	child_start_ladder(w->set, c, 0);
	child_tick(w->set, now_ms + 10);
	child_tick(w->set, now_ms + 1010);
	assert_int_equal(child_count_left(w->set), 1);
	child_stop_all(w->set, true);
	assert_int_equal(child_count_left(w->set), 0);
	wait_count(w, 0);
	assert_int_equal(w->seen[0].end.signal, SIGKILL);
	assert_int_equal(w->nleft, 1);
}

/* Of a group whose leader is dead somebody is named who lives. */
static void
fault_F4_who_is_left_behind_a_dead_leader(void **state)
{
	struct world *w = *state;
	struct child *c = add_kept(w, "oiuw", &polite);
	pid_t group = c->pid, left = group_find_member(group);
	char name[32];

	if (left == 0)
		skip();
	assert_int_not_equal(left, group);
	assert_int_equal(getpgid(left), group);
	group_put_name(name, sizeof(name), left);
	assert_string_equal(name, "test_child");
	child_release(w->set, c);
	child_tick(w->set, now_ms + 1000);
	wait_count(w, 0);
	assert_int_equal(group_find_member(group), 0);
	wait_nobody(w);
}

static void
starts_in_the_past(void **state)
{
	struct world *w = *state;
	struct child *c = add_script(w, "w", &polite);

	child_start_ladder(w->set, c, 100);
	assert_int_equal(child_next(w->set), now_ms + 1900);
	fd_close(&w->in[1]);
	wait_count(w, 0);
	assert_int_equal(child_next(w->set), UINT64_MAX);
}

/* The leader went at TERM; the ladder goes on for the one that stays. */
static void
climbs_on_behind_a_dead_leader(void **state)
{
	struct world *w = *state;
	struct child *c = add_script(w, "oiuw", &polite);

	expect_bytes(w->out[0], "u");
	child_start_ladder(w->set, c, 0);
	wait_seen(w, 1);
	assert_true(w->seen[0].kept);
	child_release(w->set, c); /* changes nothing: it climbs */
	assert_int_equal(child_next(w->set), now_ms + 2000);
	child_tick(w->set, now_ms + 2000);
	assert_int_equal(child_next(w->set), now_ms + 5000);
	child_tick(w->set, now_ms + 5000);
	wait_count(w, 0);
	assert_int_equal(child_next(w->set), UINT64_MAX);
	wait_seen(w, 2);
	assert_int_equal(w->seen[1].end.signal, SIGKILL);
	assert_true(no_process_is_left());
}

/* Of several the next deadline counts, whoever is first. */
static void
knows_the_next_deadline(void **state)
{
	static const struct child_rung rungs[] = { { 0, 500 }, { SIGKILL, 0 } };
	static const struct child_ladder fast = { rungs, 2 };
	struct world *w = *state;
	struct child *a = add_script(w, "w", &polite);
	struct child *b = add_script(w, "w", &fast);
	struct child *c = add_script(w, "w", &polite);
	pid_t first = b->pid;

	child_start_ladder(w->set, a, 0);
	child_start_ladder(w->set, b, 0);
	child_start_ladder(w->set, c, 300);
	assert_int_equal(child_next(w->set), now_ms + 500);
	child_tick(w->set, now_ms + 500);
	assert_int_equal(child_next(w->set), now_ms + 1500);
	wait_seen(w, 1);
	assert_int_equal(child_next(w->set), now_ms + 1700);
	assert_int_equal(w->seen[0].pid, first);
	assert_int_equal(w->seen[0].end.signal, SIGKILL);
	fd_close(&w->in[1]);
	wait_count(w, 0);
}

/* The owner of some has gone: those get the ladder, others do not. */
static void
disowns(void **state)
{
	struct world *w = *state;
	struct child *mine = add_script(w, "w", &polite);
	struct child *kept = add_kept(w, "ouw", &polite);
	struct child *other =
	    child_add(w->set, start_script(w, "tuw"), SOMEBODY, 2, polite);

	expect_bytes(w->out[0], "u");
	child_disown(w->set, OWNER);
	assert_int_equal(mine->owner, 0);
	assert_int_equal(kept->owner, 0);
	assert_int_equal(other->owner, SOMEBODY);
	assert_true(mine->listed && kept->listed && !other->listed);
	assert_int_equal(child_next(w->set), now_ms + 1000); /* the kept one */
	wait_count(w, 2);
	child_tick(w->set, now_ms + 2000);
	wait_count(w, 1);
	fd_close(&w->in[1]);
	wait_count(w, 0);
	fd_close(&w->out[1]);
	assert_int_equal(read_byte(w->out[0]), -1); /* no "t" */
	wait_nobody(w);
}

static void
stops_all(void **state)
{
	struct world *w = *state;

	add_script(w, "iuw", &polite);
	add_script(w, "iuw", &no_ladder);
	expect_bytes(w->out[0], "uu");
	child_stop_all(w->set, false);
	assert_int_equal(child_next(w->set), now_ms + 2000);
	child_reap(w->set);
	assert_int_equal(w->nseen, 0);
	child_stop_all(w->set, true);
	wait_count(w, 0);
	assert_int_equal(w->seen[0].end.signal, SIGKILL);
	assert_int_equal(w->seen[1].end.signal, SIGKILL);
}

/* ------------------------------------------------- orphans and strangers */

/* Who has left the group is on its own, and reaped all the same. */
static void
reaps_orphans(void **state)
{
	struct world *w = *state;

	add_script(w, "oguw", &no_ladder);
	expect_bytes(w->out[0], "u");
	wait_count(w, 0);
	fd_close(&w->in[1]);
	wait_seen(w, 2);
	assert_true(w->seen[1].other);
	assert_true(no_process_is_left());
}

static void
kept_leaders_hide_no_child(void **state)
{
	struct world *w = *state;
	struct child *a = add_kept(w, "ouw", &polite);
	struct child *b = add_kept(w, "ouw", &polite);
	pid_t pid;

	for (size_t i = 0; i < 20; i++) {
		pid = start_script(w, "");
		child_add(w->set, pid, OWNER, 1, polite);
		wait_seen(w, 3 + i);
		assert_int_equal(w->seen[2 + i].pid, pid);
		assert_int_equal(child_count(w->set), 2);
	}
	child_release(w->set, a);
	child_release(w->set, b);
	wait_count(w, 0);
	wait_nobody(w);
}

/* An engine is a stranger to the set: its death must not wait for a leader. */
static void
kept_leaders_hide_no_stranger(void **state)
{
	struct world *w = *state;
	struct child *c;
	pid_t pid;

	if (access("/proc/thread-self/children", R_OK) == -1)
		skip();
	c = add_kept(w, "ouw", &polite);
	for (size_t i = 0; i < 3; i++) {
		pid = start_script(w, "");
		wait_seen(w, 2 + i);
		assert_int_equal(w->seen[1 + i].pid, pid);
		assert_true(w->seen[1 + i].other);
		assert_int_equal(w->seen[1 + i].end.status, 0);
	}
	/* with children of the set dying beside them */
	child_add(w->set, start_script(w, ""), OWNER, 1, polite);
	pid = start_script(w, "");
	wait_seen(w, 6);
	assert_true(find_seen(w, pid)->other);
	/* and the orphan that kept the leader: it is unkept, but not released */
	fd_close(&w->in[1]);
	wait_seen(w, 7);
	assert_true(w->seen[6].other);
	assert_int_equal(child_count(w->set), 1);
	assert_true(is_zombie(c->pid));
	child_release(w->set, c);
	assert_true(no_process_is_left());
}

static void
knows_living_groups(void **state)
{
	struct world *w = *state;
	pid_t pid = start_script(w, "uw");

	expect_bytes(w->out[0], "u");
	assert_true(group_lives(pid));
	group_signal(pid, 0);
	assert_true(group_lives(pid));
	fd_close(&w->in[1]);
	while (!is_zombie(pid))
		assert_true(wait_sigchld(seconds() + BOUND_S));
	assert_false(group_lives(pid));
	group_signal(pid, SIGTERM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(group_lives(pid));
}

#define world_test(f) \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* As main() of the parent does, after a caller who left us this. */
static bool
begin(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fd_open_standard() == -1)
		return false;
	fd_cloexec_from(3);
	group_adopt_orphans();
	if (spawn_init(NULL, 0) == -1)
		return false;
	/* a signal that nobody handles would be lost, blocked or not */
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = no_handler },
	    NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		world_test(tells_why_exec_failed),
		world_test(starts_from_a_clean_state),
		world_test(gives_what_was_asked_for),
		world_test(becomes_a_user),
		world_test(fault_A11_runs_the_file_that_was_looked_at),
		world_test(fault_A6_a_child_that_is_stopped),
		world_test(fault_F12_a_child_ends_with_the_caller),
		cmocka_unit_test(finds_users),
		world_test(tells_how_they_ended),
		world_test(finds_its_own),
		world_test(hears_of_all_that_die_together),
		world_test(releases_a_kept_leader),
		world_test(kills_what_is_left),
		world_test(releases_an_empty_group),
		world_test(releases_before_the_end),
		world_test(leaves_them_alone),
		world_test(releases_at_once),
		world_test(disowns_at_once),
		world_test(climbs),
		world_test(climbs_once),
		world_test(fault_F4_force_does_not_pass_over_who_is_left),
		world_test(fault_F4_who_is_left_behind_a_dead_leader),
		world_test(starts_in_the_past),
		world_test(climbs_on_behind_a_dead_leader),
		world_test(knows_the_next_deadline),
		world_test(disowns),
		world_test(stops_all),
		world_test(reaps_orphans),
		world_test(kept_leaders_hide_no_child),
		world_test(kept_leaders_hide_no_stranger),
		world_test(knows_living_groups),
	};

	if (argc > 1)
		play(argv[1]);
	if (realpath(argv[0], self) == NULL || !begin()) {
		perror(argv[0]);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
