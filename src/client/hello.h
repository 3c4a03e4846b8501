/*
 * The opening handshake on a connection: our request, the server's answer.
 */
#ifndef CLIENT_HELLO_H
#define CLIENT_HELLO_H

#include <stddef.h>
#include <stdint.h>

struct client;
struct facts;
struct hello;
struct outcome;
struct stream;
struct ws_url;

/* One of them comes, once and from the loop; then only hello_free(). */
struct hello_ops {
	/*
	 * The server agreed. The owner takes the stream, which is paused and
	 * has no owner yet; after the answer came bytes (borrowed, written to).
	 */
	void (
	    *on_open)(void *owner, struct stream *, uint8_t *rest, size_t len);
	void (*on_refused)(void *owner, const struct outcome *);
};

/*
 * Takes the stream, which is paused; keeps the rest. What is learnt goes into
 * the facts: of a refusal, where it sends us and what it says.
 */
struct hello *hello_new(struct client *, struct stream *, const struct ws_url *,
    struct facts *, const struct hello_ops *, void *owner);

/* Not from inside of on_open. NULL is accepted. */
void hello_free(struct hello *);

#endif
