#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/ws.h"
#include "codec/ws_hello.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/fields.h"
#include "engine/request.h"
#include "engine/route.h"

enum { CODE_BASE = 4000 }; /* codes for private use: 4000 + the status */

bool
farewell_is_wanted(const struct engine *e)
{
	size_t n;
	const struct route *v = engine_routes(e, &n);

	for (size_t i = 0; i < n; i++)
		if (v[i].conf->refuse == CONF_REFUSE_CLOSE)
			return true;
	return false;
}

bool
farewell_suits(const struct request *rq, unsigned status)
{
	struct ws_hello hello;

	return rq->route->conf->refuse == CONF_REFUSE_CLOSE &&
	    (status == 401 || status == 403 || status == 429) &&
	    ws_hello_read(&rq->head, &hello) == WS_HELLO_OK;
}

static void
put_101(struct buf *out, const struct request *rq)
{
	const struct conf_list *list = &rq->route->conf->subprotocols;
	const struct fields *more = &rq->route->ws;
	char accept[WS_HELLO_ACCEPT_SIZE];
	struct ws_hello hello;
	int i =
	    ws_hello_choose(&rq->head, (const char *const *)list->v, list->n);

	if (ws_hello_read(&rq->head, &hello) != WS_HELLO_OK)
		bug("a farewell to who asked for no WebSocket");
	ws_hello_accept(hello.key, accept);
	if (!ws_hello_put_101(out, accept, i < 0 ? NULL : list->v[i], NULL,
		more->v, more->n))
		mem_misfit(out, "a 101 does not fit");
}

void
farewell_put(struct buf *out, const struct request *rq, unsigned status,
    const char *why)
{
	uint8_t head[WS_HEAD_MAX], payload[WS_CONTROL_MAX];
	size_t len = ws_put_close(payload, CODE_BASE + status, why);

	put_101(out, rq);
	if (!buf_add(out, head,
		ws_put_head(head, WS_OP_CLOSE, true, len, NULL)) ||
	    !buf_add(out, payload, len))
		mem_misfit(out, "a Close does not fit");
}
