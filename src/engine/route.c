#include "base/base.h"
#include "conf/conf.h"
#include "dialect/standpipe_v1.h"
#include "engine/answer.h"
#include "engine/cgi.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/file.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/upgrade.h"

static void
refuse(struct request *rq, unsigned status, const char *why, const char *rule,
    const char *option)
{
	conn_refuse(rq->conn,
	    &(struct refusal){
		.status = status,
		.why = why,
		.rule = rule,
		.option = option,
	    });
}

void
route_serve_rest(struct request *rq)
{
	struct engine *e = conn_engine(rq->conn);
	int folder = engine_static_folder(e);

	if (!http1_method_is(&rq->head, "HEAD") &&
	    !http1_method_is(&rq->head, "GET"))
		refuse(rq, 405, "Only GET and HEAD are served here.", "method",
		    NULL);
	else if (engine_conf(e)->route.console)
		answer_console(rq->conn);
	else if (folder != -1)
		file_serve(rq, folder);
	else if (engine_conf(e)->route.cgidir != NULL)
		refuse(rq, 404, "There is nothing of that name.", NULL, NULL);
	else
		refuse(rq, 426, "This is a WebSocket service.", "no upgrade",
		    "--console");
}

static bool
speaks_v1(const struct request *rq)
{
	static const char *const ours[] = { V1_PROTOCOL };

	return ws_hello_choose(&rq->head, ours, nitems(ours)) == 0;
}

static void
serve_upgrade(struct request *rq, const struct conf *conf)
{
	const struct conf_list *list = &conf->route.subprotocols;
	int i =
	    ws_hello_choose(&rq->head, (const char *const *)list->v, list->n);
	bool v1 = !conf->route.no_standpipe_protocol && speaks_v1(rq);

	if (i == WS_HELLO_BAD_PROTOCOL)
		refuse(rq, 400, "Sec-WebSocket-Protocol is malformed.",
		    "handshake", NULL);
	else if (i < 0 && conf->route.subprotocol_required)
		refuse(rq, 400,
		    "None of the offered subprotocols is spoken here.",
		    "subprotocol", "--subprotocol");
	else
		upgrade_start(rq, i < 0 ? NULL : list->v[i], v1);
}

void
route_serve(struct request *rq)
{
	const struct conf *conf = engine_conf(conn_engine(rq->conn));

	if (rq->upgrade)
		serve_upgrade(rq, conf);
	else if (conf->route.cgidir != NULL)
		cgi_start(rq);
	else
		route_serve_rest(rq);
}
