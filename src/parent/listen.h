/*
 * The sockets that clients arrive at. They are bound here or come from whoever
 * started us, outlive any engine, and are handed to each.
 *
 * listen_tcp, listen_unix and listen_inherited each know one kind; this puts
 * together what the settings ask for.
 *
 * Used by: parent/daemon.c, parent/engine.c, parent/listen_*.c.
 */
#ifndef PARENT_LISTEN_H
#define PARENT_LISTEN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "ipc/ipc.h"

struct conf;

struct listen_socket {
	int fd;     /* owned, non-blocking */
	char *path; /* owned: of a Unix socket that we made, else NULL */
	dev_t dev;  /* of its file, as we made it */
	ino_t ino;
	char *name; /* owned: of an inherited one, else NULL */
	struct ipc_listen how;
};

struct listen_set {
	struct listen_socket *v; /* owned */
	size_t n;
};

/*
 * Open everything that the settings name. False, with nothing left open and an
 * owned sentence in *why.
 */
bool listen_open(struct listen_set *, const struct conf *, char **why);

/* Close all, and remove the files of Unix sockets that are still ours. */
void listen_close(struct listen_set *);

/*
 * Gives what people are told: "http://127.0.0.1:8080/", "unix:/path", and in
 * brackets behind it what is special; NULL if there is nothing to tell.
 */
char *listen_describe(const struct listen_socket *);

/* For the kinds: append a socket (taken), and undo that down to n of them. */
struct listen_socket *listen_add(struct listen_set *, int fd);
void listen_cut(struct listen_set *, size_t n);

enum { LISTEN_BACKLOG = 4096 };

#endif
