/*
 * TLS of our calls: made ready once, begun on each connection, and blamed where
 * it fails.
 *
 * Used by: client/main.c, call.c, hello.c.
 */
#ifndef CLIENT_SECURE_H
#define CLIENT_SECURE_H

#include <stdbool.h>

struct client;
struct outcome;
struct stream;

/*
 * Make ready what client->conf asks for; nothing if it asks for no TLS. False:
 * that cannot be had, and the outcome says why.
 */
bool secure_open(struct client *, struct outcome *);
void secure_close(struct client *);

/* From here on a connection, on which nothing was said yet, is under TLS. */
void secure_start(struct client *, struct stream *);

/*
 * A connection was lost with this errno. True: TLS is to blame, and the outcome
 * says for what.
 */
bool secure_judge(const struct stream *, int err, struct outcome *);

#endif
