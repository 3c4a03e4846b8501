/*
 * Who is at the other end: addresses of the internet without a port, and
 * networks of them. Texts to values and back, without the resolver.
 *
 * An address is 16 bytes in network order; an IPv4 one is written in them as
 * IPv6 writes it (::ffff:192.0.2.7) and is the same address however it was
 * spelled. All zero is nobody's address, so it stands for the peer of a Unix
 * socket.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDR_TEXT = 46 }; /* the longest one and its NUL */

struct addr {
	uint8_t byte[16];
};

/* Addresses whose first bits are the same; or the peers of Unix sockets. */
struct addr_net {
	struct addr addr;
	unsigned bits; /* of the 16 bytes: 96 more than IPv4 counts */
};

/* A numeric address, s[0..len), without brackets, port or zone; not "::". */
bool addr_read(struct addr *, const char *s, size_t len);

/*
 * The address of a socket's peer, and its port in *port; whatever is neither
 * IPv4 nor IPv6 is a Unix socket's.
 */
void addr_from(struct addr *, unsigned *port, const struct sockaddr *);

/* Four bytes, or all sixteen. False for what stands for nobody. */
bool addr_from_bytes(struct addr *, const uint8_t *bytes, size_t len);

/* The shortest spelling; "unix" for a Unix socket's peer. */
void addr_put(const struct addr *, char out[ADDR_TEXT]);

bool addr_same(const struct addr *, const struct addr *);
bool addr_is_unix(const struct addr *);
bool addr_is_ipv4(const struct addr *);
bool addr_is_loopback(const struct addr *);

/* Clear all but the first bits of the 16 bytes. */
void addr_cut(struct addr *, unsigned bits);

/*
 * Clear what one customer may usually choose: the last 64 bits of IPv6, unless
 * nothing would be left.
 */
void addr_cut_customer(struct addr *);

/*
 * "10.0.0.0/8", "2001:db8::/32", an address by itself, or "unix". The bits
 * after the length must be zero: 10.1.2.3/8 is probably a mistake.
 */
bool addr_net_read(struct addr_net *, const char *s);

/* IPv4 and IPv6 do not mix: ::/0 is IPv6 alone. */
bool addr_net_has(const struct addr_net *, const struct addr *);

/* Whether one of n networks has it. */
bool addr_nets_have(const struct addr_net *, size_t n, const struct addr *);

#endif
