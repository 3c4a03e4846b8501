#include "base/base.h"
#include "codec/origin.h"
#include "conf/conf.h"
#include "engine/access.h"
#include "engine/route.h"

bool
access_check(struct route_decision *d, const struct conf *conf,
    const struct route_request *rq)
{
	const struct conf_route *r = &conf->route;
	const struct origin_policy policy = {
		.origins = (const char *const *)r->origins.v,
		.norigins = r->origins.n,
		.same_origin = r->same_origin,
		.server_names = (const char *const *)conf->server_names.v,
		.nserver_names = conf->server_names.n,
	};
	struct origin_request o;
	enum origin_verdict v;

	origin_read(&o, rq->head);
	o.loopback = rq->loopback;
	o.https = rq->https;
	if ((v = origin_check(&policy, &o)) == ORIGIN_ALLOWED)
		return true;
	*d = (struct route_decision){
		.what = ROUTE_REFUSE,
		.status = 403,
		.why = v == ORIGIN_ERR_HOST
		    ? "This server is not known under that name."
		    : "Pages of that origin may not connect here.",
		.rule = origin_strrule(v),
		.option = origin_option(v),
	};
	return false;
}
