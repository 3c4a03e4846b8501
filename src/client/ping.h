/*
 * --ping: a ping at a time, a line for each pong, and statistics at the end, as
 * ping(8) prints them.
 *
 * It is over when --count pings were sent and answered, or waited for; or at
 * SIGINT.
 */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H

#include <stddef.h>
#include <stdint.h>

struct client;
struct outcome;
struct ping;

struct ping_ops {
	/* Send this one (borrowed). */
	void (*on_ping)(void *owner, const void *payload, size_t len);
	/* For our output (borrowed). */
	void (*on_text)(void *owner, const char *text);
	/* There will be no more of them. Once. */
	void (*on_over)(void *owner);
};

/* Keeps all of them; fd is the connection, for its name (borrowed). */
struct ping *ping_new(struct client *, int fd, const struct ping_ops *,
    void *owner);
void ping_free(struct ping *); /* NULL is accepted */

/* A pong came (borrowed). */
void ping_receive(struct ping *, const void *payload, size_t len);

/* The connection has ended: print the statistics. */
void ping_report(struct ping *);

/* No pong at all is a timeout, if all is well so far. */
void ping_judge(const struct ping *, struct outcome *);

#endif
