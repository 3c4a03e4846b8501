#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/wire.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "flow/listener.h"
#include "flow/session.h"
#include "ipc/ipc_chan.h"

enum {
	BUCKETS = 4096,
	FDS_OF_JOB = 4, /* the connection and three pipes */
	FDS_OURS = 16,  /* besides the listeners */
};

struct engine {
	struct flow flow;
	struct conf conf;
	struct buf packed;    /* the settings, until they are complete */
	struct ipc_chan chan; /* to the parent */
	struct event on_msg;
	struct event on_room; /* the parent takes messages again */
	struct listener *listener[IPC_LISTENERS_MAX]; /* owned */
	size_t nlisteners;
	uint32_t last_id, id_step;
	size_t njobs;
	size_t max_fds;
	bool full; /* of jobs: the listeners are paused */
	bool configured;
	bool stopping;
	int status;
	struct job *jobs; /* owned, all of them */
	struct job *bucket[BUCKETS];
};

/* ------------------------------------------------- jobs */

static struct job *
find_job(struct engine *e, uint32_t id)
{
	struct job *j = e->bucket[id % BUCKETS];

	while (j != NULL && j->id != id)
		j = j->next_in_bucket;
	return j;
}

static struct job *
new_job(struct engine *e)
{
	struct job *j = mem_new(1, sizeof(*j));
	struct job **b;

	do
		e->last_id += e->id_step;
	while (e->last_id == 0 || find_job(e, e->last_id) != NULL);
	b = &e->bucket[e->last_id % BUCKETS];
	*j = (struct job){
		.id = e->last_id,
		.engine = e,
		.next_in_bucket = *b,
		.next = e->jobs,
		.link = &e->jobs,
	};
	*b = j;
	if (j->next != NULL)
		j->next->link = &j->next;
	e->jobs = j;
	e->njobs++;
	return j;
}

/* Without a parent, or with one that we do not understand, we are no use. */
static void
give_up(struct engine *e)
{
	e->status = EXIT_FAILURE;
	(void)event_base_loopbreak(e->flow.base);
}

/* Something was sent, or not: what is queued goes out when there is room. */
static void
after_send(struct engine *e, bool sent)
{
	if (!sent)
		give_up(e);
	else if (ipc_chan_queued(&e->chan))
		(void)event_add(&e->on_room, NULL);
}

static void
tell(struct engine *e, enum ipc_type type, uint32_t id, const void *body,
    size_t len)
{
	after_send(e, ipc_chan_tell(&e->chan, type, id, body, len));
}

static void
tell_pid(struct engine *e, enum ipc_type type, uint32_t id, pid_t pid)
{
	uint8_t body[4];

	tell(e, type, id, body, ipc_put_u32(body, (uint32_t)pid));
}

static bool
has_room(const struct engine *e)
{
	return FDS_OURS + e->nlisteners + (e->njobs + 1) * FDS_OF_JOB <=
	    e->max_fds;
}

/* Accept while there are descriptors for one more session. */
static void
watch_room(struct engine *e)
{
	bool full = !has_room(e);

	if (full == e->full || e->stopping)
		return;
	e->full = full;
	if (full)
		LOG(LOG_LVL_WARN, "descriptors are short, clients wait",
		    LOG_UINT("limit", e->max_fds), LOG_UINT("jobs", e->njobs));
	for (size_t i = 0; i < e->nlisteners; i++) {
		if (full)
			listener_pause(e->listener[i]);
		else
			listener_resume(e->listener[i]);
	}
}

/* Nobody waits for anything of it any more. */
static void
free_job(struct job *j)
{
	struct engine *e = j->engine;
	struct job **p = &e->bucket[j->id % BUCKETS];

	if (j->admitted)
		tell(e, IPC_LEAVE, j->id, NULL, 0);
	while (*p != j)
		p = &(*p)->next_in_bucket;
	*p = j->next_in_bucket;
	if ((*j->link = j->next) != NULL)
		j->next->link = j->link;
	e->njobs--;
	free(j);
	watch_room(e);
	if (e->stopping && e->njobs == 0)
		(void)event_base_loopbreak(e->flow.base);
}

static void
settle_job(struct job *j)
{
	if (j->conn == NULL && j->session == NULL && !j->waits_for_admit &&
	    !j->waits_for_spawn && !j->waits_for_exit)
		free_job(j);
}

void
engine_conn_done(struct job *j)
{
	conn_free(j->conn);
	j->conn = NULL;
	settle_job(j);
}

void
engine_session_begins(struct job *j, struct session *s)
{
	j->session = s;
	if (j->engine->stopping)
		session_stop(s);
}

void
engine_spawn(struct engine *e, struct job *j, const struct buf *vars)
{
	uint8_t head[IPC_SPAWN_MAX];
	size_t n = ipc_put_spawn(head, IPC_KIND_COMMAND, NULL, 0);

	j->waits_for_spawn = true;
	after_send(e,
	    ipc_chan_send(&e->chan, IPC_SPAWN, j->id, head, n, vars->data,
		vars->len, NULL, 0));
}

