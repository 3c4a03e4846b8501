/*
 * The lines typed at a terminal before, in a file, so that they can be
 * recalled the next time.
 *
 * $XDG_STATE_HOME/standpipe/history, in $HOME/.local/state without that; what
 * STANDPIPE_HISTORY names instead, and nothing is kept if that is empty. Readable
 * by its owner alone. A line is added as soon as it was typed; a file that
 * has become long is cut to its newer half when it is opened.
 */
#ifndef CLIENT_TERM_HISTORY_H
#define CLIENT_TERM_HISTORY_H

#include <stdbool.h>

enum {
	TERM_HISTORY_FILE_MAX = 256 * 1024,
	TERM_HISTORY_LINE_MAX = 4096, /* longer ones are not kept */
};

struct term_history;

/* Called with a line (borrowed), the oldest first. */
typedef void term_history_fn(void *arg, const char *line);

/* Gives the name of the file; NULL: none is kept. */
char *term_history_path(void);

/* Read the file, or make it. NULL if that cannot be done. */
struct term_history *term_history_open(const char *path, term_history_fn *each,
    void *arg);
void term_history_close(struct term_history *); /* NULL is accepted */

/*
 * Keep a line. NULL is accepted. False: it is not kept, as it begins with a
 * blank, is empty, too long, the one before it once more, or cannot be written.
 */
bool term_history_add(struct term_history *, const char *line);

#endif
