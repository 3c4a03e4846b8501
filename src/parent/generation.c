#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/wire.h"
#include "parent/generation.h"
#include "parent/generation_tell.h"

enum { ENGINES_MAX = 256 };

/* ------------------------------------------------- opening */

static size_t
count_cpus(void)
{
#ifdef __linux__
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (size_t)CPU_COUNT(&set);
#endif
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (size_t)n;
}

static size_t
count_engines(const struct conf *conf)
{
	size_t n = conf->inetd  ? 1
	    : conf->engines > 0 ? (size_t)conf->engines
				: count_cpus();

	return n < ENGINES_MAX ? n : ENGINES_MAX;
}

static void
add_process(struct generation *g, enum ipc_role role, uint32_t index)
{
	struct engine *e = mem_new(1, sizeof(*e));

	engine_init(e, g->all, g, role, index);
	if (role == IPC_ROLE_ENGINE) {
		TAILQ_INSERT_TAIL(&g->engines, e, sibling);
		certs_add(&g->certs, &e->certs, e);
	} else {
		TAILQ_INSERT_TAIL(&g->workers, e, sibling);
	}
}

static bool
asks_for_passwords(const struct generation *g)
{
	for (size_t i = 0; i < g->nroutes; i++)
		if (secret_is_used(&g->route[i]->secrets.passwords))
			return true;
	return false;
}

/* Gives how many they are. */
static size_t
add_processes(struct generation *g)
{
	uint32_t index = 0;

	while (index < g->nengines)
		add_process(g, IPC_ROLE_ENGINE, index++);
	if (asks_for_passwords(g))
		add_process(g, IPC_ROLE_AUTH, index++);
	if (g->conf->reverselookup)
		add_process(g, IPC_ROLE_NAMES, index++);
	return index;
}

/* Engines learn where the folder really is: its links may say so. */
static bool
pack_conf(struct generation *g, char **why)
{
	struct conf told = *g->conf;

	told.route.staticdir = g->route[0]->folder[IPC_FOLDER_STATIC].path;
	if (wire_pack(&told, &g->packed))
		return true;
	*why = mem_strdup("the settings are too large");
	return false;
}

static void
generation_on_secret(void *arg, struct secret *changed)
{
	generation_tell_secret(arg, changed);
}

bool
generation_add_route(struct generation *g, const struct conf_route *conf,
    char **why)
{
	struct route *r = mem_new(1, sizeof(*r));

	if (!route_open(r,
		&(struct route_start){
		    .index = (uint32_t)g->nroutes,
		    .conf = g->conf,
		    .route = conf,
		    .loop = g->all->loop,
		    .on_secret = generation_on_secret,
		    .owner = g,
		},
		why)) {
		free(r);
		return false;
	}
	g->route[g->nroutes++] = r;
	return true;
}

static void
generation_on_unusable(void *arg)
{
	struct generation *g = arg;

	g->ops->on_failed(g->owner, g);
}

static const struct certs_ops certs_ops = {
	.tell = engine_put,
	.lose = engine_lost,
	.on_unusable = generation_on_unusable,
};

struct generation *
generation_new(const struct generation_start *s, char **why)
{
	struct generation *g = mem_new(1, sizeof(*g));

	*g = (struct generation){
		.conf = s->conf,
		.all = s->all,
		.listeners = s->listeners,
		.limits = s->limits,
		.nengines = count_engines(s->conf),
		.ops = s->ops,
		.owner = s->owner,
	};
	TAILQ_INIT(&g->engines);
	TAILQ_INIT(&g->workers);
	buf_init(&g->packed, IPC_CONF_MAX);
	if (generation_add_route(g, &g->conf->route, why) &&
	    certs_open(&g->certs, g->all->loop, g->conf, &certs_ops, g, why) &&
	    pack_conf(g, why))
		return g;
	generation_free(g);
	return NULL;
}

void
generation_free(struct generation *g)
{
	struct engine *e;

	if (g == NULL)
		return;
	g->state = GENERATION_STOPPED;
	certs_stop(&g->certs);
	while ((e = TAILQ_FIRST(&g->engines)) != NULL) {
		TAILQ_REMOVE(&g->engines, e, sibling);
		engine_clear(e);
		free(e);
	}
	while ((e = TAILQ_FIRST(&g->workers)) != NULL) {
		TAILQ_REMOVE(&g->workers, e, sibling);
		engine_clear(e);
		free(e);
	}
	certs_close(&g->certs);
	for (size_t i = 0; i < g->nroutes; i++) {
		route_close(g->route[i]);
		free(g->route[i]);
	}
	buf_clear(&g->packed);
	free(g);
}