/* ------------------------------------------------- sessions */

static void
tell_kill(struct job *j, pid_t pid, uint32_t ago)
{
	uint8_t body[8];

	tell(j->engine, IPC_KILL, j->id, body,
	    ipc_put_kill(body, (uint32_t)pid, ago));
}

static void
engine_on_kill(void *owner, struct session *s, uint32_t ago)
{
	tell_kill(owner, session_pid(s), ago);
}

static void
engine_on_free(void *owner, struct session *s, bool want_done)
{
	struct job *j = owner;

	if (want_done)
		tell_pid(j->engine, IPC_DONE, j->id, session_pid(s));
	j->session = NULL;
	settle_job(j);
}

const struct session_ops *
engine_session_ops(void)
{
	static const struct session_ops ops = {
		.on_kill = engine_on_kill,
		.on_free = engine_on_free,
	};

	return &ops;
}

static void
engine_on_accept(void *owner, struct listener *l, int fd,
    const struct sockaddr *sa, socklen_t len)
{
	struct engine *e = owner;
	struct job *j = new_job(e);
	bool admit = e->conf.max_connections > 0;

	j->waits_for_admit = admit;
	j->conn = conn_new(j, l, fd, sa, len, admit);
	if (admit)
		tell(e, IPC_ADMIT, j->id, NULL, 0);
	watch_room(e);
}

/* ------------------------------------------------- what the parent says */

static bool
on_conf(struct engine *e, const struct ipc_msg *m)
{
	return !e->configured && buf_add(&e->packed, m->body, m->len);
}

static bool
on_listen(struct engine *e, const struct ipc_msg *m)
{
	struct listener *l;

	if (e->nlisteners == IPC_LISTENERS_MAX)
		return false;
	l = listener_new(&e->flow, m->fd[0], engine_on_accept, e);
	if (l == NULL)
		return false;
	listener_pause(l); /* there may be nothing to serve by yet */
	e->listener[e->nlisteners++] = l;
	return true;
}

static bool
configure(struct engine *e)
{
	bool ok = wire_unpack(&e->conf, e->packed.data, e->packed.len);

	buf_clear(&e->packed);
	e->configured = ok;
	if (ok)
		log_init(&(struct log_conf){
		    .program = "standpiped",
		    .level = (enum log_level)e->conf.loglevel,
		    .format = (enum log_format)e->conf.log_format,
		    .syslog = e->conf.syslog,
		});
	return ok;
}

/* The body says which engine we are (low half) of how many (high half). */
static bool
on_start(struct engine *e, const struct ipc_msg *m)
{
	uint32_t v;

	if (e->configured || !ipc_read_u32(m, &v) || !configure(e))
		return false;
	e->id_step = v >> 16;
	e->last_id = v & 0xffff;
	if (e->id_step == 0)
		return false;
	conn_prepare();
	sandbox_enter(e->conf.sandbox);
	for (size_t i = 0; i < e->nlisteners; i++)
		listener_resume(e->listener[i]);
	tell(e, IPC_READY, 0, NULL, 0);
	return true;
}

/* A program without a ladder may outlive the daemon: nobody waits for it. */
static void
await_exit(struct job *j, bool wait)
{
	const struct engine *e = j->engine;

	j->waits_for_exit = wait && !(e->stopping && e->conf.route.kill.n == 0);
	settle_job(j);
}

static bool
on_stop(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	e->stopping = true;
	for (size_t i = 0; i < e->nlisteners; i++)
		listener_free(e->listener[i]);
	e->nlisteners = 0;
	for (struct job *j = e->jobs, *next; j != NULL; j = next) {
		next = j->next;
		if (j->conn != NULL)
			conn_stop(j->conn);
		if (j->session != NULL)
			session_stop(j->session);
		await_exit(j, j->waits_for_exit);
	}
	if (e->njobs == 0)
		(void)event_base_loopbreak(e->flow.base);
	return true;
}

static bool
on_spawned(struct engine *e, const struct ipc_msg *m)
{
	struct job *j = find_job(e, m->session);
	uint32_t pid;

	if (j == NULL || !j->waits_for_spawn || !ipc_read_u32(m, &pid))
		return false;
	j->waits_for_spawn = false;
	if (j->conn != NULL && !conn_is_over(j->conn)) {
		conn_spawned(j->conn, (pid_t)pid, m->fd);
		return true;
	}
	/* the client left while the program was started */
	for (size_t i = 0; i < m->nfds; i++)
		close(m->fd[i]);
	j->pid = (pid_t)pid;
	tell_kill(j, j->pid, 0);
	await_exit(j, true);
	return true;
}

