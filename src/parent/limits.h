/*
 * What the clients of one address may have, in all engines together: so many
 * connections, so many requests a second, so many failed logins a minute.
 *
 * Engines say who came, and are believed: all that one of them can do by lying
 * is to have clients turned away. What it took it gives back by the number of a
 * seat, and loses it when it ends; a seat that it has not got is a reason not
 * to trust it. All memory has a ceiling, and which addresses share a bucket of
 * the table depends on random numbers, so nobody can choose them to.
 */
#ifndef PARENT_LIMITS_H
#define PARENT_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc_codec.h"

struct conf;
struct limits;

enum {
	LIMITS_ROWS = 65536,       /* addresses that are known at a time */
	LIMITS_SEATS = 1024 * 1024 /* of one engine */
};

/* The seats of one engine. */
struct limits_seats {
	struct limits_seat *v; /* owned; number n is v[n - 1] */
	uint32_t n;
	uint32_t unused; /* number of the first; 0: none */
	uint32_t connections;
};

/* Gives what keeps count, of no client yet. Keeps conf. */
struct limits *limits_new(const struct conf *);
void limits_free(struct limits *);

/* A client came: whether it may stay. now is clock_ms(). */
void limits_admit(struct limits *, struct limits_seats *,
    const struct ipc_admit *, uint64_t now, struct ipc_admitted *answer);

/* Give back a seat; false if there is no such one. */
bool limits_leave(struct limits *, struct limits_seats *, uint32_t seat);

/* The engine has gone: give back all, and the memory. */
void limits_leave_all(struct limits *, struct limits_seats *);

/*
 * A login from there has failed: for how many milliseconds no more of them may
 * be tried; 0: they may.
 */
uint32_t limits_failed_login(struct limits *, const struct addr *,
    uint64_t now);

/* Call fn for all addresses that may not try, as long as it says true. */
typedef bool limits_blocked_fn(void *arg, const struct addr *, uint32_t ms);
void limits_each_blocked(const struct limits *, uint64_t now,
    limits_blocked_fn *, void *arg);

#endif
