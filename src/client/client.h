/*
 * What everything in this room shares.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/client_conf.h"
#include "client/dial_proxy.h"
#include "client/hello_fields.h"
#include "client/talk_first.h"
#include "flow/flow.h"

struct tls_client;

struct client {
	struct flow flow;
	struct client_conf conf;
	struct tls_client *tls; /* owned, see client/call_tls.h; NULL: none */
	struct hello_fields fields; /* of every request */
	struct talk_first first;    /* of every connection */
	struct dial_proxy proxy;    /* the proxy, if there is one */
	uint64_t counted; /* messages of calls before this one, for --count */
};

#endif
