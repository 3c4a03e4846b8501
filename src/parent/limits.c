#include <sys/random.h>

#include <stdlib.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rate.h"
#include "conf/conf.h"
#include "parent/limits.h"

enum {
	BUCKETS = 16384,
	WORDS = sizeof(struct addr) / sizeof(uint32_t),
	RETRY_S = 5,   /* when a place will be free cannot be known */
	SWEPT = 2,     /* rows looked at for each new one */
	SPARED = 64,   /* those with failed logins, in a row */
	BURST_S = 2,   /* seconds of the rate that may come at once */
	MINUTE = 60,   /* of failed logins */
	SECOND = 1000, /* in milliseconds */
};

/* What is known about an address; see base/rate.h for the last two. */
struct row {
	struct addr addr; /* of a customer: addr_cut_customer() */
	uint32_t held;    /* seats */
	uint64_t requests_till;
	uint64_t logins_till;
	struct row *next;          /* in its bucket */
	struct row *older, *newer; /* of those that hold nothing */
};

struct limits_seat {
	struct row *row; /* kept, NULL: it is of the connections alone */
	uint32_t next;   /* unused one */
	bool taken;
	bool connection;
};

struct limits {
	const struct conf *conf;     /* kept */
	uint64_t connections;        /* of all engines */
	uint64_t key[WORDS + 1];     /* secret */
	struct row *bucket[BUCKETS]; /* owned */
	struct row *oldest, *newest; /* idle ones */
	size_t nrows;
};

struct limits *
limits_new(const struct conf *conf)
{
	struct limits *l = mem_new(1, sizeof(*l));

	l->conf = conf;
	if (getentropy(l->key, sizeof(l->key)) == -1)
		bug("no random bytes");
	return l;
}

void
limits_free(struct limits *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct row *next;

		for (struct row *r = l->bucket[i]; r != NULL; r = next) {
			next = r->next;
			free(r);
		}
	}
	free(l);
}

/* ------------------------------------------------- the table */

/* Multilinear hashing: universal, as long as nobody knows the key. */
static struct row **
bucket_of(struct limits *l, const struct addr *a)
{
	uint64_t h = l->key[WORDS];

	for (size_t i = 0; i < WORDS; i++) {
		const uint8_t *b = &a->byte[i * sizeof(uint32_t)];

		h += l->key[i] *
		    ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
			(uint32_t)b[2] << 8 | b[3]);
	}
	return &l->bucket[(h >> 32) % BUCKETS];
}

static void
unlink_idle(struct limits *l, struct row *r)
{
	*(r->older != NULL ? &r->older->newer : &l->oldest) = r->newer;
	*(r->newer != NULL ? &r->newer->older : &l->newest) = r->older;
	r->older = r->newer = NULL;
}

static void
link_idle(struct limits *l, struct row *r)
{
	r->newer = NULL;
	r->older = l->newest;
	*(l->newest != NULL ? &l->newest->newer : &l->oldest) = r;
	l->newest = r;
}

static void
drop_row(struct limits *l, struct row *r)
{
	struct row **p = bucket_of(l, &r->addr);

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	unlink_idle(l, r);
	l->nrows--;
	free(r);
}

/* Nothing would be different without it. */
static bool
is_fresh(const struct row *r, uint64_t now)
{
	return r->requests_till <= now * SECOND &&
	    r->logins_till <= now * SECOND;
}

/*
 * The one that is missed least: the longest idle, but for a few with failed
 * logins, whose turn comes later. Who has many addresses is not to have a block
 * forgotten by showing them all.
 */
static struct row *
find_idlest(struct limits *l, uint64_t now)
{
	for (int i = 0; i < SPARED; i++) {
		struct row *r = l->oldest;

		if (r->logins_till <= now * SECOND)
			break;
		unlink_idle(l, r);
		link_idle(l, r);
	}
	return l->oldest;
}

/* Room for one more row; false if every address that is known is here. */
static bool
make_room(struct limits *l, uint64_t now)
{
	for (int i = 0; i < SWEPT; i++) {
		if (l->oldest == NULL || !is_fresh(l->oldest, now))
			break;
		drop_row(l, l->oldest);
	}
	if (l->nrows < LIMITS_ROWS)
		return true;
	if (l->oldest == NULL)
		return false;
	drop_row(l, find_idlest(l, now));
	return true;
}

/* The row of an address, a new one if need be; NULL: there is no room. */
static struct row *
get_row(struct limits *l, const struct addr *a, uint64_t now)
{
	struct addr key = *a;
	struct row **p, *r;

	addr_cut_customer(&key);
	p = bucket_of(l, &key);
	for (r = *p; r != NULL; r = r->next) {
		if (!addr_same(&r->addr, &key))
			continue;
		if (r->held == 0) {
			unlink_idle(l, r);
			link_idle(l, r);
		}
		return r;
	}
	if (!make_room(l, now))
		return NULL;
	r = mem_new(1, sizeof(*r));
	r->addr = key;
	r->next = *p;
	*p = r;
	l->nrows++;
	link_idle(l, r);
	return r;
}

/* ------------------------------------------------- seats */

static void
grow(struct limits_seats *s)
{
	uint32_t n = s->n == 0 ? 16 : 2 * s->n;

	s->v = mem_grow(s->v, n, sizeof(*s->v));
	for (uint32_t i = n; i > s->n; i--) {
		s->v[i - 1] = (struct limits_seat){ .next = s->unused };
		s->unused = i;
	}
	s->n = n;
}

