/*
 * The sockets that clients arrive at. They are bound here, outlive any engine,
 * and are handed to each.
 *
 * Used by: parent/daemon.c, parent/engine.c.
 */
#ifndef PARENT_LISTEN_H
#define PARENT_LISTEN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct conf;

struct listen_socket {
	int fd;     /* owned, non-blocking */
	char *url;  /* owned: "http://127.0.0.1:8080/" or "unix:/path" */
	char *path; /* owned: of a Unix socket, else NULL */
	dev_t dev;  /* of its file, as we made it */
	ino_t ino;
};

struct listen_set {
	struct listen_socket *v; /* owned */
	size_t n;
};

/*
 * Bind everything that the settings name. False, with nothing left open and an
 * owned sentence in *why.
 */
bool listen_open(struct listen_set *, const struct conf *, char **why);

/* Close all, and remove the files of Unix sockets that are still ours. */
void listen_close(struct listen_set *);

#endif
