/*
 * The parent: what it holds, and its loop.
 *
 * It answers engines, starts and reaps commands, and keeps the counts that
 * span engines. It reads nothing that came from the network but the counted,
 * opaque texts inside checked requests.
 */
#ifndef PARENT_DAEMON_H
#define PARENT_DAEMON_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/ipc.h"
#include "parent/certs.h"
#include "parent/command.h"
#include "parent/folder.h"
#include "parent/listen.h"
#include "parent/loop.h"
#include "parent/secrets.h"
#include "proc/child.h"

struct conf;
struct engine;
struct limits;

struct daemon {
	const struct conf *conf; /* kept */
	struct loop loop;
	struct buf packed; /* the settings, as engines get them */
	struct listen_set listeners;
	struct certs certs;                /* the files of TLS */
	struct command command;            /* of the one route */
	struct folder folder[IPC_FOLDERS]; /* that engines read from */
	char *engine_path;                 /* owned */
	bool engine_has_user;
	struct spawn_user engine_user;
	struct child_set *children; /* owned */
	struct engine *engines;     /* owned, nengines of them */
	size_t nengines;            /* with the workers, the last of them */
	uint32_t step;              /* numbers of engines are 1 to that */
	uint32_t last_number;
	struct secrets secrets;
	struct limits *limits; /* owned */
	bool announced;        /* people were told that we listen */
	bool stopping;
	bool forced;
	bool gave_up;           /* and somebody does not even go by force */
	struct loop_timer stop; /* the end of patience */
	struct loop_timer ladder;
	bool once_taken; /* --once has had its session */
	pid_t status_of; /* the command whose status is ours; 0: none */
	int status;      /* to exit with */
};

/*
 * Bind, find the command and the engine. False with an owned sentence in *why
 * and nothing left open. Keeps conf.
 */
bool daemon_open(struct daemon *, const struct conf *, char **why);

/* Serve until a signal or --once ends it; the exit status. */
int daemon_run(struct daemon *);
void daemon_close(struct daemon *);

/* Stop accepting, send everybody away, run the ladders. */
void daemon_stop(struct daemon *);

/* A number that no engine has; 0: all are taken. */
uint32_t daemon_new_number(struct daemon *);

/* An engine is ready: when all are, people are told. */
void daemon_engine_ready(struct daemon *);

/* The engine never got ready: there is no point in going on. */
void daemon_fail(struct daemon *);

#endif