static uint32_t
take_seat(struct limits *l, struct limits_seats *s, struct row *r,
    bool connection)
{
	uint32_t number;

	if (s->unused == 0)
		grow(s);
	number = s->unused;
	s->unused = s->v[number - 1].next;
	s->v[number - 1] = (struct limits_seat){
		.row = r,
		.taken = true,
		.connection = connection,
	};
	if (r != NULL && r->held++ == 0)
		unlink_idle(l, r);
	l->connections += connection;
	s->connections += connection;
	return number;
}

bool
limits_leave(struct limits *l, struct limits_seats *s, uint32_t number)
{
	struct limits_seat *seat;

	if (number == 0 || number > s->n || !s->v[number - 1].taken)
		return false;
	seat = &s->v[number - 1];
	if (seat->row != NULL && --seat->row->held == 0)
		link_idle(l, seat->row);
	l->connections -= seat->connection;
	s->connections -= seat->connection;
	*seat = (struct limits_seat){ .next = s->unused };
	s->unused = number;
	return true;
}

void
limits_leave_all(struct limits *l, struct limits_seats *s)
{
	for (uint32_t i = 1; i <= s->n; i++)
		(void)limits_leave(l, s, i);
	free(s->v);
	*s = (struct limits_seats){ 0 };
}

/* ------------------------------------------------- rates */

static uint32_t
whole_seconds(uint64_t us)
{
	return (uint32_t)((us + SECOND * SECOND - 1) / (SECOND * SECOND));
}

/* Whether one more request is in time; if so, it counts. */
static bool
take_request(struct row *r, uint64_t rate, uint64_t now, uint32_t *retry)
{
	uint64_t us = now * SECOND, step = SECOND * SECOND / rate, early;

	early = rate_early(r->requests_till, us, step, BURST_S * rate);
	if (early > 0) {
		*retry = whole_seconds(early);
		return false;
	}
	r->requests_till = rate_count(r->requests_till, us, step);
	return true;
}

/* ------------------------------------------------- decisions */

/* What the address has to say about it. */
static enum ipc_admission
judge_address(struct limits *l, const struct ipc_admit *a, uint64_t now,
    struct row **row, uint32_t *retry)
{
	struct conf_limits limits;
	struct row *r;

	*row = NULL;
	conf_limits_of(l->conf, &a->addr, &limits);
	if (limits.connections == 0 && limits.rate == 0)
		return IPC_ADMIT_YES;
	if ((r = get_row(l, &a->addr, now)) == NULL ||
	    (a->stays && limits.connections > 0 &&
		r->held >= limits.connections))
		return IPC_ADMIT_ADDRESS;
	if (limits.rate > 0 && !take_request(r, limits.rate, now, retry))
		return IPC_ADMIT_RATE;
	if (a->stays)
		*row = r;
	return IPC_ADMIT_YES;
}

void
limits_admit(struct limits *l, struct limits_seats *s,
    const struct ipc_admit *a, uint64_t now, struct ipc_admitted *answer)
{
	uint64_t max = l->conf->max_connections;
	struct row *row = NULL;

	*answer = (struct ipc_admitted){
		.verdict = IPC_ADMIT_YES,
		.retry = RETRY_S,
	};
	if (a->connection && max > 0 && l->connections >= max)
		answer->verdict = IPC_ADMIT_FULL;
	else if (s->unused == 0 && s->n >= LIMITS_SEATS)
		answer->verdict = IPC_ADMIT_FULL;
	else if (a->counted)
		answer->verdict =
		    judge_address(l, a, now, &row, &answer->retry);
	if (answer->verdict == IPC_ADMIT_YES && (a->connection || row != NULL))
		answer->seat = take_seat(l, s, row, a->connection);
}

static uint32_t
blocked_ms(uint64_t till, uint64_t now, uint64_t max)
{
	uint64_t step = (uint64_t)MINUTE * SECOND * SECOND / max;
	uint64_t us = rate_early(till, now * SECOND, step, max);

	return (uint32_t)((us + SECOND - 1) / SECOND);
}

uint32_t
limits_failed_login(struct limits *l, const struct addr *a, uint64_t now)
{
	uint64_t minute = (uint64_t)MINUTE * SECOND * SECOND;
	struct conf_limits limits;
	struct row *r;
	uint64_t till;

	conf_limits_of(l->conf, a, &limits);
	if (limits.failed_logins == 0 || (r = get_row(l, a, now)) == NULL)
		return 0;
	till = rate_count(r->logins_till, now * SECOND,
	    minute / limits.failed_logins);
	/* those that were under way when it was blocked cost no more */
	if (till > now * SECOND + minute)
		till = now * SECOND + minute;
	r->logins_till = till;
	return blocked_ms(till, now, limits.failed_logins);
}

void
limits_each_blocked(const struct limits *l, uint64_t now, limits_blocked_fn *fn,
    void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (const struct row *r = l->bucket[i]; r != NULL;
		     r = r->next) {
			struct conf_limits limits;
			uint32_t ms;

			conf_limits_of(l->conf, &r->addr, &limits);
			if (limits.failed_logins > 0 &&
			    (ms = blocked_ms(r->logins_till, now,
				 limits.failed_logins)) > 0 &&
			    !fn(arg, &r->addr, ms))
				return;
		}
	}
}
