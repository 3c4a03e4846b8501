#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/http1.h"
#include "codec/origin.h"

/* An origin or a pattern, taken apart. */
struct parts {
	const char *scheme; /* empty: a pattern without one */
	size_t scheme_len;
	const char *rest; /* after the scheme, whatever it is */
	size_t rest_len;
	const char *host; /* of a pattern, without the "*."; NULL: none */
	size_t host_len;
	unsigned port; /* 0: none given */
	bool labels;   /* a pattern that wants labels in front of its host */
};

enum { SAID_MAX = 512 }; /* bytes of an Origin that can be said in a pattern */

static bool
is_text(const char *s, size_t len, const char *text)
{
	return str_ieqn(s, len, text, strlen(text));
}

/* RFC 3986, section 3.1. */
static bool
is_scheme(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = (char)(s[i] | 0x20);
		bool letter = c >= 'a' && c <= 'z';

		if (!letter &&
		    (i == 0 || s[i] == '\0' ||
			strchr("0123456789+-.", s[i]) == NULL))
			return false;
	}
	return len > 0;
}

/* Take "scheme://" off the front, if it is there; false if malformed. */
static bool
take_scheme(const char **s, size_t *len, struct parts *p)
{
	for (size_t i = 0; *len - i >= 3; i++) {
		if (memcmp(*s + i, "://", 3) != 0)
			continue;
		p->scheme = *s;
		p->scheme_len = i;
		*s += i + 3;
		*len -= i + 3;
		return is_scheme(p->scheme, p->scheme_len);
	}
	return true;
}

/* An empty port ("host:") is none in a Host field and an error here. */
static bool
take_host(const char *s, size_t len, struct parts *p)
{
	p->host = s;
	return len > 0 && s[len - 1] != ':' &&
	    http1_split_host(s, len, &p->host_len, &p->port);
}

static bool
is_web(const struct parts *origin)
{
	return is_text(origin->scheme, origin->scheme_len, "http") ||
	    is_text(origin->scheme, origin->scheme_len, "https");
}

/*
 * Whatever a client says is an origin, perhaps one that has no host. A slash at
 * its end is of no weight.
 */
static void
read_origin(const char *s, size_t len, struct parts *p)
{
	const char *text = s;
	size_t all = len;

	*p = (struct parts){ .scheme = "" };
	if (!take_scheme(&s, &len, p)) {
		*p = (struct parts){ .scheme = "" };
		s = text;
		len = all;
	}
	if (len > 0 && s[len - 1] == '/')
		len--;
	p->rest = s;
	p->rest_len = len;
	if (!take_host(s, len, p))
		p->host = NULL;
}

/* Only of the Web it is known that there must be a host. */
static bool
read_pattern(const char *s, struct parts *p)
{
	size_t len = strlen(s);

	*p = (struct parts){ .scheme = "" };
	if (!take_scheme(&s, &len, p))
		return false;
	p->rest = s;
	p->rest_len = len;
	if (len > 2 && s[0] == '*' && s[1] == '.') {
		p->labels = true;
		s += 2;
		len -= 2;
	}
	if (take_host(s, len, p))
		return true;
	p->host = NULL;
	return p->scheme_len > 0 && !is_web(p);
}

static bool
read_ipv6(const char *host, size_t len, struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (len < 2 || host[0] != '[' || len - 2 >= sizeof(text))
		return false;
	memcpy(text, host + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, addr) == 1;
}

static bool
is_ipv4(const char *host, size_t len)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr addr;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, &addr) == 1;
}

/* Addresses may be spelled in several ways; names in upper and lower case. */
static bool
same_host(const char *a, size_t alen, const char *b, size_t blen)
{
	struct in6_addr addr[2];

	if (alen == 0 || blen == 0 || a[0] != '[' || b[0] != '[')
		return str_ieqn(a, alen, b, blen);
	return read_ipv6(a, alen, &addr[0]) && read_ipv6(b, blen, &addr[1]) &&
	    memcmp(&addr[0], &addr[1], sizeof(addr[0])) == 0;
}

/* A name may end in the dot of the root. */
static size_t
without_dot(const char *host, size_t len)
{
	return len > 1 && host[len - 1] == '.' ? len - 1 : len;
}

/* Whether host is one or more labels, a dot, and the domain. */
static bool
is_below(const char *host, size_t len, const char *domain, size_t domain_len)
{
	size_t front;

	if (len < domain_len + 2)
		return false;
	front = len - domain_len;
	return host[front - 1] == '.' &&
	    str_ieqn(host + front, domain_len, domain, domain_len);
}

static bool
host_matches(const struct parts *pattern, const char *host, size_t len)
{
	if (pattern->labels)
		return is_below(host, len, pattern->host, pattern->host_len);
	return same_host(pattern->host, pattern->host_len, host, len);
}

static unsigned
default_port(const struct parts *origin)
{
	if (is_text(origin->scheme, origin->scheme_len, "http"))
		return 80;
	return is_text(origin->scheme, origin->scheme_len, "https") ? 443 : 0;
}

static unsigned
effective_port(unsigned port, const struct parts *origin)
{
	return port != 0 ? port : default_port(origin);
}

