#include <stdlib.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/forwarded.h"
#include "conf/conf.h"
#include "engine/refusal.h"
#include "engine/remote.h"

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

const struct refusal *
remote_refuse(const struct remote_rules *rules, const struct addr *a)
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
	return remote_is_proxy(rules, a) ? NULL : remote_refuse(rules, a);
}

bool
remote_read_proxy(const struct remote_rules *rules,
    const struct http1_head *head, const struct addr *peer, unsigned port,
    struct forwarded *f)
{
	f->trusted = false;
	return rules->trusted.n == 0 ||
	    forwarded_read(f, head, rules->trusted.v, rules->trusted.n, peer,
		port);
}
