/*
 * --reconnect: whether another attempt makes sense after a call, and when.
 *
 * The waits double from --reconnect-min to --reconnect-max, each a little
 * shorter by chance, so that a crowd of clients does not come back in step. A
 * connection that lasted longer than the wait before it begins them anew: one
 * that is always dropped at once does not.
 *
 * Pure, but for the chance.
 */
#ifndef CLIENT_RUN_RECONNECT_H
#define CLIENT_RUN_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

struct client_conf;
struct facts;
struct outcome;

enum { RUN_RECONNECT_RETRY_AFTER_MAX = 60 * 60 * 1000 };

struct run_reconnect {
	const struct client_conf *conf; /* kept */
	uint64_t wait;                  /* before the next attempt, at most */
	uint64_t failed; /* attempts in a row, and what did not last */
};

void run_reconnect_init(struct run_reconnect *, const struct client_conf *);

/*
 * A call ended like that (borrowed). True: *ms from now, another is to be made.
 * A server that asked for more time with Retry-After gets it, up to an hour.
 */
bool run_reconnect_again(struct run_reconnect *, const struct outcome *,
    const struct facts *, uint64_t *ms);

#endif
