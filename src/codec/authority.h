/*
 * The part of a URL that says where, and as whom: [USER[:PASSWORD]@]HOST[:PORT]
 * (RFC 3986, section 3.2).
 *
 * Pure: a value of fixed size, nothing of it points elsewhere. It may hold a
 * password, so what holds one wipes it.
 */
#ifndef CODEC_AUTHORITY_H
#define CODEC_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

enum {
	AUTHORITY_TEXT = 256,  /* a user, a password, a host; with its NUL */
	AUTHORITY_FIELD = 280, /* a host in brackets, a colon, a port, a NUL */
};

enum authority_result {
	AUTHORITY_OK = 0,
	AUTHORITY_ERR_NO_HOST = -1,
	AUTHORITY_ERR_ASCII = -2, /* a name that is not ASCII */
	AUTHORITY_ERR_HOST = -3,  /* malformed */
	AUTHORITY_ERR_IPV6 = -4,  /* no IPv6 address between the brackets */
	AUTHORITY_ERR_BARE = -5,  /* an IPv6 address without them */
	AUTHORITY_ERR_PORT = -6,  /* not 1 to 65535 */
	AUTHORITY_ERR_USER = -7,  /* not percent-encoded, or too long */
};

struct authority {
	bool has_user;
	char user[AUTHORITY_TEXT];     /* decoded */
	char password[AUTHORITY_TEXT]; /* decoded; empty if there is none */
	/*
	 * A name, an IPv4 address, or an IPv6 address without its brackets but
	 * with its zone ("fe80::1%eth0"): as getaddrinfo(3) takes it.
	 */
	char host[AUTHORITY_TEXT];
	unsigned port; /* 0: none given */
};

/* Read s[0..len), all of it (borrowed). Undefined unless AUTHORITY_OK. */
enum authority_result authority_read(struct authority *, const char *s,
    size_t len);

/* HOST[:PORT] for others to read: with brackets, without a zone; 0: no port. */
void authority_put(const struct authority *, unsigned port,
    char out[AUTHORITY_FIELD]);

/* Whether the host is an IPv6 address. */
bool authority_is_ipv6(const struct authority *);

void authority_wipe(struct authority *);

/* A clause for a sentence, never NULL. */
const char *authority_strresult(enum authority_result);

#endif
