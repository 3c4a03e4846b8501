/*
 * TLS of our calls: made ready once, begun on each connection, and blamed where
 * it fails.
 */
#ifndef CLIENT_CALL_TLS_H
#define CLIENT_CALL_TLS_H

#include <stdbool.h>

struct client;
struct client_conf;
struct facts;
struct outcome;
struct stream;

/* Whether a call may come under TLS, as far as the command line says. */
bool call_tls_may_be_needed(const struct client_conf *);

/*
 * Make ready what client->conf asks for; nothing if none is needed. False: that
 * cannot be had, and the outcome says why.
 */
bool call_tls_open(struct client *, struct outcome *);
void call_tls_close(struct client *);

/*
 * From here on a connection, on which nothing was said yet, is under TLS. host
 * (borrowed): the name or address by which it was called.
 */
void call_tls_start(struct client *, struct stream *, const char *host);

/* Whether the connection is still in the handshake of TLS. */
bool call_tls_is_shaking(const struct stream *);

/* Fill in what is seen of a connection that is under TLS. */
void call_tls_see(const struct stream *, struct facts *);

/*
 * A connection was lost with this errno. True: TLS is to blame, and the outcome
 * says for what.
 */
bool call_tls_judge(const struct stream *, int err, struct outcome *);

#endif
