/*
 * The files of a route that say who may come in: read and judged here, handed
 * to those who compare with them, read again when they change.
 *
 * A file that is wrong when it is read again leaves what was read before in
 * use.
 */
#ifndef PARENT_SECRETS_H
#define PARENT_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/userfile.h"
#include "ipc/ipc.h"
#include "parent/loop.h"
#include "parent/watch.h"

struct conf_route;
struct ipc_chan;

struct secret {
	struct watch watch;
	enum userfile_kind kind;
	enum ipc_type piece; /* the message that carries it */
	uint32_t route;      /* whose file it is */
	struct buf text;     /* wiped when it goes */
};

/* This one has been taken anew: its kind and its route say which it is. */
typedef void secrets_fn(void *arg, struct secret *);

struct secrets {
	struct loop *loop;       /* kept */
	struct secret passwords; /* no path: not asked for */
	struct secret tokens;
	struct loop_timer look; /* at whether they have changed */
	secrets_fn *fn;
	void *arg; /* kept */
};

struct secrets_start {
	struct loop *loop;             /* kept */
	const struct conf_route *conf; /* kept: of the route */
	uint32_t route;                /* of that number */
	secrets_fn *fn;
	void *arg; /* kept */
};

/*
 * Read what the settings name, and again what changes: then call fn. False with
 * an owned sentence in *why.
 */
bool secrets_open(struct secrets *, const struct secrets_start *, char **why);
void secrets_close(struct secrets *);

/* What changes from now on is of no interest. */
void secrets_stop(struct secrets *);

bool secrets_are_used(const struct secrets *);
bool secret_is_used(const struct secret *);

/* Read all of them again, changed or not. */
void secrets_reload(struct secrets *);

/* Send all of it; false as ipc_chan_tell(). Nothing to do if it is unused. */
bool secret_tell(const struct secret *, struct ipc_chan *);

#endif
