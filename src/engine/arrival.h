/*
 * The first bytes of a connection, before TLS and HTTP: the header of a proxy
 * where the listener wants one, then the byte that tells TLS from plain text
 * where it takes both.
 *
 * They are looked at where the system holds them, and only the header is taken
 * away: whoever reads next finds the socket as if nothing had come before.
 * How long all of it may take is the owner's to say.
 */
#ifndef ENGINE_ARRIVAL_H
#define ENGINE_ARRIVAL_H

#include <stdbool.h>

struct arrival;
struct flow;
struct ipc_listen;
struct proxy_hello;

/* One of them is called, once and from the loop; the arrival is over then. */
struct arrival_ops {
	/*
	 * Gives fd. hello: what the proxy said, good for the call; NULL: it was
	 * not asked.
	 */
	void (*on_arrived)(void *owner, int fd, const struct proxy_hello *hello,
	    bool tls);
	/* It begins otherwise, in static words; NULL: it ended without a word. */
	void (*on_failed)(void *owner, const char *why);
};

/* Whether there is anything to wait for at such a listener. */
bool arrival_is_needed(const struct ipc_listen *);

/*
 * Takes fd, which must be non-blocking; keeps the rest. NULL with errno: the
 * loop cannot watch it, and it is closed.
 */
struct arrival *arrival_new(struct flow *, int fd, const struct ipc_listen *,
    const struct arrival_ops *, void *owner);

/* Whether a byte has come: somebody who only knocks is not worth a word. */
bool arrival_has_begun(const struct arrival *);

/* Not from inside its callbacks; NULL is accepted. */
void arrival_free(struct arrival *);

#endif
