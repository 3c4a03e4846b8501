/*
 * The engines as the parent sees them: processes that are started, answered,
 * and replaced when they die or speak nonsense. None of them is trusted.
 */
#ifndef PARENT_ENGINE_H
#define PARENT_ENGINE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc_chan.h"
#include "parent/certs.h"
#include "parent/limits.h"
#include "parent/loop.h"
#include "proc/child.h"

struct daemon;

struct engine {
	struct daemon *daemon; /* kept */
	struct ipc_chan chan;  /* fd -1: not running */
	struct loop_fd watch;  /* of that */
	enum ipc_role role;
	uint16_t index;
	uint32_t number; /* a new one at every start; 0: it does not run */
	pid_t pid;       /* 0: not running; unreaped till then */
	bool ready;
	struct certs_user certs;
	unsigned failures; /* in a row */
	uint64_t started;
	uint64_t restart_at; /* UINT64_MAX: it runs, or is not wanted */
	struct loop_timer restart;
	struct limits_seats seats; /* what it took of the limits */
};

void engine_init(struct engine *, struct daemon *, enum ipc_role,
    uint16_t index);

/* Start it, now or as soon as that is possible. */
void engine_begin(struct engine *);

/* Send it something; false if it does not take it, and is to be lost. */
bool engine_put(struct engine *, enum ipc_type, uint32_t session,
    const void *body, size_t len);

/* A command of it has ended. */
void engine_tell_exit(struct engine *, const struct child *, struct ended,
    bool want_done);

/* The files that say who may come in were read again: tell whom they concern. */
void engine_tell_passwords(struct daemon *);
void engine_tell_tokens(struct daemon *);

/* Whether one has spoilt the sockets that all share: make those anew. */
void engine_mend_listeners(struct daemon *);

/* Let it send its clients away and end. */
void engine_stop(struct engine *);

/* Have every engine say in the log what sessions it has. */
void engine_list_sessions(struct daemon *);

/*
 * It is no more, or may not go on: kill it if it still runs, disown its
 * commands, and plan the next one unless the daemon stops.
 */
void engine_lost(struct engine *, const char *why);

/* Its process has ended, and was reaped. */
void engine_reaped(struct engine *, struct ended);

/* Close its socket and take back what it holds. */
void engine_clear(struct engine *);

/* End the process, if there is one; it is reaped as any other. */
void engine_kill(struct engine *);

#endif
