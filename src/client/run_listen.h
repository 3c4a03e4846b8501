/*
 * --listen: each connection that comes to us is joined with a call of its own,
 * until we are told to end.
 */
#ifndef CLIENT_RUN_LISTEN_H
#define CLIENT_RUN_LISTEN_H

struct client;
struct outcome;

/*
 * Listen where client->conf says, and relay until HUP, INT or TERM: then nobody
 * is accepted any more, and the calls are closed; a second one waits for
 * nobody. An outcome that is not well: it did not come to that.
 */
void run_listen(struct client *, struct outcome *);

#endif
