/*
 * Names of clients, for REMOTE_HOST: what DNS calls their address, if that name
 * leads back to it. The names worker is asked (engine/nameworker); nothing
 * blocks, and a client whose name is not found in time keeps the address.
 *
 * Answers are remembered for a while, late ones as well, with their number
 * bounded, as that of the questions.
 */
#ifndef ENGINE_HOSTNAME_H
#define ENGINE_HOSTNAME_H

#include "engine/access.h"

struct event_base;
struct hostnames;
struct request;

/* Gives one that nobody answers yet. Keeps the base. */
struct hostnames *hostnames_new(struct event_base *);

/* Every request that waited must have gone. NULL is accepted. */
void hostnames_free(struct hostnames *);

/* Takes an end of a new socket to the worker: the one before has gone. */
void hostnames_connect(struct hostnames *, int fd);

/* The step: put the client's name into the request. */
enum access_verdict hostname_find(struct request *);

#endif
