/*
 * What a route has on this side: its programs, the folders that engines read
 * from, and the files that say who may come in.
 *
 * Engines and the parent name a route by its number, and nothing that hangs on
 * it: an engine cannot ask for a program or a folder of its own choosing.
 */
#ifndef PARENT_ROUTE_H
#define PARENT_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "parent/command.h"
#include "parent/folder.h"
#include "parent/secrets.h"

struct conf;
struct conf_route;
struct loop;

struct route {
	const struct conf_route *conf; /* kept */
	uint32_t index;
	struct command command;
	struct folder folder[IPC_FOLDERS]; /* fd -1: not asked for */
	struct secrets secrets;
};

/* The route of that number. */
struct route_start {
	uint32_t index;
	const struct conf *conf;        /* kept: of the daemon */
	const struct conf_route *route; /* kept: and its own */
	struct loop *loop;              /* kept */
	secrets_fn *on_secret;          /* a file has been read anew */
	void *owner;                    /* kept: for that */
};

/*
 * Find and open what the settings name. False, with nothing open and an owned
 * sentence in *why. It may not be moved afterwards.
 */
bool route_open(struct route *, const struct route_start *, char **why);
void route_close(struct route *);

/* Whether its settings let a client send a program that signal. */
bool route_may_signal(const struct route *, int sig);

#endif
