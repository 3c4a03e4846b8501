#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/program.h"
#include "ipc/ipc_codec.h"

enum program_state {
	PROGRAM_ASKED,
	PROGRAM_RUNNING,
	PROGRAM_ENDED,
};

struct program {
	struct id_node node;
	struct engine *engine;         /* kept */
	const struct program_ops *ops; /* kept */
	void *owner;                   /* kept; NULL: it has left */
	pid_t pid;
	uint8_t state; /* enum program_state */
	bool killed;
	bool want_done; /* the parent waits for a last word */
};

static struct program *
find(struct engine *e, const struct ipc_msg *m)
{
	struct id_node *n = ids_find(engine_programs(e), m->session);

	return n == NULL ? NULL : container_of(n, struct program, node);
}

struct program *
program_start(struct engine *e, const struct program_ops *ops, void *owner,
    const struct program_wish *w)
{
	struct program *p = mem_new(1, sizeof(*p));
	uint8_t head[IPC_OPEN_MAX];
	size_t n = ipc_put_open(head,
	    &(struct ipc_open){
		.route = w->route,
		.part = w->part,
		.path = w->path,
		.path_len = w->path_len,
	    });

	*p = (struct program){ .engine = e, .ops = ops, .owner = owner };
	ids_add(engine_programs(e), &p->node, engine_new_id(e));
	engine_send(e, IPC_OPEN, p->node.id, head, n, w->vars->data,
	    w->vars->len);
	return p;
}

static void
forget(struct program *p)
{
	struct engine *e = p->engine;

	ids_remove(engine_programs(e), &p->node);
	free(p);
	engine_settle(e);
}

/* The last word about it. */
static void
part(struct program *p)
{
	uint8_t body[4];

	if (p->want_done)
		engine_tell(p->engine, IPC_DONE, p->node.id, body,
		    ipc_put_u32(body, (uint32_t)p->pid));
	forget(p);
}

/* A program without a ladder may outlive the daemon: nobody waits for it. */
static bool
is_abandoned(const struct program *p)
{
	return engine_stopping(p->engine) &&
	    engine_conf(p->engine)->route.kill.n == 0;
}

static void
await_exit(struct program *p)
{
	if (is_abandoned(p))
		forget(p);
	else
		program_kill(p, 0);
}

void
program_kill(struct program *p, uint32_t ago)
{
	uint8_t body[8];

	if (p->killed || p->state != PROGRAM_RUNNING)
		return;
	p->killed = true;
	engine_tell(p->engine, IPC_KILL, p->node.id, body,
	    ipc_put_kill(body, (uint32_t)p->pid, ago));
}

void
program_signal(struct program *p, int sig)
{
	uint8_t body[8];

	if (p->state == PROGRAM_RUNNING)
		engine_tell(p->engine, IPC_SIGNAL, p->node.id, body,
		    ipc_put_signal(body, (uint32_t)p->pid, sig));
}

void
program_leave(struct program *p)
{
	if (p == NULL)
		return;
	p->owner = NULL;
	if (p->state == PROGRAM_ENDED)
		part(p);
	else if (p->state == PROGRAM_RUNNING)
		await_exit(p);
}

uint32_t
program_id(const struct program *p)
{
	return p->node.id;
}

/* ------------------------------------------------- what the parent says */

bool
program_on_opened(struct engine *e, const struct ipc_msg *m)
{
	struct program *p = find(e, m);
	uint32_t pid;

	if (p == NULL || p->state != PROGRAM_ASKED ||
	    !ipc_read_opened(m, &pid) || pid == 0 || m->nfds < 2)
		return false;
	p->state = PROGRAM_RUNNING;
	p->pid = (pid_t)pid;
	if (p->owner != NULL) {
		p->ops->on_started(p->owner, p->pid, m->fd);
		return true;
	}
	/* the client left while the program was started */
	for (size_t i = 0; i < m->nfds; i++)
		close(m->fd[i]);
	await_exit(p);
	return true;
}

bool
program_on_refused(struct engine *e, const struct ipc_msg *m)
{
	struct program *p = find(e, m);
	enum ipc_refusal why;
	int err;

	if (p == NULL || p->state != PROGRAM_ASKED ||
	    !ipc_read_refused(m, &why, &err))
		return false;
	if (p->owner != NULL)
		p->ops->on_refused(p->owner, why, err);
	forget(p);
	return true;
}

bool
program_on_exited(struct engine *e, const struct ipc_msg *m)
{
	struct program *p = find(e, m);
	struct ipc_exit x;

	if (!ipc_read_exit(m, &x))
		return false;
	if (p == NULL)
		return true;
	if (p->state != PROGRAM_RUNNING)
		return false;
	p->state = PROGRAM_ENDED;
	p->want_done = x.want_done;
	if (p->owner != NULL)
		p->ops->on_exited(p->owner, x.ended);
	else
		part(p);
	return true;
}

/* ------------------------------------------------- all of them */

void
program_list_begin(struct engine *e)
{
	engine_programs(e)->at = engine_programs(e)->first;
}

size_t
program_list(struct engine *e, size_t n)
{
	struct ids *all = engine_programs(e);
	size_t listed = 0;

	for (; n > 0 && all->at != NULL; n--) {
		struct program *p = container_of(all->at, struct program, node);

		all->at = all->at->next;
		if (p->owner == NULL || p->ops->on_list == NULL)
			continue;
		p->ops->on_list(p->owner);
		listed++;
	}
	return listed;
}

void
program_stop_all(struct engine *e)
{
	for (struct id_node *n = engine_programs(e)->first, *next; n != NULL;
	     n = next) {
		struct program *p = container_of(n, struct program, node);

		next = n->next;
		if (p->owner != NULL)
			p->ops->on_stop(p->owner);
		else if (p->state == PROGRAM_RUNNING && is_abandoned(p))
			forget(p);
	}
}

void
program_drop_all(struct engine *e)
{
	struct id_node *n;

	while ((n = engine_programs(e)->first) != NULL) {
		struct program *p = container_of(n, struct program, node);
		void *owner = p->owner;

		p->owner = NULL;
		if (owner != NULL)
			p->ops->on_drop(owner);
		ids_remove(engine_programs(e), n);
		free(p);
	}
}
