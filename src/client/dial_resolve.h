/*
 * From the name of a host to its addresses.
 *
 * What is numeric, and `localhost` with all under it, is known at once, and
 * no server is asked for names under `.invalid` (RFC 6761). Everything else is
 * looked up by getaddrinfo(3), aside, so that the loop goes on meanwhile.
 */
#ifndef CLIENT_DIAL_RESOLVE_H
#define CLIENT_DIAL_RESOLVE_H

struct dial_addresses;
struct event_base;
struct outcome;
struct dial_resolve;

struct dial_resolve_query {
	struct event_base *base; /* kept */
	const char *host;        /* borrowed */
	unsigned port;
	int family; /* AF_INET or AF_INET6 alone; AF_UNSPEC: both */
};

/* One of them comes, once and from the loop; then only dial_resolve_free(). */
struct dial_resolve_ops {
	void (*on_found)(void *owner, const struct dial_addresses *);
	void (*on_failed)(void *owner, const struct outcome *);
};

/* Keeps ops and owner. */
struct dial_resolve *dial_resolve_new(const struct dial_resolve_query *,
    const struct dial_resolve_ops *, void *owner);

/* From its own callbacks, too; what goes on is given up. NULL is accepted. */
void dial_resolve_free(struct dial_resolve *);

#endif
