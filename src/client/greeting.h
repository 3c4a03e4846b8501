/*
 * What --send-first says at the beginning of every connection.
 *
 * Files are read once, before the first; what they hold may be secret.
 */
#ifndef CLIENT_GREETING_H
#define CLIENT_GREETING_H

#include <stdbool.h>
#include <stddef.h>

struct client_conf;
struct login_secret;

struct greeting {
	struct login_secret *v; /* owned: each is a message */
	size_t n;
};

/* False and an owned sentence in *why, with nothing to close. */
bool greeting_open(struct greeting *, const struct client_conf *, char **why);

/* Wipes what it releases; a zeroed one is accepted. */
void greeting_close(struct greeting *);

#endif
