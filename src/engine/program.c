#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/program.h"
#include "engine/route.h"
#include "flow/endpoint_exec.h"
#include "ipc/ipc_codec.h"

enum program_state {
	PROGRAM_ASKED,
	PROGRAM_RUNNING,
	PROGRAM_ENDED,
	PROGRAM_DROPPED, /* the engine ends */
};

struct program {
	struct id_node node;
	struct engine *engine;         /* kept */
	const struct conf_route *conf; /* kept */
	struct endpoint_exec exec;
	uint32_t pid;
	uint8_t state; /* enum program_state */
	bool gate;
	bool killed;
	bool want_done; /* the parent waits for a last word */
};

static struct program *
program_of(struct endpoint *e)
{
	return container_of(e, struct program, exec.endpoint);
}

static struct program *
find(struct engine *e, const struct ipc_msg *m)
{
	struct id_node *n = ids_find(engine_programs(e), m->session);

	return n == NULL ? NULL : container_of(n, struct program, node);
}

static bool
has_owner(const struct program *p)
{
	return p->exec.endpoint.ops != NULL;
}

/* ------------------------------------------------- its end */

static void
forget(struct program *p)
{
	struct engine *e = p->engine;

	endpoint_exec_clear(&p->exec);
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
		    ipc_put_u32(body, p->pid));
	forget(p);
}

/* A program without a ladder may outlive the daemon: nobody waits for it. */
static bool
is_abandoned(const struct program *p)
{
	return engine_stopping(p->engine) && p->conf->kill.n == 0;
}

/* It will not be had: its owner has let it go after the call. */
static void
refuse(struct program *p, enum ipc_refusal why, int err)
{
	const struct endpoint *to = &p->exec.endpoint;

	if (has_owner(p))
		to->ops->on_refused(to->owner, why, err);
	p->exec.endpoint.ops = NULL;
}

static void
program_on_leave(struct endpoint *e, uint32_t ago)
{
	struct program *p = program_of(e);
	uint8_t body[8];

	if (p->killed || p->state != PROGRAM_RUNNING)
		return;
	p->killed = true;
	engine_tell(p->engine, IPC_KILL, p->node.id, body,
	    ipc_put_kill(body, p->pid, ago));
}

static void
program_on_signal(struct endpoint *e, int sig)
{
	struct program *p = program_of(e);
	uint8_t body[8];

	if (p->state == PROGRAM_RUNNING)
		engine_tell(p->engine, IPC_SIGNAL, p->node.id, body,
		    ipc_put_signal(body, p->pid, sig));
}

/* It runs and has no owner: it is sent away. */
static void
await_exit(struct program *p)
{
	endpoint_exec_clear(&p->exec);
	if (is_abandoned(p))
		forget(p);
	else
		program_on_leave(&p->exec.endpoint, 0);
}

static void
program_on_free(struct endpoint *e)
{
	struct program *p = program_of(e);

	if (p->state == PROGRAM_ENDED)
		part(p);
	else if (p->state == PROGRAM_RUNNING)
		await_exit(p);
}

/* ------------------------------------------------- its beginning */

static const struct endpoint_exec_ops exec_ops = {
	.on_leave = program_on_leave,
	.on_signal = program_on_signal,
	.on_free = program_on_free,
};

struct endpoint *
program_open(struct engine *e, const struct program_wish *w,
    const struct endpoint_ops *ops, void *owner)
{
	struct program *p = mem_new(1, sizeof(*p));
	uint8_t head[IPC_OPEN_MAX];
	size_t n = ipc_put_open(head,
	    &(struct ipc_open){
		.route = w->route->index,
		.part = w->part,
		.path = w->path,
		.path_len = w->path_len,
	    });

	p->engine = e;
	p->conf = w->route->conf;
	p->gate = w->part == IPC_PART_GATE;
	endpoint_exec_init(&p->exec,
	    &(struct endpoint_exec_start){
		.flow = engine_flow(e),
		.half = &exec_ops,
		.ops = ops,
		.owner = owner,
		.level = (enum log_level)p->conf->stderr_level,
		.id = w->id,
		.linger_ms = p->gate ? ENDPOINT_LINGERS : p->conf->linger,
	    });
	ids_add(engine_programs(e), &p->node, w->id);
	engine_send(e, IPC_OPEN, w->id, head, n, w->vars->data, w->vars->len);
	return &p->exec.endpoint;
}

/* The daemon stops: who is not awaited is over. */
static void
stop(struct program *p)
{
	if (p->state != PROGRAM_RUNNING || !is_abandoned(p))
		return;
	if (has_owner(p))
		endpoint_exec_abandon(&p->exec);
	else
		forget(p);
}

/* ------------------------------------------------- what the parent says */

bool
program_on_opened(struct engine *e, const struct ipc_msg *m)
{
	struct program *p = find(e, m);

	if (p == NULL || p->state != PROGRAM_ASKED ||
	    !ipc_read_opened(m, &p->pid) || p->pid == 0 ||
	    (m->nfds < 2 && !m->cut))
		return false;
	p->state = PROGRAM_RUNNING;
	if (m->cut)
		refuse(p, IPC_REFUSED_EXEC, EMFILE);
	if (has_owner(p)) {
		endpoint_exec_opened(&p->exec, (pid_t)p->pid, m->fd,
		    p->gate ? 0 : p->conf->max_pipe);
		if (engine_stopping(e) && (p = find(e, m)) != NULL)
			stop(p);
		return true;
	}
	/* the client left while the program was started, or its pipes are lost */
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
	refuse(p, why, err);
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
	if (has_owner(p))
		endpoint_exec_exited(&p->exec, x.ended);
	else
		part(p);
	return true;
}

/* ------------------------------------------------- all of them */

void
program_stop_all(struct engine *e)
{
	for (struct id_node *n = engine_programs(e)->first, *next; n != NULL;
	     n = next) {
		next = n->next;
		stop(container_of(n, struct program, node));
	}
}

void
program_drop_all(struct engine *e)
{
	struct id_node *n;

	while ((n = engine_programs(e)->first) != NULL) {
		struct program *p = container_of(n, struct program, node);
		const struct endpoint *to = &p->exec.endpoint;

		p->state = PROGRAM_DROPPED;
		if (has_owner(p))
			to->ops->on_drop(to->owner);
		endpoint_exec_clear(&p->exec);
		ids_remove(engine_programs(e), n);
		free(p);
	}
}
