/*
 * The header fields of our requests that options ask for: who we are, cookies,
 * an Origin and whatever --header says.
 *
 * They are made once, before the first connection: files and descriptors are
 * read only then. They are meant for the server that the user has named, and
 * for no other that this one sends us on to.
 */
#ifndef CLIENT_HELLO_FIELDS_H
#define CLIENT_HELLO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/http1.h"
#include "codec/ws_hello.h"

struct client_conf;
struct ws_url;

/* One more is the offer of standpipe.v1. */
enum { HELLO_FIELDS_MAX = WS_HELLO_FIELDS_MAX - 1 };

struct hello_fields {
	struct http1_out *v; /* owned, and its texts; secret */
	size_t n;            /* at most HELLO_FIELDS_MAX */
	char *host;          /* owned: what Host shall say; NULL: as the URL */
	struct ws_url *home; /* owned: whom they are meant for */
};

/*
 * Make them for the server that conf->to names. False and an owned sentence in
 * *why, with nothing to close.
 */
bool hello_fields_open(struct hello_fields *, const struct client_conf *,
    char **why);

/* Whether a request to that URL may hold them. */
bool hello_fields_may_go_to(const struct hello_fields *, const struct ws_url *);

/* Wipes what it releases; a zeroed one is accepted. */
void hello_fields_close(struct hello_fields *);

#endif
