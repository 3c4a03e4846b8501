/*
 * A line typed at a terminal: text for the server, or a command for us.
 *
 * Pure. A command begins with a slash; a line that shall begin with one is
 * typed with two.
 */
#ifndef CLIENT_TERM_TYPED_H
#define CLIENT_TERM_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/ws.h"

enum term_typed_kind {
	TERM_TYPED_LINE,  /* text: what is sent */
	TERM_TYPED_PING,  /* text: the payload, at most WS_CONTROL_MAX bytes */
	TERM_TYPED_CLOSE, /* code and reason */
	TERM_TYPED_HELP,
};

struct term_typed {
	enum term_typed_kind kind;
	const char *text; /* lies in the line */
	size_t len;
	unsigned code;
	char reason[WS_REASON_MAX + 1]; /* UTF-8 */
};

/*
 * Read a line (borrowed, kept by *typed, without its newline). False: it is
 * no such command; *why is an owned sentence.
 */
bool term_typed_read(struct term_typed *, const char *line, size_t len,
    char **why);

/* What /help says: lines, static. */
const char *term_typed_help(void);

#endif
