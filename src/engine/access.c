#include "base/base.h"
#include "codec/forwarded.h"
#include "codec/origin.h"
#include "conf/conf.h"
#include "engine/access.h"
#include "engine/credentials.h"
#include "engine/dispatch.h"
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
	const struct conf_route *r = rq->route->conf;
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
	    (r->cgidir != NULL || rq->route->folder[IPC_FOLDER_STATIC] != -1);
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

/* ------------------------------------------------- the client */

/* Take over what a trusted proxy says. */
static enum access_verdict
find_remote(struct request *rq)
{
	static const struct refusal contradiction = {
		.status = 400,
		.why = "Forwarded and X-Forwarded-For contradict each other.",
		.rule = "forwarded fields",
	};
	struct forwarded f;

	if (!remote_read_proxy(engine_remote_rules(rq->engine), &rq->head,
		&rq->client, rq->port, &f)) {
		request_refuse(rq, &contradiction);
		return ACCESS_REFUSED;
	}
	if (!f.trusted)
		return ACCESS_NEXT;
	rq->proxied = true;
	request_set_client(rq, &f.client, f.port);
	if (f.proto != FORWARDED_UNKNOWN)
		rq->https = f.proto == FORWARDED_HTTPS;
	rq->proxy_host = f.host;
	rq->proxy_host_len = f.host_len;
	rq->proxy_port = f.host_port;
	return ACCESS_NEXT;
}

/* Host and path are what they are to the client from here on. */
static enum access_verdict
choose_route(struct request *rq)
{
	static const struct refusal nothing = {
		.status = 404,
		.why = "There is nothing under that name and path.",
		.rule = "no route",
	};
	size_t n;
	const struct route *v = engine_routes(rq->engine, &n);
	const struct route *r = route_choose(v, n, rq);

	if (r == NULL) {
		request_refuse(rq, &nothing);
		return ACCESS_REFUSED;
	}
	rq->route = r;
	return ACCESS_NEXT;
}

/* The peer itself was judged when it connected. */
static enum access_verdict
check_remote(struct request *rq)
{
	const struct refusal *why = rq->proxied
	    ? remote_refuse(engine_remote_rules(rq->engine), &rq->client)
	    : NULL;

	if (why == NULL)
		return ACCESS_NEXT;
	request_refuse(rq, why);
	return ACCESS_REFUSED;
}

static bool
asks_for_folder(const struct request *rq)
{
	char path[HTTP1_MAX_LINE];
	size_t len;

	return url_decode(rq->url.path, rq->url.path_len, path, &len) &&
	    len > 0 && path[len - 1] == '/';
}

/* A program may be started for it, or a folder be listed. */
static bool
is_dear(const struct request *rq)
{
	const struct route *r = rq->route;

	return request_may_run(rq) ||
	    (r->conf->list_directories && r->folder[IPC_FOLDER_STATIC] != -1 &&
		asks_for_folder(rq));
}

static enum access_verdict
check_limits(struct request *rq)
{
	if ((!rq->proxied && !rq->from.reused) || !is_dear(rq) ||
	    !limits_ask_request(rq->engine, rq->id, &rq->client, rq->proxied))
		return ACCESS_NEXT;
	rq->asked = true;
	return ACCESS_WAIT;
}

/* ------------------------------------------------- one after the other */

static enum access_verdict (*const steps[])(struct request *) = {
	check_denied,
	find_remote,
	choose_route,
	check_path,
	check_hello,
	check_remote,
	check_limits,
	redirect_check,
	check_origin,
	credentials_check,
	hostname_find,
	gate_check,
};

static void
go_on(struct request *rq)
{
	while (rq->step < nitems(steps))
		if (steps[rq->step++](rq) != ACCESS_NEXT)
			return;
	dispatch(rq);
}

void
access_begin(struct request *rq)
{
	rq->go_on = go_on;
	rq->step = 0;
	go_on(rq);
}

void
access_admitted(struct request *rq, const struct ipc_admitted *a)
{
	struct refusal r;

	if (limits_refuse(a, &r))
		request_refuse(rq, &r);
	else
		go_on(rq);
}
