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
 *   "*"                     every Origin, whatever it says
 *   "null"                  the opaque origin (sandboxed frames, local files)
 *   [scheme "://"] host [":" port]
 *   scheme "://" text       of a scheme that is not the Web's: that Origin
 *   scheme "://" "*"        of such a scheme: whatever follows
 *
 * where scheme is letters, digits and "+-." beginning with a letter (none:
 * http and https), port is 1 to 65535 (none: every port), and host is a name,
 * an IPv4 address, an IPv6 address in brackets, or "*." and a name, which
 * stands for one or more labels in front of it and never for none. Case does
 * not matter; there is no path, not even "/". Another text matches nothing.
 *
 * Programs that are no browsers say all kinds of things in Origin. Nothing of it
 * is malformed: it matches a pattern or does not. An empty one is none, and a
 * slash at the end is of no weight.
 *
 * Browsers send no Origin with a GET of an image, a script, a frame. What they
 * say is from another site (Sec-Fetch-Site) is then let in only if the page that
 * Referer names would be, or if somebody follows a link there: what is shown is
 * ours then, and the other page cannot read it.
 *
 * Rebinding: a page of an attacker whose name is made to resolve to us would
 * be of the same origin. So what a browser sent (it carries Origin or
 * Sec-Fetch-Site) over a loopback connection must name in Host a loopback
 * name (localhost, *.localhost), an address, which nobody can make lead
 * elsewhere, or one of the server names; on other connections the same holds
 * once there are server names. A dot after a name is of no weight.
 * A server name is a host as above, "*." included, without scheme and port;
 * "*" accepts every Host and so switches the rule off. What a proxy was asked
 * for must be a server name too, once there are any.
 */
#ifndef CODEC_ORIGIN_H
#define CODEC_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct http1_head;

/* What the configuration says; borrowed for the call. */
struct origin_policy {
	const char *const *origins; /* patterns */
	size_t norigins;            /* 0: same origin alone */
	bool same_origin;           /* besides the patterns */
	/*
	 * We have one, whose origin need not be listed where Host is an address
	 * or one of the names: any other name may have been made to lead here.
	 */
	bool own_page;
	const char *const *server_names;
	size_t nserver_names;
};

/* What the request says; texts are borrowed. */
struct origin_request {
	size_t norigins;    /* Origin fields, but for a single empty one */
	const char *origin; /* of the first, or of Referer, or NULL */
	size_t origin_len;
	enum origin_site {
		ORIGIN_SITE_UNKNOWN, /* it is not said: perhaps no browser */
		ORIGIN_SITE_OURS,    /* the same origin, or nobody's page */
		ORIGIN_SITE_OTHER,
	} site;
	bool visit;       /* the navigation of a whole window, without a body */
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
	ORIGIN_ERR_SEVERAL = -1,  /* more than one Origin field */
	ORIGIN_ERR_FOREIGN = -2,  /* not the same origin */
	ORIGIN_ERR_UNLISTED = -3, /* no pattern matches */
	ORIGIN_ERR_HOST = -4,     /* Host is not one of our names */
};

/* Fill what a head tells (borrowed); what it does not is the caller's. */
void origin_read(struct origin_request *, const struct http1_head *);

enum origin_verdict origin_check(const struct origin_policy *,
    const struct origin_request *);

/* For the log: the rule that decided. */
const char *origin_strrule(enum origin_verdict);

/* What would let a refused request in; borrowed from it. */
struct origin_option {
	const char *name; /* NULL: nothing would */
	/* NULL: the request names none, or only "*" would do, which is not for
	 * a stranger to propose. */
	const char *value;
	size_t len;
};

void origin_option(const struct origin_policy *, const struct origin_request *,
    enum origin_verdict, struct origin_option *);

/* Whether a host is one of n server names. */
bool origin_is_named(const char *const *names, size_t n, const char *host,
    size_t len);

/* Whether a host is an address: IPv4, or IPv6 in brackets. */
bool origin_is_address(const char *host, size_t len);

/* Whether a host is a loopback one, as above. */
bool origin_is_loopback(const char *host, size_t len);

#endif
