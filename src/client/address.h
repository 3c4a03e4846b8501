/*
 * Addresses that can be connected to, in the order in which to try them.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	ADDRESS_MAX = 24, /* more of one name are not tried */
	ADDRESS_TEXT = 128,
};

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

struct addresses {
	size_t n;
	struct address v[ADDRESS_MAX];
};

/* Append one; what is too large or too many is left out. */
void address_add(struct addresses *, const struct sockaddr *, socklen_t len);

/* The socket of that path, which fits. */
void address_add_unix(struct addresses *, const char *path);

/*
 * Let the two families take turns, beginning with that of the first, so that
 * one that leads nowhere holds nobody up (RFC 8305, section 4).
 */
void address_interleave(struct addresses *);

/* "192.0.2.1:80", "[2001:db8::1]:80", or a path. */
void address_put(const struct address *, char out[ADDRESS_TEXT]);

#endif
