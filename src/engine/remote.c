#include <stdlib.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/forwarded.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/refusal.h"
#include "engine/remote.h"
#include "engine/request.h"

struct nets {
	struct addr_net *v; /* owned */
	size_t n;
};

struct remote_rules {
	struct nets trusted, allow, deny;
};

static struct nets
read_nets(const struct conf_list *list)
{
	struct nets nets = { NULL, list->n };

	if (list->n > 0)
		nets.v = mem_new(list->n, sizeof(*nets.v));
	for (size_t i = 0; i < list->n; i++) {
		if (!addr_net_read(&nets.v[i], list->v[i]))
			bug("%s is no network", list->v[i]);
	}
	return nets;
}

struct remote_rules *
remote_rules_new(const struct conf *conf)
{
	struct remote_rules *rules = mem_new(1, sizeof(*rules));

	rules->trusted = read_nets(&conf->trusted_proxies);
	rules->allow = read_nets(&conf->allow);
	rules->deny = read_nets(&conf->deny);
	return rules;
}

void
remote_rules_free(struct remote_rules *rules)
{
	if (rules == NULL)
		return;
	free(rules->trusted.v);
	free(rules->allow.v);
	free(rules->deny.v);
	free(rules);
}

static bool
is_in(const struct nets *nets, const struct addr *a)
{
	return addr_nets_have(nets->v, nets->n, a);
}

bool
remote_is_proxy(const struct remote_rules *rules, const struct addr *a)
{
	return is_in(&rules->trusted, a);
}

static const struct refusal *
judge(const struct remote_rules *rules, const struct addr *a)
{
	static const struct refusal denied = {
		.status = 403,
		.why = "Clients of this address may not connect here.",
		.rule = "address denied",
		.option = "--deny",
	}, not_allowed = {
		.status = 403,
		.why = "Clients of this address may not connect here.",
		.rule = "address not allowed",
		.option = "--allow=",
	};

	if (is_in(&rules->deny, a))
		return &denied;
	if (rules->allow.n > 0 && !is_in(&rules->allow, a))
		return &not_allowed;
	return NULL;
}

const struct refusal *
remote_refuse_peer(const struct remote_rules *rules, const struct addr *a)
{
	return remote_is_proxy(rules, a) ? NULL : judge(rules, a);
}

/* Take over what a trusted proxy says; false if it says two things. */
static bool
read_proxied(struct request *rq, const struct remote_rules *rules)
{
	struct forwarded f;

	if (rules->trusted.n == 0)
		return true;
	if (!forwarded_read(&f, &rq->head, rules->trusted.v, rules->trusted.n,
		&rq->client, rq->port))
		return false;
	if (!f.trusted)
		return true;
	rq->proxied = true;
	request_set_client(rq, &f.client, f.port);
	if (f.proto != FORWARDED_UNKNOWN)
		rq->https = f.proto == FORWARDED_HTTPS;
	rq->proxy_host = f.host;
	rq->proxy_host_len = f.host_len;
	rq->proxy_port = f.host_port;
	return true;
}

enum access_verdict
remote_find(struct request *rq)
{
	static const struct refusal contradiction = {
		.status = 400,
		.why = "Forwarded and X-Forwarded-For contradict each other.",
		.rule = "forwarded fields",
	};

	if (read_proxied(rq, engine_remote_rules(rq->engine)))
		return ACCESS_NEXT;
	request_refuse(rq, &contradiction);
	return ACCESS_REFUSED;
}

/* The peer himself was judged when he connected. */
enum access_verdict
remote_check(struct request *rq)
{
	const struct refusal *why;

	if (!rq->proxied ||
	    (why = judge(engine_remote_rules(rq->engine), &rq->client)) == NULL)
		return ACCESS_NEXT;
	request_refuse(rq, why);
	return ACCESS_REFUSED;
}
