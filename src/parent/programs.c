#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ipc/ipc_codec.h"
#include "parent/command.h"
#include "parent/generation.h"
#include "parent/programs.h"
#include "proc/group.h"

enum { KILL_AGO_MAX = 1000 }; /* the past that an engine may claim */

/* One of those that programs have: settings that it is from may have gone. */
struct ladder {
	LIST_ENTRY(ladder) entry;
	struct child_rung rung[CONF_LADDER_MAX];
	size_t n;
};

/* ------------------------------------------------- what engines hear */

static void
tell_refused(struct engine *e, uint32_t session, enum ipc_refusal why, int err)
{
	uint8_t body[8];

	engine_tell(e, IPC_REFUSED, session, body,
	    ipc_put_refused(body, why, err));
}

static void
tell_opened(struct engine *e, uint32_t session, pid_t pid,
    const struct command_pipes *pipes)
{
	uint8_t body[4];

	ipc_put_opened(body, (uint32_t)pid);
	engine_after(e,
	    engine_send(e, IPC_OPENED, session, body, sizeof(body), NULL, 0,
		pipes->fd, pipes->n));
}

static void
tell_exit(const struct programs *ps, const struct child *c, struct ended end,
    bool want_done)
{
	const struct ipc_exit x = {
		.ended = end,
		.want_done = want_done,
	};
	struct engine *e =
	    c->owner == 0 ? NULL : engines_find(ps->engines, c->owner);
	uint8_t body[3];

	if (e != NULL)
		engine_tell(e, IPC_EXITED, c->session, body,
		    ipc_put_exit(body, &x));
}

/* ------------------------------------------------- their ends */

static void
programs_on_exit(void *arg, struct child *c, struct ended end, bool kept)
{
	struct programs *ps = arg;

	if (c->pid == ps->status_of)
		ps->status = (int)ended_status(end);
	tell_exit(ps, c, end, kept || ps->conf->once);
}

static void
programs_on_left_ended(void *arg, struct child *c)
{
	(void)arg;
	LOG(LOG_LVL_INFO, "program has ended after all",
	    LOG_UINT("session", c->session), LOG_INT("pid", c->pid));
}

/* Its session is told, and ends; the place under --maxforks it keeps. */
static void
programs_on_left(void *arg, struct child *c, pid_t pid)
{
	struct programs *ps = arg;
	char name[64];
	bool forbidden = kill(pid, 0) == -1 && errno == EPERM;

	group_put_name(name, sizeof(name), pid);
	LOG(LOG_LVL_WARN, "program cannot be ended",
	    LOG_UINT("session", c->session), LOG_INT("pid", pid),
	    LOG_STR("command", name),
	    LOG_STR("reason",
		forbidden ? "it may not be signalled"
			  : "it outlives what --kill sends"),
	    LOG_UINT("places", child_count_left(ps->children)));
	tell_exit(ps, c, (struct ended){ .signal = ENDED_LIVES },
	    ps->conf->once);
}

static void
programs_on_other(void *arg, pid_t pid, struct ended end)
{
	struct programs *ps = arg;

	ps->ops->on_other(ps->owner, pid, end);
}

void
programs_init(struct programs *ps, const struct conf *conf,
    const struct engines *engines, const struct programs_ops *ops, void *owner)
{
	static const struct child_ops child_ops = {
		.on_exit = programs_on_exit,
		.on_left = programs_on_left,
		.on_left_ended = programs_on_left_ended,
		.on_other = programs_on_other,
	};

	*ps = (struct programs){
		.conf = conf,
		.engines = engines,
		.ops = ops,
		.owner = owner,
		.children = child_set_new(&child_ops, ps),
	};
}

void
programs_clear(struct programs *ps)
{
	struct ladder *l;

	child_set_free(ps->children);
	while ((l = LIST_FIRST(&ps->ladders)) != NULL) {
		LIST_REMOVE(l, entry);
		free(l);
	}
	ps->children = NULL;
}

/* ------------------------------------------------- starting one */

static bool
is_ladder(const struct ladder *l, struct child_ladder other)
{
	bool same = l->n == other.n;

	for (size_t i = 0; same && i < l->n; i++)
		same = l->rung[i].sig == other.rung[i].sig &&
		    l->rung[i].wait_ms == other.rung[i].wait_ms;
	return same;
}

/* The same ladder for all that have it, as long as there are programs. */
static struct child_ladder
keep_ladder(struct programs *ps, struct child_ladder from)
{
	struct ladder *l;

	LIST_FOREACH (l, &ps->ladders, entry)
		if (is_ladder(l, from))
			return (struct child_ladder){ l->rung, l->n };
	l = mem_new(1, sizeof(*l));
	l->n = from.n;
	for (size_t i = 0; i < l->n; i++)
		l->rung[i] = from.rung[i];
	LIST_INSERT_HEAD(&ps->ladders, l, entry);
	return (struct child_ladder){ l->rung, l->n };
}

/* CGI programs and gates come and go beside the one that --once waits for. */
static bool
is_session(const struct ipc_open *op)
{
	return op->part == IPC_PART_COMMAND || op->part == IPC_PART_DIR;
}

