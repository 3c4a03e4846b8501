/*
 * A request that becomes a session: the program is asked for, 101 goes out
 * when it runs, and the session has the connection from there on.
 *
 * Used by: engine/route.c.
 */
#ifndef ENGINE_UPGRADE_H
#define ENGINE_UPGRADE_H

struct request;

/* subprotocol: the chosen one (kept), or NULL. Takes over the request's answer. */
void upgrade_start(struct request *, const char *subprotocol);

#endif
