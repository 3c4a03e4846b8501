/*
 * Files that the parent reads for others: their bytes, and whether they have
 * changed since.
 *
 * There is one look a second at most: a file that is being written is left
 * alone until two looks in a row find it the same.
 */
#ifndef PARENT_WATCH_H
#define PARENT_WATCH_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"

enum { WATCH_MS = 1000 };

/* What tells two states of a file apart. */
struct watch_mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
	int err; /* errno, if it could not be looked at */
};

struct watch {
	const char *path;        /* kept */
	struct watch_mark taken; /* when it was read */
	struct watch_mark seen;  /* at the last look */
	mode_t mode;             /* of what was read */
};

/*
 * Read the file, whose path is kept, into `out`; it is too large if it fills
 * that to its ceiling. False with an owned sentence in *why, and nothing in
 * `out`. Either way this is the state that changes are told against later.
 */
bool watch_read(struct watch *, const char *path, struct buf *out, char **why);

/* What was read is a secret: say in the log if all may read or write it. */
void watch_warn_open(const struct watch *);

/* Look: whether it is another than what was read, and stays so. */
bool watch_changed(struct watch *);

#endif
