/*
 * Listening on Unix sockets.
 *
 * The file appears under its name complete: with its owner, its permissions and
 * somebody behind it. A file that a server listens on is never replaced, not
 * even by one of two daemons that start at the same time.
 */
#ifndef SOCK_LISTEN_UNIX_H
#define SOCK_LISTEN_UNIX_H

#include <stdbool.h>

struct listen_set;
struct listen_socket;
struct listen_unix;

/* False with nothing added and an owned sentence in *why. */
bool listen_unix(struct listen_set *, const struct listen_unix *, char **why);

/* Put a new one in the place of one that was shut, as listen_again(). */
bool listen_unix_again(struct listen_socket *, const struct listen_unix *,
    char **why);

/* Gives "unix:PATH" of a socket that another process has bound. */
char *listen_unix_address(int fd);

/* Remove the file of a socket, unless another has taken its place. */
void listen_unix_remove(const struct listen_socket *);

#endif
