/*
 * Pings on their way, and what their pongs say about the round trip.
 *
 * Pure; times are in microseconds, of any clock that does not jump. The server
 * may answer late, twice, or what was not asked: only the first pong for a
 * ping that we remember counts.
 */
#ifndef CLIENT_PING_TIMES_H
#define CLIENT_PING_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/ws.h"

enum {
	PING_TIMES_OPEN = 16, /* an older one that is unanswered is given up */
	PING_TIMES_LINE = 128,
};

struct ping_times {
	uint64_t sent, received;
	uint64_t min, max;   /* of the round trips so far */
	double mean, spread; /* spread: sum of the squares of differences */
	struct ping_open {
		uint64_t number; /* from 1; 0: none */
		uint64_t at;
		uint8_t len;
		uint8_t payload[WS_CONTROL_MAX];
	} open[PING_TIMES_OPEN];
};

/* A zeroed one is new. A ping of at most WS_CONTROL_MAX bytes leaves now. */
void ping_times_send(struct ping_times *, const void *payload, size_t len,
    uint64_t now);

/*
 * A pong came. True: it is the answer to ping *number, *trip after it was
 * sent; otherwise it was not waited for.
 */
bool ping_times_receive(struct ping_times *, const void *payload, size_t len,
    uint64_t now, uint64_t *number, uint64_t *trip);

/* "3 pings sent, 2 pongs received, 33% loss"; and "rtt min/avg/max/mdev = ..." */
void ping_times_put_counts(const struct ping_times *,
    char out[PING_TIMES_LINE]);
void ping_times_put_trips(const struct ping_times *, char out[PING_TIMES_LINE]);

/* Microseconds as milliseconds, "0.412 ms", at most PING_TIMES_LINE bytes. */
void ping_times_put_time(uint64_t us, char out[PING_TIMES_LINE]);

#endif