/* --once has its one session with it; its status counts then, and to inetd. */
static void
count_session(struct programs *ps, pid_t pid)
{
	ps->once_taken = ps->conf->once;
	if (ps->conf->once || ps->conf->inetd)
		ps->status_of = pid;
}

static void
start(struct programs *ps, struct engine *e, uint32_t session,
    const struct command *command, const struct ipc_open *op)
{
	struct command_pipes pipes;
	enum ipc_refusal why;
	struct child *c;
	char *text;
	pid_t pid;

	pid = command_start(command, op, &pipes, &why, &text);
	if (pid == -1) {
		int err = errno;

		if (text != NULL && why == IPC_REFUSED_EXEC)
			LOG(LOG_LVL_WARN, "program did not start",
			    LOG_UINT("session", session),
			    LOG_STR("error", text));
		free(text);
		tell_refused(e, session, why, err);
		return;
	}
	c = child_add(ps->children, pid, e->number, session,
	    keep_ladder(ps, command->ladder));
	c->kind = op->route;
	if (is_session(op))
		count_session(ps, pid);
	tell_opened(e, session, pid, &pipes);
}

static bool
is_full(const struct programs *ps)
{
	return ps->conf->maxforks > 0 &&
	    child_count(ps->children) >= ps->conf->maxforks;
}

bool
programs_on_open(struct programs *ps, struct engine *e, const struct ipc_msg *m)
{
	const struct route *r;
	struct ipc_open op;

	if (!ipc_read_open(m, &op) ||
	    (r = generation_route(e->generation, op.route)) == NULL ||
	    !command_vars_ok(&r->command, &op))
		return false;
	if (ps->stopping || (ps->once_taken && is_session(&op)))
		tell_refused(e, m->session, IPC_REFUSED_STOPPING, 0);
	else if (!is_full(ps))
		start(ps, e, m->session, &r->command, &op);
	else if (command_has(&r->command, &op))
		tell_refused(e, m->session, IPC_REFUSED_FULL, 0);
	else /* a file may have that name, which takes no program */
		tell_refused(e, m->session, IPC_REFUSED_MISSING, errno);
	return true;
}

/* ------------------------------------------------- one that runs */

/* The child that an engine means, or NULL: it may have been reaped already. */
static struct child *
child_of(struct programs *ps, const struct engine *e, uint32_t session,
    uint32_t pid)
{
	struct child *c = child_find(ps->children, (pid_t)pid);

	return c != NULL && c->owner == e->number && c->session == session
	    ? c
	    : NULL;
}

bool
programs_on_kill(struct programs *ps, struct engine *e, const struct ipc_msg *m)
{
	struct child *c;
	uint32_t pid, ago;

	if (!ipc_read_kill(m, &pid, &ago) || ago > KILL_AGO_MAX)
		return false;
	if ((c = child_of(ps, e, m->session, pid)) != NULL)
		child_start_ladder(ps->children, c, ago);
	return true;
}

/* A client's signal for a program of that route; of one that has gone: any. */
static bool
may_signal(const struct generation *g, const struct child *c, int sig)
{
	if (c != NULL)
		return route_may_signal(generation_route(g, c->kind), sig);
	for (uint32_t i = 0; i < g->nroutes; i++)
		if (route_may_signal(generation_route(g, i), sig))
			return true;
	return false;
}

bool
programs_on_signal(struct programs *ps, struct engine *e,
    const struct ipc_msg *m)
{
	struct child *c;
	uint32_t pid;
	int sig;

	if (!ipc_read_signal(m, &pid, &sig))
		return false;
	c = child_of(ps, e, m->session, pid);
	if (!may_signal(e->generation, c, sig))
		return false;
	if (c != NULL)
		group_signal(c->pid, sig);
	return true;
}

bool
programs_on_done(struct programs *ps, struct engine *e, const struct ipc_msg *m)
{
	struct child *c;
	uint32_t pid;

	if (!ipc_read_u32(m, &pid))
		return false;
	if ((c = child_of(ps, e, m->session, pid)) != NULL) {
		if (!c->dead)
			return false; /* it would run on without an owner */
		child_release(ps->children, c);
	}
	if (ps->once_taken && (pid_t)pid == ps->status_of)
		ps->ops->on_once_over(ps->owner);
	return true;
}

/* ------------------------------------------------- all of them */

void
programs_disown(struct programs *ps, uint32_t number)
{
	child_disown(ps->children, number);
}

void
programs_stop(struct programs *ps, bool force)
{
	ps->stopping = true;
	child_stop_all(ps->children, force);
}

bool
programs_remain(const struct programs *ps)
{
	return child_count(ps->children) >
	    child_count_left(ps->children) + child_count_bare(ps->children);
}

bool
programs_left_any(const struct programs *ps)
{
	return child_count_left(ps->children) > 0;
}

void
programs_reap(struct programs *ps)
{
	child_reap(ps->children);
}

uint64_t
programs_next(const struct programs *ps)
{
	return child_next(ps->children);
}

void
programs_tick(struct programs *ps)
{
	child_tick(ps->children, clock_ms());
}
