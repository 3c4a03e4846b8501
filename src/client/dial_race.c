#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/dial_address.h"
#include "client/dial_race.h"
#include "client/outcome.h"
#include "flow/later.h"
#include "flow/watch.h"

enum { HEAD_START_MS = 250 }; /* RFC 8305, section 5 */

struct runner {
	struct dial_race *race; /* kept */
	int fd;                 /* owned; -1: not started, or fallen */
	struct event ev;
};

struct dial_race {
	struct event_base *base;         /* kept */
	const struct dial_race_ops *ops; /* kept */
	void *owner;                     /* kept */
	struct dial_addresses addresses;
	size_t next;        /* the first that has not started */
	size_t running;     /* how many are on their way */
	struct event timer; /* the next may start */
	struct later lost;
	struct runner runner[DIAL_ADDRESS_MAX];
	size_t told; /* whose error says most */
	int err;     /* that one; 0: none yet */
};

/* Errors that say something about us, or the way, rather than the server. */
static bool
says_little(int err)
{
	return err == 0 || err == ENETUNREACH || err == EHOSTUNREACH ||
	    err == EADDRNOTAVAIL || err == EAFNOSUPPORT;
}

static void
note_error(struct dial_race *r, size_t which, int err)
{
	if (says_little(r->err) || !says_little(err)) {
		r->told = which;
		r->err = err;
	}
}

static void
dial_race_on_lost(void *owner)
{
	struct dial_race *r = owner;
	char text[DIAL_ADDRESS_TEXT];
	struct outcome o = { 0 };

	dial_address_put(&r->addresses.v[r->told], text);
	if (r->addresses.n == 1)
		outcome_set(&o, OUTCOME_NO_CONNECT, "cannot connect to %s: %s",
		    text, strerror(r->err));
	else
		outcome_set(&o, OUTCOME_NO_CONNECT,
		    "cannot connect to any of its %zu addresses; %s: %s",
		    r->addresses.n, text, strerror(r->err));
	r->ops->on_lost(r->owner, &o);
}

static void dial_race_on_event(evutil_socket_t, short, void *);

/* -1 with errno: it fell at once. */
static int
run(struct dial_race *r, const struct dial_address *a, struct runner *runner)
{
	int one = 1, fd;

	fd = socket(a->u.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (a->u.sa.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	if (connect(fd, &a->u.sa, a->len) == -1 && errno != EINPROGRESS) {
		fd_close(&fd);
		return -1;
	}
	*runner = (struct runner){ .race = r, .fd = fd };
	(void)event_assign(&runner->ev, r->base, fd, EV_WRITE,
	    dial_race_on_event, runner);
	if (!watch_try(&runner->ev, NULL)) {
		fd_close(&runner->fd);
		return -1;
	}
	r->running++;
	return 0;
}

/* Start the next that does not fall at once, and give it its head start. */
static void
start_next(struct dial_race *r)
{
	bool started = false;

	while (!started && r->next < r->addresses.n) {
		size_t i = r->next++;

		started = run(r, &r->addresses.v[i], &r->runner[i]) == 0;
		if (!started)
			note_error(r, i, errno);
	}
	if (r->next < r->addresses.n)
		watch_after(&r->timer, HEAD_START_MS);
	else
		(void)event_del(&r->timer);
	if (r->running == 0)
		later_soon(&r->lost);
}

static void
dial_race_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dial_race *r = arg;

	(void)fd;
	(void)what;
	start_next(r);
}

static void
dial_race_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct runner *runner = arg;
	struct dial_race *r = runner->race;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		err = errno;
	if (err == 0) {
		runner->fd = -1;
		r->ops->on_won(r->owner, fd);
		return;
	}
	fd_close(&runner->fd);
	r->running--;
	note_error(r, (size_t)(runner - r->runner), err);
	start_next(r);
}

struct dial_race *
dial_race_new(struct event_base *base, const struct dial_addresses *addresses,
    const struct dial_race_ops *ops, void *owner)
{
	struct dial_race *r = mem_new(1, sizeof(*r));

	*r = (struct dial_race){
		.base = base,
		.ops = ops,
		.owner = owner,
		.addresses = *addresses,
	};
	for (size_t i = 0; i < DIAL_ADDRESS_MAX; i++)
		r->runner[i].fd = -1;
	dial_address_interleave(&r->addresses);
	(void)evtimer_assign(&r->timer, base, dial_race_on_timer, r);
	later_init(&r->lost, base, dial_race_on_lost, r);
	start_next(r);
	return r;
}

/* A winner's descriptor is not ours any more, and its event did not persist. */
void
dial_race_free(struct dial_race *r)
{
	if (r == NULL)
		return;
	(void)event_del(&r->timer);
	later_forget(&r->lost);
	for (size_t i = 0; i < DIAL_ADDRESS_MAX; i++) {
		if (r->runner[i].fd != -1)
			(void)event_del(&r->runner[i].ev);
		fd_close(&r->runner[i].fd);
	}
	free(r);
}
