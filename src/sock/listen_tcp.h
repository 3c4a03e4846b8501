/*
 * Listening on TCP addresses.
 */
#ifndef SOCK_LISTEN_TCP_H
#define SOCK_LISTEN_TCP_H

#include <stdbool.h>
#include <stddef.h>

struct listen_set;
struct listen_socket;

/*
 * Bind all of the hosts (borrowed) on one port; 0 finds one that is free on
 * all of them. A host is a numeric address, a name, "*", or NULL for loopback.
 * Of those that stand for several addresses one family may be missing.
 *
 * False with nothing added and an owned sentence in *why.
 */
bool listen_tcp(struct listen_set *, const char *const *hosts, size_t n,
    unsigned port, char **why);

/* Put a new one in the place of one that was shut, as listen_again(). */
bool listen_tcp_again(struct listen_socket *, char **why);

/* What accepted sockets inherit: no delay, keepalive. */
void listen_tcp_options(int fd);

/* The port a socket is bound to; 0 if it is no TCP socket. */
unsigned listen_tcp_port(int fd);

/* Gives "HOST:PORT" of a socket, or NULL if it is no TCP socket. */
char *listen_tcp_address(int fd);

#endif
