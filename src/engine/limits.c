#include <stdlib.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rate.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/limits.h"
#include "engine/refusal.h"
#include "engine/remote.h"

enum {
	ROWS = 1024,    /* the parent knows more of them */
	HEARD_MAX = 64, /* who are turned away */
	SECOND = 1000,
	MINUTE = 60,
};

/* Somebody who failed to log in, here or at another engine. */
struct tally {
	struct addr addr;      /* of a customer: addr_cut_customer() */
	uint64_t failed_till;  /* base/rate.h: what failed here */
	uint64_t blocked_till; /* clock_ms() */
};

struct limits {
	struct tally row[ROWS];
	size_t n;
	size_t heard;
};

struct limits *
limits_new(void)
{
	return mem_new(1, sizeof(struct limits));
}

void
limits_free(struct limits *l)
{
	free(l);
}

/* ------------------------------------------------- connections and requests */

static void
ask(struct engine *e, uint32_t id, const struct ipc_admit *a)
{
	uint8_t body[IPC_ADMIT_BODY];

	engine_tell(e, IPC_ADMIT, id, body, ipc_put_admit(body, a));
}

bool
limits_ask(struct engine *e, uint32_t id, const struct addr *peer, bool always)
{
	struct ipc_admit a = { .connection = true, .addr = *peer };
	struct conf_limits limits;

	conf_limits_of(engine_conf(e), peer, &limits);
	a.counted = (limits.connections > 0 || limits.rate > 0) &&
	    !remote_is_proxy(engine_remote_rules(e), peer);
	a.stays = a.counted;
	if (!a.counted && !always && engine_conf(e)->max_connections == 0)
		return false;
	ask(e, id, &a);
	return true;
}

bool
limits_ask_request(struct engine *e, uint32_t id, const struct addr *client,
    bool stays)
{
	const struct ipc_admit a = {
		.counted = true,
		.stays = stays,
		.addr = *client,
	};
	struct conf_limits limits;

	conf_limits_of(engine_conf(e), client, &limits);
	if (limits.rate == 0 && (!stays || limits.connections == 0))
		return false;
	ask(e, id, &a);
	return true;
}

/* No place, and what would make one, if anything does. */
static const struct refusal refusals[] = {
	[IPC_ADMIT_FULL] = {
		.status = 503,
		.why = "Too many connections. Try again later.",
		.rule = "connections",
		.option = "--max-connections",
		.full = true,
	},
	[IPC_ADMIT_ADDRESS] = {
		.status = 429,
		.why = "Too many connections from your address.",
		.rule = "connections of one address",
		.option = "--max-per-address",
	},
	[IPC_ADMIT_RATE] = {
		.status = 429,
		.why = "Too many requests from your address. Try again later.",
		.rule = "requests of one address",
		.option = "--rate",
	},
};

bool
limits_refuse(const struct ipc_admitted *a, struct refusal *r)
{
	if (a->verdict == IPC_ADMIT_YES)
		return false;
	*r = refusals[a->verdict];
	r->retry_after = a->retry;
	return true;
}

bool
limits_hearing_begin(struct engine *e)
{
	struct limits *l = engine_limits(e);

	if (l->heard == HEARD_MAX)
		return false;
	l->heard++;
	return true;
}

void
limits_hearing_end(struct engine *e)
{
	engine_limits(e)->heard--;
}

void
limits_leave(struct engine *e, uint32_t *seat)
{
	uint8_t body[4];

	if (*seat != 0)
		engine_tell(e, IPC_LEAVE, 0, body, ipc_put_u32(body, *seat));
	*seat = 0;
}

/* ------------------------------------------------- logins */

static const struct refusal failed_logins = {
	.status = 429,
	.why = "Too many failed logins from your address. Try again later.",
	.rule = "failed logins of one address",
	.option = "--max-failed-logins",
};

static struct tally *
find(struct limits *l, const struct addr *a)
{
	struct addr key = *a;

	addr_cut_customer(&key);
	for (size_t i = 0; i < l->n; i++) {
		if (addr_same(&l->row[i].addr, &key))
			return &l->row[i];
	}
	return NULL;
}

/* Until when the row makes a difference. */
static uint64_t
matters_till(const struct tally *r)
{
	uint64_t failed = r->failed_till / SECOND;

	return failed > r->blocked_till ? failed : r->blocked_till;
}

/* At the end, or in place of who is forgotten first. */
static struct tally *
make_row(struct limits *l, const struct addr *a)
{
	struct tally *first = &l->row[0];

	if (l->n < ROWS) {
		first = &l->row[l->n++];
	} else {
		for (size_t i = 1; i < l->n; i++) {
			if (matters_till(&l->row[i]) < matters_till(first))
				first = &l->row[i];
		}
	}
	*first = (struct tally){ .addr = *a };
	addr_cut_customer(&first->addr);
	return first;
}

bool
limits_refuse_login(struct engine *e, const struct addr *client,
    struct refusal *r)
{
	struct limits *l = engine_limits(e);
	struct tally *row = find(l, client);
	uint64_t now = clock_ms();

	if (row != NULL && row->blocked_till > now) {
		*r = failed_logins;
		r->retry_after =
		    (row->blocked_till - now + SECOND - 1) / SECOND;
		return true;
	}
	if (row != NULL && matters_till(row) <= now)
		*row = l->row[--l->n];
	return false;
}

/*
 * The parent counts for all engines. What failed here is counted here as well:
 * a hundred guesses that came at once are judged before its answer is read.
 */
void
limits_failed_login(struct engine *e, const struct addr *client)
{
	struct limits *l = engine_limits(e);
	uint64_t now = clock_ms(), us = now * SECOND, early, step;
	struct conf_limits limits;
	struct tally *r;

	conf_limits_of(engine_conf(e), client, &limits);
	if (limits.failed_logins == 0)
		return;
	if ((r = find(l, client)) == NULL)
		r = make_row(l, client);
	step = (uint64_t)MINUTE * SECOND * SECOND / limits.failed_logins;
	r->failed_till = rate_count(r->failed_till, us, step);
	early = rate_early(r->failed_till, us, step, limits.failed_logins);
	if (now + early / SECOND > r->blocked_till)
		r->blocked_till = now + early / SECOND;
	engine_tell(e, IPC_FAILED_LOGIN, 0, client, sizeof(*client));
}

bool
limits_on_blocked(struct engine *e, const struct ipc_msg *m)
{
	struct limits *l = engine_limits(e);
	uint64_t till = clock_ms();
	struct tally *r;
	struct addr a;
	uint32_t ms;

	if (!ipc_read_blocked(m, &a, &ms))
		return false;
	if ((r = find(l, &a)) == NULL)
		r = make_row(l, &a);
	if ((till += ms) > r->blocked_till)
		r->blocked_till = till;
	return true;
}
