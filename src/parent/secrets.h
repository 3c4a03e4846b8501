/*
 * The files that say who may come in: read and judged here, handed to those
 * who compare with them, read again when they change.
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
#include "parent/watch.h"

struct conf;
struct ipc_chan;

struct secret {
	struct watch watch;
	enum userfile_kind kind;
	enum ipc_type piece; /* the message that carries it */
	struct buf text;     /* wiped when it goes */
};

struct secrets {
	struct secret passwords; /* no path: not asked for */
	struct secret tokens;
	uint64_t next_look;
};

/* Read what the settings (kept) name. False with an owned sentence in *why. */
bool secrets_open(struct secrets *, const struct conf *, char **why);
void secrets_close(struct secrets *);

bool secret_is_used(const struct secret *);

/* Read it again; false, after a word to the log, if the old one stays. */
bool secret_reload(struct secret *);

/* Send all of it; false as ipc_chan_tell(). Nothing to do if it is unused. */
bool secret_tell(const struct secret *, struct ipc_chan *);

#endif
