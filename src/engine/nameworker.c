#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "engine/nameworker.h"
#include "engine/sandbox.h"
#include "engine/worker.h"
#include "flow/watch.h"
#include "ipc/ipc_name.h"

enum { V4_AT = 12 }; /* where in an address an IPv4 one begins */

struct nameworker;

/* One engine, by its number. */
struct asker {
	struct nameworker *names;
	size_t index;
	size_t nquestions;
	struct event on_question; /* added while there is room for questions */
};

struct name_query {
	struct nameworker *names; /* kept */
	struct asker *asker;      /* kept; NULL: it has gone */
	uint32_t id;
	struct addr addr;
	char *name; /* owned; that DNS gave, until it is known to be true */
	LIST_ENTRY(name_query) entry;
};

struct nameworker {
	struct worker worker;
	struct event_base *base; /* owned */
	struct evdns_base *dns;  /* owned; NULL: nobody can be asked */
	struct event on_parent;
	struct asker asker[WORKER_ASKERS];
	LIST_HEAD(, name_query) questions;
};

/* ------------------------------------------------- the name servers */

static void
names_on_log(int is_warning, const char *text)
{
	(void)is_warning;
	log_debug("dns: %s", text);
}

/*
 * Another server is asked, or the same again, before the engine's patience is
 * over. One that does not answer stays in the round: libevent would try it again
 * with a question of its own.
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

static void
names_on_settings(void *owner, const struct conf *conf)
{
	struct nameworker *n = owner;

	evdns_set_log_fn(names_on_log);
	n->dns = evdns_base_new(n->base, 0);
	if (n->dns != NULL && add_servers(n->dns, conf->resolver)) {
		set_times(n->dns);
	} else {
		log_warn("--reverselookup: no name server can be asked");
		if (n->dns != NULL)
			evdns_base_free(n->dns, 0);
		n->dns = NULL;
	}
	/* what the filter costs does not matter here */
	sandbox_enter(&(struct sandbox){
	    .who = "names worker",
	    .how = conf->sandbox == CONF_SANDBOX_OFF ? CONF_SANDBOX_OFF
						     : CONF_SANDBOX_CALLS,
	    .asks = true,
	});
}

/* ------------------------------------------------- an answer */

