/*
 * What engine.c and serve.c share: all that an engine has in its hands.
 */
#ifndef ENGINE_ENGINE_STATE_H
#define ENGINE_ENGINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "engine/certs.h"
#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/route.h"
#include "flow/flow.h"
#include "ipc/ipc.h"
#include "ipc/ipc_chan.h"

struct listener;

struct engine {
	struct flow flow;
	struct conf conf;
	struct buf packed;    /* the settings, until they are complete */
	struct ipc_chan chan; /* to the parent */
	struct certs certs;   /* the files of TLS */
	struct event on_msg;
	struct event on_room; /* the parent takes messages again */
	struct event on_list; /* more sessions are to be listed */
	size_t nlisted;
	struct listener *listener[IPC_LISTENERS_MAX]; /* owned */
	size_t nlisteners;
	struct route route[IPC_ROUTES_MAX];
	size_t nroutes; /* of them; 0: not configured */
	uint32_t last_id, id_step;
	size_t max_fds, files; /* descriptors; of files that are being sent */
	bool full; /* no descriptors for one more: the listeners are paused */
	bool said_full; /* and it has not become much better since */
	bool configured;
	bool stopping;
	bool retired;
	int status;
	struct ids conns, programs, sessions; /* owned, all of them */
	struct hostnames *hostnames;          /* owned; NULL: not asked for */
	struct limits *limits;                /* owned */
	struct remote_rules *remote_rules;    /* owned */
	struct passwords *passwords;          /* owned; NULL: not asked for */
};

/* engine.c: without a parent that is understood the engine is no use: end. */
void engine_give_up(struct engine *);

/* engine.c: accept while there are descriptors for one more session. */
void engine_watch_room(struct engine *);

#endif
