#include "base/base.h"
#include "codec/http1.h"
#include "codec/ws_hello.h"
#include "conf/conf.h"
#include "engine/access.h"
#include "engine/route.h"

static void
refuse(struct route_decision *d, unsigned status, const char *why,
    const char *rule, const char *option)
{
	*d = (struct route_decision){
		.what = ROUTE_REFUSE,
		.status = status,
		.why = why,
		.rule = rule,
		.option = option,
	};
}

/* A request that asks for no WebSocket: a page, if there is one. */
static void
decide_plain(struct route_decision *d, const struct conf *conf,
    const struct http1_head *head)
{
	if (!http1_method_is(head, "HEAD") && !http1_method_is(head, "GET"))
		refuse(d, 405, "Only GET and HEAD are served here.", "method",
		    NULL);
	else if (conf->route.console)
		*d = (struct route_decision){ .what = ROUTE_CONSOLE };
	else
		refuse(d, 426, "This is a WebSocket service.", "no upgrade",
		    "--console");
}

static void
decide_upgrade(struct route_decision *d, const struct conf *conf,
    const struct http1_head *head, const struct ws_hello *hello)
{
	const struct conf_list *list = &conf->route.subprotocols;
	int i = ws_hello_choose(head, (const char *const *)list->v, list->n);

	if (i == WS_HELLO_BAD_PROTOCOL) {
		refuse(d, 400, "Sec-WebSocket-Protocol is malformed.",
		    "handshake", NULL);
		return;
	}
	if (i < 0 && conf->route.subprotocol_required) {
		refuse(d, 400,
		    "None of the offered subprotocols is spoken here.",
		    "subprotocol", "--subprotocol");
		return;
	}
	*d = (struct route_decision){
		.what = ROUTE_UPGRADE,
		.key = hello->key,
		.subprotocol = i < 0 ? NULL : list->v[i],
	};
}

void
route_decide(struct route_decision *d, const struct conf *conf,
    const struct route_request *rq)
{
	struct ws_hello hello;
	enum ws_hello_result rc = ws_hello_read(rq->head, &hello);

	if (rc < 0)
		refuse(d, ws_hello_status(rc), ws_hello_strresult(rc),
		    "handshake", NULL);
	else if (!access_check(d, conf, rq))
		return;
	else if (rc == WS_HELLO_NONE)
		decide_plain(d, conf, rq->head);
	else
		decide_upgrade(d, conf, rq->head, &hello);
}
