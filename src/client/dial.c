#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client.h"
#include "client/dial.h"
#include "client/dial_address.h"
#include "client/dial_race.h"
#include "client/dial_resolve.h"
#include "client/dial_tunnel.h"
#include "client/outcome.h"
#include "client/tell.h"
#include "flow/deadlines.h"
#include "flow/stream.h"

enum {
	DUE_CONNECTED,
	DUE_COUNT,
};

/* Each step is there while it goes on. */
struct dial {
	struct client *client;        /* kept */
	const struct ws_url *to;      /* kept */
	const struct dial_ops *ops;   /* kept */
	void *owner;                  /* kept */
	struct proxy proxy;           /* secret */
	struct dial_resolve *resolve; /* owned */
	struct dial_race *race;       /* owned */
	struct dial_tunnel *tunnel;   /* owned */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	struct outcome outcome; /* of a failure that the loop has to tell */
};

static bool
is_proxied(const struct dial *d)
{
	return d->proxy.kind != PROXY_NONE;
}

/* A proxy is named, or its troubles would look like the server's. */
static void
dial_on_lost(void *owner, const struct outcome *o)
{
	struct dial *d = owner;
	char name[AUTHORITY_FIELD];
	struct outcome named = *o;

	if (is_proxied(d)) {
		authority_put(&d->proxy.at, d->proxy.at.port, name);
		outcome_set(&named, o->status, "the proxy %s: %s", name,
		    o->why);
	}
	d->ops->on_failed(d->owner, &named);
}

/* ------------------------------------------------- the steps, last to first */

static void
dial_on_through(void *owner, struct stream *s)
{
	struct dial *d = owner;

	d->ops->on_connected(d->owner, s);
}

static const struct dial_tunnel_ops dial_tunnel_ops = {
	.on_through = dial_on_through,
	.on_stuck = dial_on_lost,
};

static void
ask_proxy(struct dial *d, struct stream *s)
{
	char name[AUTHORITY_FIELD];

	authority_put(&d->proxy.at, d->proxy.at.port, name);
	tell_more(&d->client->conf, "asking the proxy %s to go on", name);
	d->tunnel = dial_tunnel_new(d->client->flow.base, s, &d->proxy,
	    &d->to->at, &dial_tunnel_ops, d);
}

static void
dial_on_won(void *owner, int fd)
{
	struct dial *d = owner;
	struct stream *s = stream_new(&d->client->flow, STREAM_SOCKET, fd, 0);

	stream_pause(s);
	dial_race_free(d->race);
	d->race = NULL;
	if (is_proxied(d))
		ask_proxy(d, s);
	else
		d->ops->on_connected(d->owner, s);
}

static const struct dial_race_ops dial_race_ops = {
	.on_won = dial_on_won,
	.on_lost = dial_on_lost,
};

static void
dial_on_found(void *owner, const struct dial_addresses *found)
{
	struct dial *d = owner;

	d->race = dial_race_new(d->client->flow.base, found, &dial_race_ops, d);
	dial_resolve_free(d->resolve);
	d->resolve = NULL;
}

static const struct dial_resolve_ops dial_resolve_ops = {
	.on_found = dial_on_found,
	.on_failed = dial_on_lost,
};

static int
family(const struct client_conf *conf)
{
	return conf->ipv4 ? AF_INET : conf->ipv6 ? AF_INET6 : AF_UNSPEC;
}

static void
start_at_name(struct dial *d, const struct authority *at)
{
	d->resolve = dial_resolve_new(
	    &(struct dial_resolve_query){
		.base = d->client->flow.base,
		.host = at->host,
		.port = at->port,
		.family = family(&d->client->conf),
	    },
	    &dial_resolve_ops, d);
}

static void
start_at_path(struct dial *d, const char *path)
{
	struct dial_addresses one = { 0 };

	dial_address_add_unix(&one, path);
	d->race = dial_race_new(d->client->flow.base, &one, &dial_race_ops, d);
}

static void
start(struct dial *d)
{
	const struct ws_url *to = d->to;
	char *why;

	if (!dial_proxy_choose(&d->client->proxy, to, &d->proxy, &why)) {
		outcome_set(&d->outcome, OUTCOME_USAGE, "%s", why);
		free(why);
		deadlines_wake(&d->deadlines);
	} else if (to->path[0] != '\0') {
		start_at_path(d, to->path);
	} else {
		start_at_name(d, is_proxied(d) ? &d->proxy.at : &to->at);
	}
}

/* ------------------------------------------------- the time limit */

static void
dial_on_turn(void *owner)
{
	struct dial *d = owner;

	if (d->outcome.status != OUTCOME_OK)
		dial_on_lost(d, &d->outcome);
}

/* What we waited for when the time was up. */
static void
dial_on_due(void *owner, size_t which)
{
	struct dial *d = owner;
	const char *what = d->resolve != NULL ? "its name was not found"
	    : d->tunnel != NULL               ? "no answer"
					      : "no connection";
	char limit[32];

	(void)which;
	str_put_duration(limit, sizeof(limit), d->client->conf.connect_timeout);
	outcome_set(&d->outcome, OUTCOME_TIMEOUT,
	    "%s within --connect-timeout=%s", what, limit);
}

static const struct deadlines_ops deadlines_ops = {
	.on_due = dial_on_due,
	.on_turn = dial_on_turn,
};

struct dial *
dial_new(struct client *client, const struct ws_url *to,
    const struct dial_ops *ops, void *owner)
{
	struct dial *d = mem_new(1, sizeof(*d));

	*d = (struct dial){
		.client = client,
		.to = to,
		.ops = ops,
		.owner = owner,
	};
	deadlines_init(&d->deadlines, &client->flow, d->due, DUE_COUNT,
	    &deadlines_ops, d);
	if (client->conf.connect_timeout > 0)
		deadlines_set(&d->deadlines, DUE_CONNECTED,
		    client->conf.connect_timeout);
	start(d);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	deadlines_clear(&d->deadlines);
	dial_resolve_free(d->resolve);
	dial_race_free(d->race);
	dial_tunnel_free(d->tunnel);
	authority_wipe(&d->proxy.at);
	free(d);
}
