/*
 * Who the client is: the address at the other end of the connection, or the
 * one that a trusted proxy there speaks for; and whether such an address may
 * come in at all.
 *
 * An address on --deny is refused; if there is --allow, so is one that is not
 * on it. A trusted proxy's connection is let in whatever they say, for what
 * counts is whom each of its requests is from.
 */
#ifndef ENGINE_CLIENT_H
#define ENGINE_CLIENT_H

#include <stdbool.h>

#include "engine/access.h"

struct addr;
struct client_rules;
struct conf;
struct refusal;
struct request;

/* Gives what the settings say about addresses. */
struct client_rules *client_rules_new(const struct conf *);
void client_rules_free(struct client_rules *);

bool client_is_proxy(const struct client_rules *, const struct addr *);

/* Why a connection from there is not even read from; NULL: it is. */
const struct refusal *client_refuse_peer(const struct client_rules *,
    const struct addr *);

/* The step: find out who it is. */
enum access_verdict client_find(struct request *);

/* The step: whether he may come in. */
enum access_verdict client_check(struct request *);

#endif
