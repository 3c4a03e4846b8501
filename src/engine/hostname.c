#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codec/http1.h"
#include "engine/engine.h"
#include "engine/hostname.h"
#include "engine/request.h"
#include "flow/watch.h"
#include "ipc/ipc_name.h"

enum {
	KNOWN_MAX = 256,
	KNOWN_MS = 60000,
	PATIENCE_MS = 1000, /* of a request */
	LATE_MS = 10000,    /* how much later its answer may come */
	ANSWERS_PER_TURN = 16,
};

/* What came of an earlier question. */
struct known {
	struct addr addr;
	char *name;    /* owned; NULL: it has none */
	uint64_t till; /* clock_ms(); 0: unused */
};

/* What the worker has not answered, and the request that waits for it. */
struct lookup {
	struct hostnames *names; /* kept */
	struct request *rq;      /* kept; NULL: it waits no longer */
	struct addr addr;
	uint32_t id;
	struct event timer;
	LIST_ENTRY(lookup) entry;
};

struct hostnames {
	struct event_base *base; /* kept */
	int fd;                  /* owned: to the worker; -1: none */
	struct event on_answer;
	uint32_t last_id;
	LIST_HEAD(, lookup) lookups;
	size_t nlookups;
	struct known known[KNOWN_MAX];
};

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

/* Strangers write into DNS: what it says must look like a name. */
static bool
is_name(const char *s)
{
	size_t len = strlen(s), host_len;
	struct addr a;
	unsigned port;

	return http1_split_host(s, len, &host_len, &port) && host_len == len &&
	    s[0] != '[' && !addr_read(&a, s, len);
}

/* ------------------------------------------------- a lookup */

static void
lookup_free(struct lookup *l)
{
	(void)event_del(&l->timer);
	LIST_REMOVE(l, entry);
	l->names->nlookups--;
	free(l);
}

static void
go_on(struct request *rq, const char *name)
{
	if (name != NULL)
		rq->host_name = mem_strdup(name);
	request_handle(rq, NULL, NULL);
	if (!request_is_over(rq))
		request_go_on(rq);
}

/* The request goes on, with a name or without. */
static void
finish(struct lookup *l, const char *name)
{
	struct request *rq = l->rq;

	lookup_free(l);
	if (rq != NULL)
		go_on(rq, name);
}

/* The request waits no longer, but the next one may have the answer. */
static void
hostname_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;
	struct request *rq = l->rq;

	(void)fd;
	(void)what;
	if (rq == NULL) {
		lookup_free(l);
		return;
	}
	l->rq = NULL;
	watch_after(&l->timer, LATE_MS);
	go_on(rq, NULL);
}

static void
hostname_on_gone(void *owner)
{
	lookup_free(owner);
}

/* Whether its name is asked for, and could not be waited for. */
static bool
is_late(const struct hostnames *h, const struct addr *a)
{
	const struct lookup *l;

	LIST_FOREACH (l, &h->lookups, entry)
		if (l->rq == NULL && addr_same(&l->addr, a))
			return true;
	return false;
}

/* A body has to wait as well. */
static const struct handler_ops waiting = {
	.on_gone = hostname_on_gone,
};

static bool
send_question(struct hostnames *h, const struct addr *a)
{
	uint8_t out[IPC_NAME_ASK_LEN];

	if (h->fd == -1 || h->nlookups == IPC_NAME_ASKED)
		return false;
	ipc_put_name_ask(out, ++h->last_id, a);
	return send(h->fd, out, sizeof(out), MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

static enum access_verdict
start_lookup(struct hostnames *h, struct request *rq)
{
	struct lookup *l;

	if (is_late(h, &rq->client) || !send_question(h, &rq->client))
		return ACCESS_NEXT;
	l = mem_new(1, sizeof(*l));
	*l = (struct lookup){
		.names = h,
		.rq = rq,
		.addr = rq->client,
		.id = h->last_id,
	};
	LIST_INSERT_HEAD(&h->lookups, l, entry);
	h->nlookups++;
	(void)evtimer_assign(&l->timer, h->base, hostname_on_timer, l);
	watch_after(&l->timer, PATIENCE_MS);
	request_handle(rq, &waiting, l);
	return ACCESS_WAIT;
}

/* ------------------------------------------------- the worker */

/* Its questions are not answered any more. */
static void
disconnect(struct hostnames *h)
{
	struct lookup *l;

	if (h->fd == -1)
		return;
	(void)event_del(&h->on_answer);
	fd_close(&h->fd);
	while ((l = LIST_FIRST(&h->lookups)) != NULL)
		finish(l, NULL);
}

/* Nobody may wait for it any more. */
static void
settle(struct hostnames *h, uint32_t id, const char *name)
{
	struct lookup *l;

	LIST_FOREACH (l, &h->lookups, entry) {
		if (l->id == id) {
			name = is_name(name) ? name : NULL;
			remember(h, &l->addr, name);
			finish(l, name);
			return;
		}
	}
}

/* False: there is no other one, or nobody to give any. */
static bool
take_answer(struct hostnames *h)
{
	uint8_t in[IPC_NAME_MAX + 1];
	char name[IPC_NAME_TEXT + 1];
	ssize_t n = recv(h->fd, in, sizeof(in), MSG_DONTWAIT);
	uint32_t id;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || !ipc_read_name(in, (size_t)n, &id, name))
		disconnect(h);
	else
		settle(h, id, name);
	return h->fd != -1;
}

/* What is left makes the loop call again. */
static void
hostname_on_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < ANSWERS_PER_TURN && take_answer(arg); i++)
		continue;
}

void
hostnames_connect(struct hostnames *h, int fd)
{
	disconnect(h);
	h->fd = fd;
	(void)event_assign(&h->on_answer, h->base, fd, EV_READ | EV_PERSIST,
	    hostname_on_answer, h);
	if (!watch_try(&h->on_answer, NULL))
		disconnect(h);
}

/* ------------------------------------------------- life */

struct hostnames *
hostnames_new(struct event_base *base)
{
	struct hostnames *h = mem_new(1, sizeof(*h));

	h->base = base;
	h->fd = -1;
	LIST_INIT(&h->lookups);
	return h;
}

void
hostnames_free(struct hostnames *h)
{
	if (h == NULL)
		return;
	disconnect(h);
	for (size_t i = 0; i < KNOWN_MAX; i++)
		free(h->known[i].name);
	free(h);
}

/* ------------------------------------------------- the step */

/* RFC 6761, section 6.3: nobody has to be asked for the name of loopback. */
enum access_verdict
hostname_find(struct request *rq)
{
	struct engine *e = rq->engine;
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
	return start_lookup(h, rq);
}
