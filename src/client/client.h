/*
 * What everything in this room shares.
 *
 * Used by: everything in client; main.c has the one.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/client_conf.h"
#include "flow/flow.h"

struct client {
	struct flow flow;
	struct client_conf conf;
};

#endif
