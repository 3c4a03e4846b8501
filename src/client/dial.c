#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/address.h"
#include "client/client.h"
#include "client/dial.h"
#include "client/outcome.h"
#include "client/race.h"
#include "client/resolve.h"
#include "flow/deadlines.h"
#include "flow/stream.h"

enum {
	DUE_CONNECTED,
	DUE_COUNT,
};

struct dial {
	struct client *client;      /* kept */
	const struct dial_ops *ops; /* kept */
	void *owner;                /* kept */
	struct resolve *resolve;    /* owned; NULL: over, as the next one */
	struct race *race;          /* owned */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	bool late;
};

static void
dial_on_lost(void *owner, const struct outcome *o)
{
	struct dial *d = owner;

	d->ops->on_failed(d->owner, o);
}

static void
dial_on_won(void *owner, int fd)
{
	struct dial *d = owner;
	struct stream *s = stream_new(&d->client->flow, STREAM_SOCKET, fd, 0);

	stream_pause(s);
	d->ops->on_connected(d->owner, s);
}

static const struct race_ops race_ops = {
	.on_won = dial_on_won,
	.on_lost = dial_on_lost,
};

static void
dial_on_found(void *owner, const struct addresses *found)
{
	struct dial *d = owner;

	d->race = race_new(d->client->flow.base, found, &race_ops, d);
	resolve_free(d->resolve);
	d->resolve = NULL;
}

static const struct resolve_ops resolve_ops = {
	.on_found = dial_on_found,
	.on_failed = dial_on_lost,
};

/* What we waited for when the time was up. */
static void
dial_on_turn(void *owner)
{
	struct dial *d = owner;
	struct outcome o = { 0 };
	char limit[32];

	if (!d->late)
		return;
	str_put_duration(limit, sizeof(limit), d->client->conf.connect_timeout);
	outcome_set(&o, OUTCOME_TIMEOUT, "%s within --connect-timeout=%s",
	    d->resolve != NULL ? "its name was not found" : "no connection",
	    limit);
	d->ops->on_failed(d->owner, &o);
}

static void
dial_on_due(void *owner, size_t which)
{
	struct dial *d = owner;

	(void)which;
	d->late = true;
}

static const struct deadlines_ops deadlines_ops = {
	.on_due = dial_on_due,
	.on_turn = dial_on_turn,
};

static int
family(const struct client_conf *conf)
{
	return conf->ipv4 ? AF_INET : conf->ipv6 ? AF_INET6 : AF_UNSPEC;
}

static void
start(struct dial *d, const struct ws_url *to)
{
	struct addresses path = { 0 };

	if (to->path[0] == '\0') {
		d->resolve = resolve_new(
		    &(struct resolve_query){
			.base = d->client->flow.base,
			.host = to->at.host,
			.port = to->at.port,
			.family = family(&d->client->conf),
		    },
		    &resolve_ops, d);
		return;
	}
	address_add_unix(&path, to->path);
	d->race = race_new(d->client->flow.base, &path, &race_ops, d);
}

struct dial *
dial_new(struct client *client, const struct ws_url *to,
    const struct dial_ops *ops, void *owner)
{
	struct dial *d = mem_new(1, sizeof(*d));

	*d = (struct dial){
		.client = client,
		.ops = ops,
		.owner = owner,
	};
	deadlines_init(&d->deadlines, client->flow.base, d->due, DUE_COUNT,
	    &deadlines_ops, d);
	if (client->conf.connect_timeout > 0)
		deadlines_set(&d->deadlines, DUE_CONNECTED,
		    client->conf.connect_timeout);
	start(d, to);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	deadlines_clear(&d->deadlines);
	resolve_free(d->resolve);
	race_free(d->race);
	free(d);
}
