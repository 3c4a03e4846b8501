/*
 * The size of our terminal, and that it has changed.
 */
#ifndef CLIENT_TERM_WINDOW_H
#define CLIENT_TERM_WINDOW_H

#include <stdbool.h>

#include <event2/event_struct.h>

struct term_window {
	/*
	 * From term_window_watch() and from the loop; kept. NULL: not watched.
	 */
	void (*on_size)(void *owner, unsigned columns, unsigned rows);
	void *owner; /* kept */
	int fd;      /* kept */
	struct event ev;
};

/* fd is the terminal; nothing comes of it if it is -1. Keeps all. */
void term_window_watch(struct term_window *, struct event_base *, int fd,
    void (*on_size)(void *owner, unsigned columns, unsigned rows), void *owner);
void term_window_clear(struct term_window *);

#endif
