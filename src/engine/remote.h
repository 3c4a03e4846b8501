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

struct addr;
struct remote_rules;
struct conf;
struct forwarded;
struct http1_head;
struct refusal;

/* Gives what the settings say about addresses. */
struct remote_rules *remote_rules_new(const struct conf *);
void remote_rules_free(struct remote_rules *);

bool remote_is_proxy(const struct remote_rules *, const struct addr *);

/* Why a connection from there is not even read from; NULL: it is. */
const struct refusal *remote_refuse_peer(const struct remote_rules *,
    const struct addr *);

/* Why a client of that address may not come in; NULL: it may. */
const struct refusal *remote_refuse(const struct remote_rules *,
    const struct addr *);

/*
 * What a request says of its client if it comes from a trusted proxy, which is
 * f->trusted; else the client is the peer, and nothing more of *f is filled.
 * False: it says two things.
 */
bool remote_read_proxy(const struct remote_rules *, const struct http1_head *,
    const struct addr *peer, unsigned port, struct forwarded *);

#endif
