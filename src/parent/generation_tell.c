#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "ipc/ipc_codec.h"
#include "parent/generation.h"
#include "parent/generation_tell.h"
#include "parent/limits.h"
#include "parent/listen.h"

enum {
	CONF_PIECE = 32 * 1024,
	BLOCKED_TOLD = 1024, /* addresses that a new engine hears of */
};

/* ------------------------------------------------- settings */

static bool
tell_settings(struct engine *e)
{
	const struct buf *packed = &e->generation->packed;

	for (size_t at = 0; at < packed->len; at += CONF_PIECE) {
		size_t n = packed->len - at;

		if (n > CONF_PIECE)
			n = CONF_PIECE;
		if (!engine_put(e, IPC_CONF, 0, packed->data + at, n))
			return false;
	}
	return true;
}

/* The descriptors are copies: what they lead to outlives the engine. */
static bool
tell_folder(struct engine *e, const struct route *r, size_t which)
{
	const struct ipc_folder f = {
		.route = r->index,
		.which = (uint8_t)which,
	};
	uint8_t body[IPC_FOLDER_BODY];
	int fd;

	if (r->folder[which].fd == -1)
		return true;
	fd = fcntl(r->folder[which].fd, F_DUPFD_CLOEXEC, 3);
	return fd != -1 &&
	    engine_send(e, IPC_FOLDER, 0, body, ipc_put_folder(body, &f), NULL,
		0, &fd, 1);
}

static bool
tell_folders(struct engine *e, const struct route *r)
{
	for (size_t i = 0; i < IPC_FOLDERS; i++)
		if (!tell_folder(e, r, i))
			return false;
	return true;
}

static bool
tell_route(struct engine *e, const struct route *r)
{
	if (e->role == IPC_ROLE_AUTH)
		return secret_tell(&r->secrets.passwords, &e->chan);
	return e->role != IPC_ROLE_ENGINE ||
	    (tell_folders(e, r) && secret_tell(&r->secrets.tokens, &e->chan));
}

static bool
tell_routes(struct engine *e)
{
	const struct generation *g = e->generation;

	for (size_t i = 0; i < g->nroutes; i++)
		if (!tell_route(e, g->route[i]))
			return false;
	return true;
}

static bool
tell_start(struct engine *e)
{
	const struct ipc_start s = {
		.number = e->number,
		.step = e->engines->step,
		.engines = (uint32_t)e->generation->nengines,
	};
	uint8_t body[IPC_START_BODY];

	return engine_put(e, IPC_START, 0, body, ipc_put_start(body, &s));
}

/* ------------------------------------------------- listeners */

/* What is one client only is the engine's, so that its close(2) is the last. */
static int
hand_over(struct listen_socket *s)
{
	int fd = s->fd;

	if (!listen_how(s)->connected)
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	s->fd = -1;
	return fd;
}

/* The engine gets copies: the sockets themselves outlive it. */
static bool
tell_listener(struct engine *e, size_t i)
{
	struct listen_socket *s = &e->generation->listeners->v[i];
	uint8_t body[IPC_LISTEN_BODY];
	int fd = hand_over(s);

	return fd != -1 &&
	    engine_send(e, IPC_LISTEN, (uint32_t)i, body,
		ipc_put_listen(body, listen_how(s)), NULL, 0, &fd, 1);
}

static bool
tell_listeners(struct engine *e)
{
	for (size_t i = 0; i < e->generation->listeners->n; i++)
		if (!tell_listener(e, i))
			return false;
	return true;
}

void
generation_tell_listener(struct generation *g, size_t i)
{
	struct engine *e;

	TAILQ_FOREACH (e, &g->engines, sibling)
		if (engine_runs(e) && e->fate == ENGINE_WANTED)
			engine_after(e, tell_listener(e, i));
}

/* ------------------------------------------------- who may come in */

struct telling {
	struct engine *engine; /* kept */
	size_t n;
	bool ok;
};

static bool
generation_on_blocked(void *arg, const struct addr *a, uint32_t ms)
{
	struct telling *t = arg;
	uint8_t body[IPC_BLOCKED_BODY];

	t->ok = engine_put(t->engine, IPC_BLOCKED, 0, body,
	    ipc_put_blocked(body, a, ms));
	return t->ok && ++t->n < BLOCKED_TOLD;
}

/* The addresses that may not log in: a new engine could not know. */
static bool
tell_all_blocked(struct engine *e)
{
	struct telling t = { .engine = e, .ok = true };

	limits_each_blocked(e->generation->limits, clock_ms(),
	    generation_on_blocked, &t);
	return t.ok;
}

/* The worker first: an engine that forgets and asks gets the new answer. */
static void
tell_passwords(struct generation *g, const struct secret *s)
{
	struct engine *e;

	TAILQ_FOREACH (e, &g->workers, sibling)
		if (e->role == IPC_ROLE_AUTH && engine_runs(e))
			engine_after(e, secret_tell(s, &e->chan));
	TAILQ_FOREACH (e, &g->engines, sibling)
		engine_tell(e, IPC_FORGET, 0, NULL, 0);
}

void
generation_tell_secret(struct generation *g, const struct secret *s)
{
	struct engine *e;

	if (s->kind == USERFILE_PASSWORDS) {
		tell_passwords(g, s);
		return;
	}
	TAILQ_FOREACH (e, &g->engines, sibling)
		if (engine_runs(e))
			engine_after(e, secret_tell(s, &e->chan));
}

/* ------------------------------------------------- one that begins */

/* An engine gets to every worker, a worker to every engine. */
static bool
link_all(struct engine *e)
{
	struct generation *g = e->generation;
	struct engine *other = e->role == IPC_ROLE_ENGINE
	    ? TAILQ_FIRST(&g->workers)
	    : TAILQ_FIRST(&g->engines);

	for (; other != NULL; other = TAILQ_NEXT(other, sibling))
		if (engine_link(e, other) == -1)
			return false;
	return true;
}

bool
generation_tell_all(struct engine *e)
{
	struct certs *certs = &e->generation->certs;

	if (!tell_settings(e))
		return false;
	if (e->role != IPC_ROLE_ENGINE)
		return tell_routes(e) && tell_start(e) && link_all(e);
	return tell_listeners(e) && certs_on_begin(certs, &e->certs) &&
	    tell_routes(e) && tell_all_blocked(e) && tell_start(e) &&
	    link_all(e);
}
