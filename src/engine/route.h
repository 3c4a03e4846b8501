/*
 * What to do with a request: a pure decision from its head and the settings.
 *
 * Used by: engine/conn.c, engine/access.c.
 */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

#include <stdbool.h>

struct conf;
struct http1_head;

enum route_what {
	ROUTE_UPGRADE, /* start the program, then 101 */
	ROUTE_CONSOLE, /* the console page */
	ROUTE_REFUSE,  /* an error */
};

struct route_request {
	const struct http1_head *head;
	bool loopback; /* the connection came over a loopback address */
	bool https;
};

struct route_decision {
	enum route_what what;
	unsigned status;         /* of ROUTE_REFUSE */
	const char *why;         /* a sentence for the client: static */
	const char *rule;        /* for the log, NULL: not worth a line */
	const char *option;      /* that would allow it, or NULL */
	const char *key;         /* of ROUTE_UPGRADE: points into the head */
	const char *subprotocol; /* chosen, NULL: none; kept by the settings */
};

void route_decide(struct route_decision *, const struct conf *,
    const struct route_request *);

#endif
