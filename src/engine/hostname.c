#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/http1.h"
#include "conf/conf.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/hostname.h"
#include "engine/request.h"

enum {
	LOOKUPS_MAX = 64, /* under way */
	KNOWN_MAX = 256,
	KNOWN_MS = 60000,
	V4_AT = 12, /* where in an address an IPv4 one begins */
};

/* What came of an earlier question. */
struct known {
	struct addr addr;
	char *name;    /* owned; NULL: it has none */
	uint64_t till; /* clock_ms(); 0: unused */
};

struct lookup {
	struct hostnames *names;   /* kept */
	struct request *rq;        /* kept; NULL: it has gone */
	struct evdns_request *dns; /* until its callback */
	struct addr addr;
	char *name; /* owned; that DNS gave, until it is known to be true */
	struct event timer;
	struct lookup *next, **link; /* all of them */
};

struct hostnames {
	struct event_base *base; /* kept */
	struct evdns_base *dns;  /* owned */
	struct lookup *lookups;
	size_t nlookups;
	struct known known[KNOWN_MAX];
};

static void
hostnames_on_log(int is_warning, const char *text)
{
	(void)is_warning;
	log_debug("dns: %s", text);
}

/*
 * Another server is asked, or the same again, before our own time is over. One
 * that does not answer stays in the round: libevent would try it again with a
 * question of its own.
 */
static void
set_times(struct evdns_base *dns)
{
	(void)evdns_base_set_option(dns, "timeout:", "0.3");
	(void)evdns_base_set_option(dns, "attempts:", "3");
	(void)evdns_base_set_option(dns, "max-timeouts:", "255");
}

static bool
add_servers(struct evdns_base *dns, const char *resolver)
{
	if (resolver != NULL)
		return evdns_base_nameserver_ip_add(dns, resolver) == 0;
	return evdns_base_resolv_conf_parse(dns,
		   DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC,
		   "/etc/resolv.conf") == 0;
}

struct hostnames *
hostnames_new(struct event_base *base, const struct conf *conf)
{
	struct evdns_base *dns = evdns_base_new(base, 0);
	struct hostnames *h;

	evdns_set_log_fn(hostnames_on_log);
	if (dns == NULL || !add_servers(dns, conf->resolver)) {
		log_warn("--reverselookup: no name server can be asked");
		if (dns != NULL)
			evdns_base_free(dns, 0);
		return NULL;
	}
	set_times(dns);
	h = mem_new(1, sizeof(*h));
	h->base = base;
	h->dns = dns;
	return h;
}

static void
lookup_free(struct lookup *l)
{
	(void)event_del(&l->timer);
	if ((*l->link = l->next) != NULL)
		l->next->link = l->link;
	l->names->nlookups--;
	free(l->name);
	free(l);
}

void
hostnames_free(struct hostnames *h)
{
	if (h == NULL)
		return;
	while (h->lookups != NULL)
		lookup_free(h->lookups);
	for (size_t i = 0; i < KNOWN_MAX; i++)
		free(h->known[i].name);
	evdns_base_free(h->dns, 0);
	free(h);
}

/* ------------------------------------------------- what is known */

static const struct known *
find_known(const struct hostnames *h, const struct addr *a)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < KNOWN_MAX; i++) {
		const struct known *k = &h->known[i];

		if (k->till > now && addr_same(&k->addr, a))
			return k;
	}
	return NULL;
}

/* In the place of the one that is forgotten first; name may be NULL. */
static void
remember(struct hostnames *h, const struct addr *a, const char *name)
{
	struct known *k = &h->known[0];

	for (size_t i = 1; i < KNOWN_MAX; i++) {
		if (h->known[i].till < k->till)
			k = &h->known[i];
	}
	free(k->name);
	*k = (struct known){
		.addr = *a,
		.name = name == NULL ? NULL : mem_strdup(name),
		.till = clock_ms() + KNOWN_MS,
	};
}

/* ------------------------------------------------- a lookup */

/* Somebody waited for it, perhaps: he goes on, with a name or without. */
static void
finish(struct lookup *l, const char *name)
{
	struct request *rq = l->rq;

	l->rq = NULL;
	(void)event_del(&l->timer);
	if (rq != NULL) {
		remember(l->names, &l->addr, name);
		if (name != NULL)
			rq->host_name = mem_strdup(name);
		conn_handle(rq->conn, NULL, NULL);
		if (!conn_is_over(rq->conn))
			access_resume(rq);
	}
	/* or its callback is still to come */
	if (l->dns == NULL)
		lookup_free(l);
}

