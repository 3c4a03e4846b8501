/*
 * Which web pages may connect: the Origin rule (RFC 6455, section 10.2) and a
 * rule against DNS rebinding.
 *
 * Pure: values in, a verdict out.
 *
 * A browser says in Origin which page asks; other programs send none and are
 * let in. Without a list of origins the page must be from the server itself
 * (same origin). With a list it must match one of its patterns, and be of the
 * same origin only if that was asked for too.
 *
 * Same origin means: the same host, case aside, and the same port, where a
 * missing one is the default of the Origin's scheme. The scheme must be
 * ours, except that https is also accepted on a plain connection: that is a
 * page behind a proxy which does TLS for us. Where a trusted proxy says what
 * host it was asked for, that one is compared instead of Host.
 *
 * A pattern is
 *
 *   "*"                     every Origin, null and malformed ones included
 *   "null"                  the opaque origin (sandboxed frames, local files)
 *   [scheme "://"] host [":" port]
 *
 * where scheme is letters, digits and "+-." beginning with a letter (none:
 * http and https), port is 1 to 65535 (none: every port), and host is a name,
 * an IPv4 address, an IPv6 address in brackets, or "*." and a name, which
 * stands for one or more labels in front of it and never for none. Case does
 * not matter; there is no path, not even "/". Another text matches nothing.
 *
 * Rebinding: a page of an attacker whose name is made to resolve to us would
 * be of the same origin. So what a browser sent (it carries Origin or
 * Sec-Fetch-Site) over a loopback connection must name in Host a loopback
 * name (localhost, *.localhost, 127.0.0.0/8, [::1]) or one of the server
 * names; on other connections the same holds once there are server names.
 * A server name is a host as above, "*." included, without scheme and port;
 * "*" accepts every Host and so switches the rule off. What a proxy was asked
 * for must be a server name too, once there are any.
 *
 * Used by: engine/access.c, engine/redirect.c. Fuzzed by: tests/fuzz/fuzz_origin.c.
 */
#ifndef CODEC_ORIGIN_H
#define CODEC_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct http1_head;

/* What the configuration says; kept by nobody. */
struct origin_policy {
	const char *const *origins; /* patterns */
	size_t norigins;            /* 0: same origin alone */
	bool same_origin;           /* besides the patterns */
	const char *const *server_names;
	size_t nserver_names;
};

/* What the request says; texts are borrowed. */
struct origin_request {
	size_t norigins;    /* Origin fields */
	const char *origin; /* the value of the first, if there is one */
	size_t origin_len;
	bool sec_fetch_site;
	const char *host; /* IPv6 in brackets; NULL: the request names none */
	size_t host_len;
	unsigned port; /* 0: none given */
	const char
	    *proxy_host; /* that a trusted proxy was asked for, or NULL */
	size_t proxy_host_len;
	unsigned proxy_port;
	bool loopback; /* the connection's own address is a loopback one */
	/*
	 * It may be answered with what a page can read: a file, a program's
	 * output. Browsers ask for those without any sign of themselves.
	 */
	bool page;
	bool https; /* TLS ends here, or at a trusted proxy */
};

/* Zero lets the request in, negative is the rule that refuses it. */
enum origin_verdict {
	ORIGIN_ALLOWED = 0,
	ORIGIN_ERR_SEVERAL = -1,   /* more than one Origin field */
	ORIGIN_ERR_MALFORMED = -2, /* neither null nor scheme://host[:port] */
	ORIGIN_ERR_NULL = -3,      /* null, and no pattern allows it */
	ORIGIN_ERR_FOREIGN = -4,   /* not the same origin */
	ORIGIN_ERR_UNLISTED = -5,  /* no pattern matches */
	ORIGIN_ERR_HOST = -6,      /* Host is not one of our names */
};

/* Fill what a head tells (borrowed); what it does not is the caller's. */
void origin_read(struct origin_request *, const struct http1_head *);

enum origin_verdict origin_check(const struct origin_policy *,
    const struct origin_request *);

/* For the log: the rule that decided, and the option that would allow it. */
const char *origin_strrule(enum origin_verdict);
const char *origin_option(enum origin_verdict);

/* Whether a host is one of n server names. */
bool origin_is_named(const char *const *names, size_t n, const char *host,
    size_t len);

/* Whether a host is a loopback one, as above. */
bool origin_is_loopback(const char *host, size_t len);

#endif
