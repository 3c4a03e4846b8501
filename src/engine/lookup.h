/*
 * What a path means inside the static folder, and nowhere else: every step is
 * taken below the folder's descriptor (base/beneath.h). Names that begin with a
 * dot do not exist, but for /.well-known at the top.
 */
#ifndef ENGINE_LOOKUP_H
#define ENGINE_LOOKUP_H

#include <sys/stat.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "codec/http_accept.h"

struct beneath;

enum lookup_result {
	LOOKUP_FILE,    /* a file, or the index.html of a folder */
	LOOKUP_FOLDER,  /* a folder without one */
	LOOKUP_SLASH,   /* a folder, but the path does not end in '/' */
	LOOKUP_NONE,    /* nothing that is served */
	LOOKUP_OUTSIDE, /* a link that leads out, or to itself */
	LOOKUP_DENIED,  /* there is something, but we may not read it */
	LOOKUP_ERROR,   /* trouble of ours: errno */
};

struct lookup {
	int fd;         /* owned, of FILE and FOLDER; else -1 */
	struct stat st; /* of it */
	enum http_coding coding;
	bool varies;         /* there is more than one coding of it */
	char name[PATH_MAX]; /* relative, of what was asked for */
};

/*
 * Find what a decoded path (borrowed, without NUL, begins with '/') means.
 * codings[0..n), best first, are those that the client likes at least as much
 * as the file itself: a neighbour name.br or name.gz that is not older is given
 * in its place.
 */
enum lookup_result lookup_open(struct lookup *, const struct beneath *root,
    const char *path, size_t len, const enum http_coding *codings, size_t n);

/* Whether a name of a folder is one that may be asked for. */
bool lookup_shows(const char *folder, const char *name);

void lookup_close(struct lookup *);

#endif
