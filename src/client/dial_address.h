/*
 * Addresses that can be connected to, in the order in which to try them.
 */
#ifndef CLIENT_DIAL_ADDRESS_H
#define CLIENT_DIAL_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	DIAL_ADDRESS_MAX = 24, /* more of one name are not tried */
	DIAL_ADDRESS_TEXT = 128,
};

struct dial_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

struct dial_addresses {
	size_t n;
	struct dial_address v[DIAL_ADDRESS_MAX];
};

/* Append one; what is too large or too many is left out. */
void dial_address_add(struct dial_addresses *, const struct sockaddr *,
    socklen_t len);

/* The socket of that path, which fits. */
void dial_address_add_unix(struct dial_addresses *, const char *path);

/*
 * Let the two families take turns, beginning with that of the first, so that
 * one that leads nowhere holds nobody up (RFC 8305, section 4).
 */
void dial_address_interleave(struct dial_addresses *);

/* "192.0.2.1:80", "[2001:db8::1]:80", or a path. */
void dial_address_put(const struct dial_address *, char out[DIAL_ADDRESS_TEXT]);

#endif
