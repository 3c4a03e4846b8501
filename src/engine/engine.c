#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/engine_state.h"
#include "engine/ids.h"
#include "engine/route.h"
#include "flow/listener.h"
#include "flow/watch.h"
#include "ipc/ipc_chan.h"

enum {
	FDS_OF_FILE = 1,
	FDS_OF_PROGRAM = 3, /* its pipes */
	FDS_OF_SESSION = 4, /* and the connection */
	FDS_OURS = 16,      /* besides the listeners */
};

/* ------------------------------------------------- the parent */

/* Without a parent, or with one that we do not understand, we are no use. */
void
engine_give_up(struct engine *e)
{
	e->status = EXIT_FAILURE;
	(void)event_base_loopbreak(e->flow.base);
}

/* Something was sent, or not: what is queued goes out when there is room. */
static void
after_send(struct engine *e, bool sent)
{
	if (!sent)
		engine_give_up(e);
	else if (ipc_chan_queued(&e->chan))
		watch_need(&e->on_room, NULL);
}

void
engine_send(struct engine *e, enum ipc_type type, uint32_t id, const void *a,
    size_t alen, const void *b, size_t blen)
{
	after_send(e,
	    ipc_chan_send(&e->chan, type, id, a, alen, b, blen, NULL, 0));
}

void
engine_tell(struct engine *e, enum ipc_type type, uint32_t id, const void *body,
    size_t len)
{
	engine_send(e, type, id, body, len, NULL, 0);
}

static void
engine_on_room(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)what;
	after_send(e, ipc_chan_flush(&e->chan));
}

/* ------------------------------------------------- how much there is */

uint32_t
engine_new_id(struct engine *e)
{
	do
		e->last_id += e->id_step;
	while (e->last_id == 0 || ids_find(&e->conns, e->last_id) != NULL ||
	    ids_find(&e->programs, e->last_id) != NULL ||
	    ids_find(&e->sessions, e->last_id) != NULL);
	return e->last_id;
}

static bool
has_room(const struct engine *e, size_t more)
{
	return FDS_OURS + e->nlisteners + e->files + e->conns.n +
	    e->sessions.n + e->programs.n * FDS_OF_PROGRAM + more <=
	    e->max_fds;
}

bool
engine_may_start(const struct engine *e)
{
	return has_room(e, FDS_OF_PROGRAM);
}

bool
engine_may_ask(const struct engine *e)
{
	return !ipc_chan_crowded(&e->chan);
}

bool
engine_may_open(const struct engine *e)
{
	return has_room(e, FDS_OF_FILE);
}

void
engine_file_opened(struct engine *e)
{
	e->files++;
	engine_watch_room(e);
}

void
engine_file_closed(struct engine *e)
{
	e->files--;
	engine_watch_room(e);
}

void
engine_watch_room(struct engine *e)
{
	bool full = !has_room(e, FDS_OF_SESSION);

	if (has_room(e, e->max_fds / 2))
		e->said_full = false; /* another time will be another line */
	if (full == e->full || engine_is_leaving(e))
		return;
	e->full = full;
	if (full && !e->said_full)
		LOG(LOG_LVL_WARN, "descriptors are short, clients wait",
		    LOG_UINT("limit", e->max_fds),
		    LOG_UINT("connections", e->conns.n),
		    LOG_UINT("programs", e->programs.n),
		    LOG_UINT("files", e->files));
	e->said_full |= full;
	for (size_t i = 0; i < e->nlisteners; i++) {
		if (full)
			listener_pause(e->listener[i]);
		else
			listener_resume(e->listener[i]);
	}
}

void
engine_settle(struct engine *e)
{
	engine_watch_room(e);
	if (engine_is_leaving(e) && e->conns.n == 0 && e->programs.n == 0 &&
	    e->sessions.n == 0)
		(void)event_base_loopbreak(e->flow.base);
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
	for (uint32_t i = 0; i < IPC_ROUTES_MAX; i++)
		route_init(&e->route[i], i);
	flow_init(&e->flow, base);
	ipc_chan_init(&e->chan, fd, IPC_FROM_ENGINE);
	(void)event_assign(&e->on_room, base, fd, EV_WRITE, engine_on_room, e);
	return e;
}

void
engine_free(struct engine *e)
{
	for (size_t i = 0; i < e->nlisteners; i++)
		listener_free(e->listener[i]);
	for (size_t i = 0; i < IPC_ROUTES_MAX; i++)
		route_clear(&e->route[i]);
	(void)event_del(&e->on_room);
	ipc_chan_clear(&e->chan);
	if (e->configured)
		conf_clear(&e->conf);
	flow_clear(&e->flow);
	event_base_free(e->flow.base);
	free(e);
}

/* ------------------------------------------------- what is in it */

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

const struct remote_rules *
engine_remote_rules(const struct engine *e)
{
	return e->remote_rules;
}

struct tls *
engine_tls(struct engine *e)
{
	return e->certs.tls;
}

struct hostnames *
engine_hostnames(const struct engine *e)
{
	return e->hostnames;
}

struct limits *
engine_limits(const struct engine *e)
{
	return e->limits;
}

struct ids *
engine_conns(struct engine *e)
{
	return &e->conns;
}

struct ids *
engine_programs(struct engine *e)
{
	return &e->programs;
}

struct ids *
engine_sessions(struct engine *e)
{
	return &e->sessions;
}

const struct route *
engine_routes(const struct engine *e, size_t *n)
{
	if (n != NULL)
		*n = e->nroutes;
	return e->route;
}

struct passwords *
engine_passwords(struct engine *e)
{
	return e->passwords;
}

bool
engine_stopping(const struct engine *e)
{
	return e->stopping;
}

bool
engine_is_leaving(const struct engine *e)
{
	return e->stopping || e->retired;
}
