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
	const char *host; /* of a pattern, without the "*." */
	size_t host_len;
	unsigned port; /* 0: none given */
	bool labels;   /* a pattern that wants labels in front of its host */
};

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
read_origin(const char *s, size_t len, struct parts *p)
{
	*p = (struct parts){ .scheme = "" };
	return take_scheme(&s, &len, p) && p->scheme_len > 0 &&
	    take_host(s, len, p);
}

static bool
read_pattern(const char *s, struct parts *p)
{
	size_t len = strlen(s);

	*p = (struct parts){ .scheme = "" };
	if (!take_scheme(&s, &len, p))
		return false;
	if (len > 2 && s[0] == '*' && s[1] == '.') {
		p->labels = true;
		s += 2;
		len -= 2;
	}
	return take_host(s, len, p);
}

/* Addresses may be spelled in several ways; names in upper and lower case. */
static bool
same_host(const char *a, size_t alen, const char *b, size_t blen)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr[2];
	const char *host[2] = { a, b };
	size_t len[2] = { alen, blen };

	if (alen == 0 || blen == 0 || a[0] != '[' || b[0] != '[')
		return str_ieqn(a, alen, b, blen);
	for (size_t i = 0; i < 2; i++) {
		if (len[i] < 2 || len[i] - 2 >= sizeof(text))
			return false;
		memcpy(text, host[i] + 1, len[i] - 2);
		text[len[i] - 2] = '\0';
		if (inet_pton(AF_INET6, text, &addr[i]) != 1)
			return false;
	}
	return memcmp(&addr[0], &addr[1], sizeof(addr[0])) == 0;
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

static bool
is_web(const struct parts *origin)
{
	return is_text(origin->scheme, origin->scheme_len, "http") ||
	    is_text(origin->scheme, origin->scheme_len, "https");
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
origin_matches(const char *text, const struct parts *origin)
{
	struct parts pattern;

	if (!read_pattern(text, &pattern) ||
	    !host_matches(&pattern, origin->host, origin->host_len))
		return false;
	if (pattern.scheme_len == 0
		? !is_web(origin)
		: !str_ieqn(pattern.scheme, pattern.scheme_len, origin->scheme,
		      origin->scheme_len))
		return false;
	return pattern.port == 0 ||
	    pattern.port == effective_port(origin->port, origin);
}

/* What an Origin is, before any pattern is asked. */
enum kind { KIND_PAGE, KIND_NULL, KIND_MALFORMED };

static enum kind
classify(const char *s, size_t len, struct parts *origin)
{
	if (len == 4 && memcmp(s, "null", 4) == 0)
		return KIND_NULL;
	return read_origin(s, len, origin) ? KIND_PAGE : KIND_MALFORMED;
}

static bool
listed(const struct origin_policy *policy, enum kind kind,
    const struct parts *origin)
{
	for (size_t i = 0; i < policy->norigins; i++) {
		const char *text = policy->origins[i];

		if (strcmp(text, "*") == 0 ||
		    (kind == KIND_NULL && str_ieq(text, "null")) ||
		    (kind == KIND_PAGE && origin_matches(text, origin)))
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

	if (!is_web(origin) || host == NULL)
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

	return is_text(host, len, localhost) ||
	    is_below(host, len, localhost, n) ||
	    (is_ipv4(host, len) && memcmp(host, "127.", 4) == 0) ||
	    same_host(host, len, "[::1]", 5);
}

bool
origin_is_named(const char *const *names, size_t n, const char *host,
    size_t len)
{
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

static bool
is_ours(const struct origin_policy *policy, const char *host, size_t len)
{
	return host != NULL &&
	    (origin_is_loopback(host, len) ||
		origin_is_named(policy->server_names, policy->nserver_names,
		    host, len));
}

/*
 * The rule against rebinding. Host is judged on a proxied connection as well:
 * a browser of this machine may be what the address of a trusted proxy hides.
 */
static bool
host_ok(const struct origin_policy *policy, const struct origin_request *rq)
{
	bool page = rq->page && rq->loopback && rq->host != NULL;

	if (rq->norigins == 0 && !rq->sec_fetch_site && !page)
		return true;
	if (!rq->loopback && policy->nserver_names == 0)
		return true;
	if (rq->proxy_host != NULL && policy->nserver_names > 0 &&
	    !is_ours(policy, rq->proxy_host, rq->proxy_host_len))
		return false;
	return is_ours(policy, rq->host, rq->host_len);
}

void
origin_read(struct origin_request *rq, const struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "Origin", NULL);

	*rq = (struct origin_request){
		.norigins = http1_count(head, "Origin"),
		.origin = f == NULL ? NULL : f->value,
		.origin_len = f == NULL ? 0 : f->value_len,
		.sec_fetch_site = http1_count(head, "Sec-Fetch-Site") > 0,
	};
	http1_host(head, &rq->host, &rq->host_len, &rq->port);
}

/* What an Origin of that kind is refused for. */
static enum origin_verdict
refusal(enum kind kind, enum origin_verdict of_page)
{
	if (kind == KIND_PAGE)
		return of_page;
	return kind == KIND_NULL ? ORIGIN_ERR_NULL : ORIGIN_ERR_MALFORMED;
}

enum origin_verdict
origin_check(const struct origin_policy *policy,
    const struct origin_request *rq)
{
	struct parts origin;
	enum kind kind;

	if (rq->norigins > 1)
		return ORIGIN_ERR_SEVERAL;
	if (!host_ok(policy, rq))
		return ORIGIN_ERR_HOST;
	if (rq->norigins == 0)
		return ORIGIN_ALLOWED;
	kind = classify(rq->origin, rq->origin_len, &origin);
	if (policy->norigins > 0 && !listed(policy, kind, &origin))
		return refusal(kind, ORIGIN_ERR_UNLISTED);
	if ((policy->norigins == 0 || policy->same_origin) &&
	    (kind != KIND_PAGE || !same_origin(rq, &origin)))
		return refusal(kind, ORIGIN_ERR_FOREIGN);
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
	case ORIGIN_ERR_MALFORMED:
		return "malformed origin";
	case ORIGIN_ERR_NULL:
		return "null origin";
	case ORIGIN_ERR_FOREIGN:
		return "foreign origin";
	case ORIGIN_ERR_UNLISTED:
		return "origin not listed";
	case ORIGIN_ERR_HOST:
		return "host not ours";
	}
	return "unknown rule";
}

const char *
origin_option(enum origin_verdict verdict)
{
	switch (verdict) {
	case ORIGIN_ERR_NULL:
		return "--origin=null";
	case ORIGIN_ERR_FOREIGN:
	case ORIGIN_ERR_UNLISTED:
		return "--origin";
	case ORIGIN_ERR_HOST:
		return "--server-name";
	case ORIGIN_ALLOWED:
	case ORIGIN_ERR_SEVERAL:
	case ORIGIN_ERR_MALFORMED:
		break;
	}
	return "none";
}
