/*
 * Who the client is: the address at the other end of the connection, or the
 * one that a trusted proxy there speaks for; and whether such an address may
 * come in at all. What it finds is REMOTE_ADDR to a program (RFC 3875, 4.1.8).
 *
 * An address on --deny is refused; if there is --allow, so is one that is not
 * on it. A trusted proxy's connection is let in whatever they say, for what
 * counts is whom each of its requests is from.
 */
#ifndef ENGINE_REMOTE_H
#define ENGINE_REMOTE_H

#include <stdbool.h>

#include "engine/access.h"

struct addr;
struct remote_rules;
struct conf;
struct refusal;
struct request;

/* Gives what the settings say about addresses. */
struct remote_rules *remote_rules_new(const struct conf *);
void remote_rules_free(struct remote_rules *);

bool remote_is_proxy(const struct remote_rules *, const struct addr *);

/* Why a connection from there is not even read from; NULL: it is. */
const struct refusal *remote_refuse_peer(const struct remote_rules *,
    const struct addr *);

/* The step: find out who it is. */
enum access_verdict remote_find(struct request *);

/* The step: whether he may come in. */
enum access_verdict remote_check(struct request *);

#endif
