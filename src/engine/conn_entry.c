#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/proxy_hello.h"
#include "conf/conf.h"
#include "engine/arrival.h"
#include "engine/conn.h"
#include "engine/conn_state.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/ids.h"
#include "engine/limits.h"
#include "engine/refusal.h"
#include "engine/remote.h"
#include "engine/request.h"
#include "ipc/ipc_codec.h"

enum { OPTION_MAX = ADDR_TEXT + 32 };

/*
 * There is nobody yet who could be told. An option that ends in '=' takes the
 * peer's address.
 */
static void
log_arrival(const struct conn *c, const char *rule, const char *reason,
    const char *option)
{
	char peer[ADDR_TEXT], with[OPTION_MAX];
	size_t len = strlen(option);

	if (!log_wants(LOG_LVL_WARN))
		return;
	addr_put(&c->peer, peer);
	(void)snprintf(with, sizeof(with), "%s%s", option,
	    len > 0 && option[len - 1] == '=' ? peer : "");
	LOG(LOG_LVL_WARN, "refused", LOG_UINT("session", c->node.id),
	    LOG_STR("peer", peer), LOG_STR("rule", rule),
	    LOG_STR("reason", reason), LOG_STR("option", with));
}

void
conn_give_up_entry(struct conn *c)
{
	if (c->arrival != NULL && arrival_has_begun(c->arrival))
		log_arrival(c, "handshake time", "the header is not complete",
		    "--handshake-timeout");
	conn_end_soon(c);
}

/* What the proxy says is so: whoever listens like this wants it. */
static void
believe(struct conn *c, const struct proxy_hello *hello)
{
	if (hello->local)
		return;
	c->peer = hello->from;
	c->peer_port = hello->from_port;
	c->port = hello->to_port;
	c->loopback = addr_is_loopback(&hello->to);
	c->https = hello->tls;
}

static const struct arrival_ops conn_arrival_ops;

static void
await_arrival(struct conn *c)
{
	c->arrival = arrival_new(engine_flow(c->engine), c->fd, &c->how,
	    &conn_arrival_ops, c);
	c->fd = -1;
	if (c->arrival == NULL)
		conn_lose(c, errno);
}

/* Whoever it is may come in: read the request, or first what it begins with. */
static void
let_in(struct conn *c)
{
	if (c->how.proxy || !arrival_is_needed(&c->how)) {
		conn_start_http(c);
		conn_start_reading(c);
	} else {
		await_arrival(c);
	}
}

/*
 * Nobody of this address, or no more of them. TLS would cost more than what is
 * refused: then there is no answer. Who is to be told by a Close has to ask for
 * a WebSocket first: a few may.
 */
static void
turn_away(struct conn *c, const struct refusal *why)
{
	if (farewell_is_wanted(c->engine) && why->status != 503 &&
	    limits_hearing_begin(c->engine)) {
		c->denied = mem_new(1, sizeof(*c->denied));
		*c->denied = *why;
		c->heard = true;
		let_in(c);
		return;
	}
	if (c->tls && why->status != 503) {
		log_arrival(c, why->rule, why->why, why->option);
		conn_end_soon(c);
		return;
	}
	conn_start_http(c);
	conn_refuse_all(c, why);
}

/* It is known who it is. The one client of inetd counts even if denied. */
static void
knock(struct conn *c)
{
	const struct refusal *why =
	    remote_refuse_peer(engine_remote_rules(c->engine), &c->peer);

	if (why != NULL && !c->how.connected)
		turn_away(c, why);
	else if (limits_ask(c->engine, c->node.id, &c->peer, c->how.connected))
		c->asked = true;
	else
		let_in(c);
}

static void
conn_on_arrived(void *owner, int fd, const struct proxy_hello *hello, bool tls)
{
	struct conn *c = owner;

	c->fd = fd;
	c->tls = tls;
	if (c->over)
		return;
	if (hello != NULL) {
		believe(c, hello);
		knock(c);
	} else {
		conn_start_http(c);
		conn_start_reading(c);
	}
}

static void
conn_on_failed(void *owner, const char *why)
{
	struct conn *c = owner;

	if (why != NULL && !c->over)
		log_arrival(c, "proxy header", why, "--listen");
	conn_end_soon(c);
}

static const struct arrival_ops conn_arrival_ops = {
	.on_arrived = conn_on_arrived,
	.on_failed = conn_on_failed,
};

/* If there are trusted proxies, others need not speak for anybody. */
static bool
may_speak(const struct conn *c)
{
	return conn_conf(c)->trusted_proxies.n == 0 ||
	    remote_is_proxy(engine_remote_rules(c->engine), &c->peer);
}

void
conn_knock(struct conn *c)
{
	if (!c->how.proxy) {
		knock(c);
	} else if (may_speak(c)) {
		await_arrival(c);
	} else {
		log_arrival(c, "proxy header", "the peer is no trusted proxy",
		    "--trusted-proxy=");
		conn_end_soon(c);
	}
}

static void
be_admitted(struct conn *c, const struct ipc_admitted *a)
{
	const struct refusal *denied =
	    remote_refuse_peer(engine_remote_rules(c->engine), &c->peer);
	struct refusal full;

	c->asked = false;
	c->seat = a->seat;
	if (c->over)
		conn_end_soon(c);
	else if (denied != NULL)
		turn_away(c, denied);
	else if (limits_refuse(a, &full))
		turn_away(c, &full);
	else
		let_in(c);
}

static void
admit_request(struct conn *c, const struct ipc_admitted *a)
{
	c->rq->asked = false;
	c->rq->seat = a->seat;
	if (c->over)
		conn_end_soon(c);
	else
		c->ops->on_admitted(c->rq, a);
}

/* What it was asked about is the connection, or the request that is there. */
bool
conn_on_admitted(struct engine *e, const struct ipc_msg *m)
{
	struct id_node *n = ids_find(engine_conns(e), m->session);
	struct ipc_admitted a;
	struct conn *c;

	if (n == NULL || !ipc_read_admitted(m, &a))
		return false;
	c = container_of(n, struct conn, node);
	if (c->asked)
		be_admitted(c, &a);
	else if (c->rq != NULL && c->rq->asked)
		admit_request(c, &a);
	else
		return false;
	return true;
}
