#include <stdint.h>

#include "base/base.h"
#include "codec/ws_inflate.h"
#include "conf/conf.h"
#include "engine/compression.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/route.h"
#include "flow/flow.h"
#include "flow/zpool.h"

void
compression_init(struct engine *e)
{
	const struct conf *c = engine_conf(e);

	zpool_init(&engine_flow(e)->zpool, (int)c->compression_level,
	    (size_t)c->compression_memory);
}

/*
 * The windows of clients cannot be taken away again: where there is no memory
 * for one more, the client is asked to do without.
 */
static struct ws_terms
most_of(const struct conf_route *r, const struct zpool *ds)
{
	uint8_t bits = (uint8_t)r->compression_window;
	int who = r->compression_takeover;

	return (struct ws_terms){
		.server = {
			.takeover = who == CONF_TAKEOVER_SERVER ||
			    who == CONF_TAKEOVER_BOTH,
			.bits = bits,
		},
		.client = {
			.takeover = (who == CONF_TAKEOVER_CLIENT ||
					who == CONF_TAKEOVER_BOTH) &&
			    zpool_can_keep(ds,
				ws_inflate_cost(WS_TERMS_BITS_MAX)),
			.bits = bits,
		},
	};
}

bool
compression_agree(const struct request *rq, struct compression *c)
{
	struct engine *e = rq->engine;
	const struct conf_route *r = rq->route->conf;
	struct zpool *ds = &engine_flow(e)->zpool;
	enum ws_terms_result rc;
	struct ws_terms most;

	c->agreed = false;
	if (!r->compression)
		return true;
	most = most_of(r, ds);
	rc = ws_terms_choose(&rq->head, &most, &c->terms, c->answer);
	c->agreed =
	    rc == WS_TERMS_AGREED && zpool_prepare(ds, c->terms.server.bits);
	return rc >= 0;
}
