/*
 * A request that becomes a session: the program is asked for, 101 goes out
 * when it runs, and the connection is the session's (sessions.h) from there on.
 */
#ifndef ENGINE_UPGRADE_H
#define ENGINE_UPGRADE_H

#include "dialect/standpipe_v1.h"

struct request;

/*
 * subprotocol: the program's, that was chosen (kept), or NULL; v1: how the
 * session was offered standpipe.v1, if it shall speak it. Takes over the
 * request's answer.
 */
void upgrade_start(struct request *, const char *subprotocol, enum v1_offer v1);

#endif
