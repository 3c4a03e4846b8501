#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/local_body.h"
#include "codec/ws.h"
#include "flow/stream.h"
#include "flow/watch.h"

enum {
	PATIENCE_MS = 10000,
	LINGER_MS = 2000,   /* for the other side's end, after ours */
	PROBE_SECONDS = 60, /* of silence, when the other side has ended */
	PROBES = 3,
};

struct sock {
	struct local local;
	struct event linger;
};

static void
sock_on_read(void *owner, uint8_t *data, size_t len)
{
	struct sock *s = owner;

	local_give(&s->local, data, len);
}

/*
 * Whether the other side can still read is not told by its end. If it has
 * gone, its system says so when it is asked.
 */
static void
probe(int fd)
{
	int seconds = PROBE_SECONDS, probes = PROBES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds,
	    sizeof(seconds));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds,
	    sizeof(seconds));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static void
sock_on_end(void *owner)
{
	struct sock *s = owner;

	probe(stream_fd(s->local.in));
	local_input_ended(&s->local);
	local_finished(&s->local);
}

static void
sock_on_lost(void *owner, int err)
{
	struct sock *s = owner;

	(void)err;
	local_lose_output(&s->local, WS_CLOSE_GOING_AWAY,
	    "the local connection was lost");
	local_input_ended(&s->local);
	local_finished(&s->local);
}

static void
sock_on_drain(void *owner)
{
	struct sock *s = owner;

	local_drained(&s->local);
}

static const struct stream_ops ops = {
	.on_read = sock_on_read,
	.on_end = sock_on_end,
	.on_lost = sock_on_lost,
	.on_drain = sock_on_drain,
};

static void
sock_on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct sock *s = arg;

	(void)fd;
	(void)what;
	local_finished(&s->local);
}

/* What is closed with something unread resets, and destroys what we sent. */
static bool
sock_finish(struct local *l)
{
	struct sock *s = container_of(l, struct sock, local);

	if (l->out_lost)
		return false;
	stream_end(l->out);
	if (l->in_ended && stream_ended(l->out))
		return false;
	stream_resume(l->in);
	watch_after(&s->linger, LINGER_MS);
	return true;
}

/* An end would say that nothing is missing. */
static void
sock_fail(struct local *l)
{
	stream_reset_at_end(l->out);
	l->out_lost = true;
}

static void
sock_clear(struct local *l)
{
	struct sock *s = container_of(l, struct sock, local);

	(void)event_del(&s->linger);
	free(s);
}

static const struct local_body body = {
	.finish = sock_finish,
	.fail = sock_fail,
	.clear = sock_clear,
};

struct local *
local_new_socket(struct client *client, int fd)
{
	struct sock *s = mem_new(1, sizeof(*s));

	local_init(&s->local, &body, client);
	s->local.in = stream_new(&client->flow, STREAM_SOCKET, fd, 0);
	s->local.out = s->local.in;
	s->local.patience = PATIENCE_MS;
	stream_pause(s->local.in);
	stream_watch_reader(s->local.in);
	stream_set_owner(s->local.in, &ops, s);
	(void)evtimer_assign(&s->linger, client->flow.base, sock_on_linger, s);
	return &s->local;
}
