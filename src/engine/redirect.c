#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/origin.h"
#include "codec/redirect.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/redirect.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "ipc/ipc.h"

enum {
	HTTP_PORT = 80,
	HTTPS_PORT = 443,
	URL_MAX = HTTP1_MAX_LINE + HTTP1_MAX_HOST + 32,
};

/* A name that is one name, or NULL. */
static const char *
first_name(const struct conf_list *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i][0] != '*')
			return names->v[i];
	return NULL;
}

/* The host that was asked for, if it may be ours; else the first of our names. */
static bool
choose_host(struct redirect *r, unsigned *port, const struct request *rq)
{
	const struct conf_list *names = &engine_conf(rq->engine)->server_names;

	if (http1_host(&rq->head, &r->host, &r->host_len, port) &&
	    (names->n == 0 ||
		origin_is_named((const char *const *)names->v, names->n,
		    r->host, r->host_len)))
		return true;
	*port = 0;
	r->host = first_name(names);
	r->host_len = r->host == NULL ? 0 : strlen(r->host);
	return r->host != NULL;
}

/*
 * The port at which plain clients of a listener for both find TLS: the one they
 * came to. That is what Host says where something forwards ports; without one
 * they came to 80, and if that is not ours, then 443 is not either, and is led
 * to us as well.
 */
static unsigned
same_port(const struct request *rq, unsigned named)
{
	if (named != 0)
		return named;
	return rq->from.port == HTTP_PORT ? HTTP_PORT : HTTPS_PORT;
}

static void
send_on(struct request *rq, const struct redirect *r)
{
	static const char body[] = "This is served elsewhere.\n";
	bool get = http1_method_is(&rq->head, "GET") ||
	    http1_method_is(&rq->head, "HEAD");
	struct buf url;

	buf_init(&url, URL_MAX);
	if (!redirect_put(&url, r, &rq->url) || !buf_add_byte(&url, '\0'))
		mem_misfit(&url, "a URL does not fit");
	request_reply(rq,
	    &(struct reply){
		.status = redirect_status(get),
		.field =
		    (const struct http1_out[]){
			{ "Location", (const char *)url.data },
			{ "Content-Type", "text/plain; charset=utf-8" },
		    },
		.nfields = 2,
		.length = sizeof(body) - 1,
	    },
	    body, sizeof(body) - 1);
	buf_clear(&url);
}

static void
refuse_nameless(struct request *rq)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = 400,
		.why = "The request names no host to be sent on to.",
		.rule = "redirect",
		.option = "--server-name",
	    });
}

enum access_verdict
redirect_check(struct request *rq)
{
	const struct ipc_listen *how = rq->from.how;
	struct redirect r = { .https = how->to_https, .port = how->to_port };
	unsigned named;

	if (how->redirect == IPC_REDIRECT_NONE ||
	    (how->redirect == IPC_REDIRECT_PLAIN && rq->https))
		return ACCESS_NEXT;
	if (!choose_host(&r, &named, rq)) {
		refuse_nameless(rq);
		return ACCESS_REFUSED;
	}
	if (how->redirect == IPC_REDIRECT_PLAIN)
		r.port = same_port(rq, named);
	send_on(rq, &r);
	return ACCESS_REFUSED;
}