struct route *
generation_route(const struct generation *g, uint32_t index)
{
	return index < g->nroutes ? g->route[index] : NULL;
}

/* ------------------------------------------------- beginning */

void
generation_begin(struct generation *g)
{
	struct engine *e;

	engines_set_step(g->all, add_processes(g));
	TAILQ_FOREACH (e, &g->engines, sibling)
		engine_begin(e);
	TAILQ_FOREACH (e, &g->workers, sibling)
		engine_begin(e);
}

bool
generation_on_begin(struct engine *e)
{
	return generation_tell_all(e);
}

/* One that starts late is no fault of the others, once all have been there. */
void
generation_on_failed(struct engine *e)
{
	struct generation *g = e->generation;

	if (e->role == IPC_ROLE_ENGINE)
		certs_on_gone(&g->certs, &e->certs);
	if (g->state == GENERATION_STARTING)
		g->ops->on_failed(g->owner, g);
}

static bool
all_work(const struct generation *g)
{
	const struct engine *e;

	TAILQ_FOREACH (e, &g->engines, sibling)
		if (!e->ready)
			return false;
	TAILQ_FOREACH (e, &g->workers, sibling)
		if (!e->ready)
			return false;
	return true;
}

bool
generation_on_ready(struct engine *e)
{
	struct generation *g = e->generation;

	if (e->ready)
		return false;
	e->ready = true;
	if (e->role == IPC_ROLE_ENGINE)
		certs_on_ready(&g->certs, &e->certs);
	if (g->state == GENERATION_STARTING && all_work(g)) {
		g->state = GENERATION_SERVING;
		certs_serve(&g->certs);
		g->ops->on_ready(g->owner, g);
	}
	return true;
}

bool
generation_on_verdict(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_verdict(&e->generation->certs, &e->certs, m);
}

/* ------------------------------------------------- its end */

static void
stop_workers(struct generation *g)
{
	struct engine *e;

	TAILQ_FOREACH (e, &g->workers, sibling)
		engine_stop(e);
}

/* Engines that have sessions may still ask the workers. */
static void
settle(struct generation *g)
{
	const struct engine *e;

	if (g->state != GENERATION_RETIRED)
		return;
	TAILQ_FOREACH (e, &g->engines, sibling)
		if (engine_runs(e))
			return;
	stop_workers(g);
}

bool
generation_on_lost(struct engine *e)
{
	struct generation *g = e->generation;

	if (e->role == IPC_ROLE_ENGINE)
		certs_on_gone(&g->certs, &e->certs);
	settle(g);
	if (g->state == GENERATION_STARTING)
		g->ops->on_failed(g->owner, g);
	return e->fate == ENGINE_WANTED;
}

void
generation_retire(struct generation *g)
{
	struct engine *e;

	if (g->state >= GENERATION_RETIRED)
		return;
	g->state = GENERATION_RETIRED;
	certs_stop(&g->certs);
	TAILQ_FOREACH (e, &g->engines, sibling)
		engine_retire(e);
	settle(g);
}

void
generation_stop(struct generation *g)
{
	struct engine *e;

	if (g->state == GENERATION_STOPPED)
		return;
	g->state = GENERATION_STOPPED;
	certs_stop(&g->certs);
	for (size_t i = 0; i < g->nroutes; i++)
		secrets_stop(&g->route[i]->secrets);
	TAILQ_FOREACH (e, &g->engines, sibling)
		engine_stop(e);
	stop_workers(g);
}

bool
generation_is_over(const struct generation *g)
{
	const struct engine *e;

	if (g->state < GENERATION_RETIRED)
		return false;
	TAILQ_FOREACH (e, &g->engines, sibling)
		if (engine_is_there(e))
			return false;
	TAILQ_FOREACH (e, &g->workers, sibling)
		if (engine_is_there(e))
			return false;
	return true;
}

/* ------------------------------------------------- files that change */

bool
generation_may_reload(const struct generation *g)
{
	if (conf_has_tls(g->conf))
		return true;
	for (size_t i = 0; i < g->nroutes; i++)
		if (secrets_are_used(&g->route[i]->secrets))
			return true;
	return false;
}

/* A client of one that is retired may still log in. */
void
generation_reload(struct generation *g)
{
	if (g->state == GENERATION_STOPPED)
		return;
	for (size_t i = 0; i < g->nroutes; i++)
		secrets_reload(&g->route[i]->secrets);
	certs_reload(&g->certs);
}
