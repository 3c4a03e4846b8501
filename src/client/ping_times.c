#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "client/ping_times.h"

#define MS "%" PRIu64 ".%03u"
#define MS_OF(us) (us) / 1000, (unsigned)((us) % 1000)

void
ping_times_send(struct ping_times *p, const void *payload, size_t len,
    uint64_t now)
{
	struct ping_open *o = &p->open[p->sent % PING_TIMES_OPEN];

	o->number = ++p->sent;
	o->at = now;
	o->len = (uint8_t)len;
	if (len > 0)
		memcpy(o->payload, payload, len);
}

/* The oldest of those that say the same. */
static struct ping_open *
find(struct ping_times *p, const void *payload, size_t len)
{
	struct ping_open *found = NULL;

	for (size_t i = 0; i < PING_TIMES_OPEN; i++) {
		struct ping_open *o = &p->open[i];

		if (o->number != 0 && o->len == len &&
		    (len == 0 || memcmp(o->payload, payload, len) == 0) &&
		    (found == NULL || o->number < found->number))
			found = o;
	}
	return found;
}

/* Mean and spread as they grow (Welford). */
static void
count(struct ping_times *p, uint64_t trip)
{
	double off = (double)trip - p->mean;

	p->received++;
	p->mean += off / (double)p->received;
	p->spread += off * ((double)trip - p->mean);
	if (p->received == 1 || trip < p->min)
		p->min = trip;
	if (trip > p->max)
		p->max = trip;
}

bool
ping_times_receive(struct ping_times *p, const void *payload, size_t len,
    uint64_t now, uint64_t *number, uint64_t *trip)
{
	struct ping_open *o = find(p, payload, len);

	if (o == NULL)
		return false;
	*number = o->number;
	*trip = now - o->at;
	o->number = 0;
	count(p, *trip);
	return true;
}

/* The root of a whole number, rounded down (Newton). */
static uint64_t
root(uint64_t n)
{
	uint64_t guess = n, next = n / 2 + 1;

	while (next < guess) {
		guess = next;
		next = (guess + n / guess) / 2;
	}
	return guess;
}

void
ping_times_put_counts(const struct ping_times *p, char out[PING_TIMES_LINE])
{
	uint64_t lost = p->sent - p->received;

	(void)snprintf(out, PING_TIMES_LINE,
	    "%" PRIu64 " pings sent, %" PRIu64 " pongs received, %" PRIu64
	    "%% loss",
	    p->sent, p->received, p->sent == 0 ? 0 : lost * 100 / p->sent);
}

void
ping_times_put_trips(const struct ping_times *p, char out[PING_TIMES_LINE])
{
	uint64_t mean = (uint64_t)(p->mean + 0.5), mdev = 0;

	if (p->received > 0)
		mdev = root((uint64_t)(p->spread / (double)p->received));
	(void)snprintf(out, PING_TIMES_LINE,
	    "rtt min/avg/max/mdev = " MS "/" MS "/" MS "/" MS " ms",
	    MS_OF(p->min), MS_OF(mean), MS_OF(p->max), MS_OF(mdev));
}

void
ping_times_put_time(uint64_t us, char out[PING_TIMES_LINE])
{
	(void)snprintf(out, PING_TIMES_LINE, MS " ms", MS_OF(us));
}
