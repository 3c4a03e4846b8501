/*
 * The step of access.c that sends clients on which came to a listener for that
 * (--redirport), or without TLS to one that speaks both (--redirect-plain).
 */
#ifndef ENGINE_REDIRECT_H
#define ENGINE_REDIRECT_H

#include "engine/access.h"

enum access_verdict redirect_check(struct request *);

#endif
