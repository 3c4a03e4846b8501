/*
 * A request that becomes a session: the program is asked for, 101 goes out
 * when it runs, and the session has the connection from there on.
 *
 * Used by: engine/route.c.
 */
#ifndef ENGINE_UPGRADE_H
#define ENGINE_UPGRADE_H

#include <stdbool.h>

struct request;

/*
 * subprotocol: the program's, that was chosen (kept), or NULL; v1: it travels
 * inside of standpipe.v1. Takes over the request's answer.
 */
void upgrade_start(struct request *, const char *subprotocol, bool v1);

#endif
