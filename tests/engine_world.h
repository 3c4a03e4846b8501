/*
 * An engine whose parent is the test: it hears what the engine tells, and a
 * turn of the loop is the test's to make. Included once, after cmocka.h.
 */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include <sys/socket.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/log.h"
#include "conf/options.h"
#include "conf/value.h"
#include "engine/engine.h"
#include "engine/engine_state.h"
#include "engine/limits.h"
#include "engine/remote.h"
#include "engine/route.h"
#include "ipc/ipc_codec.h"

struct engine_world {
	struct engine *engine;
	int parent;         /* the other end of its channel */
	struct conf second; /* the settings of another route, if there is one */
	uint8_t packet[IPC_HEAD + IPC_BODY_MAX]; /* the last that it told */
	struct ipc_msg told;                     /* the same, taken apart */
};

static inline void
world_set(struct conf *c, const char *name, const char *value)
{
	const struct option *o = option_find(&daemon_table, name, strlen(name));
	char *why = NULL;

	assert_non_null(o);
	if (!value_set(option_about(&daemon_table, c, o), o, value, &why))
		fail_msg("%s", why);
}

/* With all defaults, and no route yet. */
static inline void
world_open(struct engine_world *w)
{
	int fd[2];

	(void)signal(SIGPIPE, SIG_IGN);
	log_init(
	    &(struct log_conf){ .program = "test", .level = LOG_LVL_NONE });
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     fd),
	    0);
	w->parent = fd[1];
	w->engine = engine_new(fd[0], 1024);
	assert_non_null(w->engine);
	w->engine->id_step = 1;
	w->engine->limits = limits_new();
	conf_init(&w->engine->conf);
	conf_init(&w->second);
	w->engine->configured = true;
}

static inline struct conf *
world_conf(struct engine_world *w)
{
	return &w->engine->conf;
}

/* The settings are complete: there is one route, or there are two. */
static inline void
world_start(struct engine_world *w, size_t nroutes)
{
	struct engine *e = w->engine;

	e->remote_rules = remote_rules_new(&e->conf);
	route_prepare(&e->route[0], &e->conf.route);
	route_prepare(&e->route[1], &w->second.route);
	e->nroutes = nroutes;
}

static inline void
world_turn(struct engine_world *w)
{
	(void)event_base_loop(engine_flow(w->engine)->base,
	    EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* The same, as soon as there is something to do. */
static inline void
world_wait(struct engine_world *w)
{
	(void)event_base_loop(engine_flow(w->engine)->base, EVLOOP_ONCE);
}

/* The next thing that the engine tells, if it is that. */
static inline bool
world_hears(struct engine_world *w, enum ipc_type type)
{
	ssize_t n = recv(w->parent, w->packet, sizeof(w->packet), MSG_DONTWAIT);

	w->told = (struct ipc_msg){ .nfds = 0 };
	return n > 0 &&
	    ipc_read(&w->told, IPC_FROM_ENGINE, w->packet, (size_t)n) &&
	    w->told.type == type;
}

static inline void
world_close(struct engine_world *w)
{
	struct engine *e = w->engine;

	remote_rules_free(e->remote_rules);
	limits_free(e->limits);
	engine_free(e);
	conf_clear(&w->second);
	close(w->parent);
}

#endif
