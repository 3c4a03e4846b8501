/*
 * Sockets that are listened on, of every kind: bound here, or left open
 * for us.
 *
 * listen_tcp, listen_unix and listen_inherited each know one kind.
 */
#ifndef SOCK_LISTEN_SET_H
#define SOCK_LISTEN_SET_H

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct listen_spec;

struct listen_socket {
	int fd;                       /* owned, non-blocking */
	struct sockaddr_storage addr; /* of a TCP socket that we made */
	socklen_t addr_len;           /* else 0 */
	char *path; /* owned: of a Unix socket that we made, else NULL */
	dev_t dev;  /* of its file, as we made it */
	ino_t ino;
	bool lost;  /* it is spoilt, and cannot be made anew */
	char *name; /* owned: of an inherited one, else NULL */
	void *how;  /* owned: what its user has to remember, else NULL */
};

struct listen_set {
	struct listen_socket *v; /* owned */
	size_t n;
};

/* How the file of a Unix socket is made. */
struct listen_unix {
	const char *path;  /* borrowed */
	const char *owner; /* borrowed: USER, USER:GROUP, :GROUP; NULL: ours */
	mode_t mode;
};

/*
 * Add what a text of --listen means; of the last one all but the path is taken,
 * if it is a Unix socket. False with nothing added and an owned sentence in
 * *why.
 */
bool listen_open_spec(struct listen_set *, const struct listen_spec *,
    const struct listen_unix *, char **why);

/*
 * Whether somebody who has the socket too has changed it so that no one else can
 * accept from it. An inherited one may have come with filters.
 */
bool listen_is_spoilt(const struct listen_socket *);

/*
 * Put a new socket in its place; a Unix one is made as `how` says. False with an
 * owned sentence in *why: an inherited one cannot be had again.
 */
bool listen_again(struct listen_socket *, const struct listen_unix *how,
    char **why);

/* Close all, and remove the files of Unix sockets that are still ours. */
void listen_close(struct listen_set *);

/* Gives where it listens: "127.0.0.1:8080", "unix:/path". */
char *listen_address(const struct listen_socket *);

/* For the kinds: append a socket (taken), and undo that down to n of them. */
struct listen_socket *listen_add(struct listen_set *, int fd);
void listen_cut(struct listen_set *, size_t n);

enum { LISTEN_BACKLOG = 4096 };

#endif
