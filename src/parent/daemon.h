/*
 * The daemon: what all engines have in common, and its loop.
 *
 * It answers engines, has programs started and reaped, and keeps the counts
 * that span engines. It reads nothing that came from the network but the
 * counted, opaque texts inside checked requests.
 */
#ifndef PARENT_DAEMON_H
#define PARENT_DAEMON_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

#include "parent/engine.h"
#include "parent/engine_program.h"
#include "parent/generation.h"
#include "parent/loop.h"
#include "parent/mend.h"
#include "parent/programs.h"
#include "sock/listen_set.h"

struct conf;
struct limits;

struct daemon {
	const struct conf *conf; /* kept */
	struct loop loop;
	struct listen_set listeners;
	struct engine_program program;
	struct engines engines;
	struct programs programs;
	struct limits *limits;                /* owned */
	struct mend mend;                     /* of the listeners */
	TAILQ_HEAD(, generation) generations; /* owned */
	struct generation *serving;           /* kept: the one in force */
	struct generation *coming; /* kept: to replace that; NULL: none */
	bool stopping;
	bool failed;
	bool forced;
	bool gave_up;           /* and a process does not even go by force */
	struct loop_timer stop; /* the end of patience */
	struct loop_timer ladder;
};

/*
 * Bind, find the command and the engine. False with an owned sentence in *why
 * and nothing left open. Keeps conf.
 */
bool daemon_open(struct daemon *, const struct conf *, char **why);

/* Serve until a signal or --once ends it; the exit status. */
int daemon_run(struct daemon *);
void daemon_close(struct daemon *);

#endif