/* DNS is asked by strangers: what it says must look like a name. */
static bool
is_name(const char *s)
{
	size_t len = strlen(s), host_len;
	struct addr a;
	unsigned port;

	return http1_split_host(s, len, &host_len, &port) && host_len == len &&
	    s[0] != '[' && !addr_read(&a, s, len);
}

/* Whether one of the addresses that the name leads to is the client's. */
static bool
is_confirmed(const struct lookup *l, int type, int count, const uint8_t *found)
{
	bool v4 = addr_is_ipv4(&l->addr);
	const uint8_t *mine = l->addr.byte + (v4 ? V4_AT : 0);
	size_t len = v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);

	if (type != (v4 ? DNS_IPv4_A : DNS_IPv6_AAAA))
		return false;
	for (int i = 0; i < count; i++) {
		if (memcmp(found + (size_t)i * len, mine, len) == 0)
			return true;
	}
	return false;
}

static void
hostname_on_addresses(int result, char type, int count, int ttl, void *found,
    void *arg)
{
	struct lookup *l = arg;
	bool ok = result == DNS_ERR_NONE && is_confirmed(l, type, count, found);

	(void)ttl;
	l->dns = NULL;
	finish(l, ok ? l->name : NULL);
}

static void
hostname_on_name(int result, char type, int count, int ttl, void *found,
    void *arg)
{
	struct lookup *l = arg;
	struct evdns_base *dns = l->names->dns;
	char *const *names = found;

	(void)ttl;
	l->dns = NULL;
	if (l->rq != NULL && result == DNS_ERR_NONE && type == DNS_PTR &&
	    count > 0 && is_name(names[0])) {
		l->name = mem_strdup(names[0]);
		l->dns = addr_is_ipv4(&l->addr)
		    ? evdns_base_resolve_ipv4(dns, l->name, DNS_QUERY_NO_SEARCH,
			  hostname_on_addresses, l)
		    : evdns_base_resolve_ipv6(dns, l->name, DNS_QUERY_NO_SEARCH,
			  hostname_on_addresses, l);
	}
	if (l->dns == NULL)
		finish(l, NULL);
}

static void
hostname_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;

	(void)fd;
	(void)what;
	evdns_cancel_request(l->names->dns, l->dns);
	finish(l, NULL);
}

static void
hostname_on_gone(void *owner)
{
	struct lookup *l = owner;

	l->rq = NULL;
}

/* A body has to wait as well. */
static const struct handler_ops waiting = {
	.on_gone = hostname_on_gone,
};

static enum access_verdict
start_lookup(struct hostnames *h, struct request *rq)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct lookup *l = mem_new(1, sizeof(*l));
	struct in6_addr v6;
	struct in_addr v4;

	*l = (struct lookup){ .names = h, .rq = rq, .addr = rq->client };
	if ((l->next = h->lookups) != NULL)
		l->next->link = &l->next;
	l->link = &h->lookups;
	h->lookups = l;
	h->nlookups++;
	(void)evtimer_assign(&l->timer, h->base, hostname_on_timer, l);
	memcpy(&v4, l->addr.byte + V4_AT, sizeof(v4));
	memcpy(&v6, l->addr.byte, sizeof(v6));
	l->dns = addr_is_ipv4(&l->addr)
	    ? evdns_base_resolve_reverse(h->dns, &v4, DNS_QUERY_NO_SEARCH,
		  hostname_on_name, l)
	    : evdns_base_resolve_reverse_ipv6(h->dns, &v6, DNS_QUERY_NO_SEARCH,
		  hostname_on_name, l);
	if (l->dns == NULL) {
		lookup_free(l);
		return ACCESS_NEXT;
	}
	(void)event_add(&l->timer, &patience);
	conn_handle(rq->conn, &waiting, l);
	return ACCESS_WAIT;
}

/* ------------------------------------------------- the step */

/* RFC 6761, section 6.3: nobody has to be asked for the name of loopback. */
enum access_verdict
hostname_find(struct request *rq)
{
	struct engine *e = conn_engine(rq->conn);
	struct hostnames *h = engine_hostnames(e);
	const struct known *k;

	if (h == NULL || addr_is_unix(&rq->client) || !request_may_run(rq))
		return ACCESS_NEXT;
	if (addr_is_loopback(&rq->client)) {
		rq->host_name = mem_strdup("localhost");
		return ACCESS_NEXT;
	}
	if ((k = find_known(h, &rq->client)) != NULL) {
		if (k->name != NULL)
			rq->host_name = mem_strdup(k->name);
		return ACCESS_NEXT;
	}
	return h->nlookups < LOOKUPS_MAX ? start_lookup(h, rq) : ACCESS_NEXT;
}
