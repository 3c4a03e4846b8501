/*
 * A line typed at a terminal: text for the server, or a command for us.
 *
 * Pure. A command begins with a slash; a line that shall begin with one is
 * typed with two.
 */
#ifndef CLIENT_TYPED_H
#define CLIENT_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/ws.h"

enum typed_kind {
	TYPED_LINE,  /* text: what is sent */
	TYPED_PING,  /* text: the payload, at most WS_CONTROL_MAX bytes */
	TYPED_CLOSE, /* code and reason */
	TYPED_HELP,
};

struct typed {
	enum typed_kind kind;
	const char *text; /* lies in the line */
	size_t len;
	unsigned code;
	char reason[WS_REASON_MAX + 1]; /* UTF-8 */
};

/*
 * Read a line (borrowed, kept by *typed, without its newline). False: it is
 * no such command; *why is an owned sentence.
 */
bool typed_read(struct typed *, const char *line, size_t len, char **why);

/* What /help says: lines, static. */
const char *typed_help(void);

#endif