static bool
on_refused(struct engine *e, const struct ipc_msg *m)
{
	struct job *j = find_job(e, m->session);
	enum ipc_refusal why;
	int err;

	if (j == NULL || !j->waits_for_spawn ||
	    !ipc_read_refused(m, &why, &err))
		return false;
	j->waits_for_spawn = false;
	if (j->conn != NULL && !conn_is_over(j->conn))
		conn_refused(j->conn, why, err);
	else
		settle_job(j);
	return true;
}

static bool
on_exited(struct engine *e, const struct ipc_msg *m)
{
	struct job *j = find_job(e, m->session);
	struct ipc_exit x;

	if (!ipc_read_exit(m, &x))
		return false;
	if (j == NULL)
		return true;
	if (j->session != NULL) {
		session_exited(j->session, x.signal, x.status, x.want_done);
		return true;
	}
	if (x.want_done)
		tell_pid(e, IPC_DONE, j->id, j->pid);
	j->waits_for_exit = false;
	settle_job(j);
	return true;
}

static bool
on_admitted(struct engine *e, const struct ipc_msg *m)
{
	struct job *j = find_job(e, m->session);
	uint32_t ok;

	if (j == NULL || !j->waits_for_admit || !ipc_read_u32(m, &ok))
		return false;
	j->waits_for_admit = false;
	j->admitted = ok;
	if (j->conn != NULL)
		conn_admitted(j->conn, ok);
	settle_job(j);
	return true;
}

static bool
handle(struct engine *e, const struct ipc_msg *m)
{
	static bool (*const handlers[IPC_TYPES])(struct engine *,
	    const struct ipc_msg *) = {
		[IPC_CONF] = on_conf,
		[IPC_LISTEN] = on_listen,
		[IPC_START] = on_start,
		[IPC_STOP] = on_stop,
		[IPC_SPAWNED] = on_spawned,
		[IPC_REFUSED] = on_refused,
		[IPC_EXITED] = on_exited,
		[IPC_ADMITTED] = on_admitted,
	};

	return handlers[m->type](e, m);
}

/*
 * The parent is to be believed, but a message that makes no sense means that
 * one of us is wrong: end, and be started anew.
 */
static void
engine_on_msg(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct ipc_msg m;
	enum ipc_recv rc;

	(void)fd;
	(void)what;
	while ((rc = ipc_chan_recv(&e->chan, &m)) == IPC_RECV_MSG) {
		if (handle(e, &m))
			continue;
		log_error("engine: bad message from the parent: %s",
		    ipc_strtype(m.type));
		rc = IPC_RECV_BAD;
		break;
	}
	if (rc == IPC_RECV_NONE)
		return;
	if (rc == IPC_RECV_END)
		log_debug("engine: the parent has gone");
	give_up(e);
}

static void
engine_on_room(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)what;
	after_send(e, ipc_chan_flush(&e->chan));
}

/* ------------------------------------------------- the engine itself */

static struct event_base *
new_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg != NULL &&
	    event_config_require_features(cfg,
		EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE) == 0 &&
	    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(cfg);
	if (cfg != NULL)
		event_config_free(cfg);
	return base;
}

struct engine *
engine_new(int fd, size_t max_fds)
{
	struct engine *e = mem_new(1, sizeof(*e));
	struct event_base *base = new_base();

	if (base == NULL) {
		free(e);
		return NULL;
	}
	e->max_fds = max_fds;
	buf_init(&e->packed, IPC_CONF_MAX);
	flow_init(&e->flow, base);
	ipc_chan_init(&e->chan, fd, IPC_FROM_ENGINE);
	(void)event_assign(&e->on_msg, base, fd, EV_READ | EV_PERSIST,
	    engine_on_msg, e);
	(void)event_assign(&e->on_room, base, fd, EV_WRITE, engine_on_room, e);
	(void)event_add(&e->on_msg, NULL);
	return e;
}

int
engine_run(struct engine *e)
{
	if (event_base_dispatch(e->flow.base) == -1) {
		log_error("engine: event loop: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return e->status;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	e->stopping = true;
	while (e->jobs != NULL) {
		struct job *j = e->jobs;

		if (j->session != NULL)
			session_free(j->session);
		j->session = NULL;
		j->admitted = false;
		conn_free(j->conn);
		j->conn = NULL;
		free_job(j);
	}
	for (size_t i = 0; i < e->nlisteners; i++)
		listener_free(e->listener[i]);
	(void)event_del(&e->on_msg);
	(void)event_del(&e->on_room);
	ipc_chan_clear(&e->chan);
	buf_clear(&e->packed);
	if (e->configured)
		conf_clear(&e->conf);
	event_base_free(e->flow.base);
	flow_clear(&e->flow);
	free(e);
}

struct flow *
engine_flow(struct engine *e)
{
	return &e->flow;
}

const struct conf *
engine_conf(const struct engine *e)
{
	return &e->conf;
}
