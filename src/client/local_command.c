#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/local_command.h"
#include "flow/watch.h"
#include "proc/group.h"
#include "proc/spawn.h"

extern char **environ;

/* What libevent may have handlers for; a command gets it as it was before. */
static const int handled[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM };
static int caught[nitems(handled)];

static const struct child_rung rungs[] = {
	{ 0, 2000 },
	{ SIGTERM, 3000 },
	{ SIGKILL, 0 },
};

struct local_command {
	const struct local_command_ops *ops; /* kept */
	void *owner;                         /* kept */
	struct child_set *set;               /* owned */
	pid_t pid;
	struct event died; /* SIGCHLD */
	struct event rung;
	bool ending; /* local_command_end() was called */
	bool gone;
};

/* After everything that may have changed the set. */
static void
look(struct local_command *c)
{
	uint64_t next = child_next(c->set), now = clock_ms();

	if (c->ending && !c->gone &&
	    child_count(c->set) == child_count_left(c->set)) {
		c->gone = true;
		c->ops->on_gone(c->owner);
		return;
	}
	if (next == UINT64_MAX)
		return;
	watch_after(&c->rung, next > now ? next - now : 0);
}

static void
local_command_on_child(evutil_socket_t sig, short what, void *arg)
{
	struct local_command *c = arg;

	(void)sig;
	(void)what;
	child_reap(c->set);
	look(c);
}

static void
local_command_on_rung(evutil_socket_t fd, short what, void *arg)
{
	struct local_command *c = arg;

	(void)fd;
	(void)what;
	child_tick(c->set, clock_ms());
	look(c);
}

/* Others of its group are kept until the connection is over. */
static void
local_command_on_exit(void *arg, struct child *child, struct ended end,
    bool kept)
{
	struct local_command *c = arg;

	if (c->ending && kept)
		child_release(c->set, child);
	c->ops->on_exit(c->owner, end);
}

static void
local_command_on_left(void *arg, struct child *child, pid_t pid)
{
	struct local_command *c = arg;

	(void)child;
	c->ops->on_left(c->owner, pid);
}

static void
local_command_on_other(void *arg, pid_t pid, struct ended end)
{
	(void)arg;
	(void)pid;
	(void)end;
}

static const struct child_ops child_ops = {
	.on_exit = local_command_on_exit,
	.on_left = local_command_on_left,
	.on_other = local_command_on_other,
};

static size_t
find_caught(void)
{
	struct sigaction now;
	size_t n = 0;

	for (size_t i = 0; i < nitems(handled); i++)
		if (sigaction(handled[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			caught[n++] = handled[i];
	return n;
}

/*
 * spawn() wants no handler to run in the child. Standard error is shared with
 * others, so nothing is set on it, and of the pipes only our ends are changed.
 */
static pid_t
start(const char *path, char *const *argv, int in, int out)
{
	const struct spawn_spec spec = {
		.path = path,
		.argv = argv,
		.envp = environ,
		.fd = { in, out, STDERR_FILENO },
	};
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	pid = spawn(&spec);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static pid_t
start_on_pipes(const char *path, char *const *argv, int fd[2])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	pid_t pid = -1;

	if (fd_pipe(in) == -1 || fd_pipe(out) == -1 ||
	    fd_set_nonblock(in[1], true) == -1 ||
	    fd_set_nonblock(out[0], true) == -1 ||
	    (pid = start(path, argv, in[0], out[1])) == -1)
		goto done;
	fd[0] = in[1];
	fd[1] = out[0];
	in[1] = out[0] = -1;
done:
	fd_close2(in);
	fd_close2(out);
	return pid;
}

struct local_command *
local_command_new(struct event_base *base, const char *path, char *const *argv,
    int fd[2], const struct local_command_ops *ops, void *owner)
{
	struct local_command *c;
	pid_t pid;

	fd_cloexec_from(STDERR_FILENO + 1);
	group_adopt_orphans();
	if (spawn_init_within(caught, find_caught()) == -1 ||
	    (pid = start_on_pipes(path, argv, fd)) == -1)
		return NULL;
	c = mem_new(1, sizeof(*c));
	c->ops = ops;
	c->owner = owner;
	c->pid = pid;
	c->set = child_set_new(&child_ops, c);
	(void)child_add(c->set, pid, 1, 0,
	    (struct child_ladder){ rungs, nitems(rungs) });
	(void)evtimer_assign(&c->rung, base, local_command_on_rung, c);
	(void)evsignal_assign(&c->died, base, SIGCHLD, local_command_on_child,
	    c);
	watch_need(&c->died, NULL);
	event_active(&c->died, EV_SIGNAL, 1); /* it may have ended already */
	return c;
}

void
local_command_end(struct local_command *c)
{
	struct child *child = child_find(c->set, c->pid);

	if (c->ending)
		return;
	c->ending = true;
	if (child != NULL && child->dead)
		child_release(c->set, child);
	else if (child != NULL)
		child_start_ladder(c->set, child, 0);
	event_active(&c->died, EV_SIGNAL, 1);
}

void
local_command_kill(struct local_command *c)
{
	child_stop_all(c->set, true);
}

void
local_command_free(struct local_command *c)
{
	if (c == NULL)
		return;
	(void)event_del(&c->died);
	(void)event_del(&c->rung);
	local_command_kill(c);
	child_set_free(c->set);
	free(c);
}
