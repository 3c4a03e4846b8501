/*
 * A text that nobody else is to see, from where it is kept: a file, or fd:N,
 * a descriptor that whoever started us has opened.
 *
 * Secrets are never words of a command line, which every user of a system may
 * read. The memory is wiped when it is released.
 */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct client_conf;

enum { SECRET_MAX = 64 * 1024 };

struct secret {
	char *text; /* owned, with a NUL behind it and none inside */
	size_t len;
};

/*
 * Read all of it. False and an owned sentence in *why, with nothing to clear.
 * A file that everybody may read is taken, and told of, and a mark of UTF-8 in
 * front of it is left out; without a conf the text is data, as it is.
 */
bool secret_read(struct secret *, const struct client_conf *,
    const char *source, char **why);

/* A text (borrowed, at most SECRET_MAX bytes of it) that is kept like one. */
void secret_set(struct secret *, const char *text);

/* The text without its last line end, which must be all it has of them. */
bool secret_is_line(struct secret *);

void secret_clear(struct secret *);

/* Wipe and free a text; NULL is accepted. */
void secret_free_text(char *);

#endif
