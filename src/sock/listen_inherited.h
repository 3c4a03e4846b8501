/*
 * Sockets that were left open for us: listening ones of a service
 * manager (sd_listen_fds(3)), or the one connection of inetd.
 */
#ifndef SOCK_LISTEN_INHERITED_H
#define SOCK_LISTEN_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

struct listen_set;

/*
 * Take LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment, and
 * remember what they say if they are meant for us. Before anything looks at
 * the environment.
 */
void listen_inherited_read(void);

/* How many sockets were handed to us in that way. */
size_t listen_inherited_count(void);

/*
 * Add the sockets of that name (borrowed, `len` bytes), or the descriptor of
 * that number; NULL: all that were handed to us. Before any other socket is
 * opened, which could have the number. False with an owned sentence in *why.
 */
bool listen_inherited(struct listen_set *, const char *name, size_t len,
    char **why);

/*
 * Close those handed to us that were not added, with a warning for each that
 * clients could arrive at.
 */
void listen_inherited_drop(void);

/*
 * Add the connection that is standard input; /dev/null takes its place there
 * and wherever else it is among the standard descriptors.
 */
bool listen_inherited_client(struct listen_set *, char **why);

/* Whether standard error is the same socket as standard input: a client. */
bool listen_inherited_shows_log(void);

#endif
