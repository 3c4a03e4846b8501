/*
 * One call, from the URL to its outcome:
 *
 *      dial -> hello -> talk
 */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include <stdbool.h>

struct call;
struct client;
struct facts;
struct local;
struct outcome;

struct call_ops {
	/* From the loop, once, with all that is known; then only call_free(). */
	void (*on_over)(void *owner, struct call *, const struct outcome *,
	    const struct facts *);
};

/* Keeps all of them; the local side has been given no owner. */
struct call *call_new(struct client *, struct local *, const struct call_ops *,
    void *owner);

/* Have the program at the other end signalled; false: that cannot be. */
bool call_signal(struct call *, int sig);

/*
 * End it with a Close: on_over follows. False: there is no server to say that
 * to, and may as well be freed.
 */
bool call_stop(struct call *);

/* From on_over, too; what goes on is given up. NULL is accepted. */
void call_free(struct call *);

#endif
