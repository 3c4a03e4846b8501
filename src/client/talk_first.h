/*
 * What --send-first says at the beginning of every connection.
 *
 * Files are read once, before the first; what they hold may be secret.
 */
#ifndef CLIENT_TALK_FIRST_H
#define CLIENT_TALK_FIRST_H

#include <stdbool.h>
#include <stddef.h>

struct client_conf;
struct login_secret;

struct talk_first {
	struct login_secret *v; /* owned: each is a message */
	size_t n;
};

/* False and an owned sentence in *why, with nothing to close. */
bool talk_first_open(struct talk_first *, const struct client_conf *,
    char **why);

/* Wipes what it releases; a zeroed one is accepted. */
void talk_first_close(struct talk_first *);

#endif
