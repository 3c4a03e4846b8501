#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "flow/listener.h"
#include "flow/watch.h"

enum {
	ACCEPTS_PER_TURN = 16,
	PAUSE_MS = 200, /* after running out of descriptors */
};

struct listener {
	struct flow *flow;              /* kept */
	const struct listener_ops *ops; /* kept */
	void *owner;                    /* kept */
	int fd;            /* owned; -1: the one client has been given */
	int spoilt;        /* owned: the first one that was; -1: none */
	bool short_of_fds; /* said so already */
	bool paused;
	struct ipc_listen how;
	struct sockaddr_storage addr; /* that it is bound to */
	struct event ev;
	struct event pause;
};

static void
pause_accepting(struct listener *l)
{
	(void)event_del(&l->ev);
	watch_after(&l->pause, PAUSE_MS);
}

/* Something is short: try again when somebody may have gone. */
static void
wait_for_room(struct listener *l, int err)
{
	if (!l->short_of_fds)
		log_error("cannot accept: %s; waiting for sessions to end",
		    strerror(err));
	l->short_of_fds = true;
	pause_accepting(l);
}

/* Another engine, not its own master any more, shut the socket. */
static void
tell_spoilt(struct listener *l)
{
	pause_accepting(l);
	l->ops->on_spoilt(l->owner, l);
}

static void
watch(struct listener *l)
{
	if (!watch_try(&l->ev, NULL))
		wait_for_room(l, errno);
}

static void
listener_on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (!l->paused)
		watch(l);
}

void
listener_pause(struct listener *l)
{
	l->paused = true;
	(void)event_del(&l->ev);
}

int
listener_start(struct listener *l)
{
	l->paused = false;
	if (!l->how.connected)
		return watch_try(&l->ev, NULL) ? 0 : -1;
	if (l->fd != -1)
		event_active(&l->ev, EV_READ, 1);
	return 0;
}

void
listener_resume(struct listener *l)
{
	if (listener_start(l) == -1)
		wait_for_room(l, errno);
}

/* Of a Unix socket that was shut accept(2) says that nobody waits there. */
static bool
is_shut(const struct listener *l)
{
	return l->addr.ss_family == AF_UNIX && fd_is_shut(l->fd);
}

/*
 * Whether to try once more in this turn: not when nobody waits, and not soon
 * when something is short.
 */
static bool
go_on_after(struct listener *l, int err)
{
	switch (err) {
	case EAGAIN:
		if (is_shut(l))
			tell_spoilt(l);
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		wait_for_room(l, err);
		return false;
	case EINVAL:
		tell_spoilt(l);
		return false;
	default:
		return true; /* that one has gone already */
	}
}

/* What somebody else has accepted for us. */
static void
give_client(struct listener *l)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	socklen_t len = sizeof(ss);
	int fd = l->fd;

	l->fd = -1;
	(void)event_del(&l->ev);
	(void)getpeername(fd, (struct sockaddr *)&ss, &len);
	l->ops->on_accept(l->owner, l, fd, (struct sockaddr *)&ss, len);
}

static void
listener_on_event(evutil_socket_t lfd, short what, void *arg)
{
	struct listener *l = arg;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	(void)what;
	if (l->how.connected) {
		give_client(l);
		return;
	}
	for (int i = 0; i < ACCEPTS_PER_TURN && !l->paused; i++) {
		len = sizeof(ss);
		fd = accept4(lfd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1) {
			if (!go_on_after(l, errno))
				return;
			continue;
		}
		l->short_of_fds = false;
		l->ops->on_accept(l->owner, l, fd, (struct sockaddr *)&ss, len);
	}
}

struct listener *
listener_new(struct flow *flow, int fd, const struct ipc_listen *how,
    const struct listener_ops *ops, void *owner)
{
	struct listener *l = mem_new(1, sizeof(*l));
	socklen_t len = sizeof(l->addr);

	l->flow = flow;
	l->ops = ops;
	l->owner = owner;
	l->fd = fd;
	l->spoilt = -1;
	if (how != NULL)
		l->how = *how;
	l->paused = true;
	if (getsockname(fd, (struct sockaddr *)&l->addr, &len) == -1 ||
	    event_assign(&l->ev, flow->base, fd, EV_READ | EV_PERSIST,
		listener_on_event, l) == -1 ||
	    evtimer_assign(&l->pause, flow->base, listener_on_pause, l) == -1) {
		fd_close(&l->fd);
		free(l);
		return NULL;
	}
	return l;
}

/* A sandbox may forbid to shut what has the number of the first: it is kept. */
void
listener_renew(struct listener *l, int fd)
{
	(void)event_del(&l->ev);
	(void)event_del(&l->pause);
	if (l->spoilt == -1)
		l->spoilt = l->fd;
	else
		fd_close(&l->fd);
	l->fd = fd;
	(void)event_assign(&l->ev, l->flow->base, fd, EV_READ | EV_PERSIST,
	    listener_on_event, l);
	if (!l->paused)
		watch(l);
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	(void)event_del(&l->ev);
	(void)event_del(&l->pause);
	fd_close(&l->fd);
	fd_close(&l->spoilt);
	free(l);
}

const struct ipc_listen *
listener_how(const struct listener *l)
{
	return &l->how;
}

unsigned
listener_port(const struct listener *l)
{
	switch (l->addr.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&l->addr)->sin_port);
	case AF_INET6:
		return ntohs(
		    ((const struct sockaddr_in6 *)&l->addr)->sin6_port);
	default:
		return 0;
	}
}

static bool
is_loopback4(uint32_t addr)
{
	return addr >> 24 == 127;
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	const struct in6_addr *a6;
	uint32_t mapped;

	if (ss->ss_family == AF_INET)
		return is_loopback4(
		    ntohl(((const struct sockaddr_in *)ss)->sin_addr.s_addr));
	if (ss->ss_family != AF_INET6)
		return false;
	a6 = &((const struct sockaddr_in6 *)ss)->sin6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(a6))
		return IN6_IS_ADDR_LOOPBACK(a6);
	memcpy(&mapped, a6->s6_addr + 12, sizeof(mapped));
	return is_loopback4(ntohl(mapped));
}

static bool
is_wildcard(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET)
		return ((const struct sockaddr_in *)ss)->sin_addr.s_addr ==
		    htonl(INADDR_ANY);
	return ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(
		&((const struct sockaddr_in6 *)ss)->sin6_addr);
}

bool
listener_is_loopback(const struct listener *l, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (!is_wildcard(&l->addr))
		return is_loopback(&l->addr);
	return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    is_loopback(&ss);
}
