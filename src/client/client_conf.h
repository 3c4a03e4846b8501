/*
 * What the client was asked to do.
 */
#ifndef CLIENT_CLIENT_CONF_H
#define CLIENT_CLIENT_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/framing.h"

struct client_conf {
	char *host; /* owned */
	unsigned port;
	char *target;               /* owned: path and query */
	int framing;                /* enum framing_kind */
	uint64_t wait;              /* of silence behind our end of input, ms */
	bool waits;                 /* `wait` was given; otherwise for ever */
	uint64_t count;             /* messages to receive; 0: all */
	uint64_t handshake_timeout; /* ms */
	uint64_t close_timeout;     /* ms */
	uint64_t max_message;
};

#endif
