#include "base/base.h"
#include "base/beneath.h"
#include "conf/conf.h"
#include "dialect/standpipe_v1.h"
#include "engine/answer.h"
#include "engine/cgi.h"
#include "engine/dispatch.h"
#include "engine/file.h"
#include "engine/refusal.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/upgrade.h"

static void
refuse(struct request *rq, unsigned status, const char *why, const char *rule,
    const char *option)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = status,
		.why = why,
		.rule = rule,
		.option = option,
	    });
}

/* What no CGI program answers: files, or nothing. */
static void
serve_rest(struct request *rq)
{
	const struct conf_route *conf = rq->route->conf;
	const struct beneath folder = {
		.fd = rq->route->folder[IPC_FOLDER_STATIC],
		.home = conf->staticdir,
	};

	if (!http1_method_is(&rq->head, "HEAD") &&
	    !http1_method_is(&rq->head, "GET"))
		refuse(rq, 405, "Only GET and HEAD are served here.", "method",
		    NULL);
	else if (conf->console)
		answer_console(rq);
	else if (folder.fd != -1)
		file_serve(rq, &folder);
	else if (conf->cgidir != NULL)
		refuse(rq, 404, "There is nothing of that name.", NULL, NULL);
	else
		refuse(rq, 426, "This is a WebSocket service.", "no upgrade",
		    "--console");
}

/* Who offers it both ways gets the subprotocol, which pages look at. */
static enum v1_offer
offers_v1(const struct request *rq)
{
	static const char *const ours[] = { V1_PROTOCOL };

	if (ws_hello_choose(&rq->head, ours, nitems(ours)) == 0)
		return V1_BY_SUBPROTOCOL;
	return http1_has_token(&rq->head, V1_FIELD, V1_FIELD_OFFER)
	    ? V1_BY_FIELD
	    : V1_NOT_OFFERED;
}

static void
serve_upgrade(struct request *rq, const struct conf_route *conf)
{
	const struct conf_list *list = &conf->subprotocols;
	int i =
	    ws_hello_choose(&rq->head, (const char *const *)list->v, list->n);
	enum v1_offer v1 =
	    conf->no_standpipe_protocol ? V1_NOT_OFFERED : offers_v1(rq);

	if (i == WS_HELLO_BAD_PROTOCOL)
		refuse(rq, 400, "Sec-WebSocket-Protocol is malformed.",
		    "handshake", NULL);
	else if (i < 0 && conf->subprotocol_required)
		refuse(rq, 400,
		    "None of the offered subprotocols is spoken here.",
		    "subprotocol", "--subprotocol");
	else
		upgrade_start(rq, i < 0 ? NULL : list->v[i], v1);
}

void
dispatch(struct request *rq)
{
	const struct conf_route *conf = rq->route->conf;

	if (rq->upgrade)
		serve_upgrade(rq, conf);
	else if (conf->cgidir != NULL)
		cgi_start(rq, serve_rest);
	else
		serve_rest(rq);
}
