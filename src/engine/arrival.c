#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codec/proxy_hello.h"
#include "engine/arrival.h"
#include "engine/stranger.h"
#include "flow/flow.h"
#include "flow/watch.h"
#include "ipc/ipc.h"

struct arrival {
	struct flow *flow;             /* kept */
	const struct arrival_ops *ops; /* kept */
	void *owner;                   /* kept */
	int fd;                        /* owned; -1: given away, or over */
	enum { SPEAKS_PLAIN, SPEAKS_TLS, SPEAKS_EITHER } speaks;
	bool wants_hello;
	bool has_hello;
	bool begun;
	struct proxy_hello hello;
	struct event ev;
};

static void
fail(struct arrival *a, const char *why)
{
	(void)event_del(&a->ev);
	fd_close(&a->fd);
	a->ops->on_failed(a->owner, why);
}

static void
succeed(struct arrival *a, bool tls)
{
	int fd = a->fd;

	(void)event_del(&a->ev);
	a->fd = -1;
	a->ops->on_arrived(a->owner, fd, a->has_hello ? &a->hello : NULL, tls);
}

/* What has been looked at is there: one call takes it. */
static bool
take_away(const struct arrival *a, size_t len)
{
	return recv(a->fd, a->flow->in, len, 0) == (ssize_t)len;
}

/* False: it has failed, or more must come. */
static bool
read_hello(struct arrival *a, size_t len, bool last)
{
	enum proxy_hello_result rc;
	size_t used;

	rc = proxy_hello_read(&a->hello, a->flow->in, len, &used);
	if (rc < 0) {
		fail(a, proxy_hello_strresult(rc));
		return false;
	}
	if (rc == PROXY_HELLO_MORE) {
		if (last)
			fail(a, "it ends inside the header");
		return false;
	}
	if (!take_away(a, used)) {
		fail(a, strerror(errno));
		return false;
	}
	a->wants_hello = false;
	a->has_hello = true;
	return true;
}

/*
 * Bytes that stay where they are would wake us again and again, so the event
 * is one of edges: more bytes, or the end.
 */
static void
arrival_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct arrival *a = arg;
	bool last = what & EV_CLOSED;
	ssize_t n;

	while (a->wants_hello || a->speaks == SPEAKS_EITHER) {
		n = recv(fd, a->flow->in, PROXY_HELLO_MAX, MSG_PEEK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN && !last)
			return;
		if (n <= 0) {
			fail(a, NULL);
			return;
		}
		a->begun = true;
		if (!a->wants_hello) {
			succeed(a, stranger_is_tls(a->flow->in[0]));
			return;
		}
		if (!read_hello(a, (size_t)n, last))
			return;
	}
	succeed(a, a->speaks == SPEAKS_TLS);
}

bool
arrival_is_needed(const struct ipc_listen *how)
{
	return how->proxy || how->tls == IPC_TLS_AUTO;
}

struct arrival *
arrival_new(struct flow *flow, int fd, const struct ipc_listen *how,
    const struct arrival_ops *ops, void *owner)
{
	struct arrival *a = mem_new(1, sizeof(*a));

	*a = (struct arrival){
		.flow = flow,
		.ops = ops,
		.owner = owner,
		.fd = fd,
		.speaks = how->tls == IPC_TLS_AUTO ? SPEAKS_EITHER
		    : how->tls == IPC_TLS          ? SPEAKS_TLS
						   : SPEAKS_PLAIN,
		.wants_hello = how->proxy,
	};
	(void)event_assign(&a->ev, flow->base, fd,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, arrival_on_event, a);
	if (!watch_try(&a->ev, NULL)) {
		arrival_free(a);
		return NULL;
	}
	return a;
}

bool
arrival_has_begun(const struct arrival *a)
{
	return a->begun;
}

void
arrival_free(struct arrival *a)
{
	if (a == NULL)
		return;
	(void)event_del(&a->ev);
	fd_close(&a->fd);
	free(a);
}
