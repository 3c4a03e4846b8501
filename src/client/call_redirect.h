/*
 * Whether a redirect is followed, and where to.
 *
 * Only if --location asks for it, so often and not more, never from TLS to
 * plain text, and only to what a server may send us to at all.
 */
#ifndef CLIENT_CALL_REDIRECT_H
#define CLIENT_CALL_REDIRECT_H

#include <stdbool.h>

struct client_conf;
struct outcome;
struct ws_url;

/*
 * Read where location (borrowed) leads from the URL of a request, after `times`
 * others were followed. False: it is not followed; the outcome stays the
 * refusal that it is, or says why.
 */
bool call_redirect_read(struct ws_url *to, const struct client_conf *,
    const struct ws_url *from, const char *location, unsigned times,
    struct outcome *);

#endif
