#include "base/base.h"
#include "codec/origin.h"
#include "conf/conf.h"
#include "engine/access.h"
#include "engine/credentials.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/hostname.h"
#include "engine/limits.h"
#include "engine/redirect.h"
#include "engine/refusal.h"
#include "engine/remote.h"
#include "engine/request.h"
#include "engine/route.h"

/* An upgrade that is none; what it asks for instead is decided later. */
static enum access_verdict
check_hello(struct request *rq)
{
	enum ws_hello_result rc = ws_hello_read(&rq->head, &rq->hello);

	if (rc < 0) {
		request_refuse(rq,
		    &(struct refusal){
			.status = ws_hello_status(rc),
			.why = ws_hello_strresult(rc),
			.rule = "handshake",
		    });
		return ACCESS_REFUSED;
	}
	rq->upgrade = rc == WS_HELLO_OK;
	return ACCESS_NEXT;
}

/* Which pages, under which names (codec/origin.h). */
static enum access_verdict
check_origin(struct request *rq)
{
	const struct conf *conf = engine_conf(rq->engine);
	const struct conf_route *r = &conf->route;
	const struct origin_policy policy = {
		.origins = (const char *const *)r->origins.v,
		.norigins = r->origins.n,
		.same_origin = r->same_origin,
		.own_page = r->console,
		.server_names = (const char *const *)conf->server_names.v,
		.nserver_names = conf->server_names.n,
	};
	struct origin_request o;
	struct origin_option option;
	enum origin_verdict v;

	origin_read(&o, &rq->head);
	o.loopback = rq->from.loopback;
	o.https = rq->https;
	o.page = !rq->upgrade &&
	    (r->cgidir != NULL || engine_static_folder(rq->engine) != -1);
	o.proxy_host = rq->proxy_host;
	o.proxy_host_len = rq->proxy_host_len;
	o.proxy_port = rq->proxy_port;
	if ((v = origin_check(&policy, &o)) == ORIGIN_ALLOWED)
		return ACCESS_NEXT;
	origin_option(&policy, &o, v, &option);
	request_refuse(rq,
	    &(struct refusal){
		.status = 403,
		.why = v == ORIGIN_ERR_HOST
		    ? "This server is not known under that name."
		    : "Pages of that origin may not connect here.",
		.rule = origin_strrule(v),
		.option = option.name,
		.value = option.value,
		.value_len = option.len,
	    });
	return ACCESS_REFUSED;
}

/* It is to become a variable, or the name of a file. */
static enum access_verdict
check_path(struct request *rq)
{
	if (url_is_encoded(rq->url.path, rq->url.path_len))
		return ACCESS_NEXT;
	request_refuse(rq,
	    &(struct refusal){
		.status = 400,
		.why = "The path is malformed: a percent sign begins two"
		       " hexadecimal digits, and not 00.",
		.rule = "malformed path",
	    });
	return ACCESS_REFUSED;
}

/* Of a connection that was turned away: now it is known how to say so. */
static enum access_verdict
check_denied(struct request *rq)
{
	const struct refusal *why = rq->from.denied;

	if (why == NULL)
		return ACCESS_NEXT;
	request_refuse(rq, why);
	return ACCESS_REFUSED;
}

static enum access_verdict (*const steps[])(struct request *) = {
	check_denied,
	remote_find,
	check_path,
	check_hello,
	remote_check,
	limits_check,
	redirect_check,
	check_origin,
	credentials_check,
	hostname_find,
	gate_check,
};

void
access_begin(struct request *rq)
{
	rq->step = 0;
	access_resume(rq);
}

void
access_resume(struct request *rq)
{
	while (rq->step < nitems(steps))
		if (steps[rq->step++](rq) != ACCESS_NEXT)
			return;
	route_serve(rq);
}
