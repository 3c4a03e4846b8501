#include <sys/socket.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client.h"
#include "client/outcome.h"
#include "client/ping.h"
#include "client/ping_times.h"
#include "flow/deadlines.h"
#include "flow/watch.h"

enum due {
	DUE_NEXT, /* another ping */
	DUE_PONG, /* of the last one */
	DUE_COUNT,
};

enum {
	PEER_TEXT = ADDR_TEXT + 8,
	PAYLOAD_SIZE = 24,
	PATIENCE_MS = 10000, /* for the last pong, without --wait */
};

struct ping {
	const struct client_conf *conf; /* kept */
	const struct ping_ops *ops;     /* kept */
	void *owner;                    /* kept */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	struct event interrupt;
	struct ping_times pings;
	uint64_t began; /* clock_us() */
	bool over;
	char peer[PEER_TEXT];
};

/* As URLs write it: an IPv6 address in brackets. */
static void
put_peer(char out[PEER_TEXT], int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage room;
	} u = { 0 };
	socklen_t len = sizeof(u);
	char text[ADDR_TEXT];
	struct addr addr;
	unsigned port;

	(void)getpeername(fd, &u.sa, &len);
	addr_from(&addr, &port, &u.sa);
	addr_put(&addr, text);
	if (addr_is_unix(&addr))
		(void)str_copy(out, PEER_TEXT, text);
	else if (addr_is_ipv4(&addr))
		(void)snprintf(out, PEER_TEXT, "%s:%u", text, port);
	else
		(void)snprintf(out, PEER_TEXT, "[%s]:%u", text, port);
}

static void
say(struct ping *p, char *text)
{
	p->ops->on_text(p->owner, text);
	free(text);
}

static void
end(struct ping *p)
{
	if (p->over)
		return;
	p->over = true;
	deadlines_forget(&p->deadlines, DUE_NEXT);
	deadlines_forget(&p->deadlines, DUE_PONG);
	(void)event_del(&p->interrupt);
	p->ops->on_over(p->owner);
}

static bool
all_sent(const struct ping *p)
{
	return p->conf->count > 0 && p->pings.sent >= p->conf->count;
}

static void
send_one(struct ping *p)
{
	char payload[PAYLOAD_SIZE];
	int len =
	    snprintf(payload, sizeof(payload), "%" PRIu64, p->pings.sent + 1);

	ping_times_send(&p->pings, payload, (size_t)len, clock_us());
	p->ops->on_ping(p->owner, payload, (size_t)len);
	if (all_sent(p))
		deadlines_set(&p->deadlines, DUE_PONG,
		    p->conf->waits ? p->conf->wait : PATIENCE_MS);
	else
		deadlines_set(&p->deadlines, DUE_NEXT, p->conf->interval);
}

void
ping_receive(struct ping *p, const void *payload, size_t len)
{
	uint64_t number, trip;
	char text[PING_TIMES_LINE];

	if (p->over ||
	    !ping_times_receive(&p->pings, payload, len, clock_us(), &number,
		&trip))
		return;
	ping_times_put_time(trip, text);
	if (!p->conf->quiet)
		say(p,
		    mem_printf("pong from %s: seq=%" PRIu64 " time=%s\n",
			p->peer, number, text));
	if (all_sent(p) && p->pings.received == p->pings.sent)
		end(p);
}

void
ping_report(struct ping *p)
{
	uint64_t time = (clock_us() - p->began) / 1000;
	char counts[PING_TIMES_LINE], trips[PING_TIMES_LINE];

	ping_times_put_counts(&p->pings, counts);
	ping_times_put_trips(&p->pings, trips);
	say(p,
	    mem_printf("\n--- %s ping statistics ---\n%s, time %" PRIu64
		       "ms\n%s%s",
		p->conf->to.at.host, counts, time,
		p->pings.received > 0 ? trips : "",
		p->pings.received > 0 ? "\n" : ""));
}

void
ping_judge(const struct ping *p, struct outcome *o)
{
	if (o->status == OUTCOME_OK && p->pings.received == 0)
		outcome_set(o, OUTCOME_TIMEOUT, "no pong came");
}

static void
ping_on_due(void *owner, size_t which)
{
	struct ping *p = owner;

	if (which == DUE_NEXT)
		send_one(p);
	else
		end(p);
}

static void
ping_on_turn(void *owner)
{
	(void)owner;
}

static void
ping_on_interrupt(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	end(arg);
}

static const struct deadlines_ops deadlines_ops = {
	.on_due = ping_on_due,
	.on_turn = ping_on_turn,
};

struct ping *
ping_new(struct client *client, int fd, const struct ping_ops *ops, void *owner)
{
	struct ping *p = mem_new(1, sizeof(*p));
	struct event_base *base = client->flow.base;

	p->conf = &client->conf;
	p->ops = ops;
	p->owner = owner;
	p->began = clock_us();
	put_peer(p->peer, fd);
	deadlines_init(&p->deadlines, &client->flow, p->due, DUE_COUNT,
	    &deadlines_ops, p);
	(void)evsignal_assign(&p->interrupt, base, SIGINT, ping_on_interrupt,
	    p);
	watch_need(&p->interrupt, NULL);
	say(p, mem_printf("PING %s (%s)\n", p->conf->to.at.host, p->peer));
	deadlines_set(&p->deadlines, DUE_NEXT, 0);
	return p;
}

void
ping_free(struct ping *p)
{
	if (p == NULL)
		return;
	(void)event_del(&p->interrupt);
	deadlines_clear(&p->deadlines);
	free(p);
}
