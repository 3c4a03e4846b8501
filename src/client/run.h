/*
 * What the client is there for, --listen aside: our side joined to one call, or
 * with --reconnect to one after the other; and what signals mean meanwhile.
 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

struct client;
struct outcome;

/* From the beginning to the end, which is reported. */
void run_calls(struct client *, struct outcome *);

#endif
