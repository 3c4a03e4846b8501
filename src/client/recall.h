/*
 * The lines typed at a terminal before, in a file, so that they can be
 * recalled the next time.
 *
 * $XDG_STATE_HOME/standpipe/history, in $HOME/.local/state without that; what
 * STANDPIPE_HISTORY names instead, and nothing is kept if that is empty. Readable
 * by its owner alone. A line is added as soon as it was typed; a file that
 * has become long is cut to its newer half when it is opened.
 */
#ifndef CLIENT_RECALL_H
#define CLIENT_RECALL_H

#include <stdbool.h>

enum {
	RECALL_FILE_MAX = 256 * 1024,
	RECALL_LINE_MAX = 4096, /* longer ones are not kept */
};

struct recall;

/* Called with a line (borrowed), the oldest first. */
typedef void recall_fn(void *arg, const char *line);

/* Gives the name of the file; NULL: none is kept. */
char *recall_path(void);

/* Read the file, or make it. NULL if that cannot be done. */
struct recall *recall_open(const char *path, recall_fn *each, void *arg);
void recall_close(struct recall *); /* NULL is accepted */

/*
 * Keep a line. NULL is accepted. False: it is not kept, as it begins with a
 * blank, is empty, too long, the one before it once more, or cannot be written.
 */
bool recall_add(struct recall *, const char *line);

#endif