/* Answers are small and bounded in number: who leaves them has lost them. */
static void
finish(struct name_query *l, const char *name)
{
	struct asker *a = l->asker;
	struct nameworker *n = l->names;
	uint8_t out[IPC_NAME_MAX];

	if (a != NULL) {
		size_t len = ipc_put_name(out, l->id, name);

		(void)send(n->worker.asker[a->index], out, len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (a->nquestions-- == IPC_NAME_ASKED)
			watch_need(&a->on_question, NULL);
	}
	LIST_REMOVE(l, entry);
	free(l->name);
	free(l);
}

/* Whether one of the addresses that the name leads to is the client's. */
static bool
is_confirmed(const struct name_query *l, int type, int count,
    const uint8_t *found)
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
names_on_addresses(int result, char type, int count, int ttl, void *found,
    void *arg)
{
	struct name_query *l = arg;
	bool ok = result == DNS_ERR_NONE && is_confirmed(l, type, count, found);

	(void)ttl;
	finish(l, ok ? l->name : NULL);
}

static bool
ask_back(struct name_query *l)
{
	struct evdns_base *dns = l->names->dns;
	struct evdns_request *rq = addr_is_ipv4(&l->addr)
	    ? evdns_base_resolve_ipv4(dns, l->name, DNS_QUERY_NO_SEARCH,
		  names_on_addresses, l)
	    : evdns_base_resolve_ipv6(dns, l->name, DNS_QUERY_NO_SEARCH,
		  names_on_addresses, l);

	return rq != NULL;
}

static void
names_on_name(int result, char type, int count, int ttl, void *found, void *arg)
{
	struct name_query *l = arg;
	char *const *names = found;

	(void)ttl;
	if (l->asker == NULL || result != DNS_ERR_NONE || type != DNS_PTR ||
	    count < 1) {
		finish(l, NULL);
		return;
	}
	l->name = mem_strdup(names[0]);
	if (!ask_back(l))
		finish(l, NULL);
}

/* ------------------------------------------------- a question */

static bool
ask(struct name_query *l)
{
	struct evdns_base *dns = l->names->dns;
	struct in6_addr v6;
	struct in_addr v4;

	if (dns == NULL)
		return false;
	memcpy(&v4, l->addr.byte + V4_AT, sizeof(v4));
	memcpy(&v6, l->addr.byte, sizeof(v6));
	return (addr_is_ipv4(&l->addr)
		       ? evdns_base_resolve_reverse(dns, &v4,
			     DNS_QUERY_NO_SEARCH, names_on_name, l)
		       : evdns_base_resolve_reverse_ipv6(dns, &v6,
			     DNS_QUERY_NO_SEARCH, names_on_name, l)) != NULL;
}

static void
start_lookup(struct asker *a, uint32_t id, const struct addr *addr)
{
	struct name_query *l = mem_new(1, sizeof(*l));

	*l = (struct name_query){
		.names = a->names,
		.asker = a,
		.id = id,
		.addr = *addr,
	};
	LIST_INSERT_HEAD(&a->names->questions, l, entry);
	if (++a->nquestions == IPC_NAME_ASKED)
		(void)event_del(&a->on_question);
	if (!ask(l))
		finish(l, NULL);
}

/* One question a turn: each engine has its own. */
static void
names_on_question(evutil_socket_t fd, short what, void *arg)
{
	struct asker *a = arg;
	uint8_t in[IPC_NAME_ASK_LEN + 1];
	ssize_t n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
	struct addr addr;
	uint32_t id;

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !ipc_read_name_ask(in, (size_t)n, &id, &addr))
		worker_drop(&a->names->worker, a->index);
	else
		start_lookup(a, id, &addr);
}

static void
names_on_asker(void *owner, size_t i)
{
	struct nameworker *n = owner;
	struct asker *a = &n->asker[i];

	*a = (struct asker){ .names = n, .index = i };
	(void)event_assign(&a->on_question, n->base, n->worker.asker[i],
	    EV_READ | EV_PERSIST, names_on_question, a);
	watch_need(&a->on_question, NULL);
}

static void
names_on_drop(void *owner, size_t i)
{
	struct nameworker *n = owner;
	struct name_query *l;

	(void)event_del(&n->asker[i].on_question);
	LIST_FOREACH (l, &n->questions, entry)
		if (l->asker == &n->asker[i])
			l->asker = NULL;
}

static const struct worker_ops ops = {
	.on_settings = names_on_settings,
	.on_asker = names_on_asker,
	.on_drop = names_on_drop,
};

/* ------------------------------------------------- life */

static void
names_on_parent(evutil_socket_t fd, short what, void *arg)
{
	struct nameworker *n = arg;

	(void)fd;
	(void)what;
	worker_hear(&n->worker);
	if (n->worker.over)
		(void)event_base_loopbreak(n->base);
}

/*
 * What is still asked goes with the process: evdns_base_free() loses sight of
 * questions that wait for others.
 */
static void
names_clear(struct nameworker *n)
{
	worker_clear(&n->worker);
	(void)event_del(&n->on_parent);
	if (n->dns == NULL)
		event_base_free(n->base);
}

int
nameworker_run(void)
{
	static struct nameworker names;
	struct nameworker *n = &names;

	LIST_INIT(&n->questions);
	if ((n->base = event_base_new()) == NULL) {
		log_error("names worker: no usable event loop");
		return EXIT_FAILURE;
	}
	worker_init(&n->worker, "names", &ops, n);
	(void)event_assign(&n->on_parent, n->base, n->worker.chan.fd,
	    EV_READ | EV_PERSIST, names_on_parent, n);
	watch_need(&n->on_parent, NULL);
	(void)event_base_loop(n->base, 0);
	names_clear(n);
	return n->worker.status;
}
