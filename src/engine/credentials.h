/*
 * Who it is: a step of access.c. A name and a password of --auth-file, or a
 * token of --token-file, whichever the request carries; 401 without.
 *
 * A password may have to be asked of the auth worker. Until its answer is there
 * this is the request's handler.
 */
#ifndef ENGINE_CREDENTIALS_H
#define ENGINE_CREDENTIALS_H

#include "engine/access.h"

enum access_verdict credentials_check(struct request *);

#endif
