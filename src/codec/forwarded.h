/*
 * Who a request behind proxies is from: X-Forwarded-For, X-Forwarded-Proto,
 * X-Forwarded-Host, and Forwarded (RFC 7239).
 *
 * Pure: a head, the connection's peer and the proxies that are trusted in; the
 * client out.
 *
 * Any client can write these fields. A proxy appends the address of its peer,
 * so the right end is its word and what is left of that is hearsay. Therefore:
 * while the address we have is a trusted proxy's (the peer's first), take the
 * next element from the right. The first address that is none of theirs is the
 * client's, and nothing further left is looked at; so is the left-most one if
 * all are trusted. An element that names no address (malformed, "unknown", an
 * obfuscated name) ends the search at the proxy which wrote it. If the peer is
 * not trusted, all of this is ignored.
 *
 * Protocol and host are those that the outermost of the proxies passed on the
 * way saw. In X-Forwarded-Proto and -Host the elements belong to those of
 * X-Forwarded-For from the right; where there are fewer, the left-most counts,
 * for a proxy may also leave the field as it is.
 *
 * A proxy that writes one kind of these fields often passes on the other as
 * the client sent it. So if both kinds are there, what both name must be the
 * same, and the request is to be refused if it is not: a client cannot know
 * what to lie but the truth.
 */
#ifndef CODEC_FORWARDED_H
#define CODEC_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct http1_head;

enum { FORWARDED_HOPS = 32 }; /* proxies that are believed, one by one */

enum forwarded_proto {
	FORWARDED_UNKNOWN = 0,
	FORWARDED_HTTP,
	FORWARDED_HTTPS,
};

struct forwarded {
	bool trusted;       /* the peer is one of our proxies */
	struct addr client; /* the peer's own, if nothing better is known */
	unsigned port;      /* of the client; 0: unknown */
	enum forwarded_proto proto;
	const char *host; /* as the client named it; in the head; NULL: none */
	size_t host_len;
	unsigned host_port; /* 0: none given */
};

/*
 * Fill *f from a head (borrowed; f->host points into it) and the connection's
 * peer. False if the fields contradict each other.
 */
bool forwarded_read(struct forwarded *f, const struct http1_head *,
    const struct addr_net *trusted, size_t ntrusted, const struct addr *peer,
    unsigned peer_port);

#endif
