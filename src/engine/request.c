#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "codec/cgi.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/limits.h"
#include "engine/request.h"
#include "engine/route.h"
#include "ipc/ipc_path.h"

enum {
	METHOD_LOG_MAX = 512, /* bytes of them that a log line has */
	PATH_LOG_MAX = 512,
	VARS_OURS = 2048, /* about what variables take besides the head */
	ID_BYTES = 16,
};

struct request *
request_new(struct engine *e, const struct carrier *carrier, void *owner,
    const struct http1_head *head, const uint8_t *bytes, size_t len)
{
	struct request *rq = mem_new(1,
	    offsetof(struct request, head.field) +
		head->nfields * sizeof(head->field[0]));

	rq->engine = e;
	rq->route = engine_routes(e, NULL);
	rq->carrier = carrier;
	rq->owner = owner;
	rq->len = len;
	rq->bytes = mem_strndup(len > 0 ? (const char *)bytes : "", len);
	http1_copy_head(&rq->head, head, (const char *)bytes, rq->bytes);
	url_split(len > 0 ? rq->head.target : "", rq->head.target_len,
	    &rq->url);
	buf_init(&rq->vars, REQUEST_VARS_MAX);
	rq->started = clock_coarse_ms();
	return rq;
}

void
request_free(struct request *rq)
{
	if (rq == NULL)
		return;
	limits_leave(rq->engine, &rq->seat);
	buf_clear(&rq->vars);
	free(rq->host_name);
	free(rq->user);
	OPENSSL_cleanse(rq->bytes, rq->len); /* there may be a password */
	free(rq->bytes);
	free(rq);
}

/* The words for a Unix socket's peer are websocketd's. */
void
request_set_client(struct request *rq, const struct addr *a, unsigned port)
{
	rq->client = *a;
	rq->port = port;
	if (addr_is_unix(a))
		(void)str_copy(rq->addr, sizeof(rq->addr), "unix-socket");
	else
		addr_put(a, rq->addr);
}

void
request_go_on(struct request *rq)
{
	rq->go_on(rq);
}

bool
request_may_run(const struct request *rq)
{
	const struct conf_route *r = rq->route->conf;

	return http1_count(&rq->head, "Upgrade") > 0 || r->cgidir != NULL ||
	    r->gate != NULL;
}

void
request_peer(const struct request *rq, char out[REQUEST_PEER_SIZE])
{
	if (rq->port == 0)
		(void)snprintf(out, REQUEST_PEER_SIZE, "%s", rq->addr);
	else
		(void)snprintf(out, REQUEST_PEER_SIZE,
		    strchr(rq->addr, ':') != NULL ? "[%s]:%u" : "%s:%u",
		    rq->addr, rq->port);
}

static void
put_unique_id(char out[2 * ID_BYTES + 1])
{
	uint8_t id[ID_BYTES];

	random_bytes(id, sizeof(id));
	str_put_hex(out, id, ID_BYTES);
	out[2 * ID_BYTES] = '\0';
}

/* What SERVER_SOFTWARE begins with is what scripts look at. */
#define OURS PACKAGE_NAME "/" PACKAGE_VERSION
#define COMPATIBLE "websocketd/0.4.1"

/*
 * Growing would leave copies behind, of cookies too: there is room at once for
 * the fields with longer names, and for path and query three times.
 */
static void
make_room(const struct request *rq, struct buf *vars)
{
	size_t room = VARS_OURS + 4 * rq->len + rq->vars.len;

	(void)buf_reserve(vars,
	    room < vars->max - vars->len ? room : vars->max - vars->len);
}

bool
request_put_vars(const struct request *rq, const struct request_program *pr,
    struct buf *vars)
{
	const struct conf *conf = engine_conf(rq->engine);
	bool websocketd = conf->compat == CONF_COMPAT_WEBSOCKETD;
	const struct conf_route *r = rq->route->conf;
	char id[2 * ID_BYTES + 1];
	char *path = mem_new(1, rq->url.path_len + 1);
	struct cgi_request cgi = {
		.head = &rq->head,
		.url = &rq->url,
		.server_software = websocketd ? COMPATIBLE " " OURS : OURS,
		.server_name = "localhost",
		.server_port = rq->from.port,
		.script_name = pr->found ? NULL
		    : websocketd         ? "/"
					 : "",
		.path_info = path,
		.path_translated = websocketd ? path : NULL,
		.remote_addr = rq->addr,
		.remote_host = rq->host_name,
		.remote_port = rq->port,
		.remote_user = rq->user,
		.auth_type = rq->auth_type,
		.unique_id = id,
		.https = rq->https,
		.subprotocol = pr->subprotocol,
		.framing = pr->framing,
		.websocketd = websocketd,
		.body = pr->body,
	};
	bool ok;

	if (r->token_file != NULL) {
		cgi.token_cookie = r->auth_cookie;
		cgi.token_query = r->auth_query;
		cgi.token_protocol = true;
	}
	put_unique_id(id);
	make_room(rq, vars);
	ok = url_decode(rq->url.path, rq->url.path_len, path,
		 &cgi.path_info_len) &&
	    cgi_put(vars, &cgi) && buf_add(vars, rq->vars.data, rq->vars.len);
	free(path);
	return ok;
}

char *
request_program_path(const struct request *rq, size_t *len)
{
	const struct url *url = &rq->url;
	char *path;

	if (url->path[0] != '/')
		return NULL;
	path = mem_new(1, url->path_len);
	if (url_decode(url->path + 1, url->path_len - 1, path, len) &&
	    ipc_path_ok(path, *len))
		return path;
	free(path);
	return NULL;
}

char *
request_log_method(const struct request *rq)
{
	size_t len = rq->head.method_len;

	return mem_strndup(rq->head.method,
	    len < METHOD_LOG_MAX ? len : METHOD_LOG_MAX);
}

char *
request_log_path(const struct request *rq)
{
	size_t len = rq->url.path_len;

	return mem_strndup(rq->url.path,
	    len < PATH_LOG_MAX ? len : PATH_LOG_MAX);
}
