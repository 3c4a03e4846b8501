/*
 * --compression: what we offer, what the server makes of it, and that messages
 * then are compressed.
 */
#ifndef CLIENT_HELLO_COMPRESSION_H
#define CLIENT_HELLO_COMPRESSION_H

#include "codec/ws_terms.h"

struct client;
struct client_conf;
struct facts;
struct http1_head;
struct transport;

/* The settings are there: what all calls share begins. */
void hello_compression_init(struct client *);

/* What to offer, or NULL: nothing; in `out`. */
const char *hello_compression_offer(const struct client_conf *,
    char out[WS_TERMS_TEXT]);

/*
 * Judge the answer: NULL, with the terms among the facts if there are some, or
 * why the server cannot be understood.
 */
const char *hello_compression_judge(struct client *, const struct http1_head *,
    struct facts *);

/* A session begins, on these terms. */
void hello_compression_begin(struct transport *, const struct facts *);

#endif
