/*
 * The signals that ask us to end: HUP, INT and TERM, in the loop.
 */
#ifndef CLIENT_RUN_SIGNALS_H
#define CLIENT_RUN_SIGNALS_H

#include <event2/event_struct.h>

enum { RUN_SIGNALS_COUNT = 3 };

struct run_signals {
	void (*on_signal)(void *owner, int sig); /* kept; NULL: not watched */
	void *owner;                             /* kept */
	struct event ev[RUN_SIGNALS_COUNT];
};

/*
 * Keeps all; on_signal comes from the loop, and may clear this. What was
 * ignored when we started stays so (nohup).
 */
void run_signals_watch(struct run_signals *, struct event_base *,
    void (*on_signal)(void *owner, int sig), void *owner);

/* They do again what they did before. */
void run_signals_clear(struct run_signals *);

#endif
