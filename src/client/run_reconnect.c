#include <stddef.h>

#include "base/base.h"
#include "base/random.h"
#include "client/client_conf.h"
#include "client/facts.h"
#include "client/outcome.h"
#include "client/run_reconnect.h"
#include "codec/ws.h"

void
run_reconnect_init(struct run_reconnect *r, const struct client_conf *conf)
{
	*r =
	    (struct run_reconnect){ .conf = conf, .wait = conf->reconnect_min };
}

/* ------------------------------------------------- whether */

static bool
is_among(unsigned n, const unsigned *list, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (list[i] == n)
			return true;
	}
	return false;
}

/* What a server or a box before it says that may do better soon. */
static bool
is_passing_status(unsigned status)
{
	static const unsigned list[] = { 408, 425, 429, 500, 502, 503, 504 };

	return is_among(status, list, nitems(list));
}

/*
 * A Close of the server that is about the moment, or none; one of ours says
 * that we cannot go on with what it sends.
 */
static bool
is_passing_end(const struct facts *f)
{
	static const unsigned list[] = { WS_CLOSE_GOING_AWAY, WS_CLOSE_ABNORMAL,
		WS_CLOSE_INTERNAL, WS_CLOSE_RESTART, WS_CLOSE_TRY_LATER,
		WS_CLOSE_BAD_GATEWAY };

	if (f->code == 0) /* an answer that is not HTTP is no loss, either */
		return f->opened != 0 || f->status == 0;
	return !f->closed_by_us && is_among(f->code, list, nitems(list));
}

static bool
may_pass(const struct outcome *o, const struct facts *f)
{
	switch (o->status) {
	case OUTCOME_NO_NAME:
	case OUTCOME_NO_CONNECT:
	case OUTCOME_TIMEOUT:
		return true;
	case OUTCOME_BROKEN:
		return is_passing_end(f);
	case OUTCOME_REFUSED:
		return is_passing_status(f->status);
	case OUTCOME_TLS:
		return o->lost;
	default:
		return false;
	}
}

/* ------------------------------------------------- when */

/* Three quarters of it and a little by chance, as a number that reads well. */
static uint64_t
shorten(uint64_t ms)
{
	uint16_t chance;

	random_bytes(&chance, sizeof(chance));
	ms -= ms / 4 * chance / UINT16_MAX;
	return ms - ms % (ms >= 60000 ? 1000 : ms >= 1000 ? 100 : 1);
}

static bool
has_lasted(const struct run_reconnect *r, const struct facts *f)
{
	return f->opened != 0 && f->over - f->opened >= r->wait;
}

bool
run_reconnect_again(struct run_reconnect *r, const struct outcome *o,
    const struct facts *f, uint64_t *ms)
{
	const struct client_conf *conf = r->conf;

	if (!conf->reconnect || o->signal != 0 || !may_pass(o, f))
		return false;
	if (has_lasted(r, f))
		run_reconnect_init(r, conf);
	r->failed++;
	if (conf->reconnect_tries > 0 && r->failed >= conf->reconnect_tries)
		return false;
	*ms = shorten(r->wait);
	if (*ms < f->retry_after)
		*ms = f->retry_after < RUN_RECONNECT_RETRY_AFTER_MAX
		    ? f->retry_after
		    : RUN_RECONNECT_RETRY_AFTER_MAX;
	r->wait = r->wait > conf->reconnect_max / 2 ? conf->reconnect_max
						    : 2 * r->wait;
	return true;
}
