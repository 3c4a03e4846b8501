/*
 * A text that nobody else is to see, from where it is kept: a file, or fd:N,
 * a descriptor that whoever started us has opened.
 *
 * Secrets are never words of a command line, which every user of a system may
 * read. The memory is wiped when it is released.
 */
#ifndef CLIENT_LOGIN_SECRET_H
#define CLIENT_LOGIN_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct client_conf;

enum { LOGIN_SECRET_MAX = 64 * 1024 };

struct login_secret {
	char *text; /* owned, with a NUL after it and none inside */
	size_t len;
};

/*
 * Read all of it. False and an owned sentence in *why, with nothing to clear.
 * A file that everybody may read is taken, and told of, and a mark of UTF-8 in
 * front of it is left out; without a conf the text is data, as it is.
 */
bool login_secret_read(struct login_secret *, const struct client_conf *,
    const char *source, char **why);

/*
 * A text (borrowed, at most LOGIN_SECRET_MAX bytes of it) that is kept like
 * one.
 */
void login_secret_set(struct login_secret *, const char *text);

/* The text without its last line end, which must be all it has of them. */
bool login_secret_is_line(struct login_secret *);

void login_secret_clear(struct login_secret *);

/* Wipe and free a text; NULL is accepted. */
void login_secret_free_text(char *);

#endif
