/*
 * The sessions of this engine, by their numbers: begun here, they are found,
 * counted, listed and stopped here, whatever endpoint they have.
 *
 * A session holds the seats of its client as long as it lasts.
 */
#ifndef ENGINE_SESSIONS_H
#define ENGINE_SESSIONS_H

#include <stddef.h>

struct engine;
struct seats;
struct session;
struct session_start;

/*
 * Begin one: takes what session_new() takes, and the seats; its ops and owner
 * are set here. It is borrowed, and gone from the loop.
 */
struct session *sessions_begin(struct engine *, const struct session_start *,
    const struct seats *);

/*
 * Have up to n of those that follow say what they are, from the first after
 * sessions_list_begin(); how many did. Done once engine_sessions() is at NULL.
 */
void sessions_list_begin(struct engine *);
size_t sessions_list(struct engine *, size_t n);

/* The daemon stops. */
void sessions_stop_all(struct engine *);

#endif