static bool
scheme_matches(const struct parts *pattern, const struct parts *origin)
{
	if (pattern->scheme_len == 0)
		return origin->scheme_len == 0 || is_web(origin);
	return str_ieqn(pattern->scheme, pattern->scheme_len, origin->scheme,
	    origin->scheme_len);
}

static bool
origin_matches(const char *text, const struct parts *origin)
{
	struct parts pattern;

	if (!read_pattern(text, &pattern) || !scheme_matches(&pattern, origin))
		return false;
	if (pattern.scheme_len > 0 && !is_web(&pattern) &&
	    (is_text(pattern.rest, pattern.rest_len, "*") ||
		str_ieqn(pattern.rest, pattern.rest_len, origin->rest,
		    origin->rest_len)))
		return true;
	return pattern.host != NULL && origin->host != NULL &&
	    host_matches(&pattern, origin->host, origin->host_len) &&
	    (pattern.port == 0 ||
		pattern.port == effective_port(origin->port, origin));
}

/* The opaque origin, which has no parts. */
static bool
is_null(const struct parts *origin)
{
	return origin->scheme_len == 0 &&
	    is_text(origin->rest, origin->rest_len, "null");
}

static bool
listed(const struct origin_policy *policy, const struct parts *origin)
{
	bool null = is_null(origin);

	for (size_t i = 0; i < policy->norigins; i++) {
		const char *text = policy->origins[i];

		if (strcmp(text, "*") == 0 ||
		    (null ? str_ieq(text, "null")
			  : origin_matches(text, origin)))
			return true;
	}
	return false;
}

/*
 * A page that came without TLS may not talk to us over TLS as one of ours:
 * anybody on its way could have written it. The other way round is harmless,
 * and usual behind a proxy that does TLS; the port that Host leaves out is
 * then the proxy's, which is why the Origin's scheme decides about defaults.
 */
static bool
same_origin(const struct origin_request *rq, const struct parts *origin)
{
	bool proxied = rq->proxy_host != NULL;
	const char *host = proxied ? rq->proxy_host : rq->host;
	size_t len = proxied ? rq->proxy_host_len : rq->host_len;
	unsigned port = proxied ? rq->proxy_port : rq->port;

	if (!is_web(origin) || origin->host == NULL || host == NULL)
		return false;
	if (rq->https && !is_text(origin->scheme, origin->scheme_len, "https"))
		return false;
	return same_host(host, len, origin->host, origin->host_len) &&
	    effective_port(port, origin) ==
	    effective_port(origin->port, origin);
}

bool
origin_is_loopback(const char *host, size_t len)
{
	static const char localhost[] = "localhost";
	size_t n = sizeof(localhost) - 1;

	len = without_dot(host, len);
	return is_text(host, len, localhost) ||
	    is_below(host, len, localhost, n) ||
	    (is_ipv4(host, len) && memcmp(host, "127.", 4) == 0) ||
	    same_host(host, len, "[::1]", 5);
}

bool
origin_is_address(const char *host, size_t len)
{
	struct in6_addr addr;

	return is_ipv4(host, len) || read_ipv6(host, len, &addr);
}

bool
origin_is_named(const char *const *names, size_t n, const char *host,
    size_t len)
{
	len = without_dot(host, len);
	for (size_t i = 0; i < n; i++) {
		const char *text = names[i];
		struct parts pattern;

		if (strcmp(text, "*") == 0)
			return true;
		if (read_pattern(text, &pattern) && pattern.scheme_len == 0 &&
		    pattern.port == 0 && host_matches(&pattern, host, len))
			return true;
	}
	return false;
}

/* An address cannot be made to lead elsewhere, as a name can. */
static bool
is_ours(const struct origin_policy *policy, const char *host, size_t len)
{
	return host != NULL &&
	    (origin_is_loopback(host, len) || origin_is_address(host, len) ||
		origin_is_named(policy->server_names, policy->nserver_names,
		    host, len));
}

/* What a proxy was asked for, once there are names, is judged as well. */
static bool
proxy_host_ok(const struct origin_policy *policy,
    const struct origin_request *rq)
{
	return rq->proxy_host == NULL || policy->nserver_names == 0 ||
	    is_ours(policy, rq->proxy_host, rq->proxy_host_len);
}

/*
 * The rule against rebinding. Host is judged on a proxied connection as well:
 * a browser of this machine may be what the address of a trusted proxy hides.
 */
static bool
host_ok(const struct origin_policy *policy, const struct origin_request *rq)
{
	bool page = rq->page && rq->loopback && rq->host != NULL;

	if (rq->norigins == 0 && rq->site == ORIGIN_SITE_UNKNOWN && !page)
		return true;
	if (!rq->loopback && policy->nserver_names == 0)
		return true;
	return proxy_host_ok(policy, rq) &&
	    is_ours(policy, rq->host, rq->host_len);
}

/* The page that a browser names in Referer, as an origin; it may hide it. */
static void
read_referer(struct origin_request *rq, const struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "Referer", NULL);
	size_t n = 0, slashes = 0;

	if (f == NULL)
		return;
	while (n < f->value_len && (slashes += f->value[n] == '/') < 3)
		n++;
	rq->origin = f->value;
	rq->origin_len = n;
}

