/*
 * A request that becomes a session: the program is asked for, 101 goes out
 * when it runs, and the session has the connection from there on.
 *
 * Used by: engine/access.c, engine.c.
 */
#ifndef ENGINE_UPGRADE_H
#define ENGINE_UPGRADE_H

struct request;

/* Before the first: have libcrypto load what it loads on its first use. */
void upgrade_prepare(void);

/* subprotocol: the chosen one (kept), or NULL. Takes over the request's answer. */
void upgrade_start(struct request *, const char *subprotocol);

#endif
