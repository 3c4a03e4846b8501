#include <string.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/str.h"
#include "codec/url.h"
#include "conf/conf.h"
#include "engine/pages.h"
#include "engine/request.h"
#include "engine/route.h"

enum { STALL_MS = 20000 }; /* a client that takes nothing so long is lost */

void
route_init(struct route *r, uint32_t index)
{
	*r = (struct route){ .index = index };
	for (size_t i = 0; i < nitems(r->folder); i++)
		r->folder[i] = -1;
	tokens_init(&r->tokens);
}

void
route_clear(struct route *r)
{
	for (size_t i = 0; i < nitems(r->folder); i++)
		fd_close(&r->folder[i]);
	pages_free(r->pages);
	fields_clear(&r->ws);
	fields_clear(&r->http);
	tokens_clear(&r->tokens);
}

void
route_prepare(struct route *r, const struct conf_route *conf)
{
	int *errors = &r->folder[IPC_FOLDER_ERRORS];

	r->conf = conf;
	r->peer = (struct peer_rules){
		.ping = conf->ping,
		.ping_timeout = conf->ping_timeout,
		.idle_timeout = conf->idle_timeout,
		.close_timeout = conf->close_timeout,
		.stall = STALL_MS,
	};
	fields_init(&r->ws, &conf->header, &conf->header_ws);
	fields_init(&r->http, &conf->header, &conf->header_http);
	if (*errors != -1)
		r->pages = pages_read(*errors);
	fd_close(errors);
}

/* Under the name that the client has asked for, whoever passed that on. */
static bool
is_host_of(const struct route *r, const struct request *rq)
{
	const char *host = rq->proxy_host;
	size_t len = rq->proxy_host_len;
	unsigned port;

	if (r->host == NULL)
		return true;
	return (host != NULL || http1_host(&rq->head, &host, &len, &port)) &&
	    len == strlen(r->host) && str_ieqn(host, len, r->host, len);
}

/*
 * The path as programs and files see it, so that a letter which is written in
 * another way leads to no other route; one that is malformed leads to none.
 */
static bool
is_path_of(const struct route *r, const struct request *rq)
{
	char path[HTTP1_MAX_LINE];
	size_t len, n;

	if (r->path == NULL)
		return true;
	n = strlen(r->path);
	return url_decode(rq->url.path, rq->url.path_len, path, &len) &&
	    len >= n && memcmp(path, r->path, n) == 0 &&
	    (len == n || path[n] == '/' || r->path[n - 1] == '/');
}

const struct route *
route_choose(const struct route *v, size_t n, const struct request *rq)
{
	for (size_t i = 0; i < n; i++)
		if (is_host_of(&v[i], rq) && is_path_of(&v[i], rq))
			return &v[i];
	return NULL;
}