static enum origin_site
read_site(const struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "Sec-Fetch-Site", NULL);

	if (f == NULL)
		return ORIGIN_SITE_UNKNOWN;
	return is_text(f->value, f->value_len, "cross-site") ||
		is_text(f->value, f->value_len, "same-site")
	    ? ORIGIN_SITE_OTHER
	    : ORIGIN_SITE_OURS;
}

static bool
has_value(const struct http1_head *head, const char *name, const char *value)
{
	const struct http1_field *f = http1_find(head, name, NULL);

	return f != NULL && is_text(f->value, f->value_len, value);
}

/* A link was followed: what is shown is ours, and no other page's. */
static bool
is_visit(const struct http1_head *head)
{
	return (http1_method_is(head, "GET") ||
		   http1_method_is(head, "HEAD")) &&
	    has_value(head, "Sec-Fetch-Mode", "navigate") &&
	    has_value(head, "Sec-Fetch-Dest", "document");
}

void
origin_read(struct origin_request *rq, const struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "Origin", NULL);

	*rq = (struct origin_request){
		.norigins = http1_count(head, "Origin"),
		.site = read_site(head),
		.visit = is_visit(head),
	};
	if (rq->norigins == 1 && f->value_len == 0)
		rq->norigins = 0;
	if (rq->norigins > 0) {
		rq->origin = f->value;
		rq->origin_len = f->value_len;
	} else {
		read_referer(rq, head);
	}
	http1_host(head, &rq->host, &rq->host_len, &rq->port);
}

/* Our own, unless somebody's name leads to us: its pages would be that, too. */
static bool
is_own_page(const struct origin_policy *policy, const struct origin_request *rq,
    const struct parts *origin)
{
	return policy->own_page && same_origin(rq, origin) &&
	    is_ours(policy, rq->host, rq->host_len);
}

enum origin_verdict
origin_check(const struct origin_policy *policy,
    const struct origin_request *rq)
{
	struct parts origin;

	if (rq->norigins > 1)
		return ORIGIN_ERR_SEVERAL;
	if (!host_ok(policy, rq))
		return ORIGIN_ERR_HOST;
	if (rq->norigins == 0 && (rq->site != ORIGIN_SITE_OTHER || rq->visit))
		return ORIGIN_ALLOWED;
	read_origin(rq->origin, rq->origin_len, &origin);
	if (is_own_page(policy, rq, &origin))
		return ORIGIN_ALLOWED;
	if (policy->norigins > 0 && !listed(policy, &origin))
		return ORIGIN_ERR_UNLISTED;
	if ((policy->norigins == 0 || policy->same_origin) &&
	    !same_origin(rq, &origin))
		return ORIGIN_ERR_FOREIGN;
	return ORIGIN_ALLOWED;
}

const char *
origin_strrule(enum origin_verdict verdict)
{
	switch (verdict) {
	case ORIGIN_ALLOWED:
		return "origin allowed";
	case ORIGIN_ERR_SEVERAL:
		return "several origins";
	case ORIGIN_ERR_FOREIGN:
		return "foreign origin";
	case ORIGIN_ERR_UNLISTED:
		return "origin not listed";
	case ORIGIN_ERR_HOST:
		return "host not ours";
	}
	return "unknown rule";
}

/* Neither --origin nor a shell that it is pasted into makes more of it. */
static bool
is_harmless(char c)
{
	char lower = (char)(c | 0x20);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~:/?@[]+=", c) != NULL);
}

/* Whether --origin takes it, and means it and nothing more. */
static bool
can_be_said(const struct parts *p)
{
	for (size_t i = 0; i < p->rest_len; i++)
		if (!is_harmless(p->rest[i]))
			return false;
	if (p->scheme_len + p->rest_len > SAID_MAX)
		return false;
	return p->host != NULL || is_null(p) ||
	    (p->scheme_len > 0 && !is_web(p));
}

static void
name_origin(const struct origin_request *rq, struct origin_option *o)
{
	struct parts p;

	read_origin(rq->origin, rq->origin_len, &p);
	*o = (struct origin_option){ .name = "--origin" };
	if (!can_be_said(&p))
		return;
	o->value = p.scheme_len > 0 ? p.scheme : p.rest;
	o->len = (size_t)(p.rest + p.rest_len - o->value);
}

void
origin_option(const struct origin_policy *policy,
    const struct origin_request *rq, enum origin_verdict verdict,
    struct origin_option *o)
{
	bool proxied = !proxy_host_ok(policy, rq);

	*o = (struct origin_option){ 0 };
	if (verdict == ORIGIN_ERR_HOST)
		*o = (struct origin_option){
			.name = "--server-name",
			.value = proxied ? rq->proxy_host : rq->host,
			.len = proxied ? rq->proxy_host_len : rq->host_len,
		};
	else if (verdict == ORIGIN_ERR_UNLISTED ||
	    verdict == ORIGIN_ERR_FOREIGN)
		name_origin(rq, o);
}
