/*
 * Names of clients, for REMOTE_HOST: what DNS calls their address, if that name
 * leads back to it. Nothing blocks; who is not found in time keeps the address.
 *
 * The name servers are asked over sockets that exist before the engine is
 * confined, so what resolv.conf says later does not matter. Answers are
 * remembered for a while, with their number bounded, as that of the questions.
 *
 * Used by: engine/engine.c, access.c.
 */
#ifndef ENGINE_HOSTNAME_H
#define ENGINE_HOSTNAME_H

#include "engine/access.h"

struct conf;
struct event_base;
struct hostnames;
struct request;

/*
 * Gives one that asks the server of the settings, or those of resolv.conf; NULL
 * if it cannot be had. Keeps the base.
 */
struct hostnames *hostnames_new(struct event_base *, const struct conf *);

/* Every request that waited must have gone. NULL is accepted. */
void hostnames_free(struct hostnames *);

/* The step: put the client's name into the request. */
enum access_verdict hostname_find(struct request *);

#endif
