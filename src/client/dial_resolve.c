#include <sys/types.h>

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/dial_address.h"
#include "client/dial_resolve.h"
#include "client/outcome.h"
#include "flow/later.h"
#include "flow/watch.h"
#include "proc/aside.h"

/* What getaddrinfo() said; one write of it into a pipe is never cut in two. */
struct resolved {
	int code; /* of getaddrinfo() */
	int err;  /* of EAI_SYSTEM */
	struct dial_addresses found;
};
_Static_assert(sizeof(struct resolved) <= PIPE_BUF, "one write");

/* What is asked of it. */
struct question {
	const char *host;
	char port[8];
	struct addrinfo hints;
};

struct dial_resolve {
	const struct dial_resolve_ops *ops; /* kept */
	void *owner;                        /* kept */
	pid_t pid;                          /* that asks; -1: none */
	int fd;                             /* owned: its answer; -1: known */
	struct event ev;                    /* the answer can be read */
	struct later answered;              /* it was known at once */
	struct resolved answer;
	struct outcome outcome;
};

/* ------------------------------------------------- asking */

static void
ask(const struct question *q, struct resolved *a)
{
	struct addrinfo *list = NULL;

	a->found.n = 0;
	a->code = getaddrinfo(q->host, q->port, &q->hints, &list);
	a->err = errno;
	for (struct addrinfo *i = list; i != NULL; i = i->ai_next)
		dial_address_add(&a->found, i->ai_addr, i->ai_addrlen);
	if (list != NULL)
		freeaddrinfo(list);
}

static void
ask_aside(int fd, void *arg)
{
	struct resolved a;

	memset(&a, 0, sizeof(a));
	ask(arg, &a);
	if (write(fd, &a, sizeof(a)) == -1)
		_exit(EXIT_FAILURE);
}

static bool
ask_numeric(struct question q, struct resolved *a)
{
	q.hints.ai_flags |= AI_NUMERICHOST;
	ask(&q, a);
	return a->code == 0;
}

/* Whether it is that name or one under it; the root's dot does not count. */
static bool
is_under(const char *host, const char *top)
{
	size_t len = strlen(host), n = strlen(top);

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= n && str_ieqn(host + len - n, n, top, n) &&
	    (len == n || host[len - n - 1] == '.');
}

static void
ask_loopback(struct question q, struct resolved *a)
{
	struct resolved v4 = { 0 };

	q.host = "::1";
	(void)ask_numeric(q, a);
	q.host = "127.0.0.1";
	if (ask_numeric(q, &v4))
		dial_address_add(&a->found, &v4.found.v[0].u.sa,
		    v4.found.v[0].len);
	a->code = 0;
}

/* ------------------------------------------------- answers */

static void
fail(struct dial_resolve *r)
{
	outcome_set(&r->outcome, OUTCOME_NO_NAME, "its name was not found: %s",
	    r->answer.code == EAI_SYSTEM ? strerror(r->answer.err)
					 : gai_strerror(r->answer.code));
}

/* One that fell silent has not said that there is no such name. */
static void
read_answer(struct dial_resolve *r)
{
	if (read(r->fd, &r->answer, sizeof(r->answer)) !=
	    (ssize_t)sizeof(r->answer))
		r->answer.code = EAI_FAIL;
	aside_reap(r->pid);
	r->pid = -1;
	if (r->answer.code != 0)
		fail(r);
}

static void
dial_resolve_on_answer(void *owner)
{
	struct dial_resolve *r = owner;

	if (r->outcome.status != OUTCOME_OK)
		r->ops->on_failed(r->owner, &r->outcome);
	else
		r->ops->on_found(r->owner, &r->answer.found);
}

static void
dial_resolve_on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_answer(arg);
	dial_resolve_on_answer(arg);
}

static void
start(struct dial_resolve *r, struct question *q)
{
	if (ask_numeric(*q, &r->answer))
		return;
	if (is_under(q->host, "localhost")) {
		ask_loopback(*q, &r->answer);
	} else if (is_under(q->host, "invalid")) {
		r->answer.code = EAI_NONAME;
		fail(r);
	} else {
		r->pid = aside_start(&r->fd, ask_aside, q);
		if (r->pid == -1) {
			r->answer =
			    (struct resolved){ EAI_SYSTEM, errno, { 0 } };
			fail(r);
		}
	}
}

struct dial_resolve *
dial_resolve_new(const struct dial_resolve_query *query,
    const struct dial_resolve_ops *ops, void *owner)
{
	struct dial_resolve *r = mem_new(1, sizeof(*r));
	struct question q = {
		.host = query->host,
		.hints = {
			.ai_socktype = SOCK_STREAM,
			.ai_family = query->family,
			.ai_flags = AI_NUMERICSERV,
		},
	};

	*r = (struct dial_resolve){
		.ops = ops,
		.owner = owner,
		.pid = -1,
		.fd = -1,
	};
	(void)snprintf(q.port, sizeof(q.port), "%u", query->port);
	start(r, &q);
	(void)event_assign(&r->ev, query->base, r->fd, EV_READ,
	    dial_resolve_on_event, r);
	later_init(&r->answered, query->base, dial_resolve_on_answer, r);
	if (r->fd == -1)
		later_soon(&r->answered);
	else
		watch_need(&r->ev, NULL);
	return r;
}

void
dial_resolve_free(struct dial_resolve *r)
{
	if (r == NULL)
		return;
	(void)event_del(&r->ev);
	later_forget(&r->answered);
	fd_close(&r->fd);
	if (r->pid != -1)
		aside_end(r->pid);
	free(r);
}
