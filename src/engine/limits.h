/*
 * What the clients of one address may have: connections, requests a second,
 * failed logins a minute. The parent counts, for all engines; this asks it, and
 * remembers whom it has blocked from logging in. Whoever no limit applies to,
 * as a rule everybody on this machine, costs no message.
 *
 * A connection counts when it is accepted, with the request that it brings;
 * later requests on it count if a program may have to be started for them or a
 * folder be listed. Of
 * those behind a trusted proxy every one counts for its client, who holds one of
 * his connections with it as long as it lasts.
 */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc_codec.h"

struct addr;
struct engine;
struct limits;
struct refusal;

/* The places that a connection and its request hold; 0: none. */
struct seats {
	uint32_t connection;
	uint32_t client;
};

/* Gives one engine's memory of who is blocked. */
struct limits *limits_new(void);
void limits_free(struct limits *);

/*
 * Ask about a connection that was accepted; always: though no limit applies.
 * False: nothing has to be asked. True: the answer will come for that id.
 */
bool limits_ask(struct engine *, uint32_t id, const struct addr *peer,
    bool always);

/*
 * Ask about a request of that client, in the same way; stays: it takes one of
 * the connections that the client may have.
 */
bool limits_ask_request(struct engine *, uint32_t id, const struct addr *client,
    bool stays);

/* Whether the answer is no, and why; its texts are static. */
bool limits_refuse(const struct ipc_admitted *, struct refusal *);

/*
 * Whether somebody who is turned away may say what he wanted, so that he is
 * told why in words that he can read; false: too many do already.
 */
bool limits_hearing_begin(struct engine *);
void limits_hearing_end(struct engine *);

/* Give back a seat, if it is one, and forget it. */
void limits_leave(struct engine *, uint32_t *seat);

/*
 * Whether the client may not try to log in, and why: to be asked before
 * credentials are judged, and again when that took its time.
 */
bool limits_refuse_login(struct engine *, const struct addr *client,
    struct refusal *);

/* Its credentials were wrong. */
void limits_failed_login(struct engine *, const struct addr *client);

/* What the parent says; false if it makes no sense. */
bool limits_on_blocked(struct engine *, const struct ipc_msg *);

#endif
