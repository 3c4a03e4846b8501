#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/framing.h"
#include "codec/ws_hello.h"
#include "dialect/dialect.h"
#include "engine/answer.h"
#include "engine/compression.h"
#include "engine/engine.h"
#include "engine/fields.h"
#include "engine/limits.h"
#include "engine/program.h"
#include "engine/refusal.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/sessions.h"
#include "engine/upgrade.h"
#include "flow/endpoint.h"
#include "flow/peer.h"
#include "flow/session.h"
#include "flow/stream.h"
#include "flow/transport_ws.h"

enum { AGENT_MAX = 256 }; /* bytes of User-Agent that a log line has */

struct upgrade {
	struct engine *engine;          /* kept */
	struct request *rq;             /* kept */
	struct endpoint *endpoint;      /* owned; NULL: it has gone */
	uint32_t id;                    /* of it, and of the session */
	char *peer, *path;              /* owned; NULL: the session has them */
	char *user;                     /* as well; NULL: unknown */
	const char *subprotocol;        /* kept by the settings; NULL: none */
	enum v1_offer v1;               /* as it was offered, if it is spoken */
	struct compression compression; /* that was agreed on */
	char accept[WS_HELLO_ACCEPT_SIZE];
};

static void
upgrade_free(struct upgrade *u)
{
	endpoint_free(u->endpoint);
	free(u->peer);
	free(u->user);
	free(u->path);
	free(u);
}

/* ------------------------------------------------- while it is asked for */

static void
upgrade_on_gone(void *owner)
{
	upgrade_free(owner);
}

/* Bodies are not read: ws_hello refuses an upgrade that has one. */
static const struct handler_ops upgrade_handler = {
	.on_gone = upgrade_on_gone,
};

static void
upgrade_on_refused(void *owner, enum ipc_refusal why, int err)
{
	struct upgrade *u = owner;
	struct request *rq = u->rq;

	request_handle(u->rq, NULL, NULL);
	u->endpoint = NULL;
	upgrade_free(u);
	answer_not_started(rq, why, err);
}

/* ------------------------------------------------- the 101 */

static size_t
list_fields(const struct upgrade *u, struct http1_out fields[])
{
	const struct fields *more = &u->rq->route->ws;
	size_t n = 0;

	if (u->v1 != V1_NOT_OFFERED)
		fields[n++] = (struct http1_out){ V1_FIELD, V1_FIELD_AGREED };
	for (size_t i = 0; i < more->n; i++)
		fields[n++] = more->v[i];
	return n;
}

static void
put_101(struct upgrade *u, struct stream *client)
{
	const struct compression *c = &u->compression;
	struct http1_out more[WS_HELLO_FIELDS_MAX];
	size_t n = list_fields(u, more);
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	if (!ws_hello_put_101(&out, u->accept,
		u->v1 == V1_BY_SUBPROTOCOL ? V1_PROTOCOL : u->subprotocol,
		c->agreed ? c->answer : NULL, more, n))
		mem_misfit(&out, "a 101 does not fit");
	stream_write(client, out.data, out.len);
	buf_clear(&out);
}

static void
log_begin(const struct upgrade *u)
{
	const struct http1_field *agent =
	    http1_find(&u->rq->head, "User-Agent", NULL);
	struct log_field fields[6] = {
		LOG_UINT("session", u->id),
		LOG_STR("peer", u->peer),
		LOG_STR("path", u->path),
		endpoint_name(u->endpoint),
	};
	size_t n = 4;

	if (u->user != NULL)
		fields[n++] = (struct log_field)LOG_STR("user", u->user);
	if (agent != NULL)
		fields[n++] = (struct log_field)LOG_BYTES("agent", agent->value,
		    agent->value_len < AGENT_MAX ? agent->value_len
						 : AGENT_MAX);
	log_fields(LOG_LVL_INFO, "session begins", fields, n);
}

static const struct dialect_body *
dialect_of(const struct upgrade *u)
{
	if (u->v1 != V1_NOT_OFFERED)
		return &dialect_v1;
	return u->rq->route->conf->stderr_to == CONF_STDERR_JSON
	    ? &dialect_json_stderr
	    : &dialect_plain;
}

static struct transport *
open_transport(struct upgrade *u, struct stream *client)
{
	const struct conf_route *r = u->rq->route->conf;
	struct transport *t = transport_ws_new(WS_SERVER,
	    engine_flow(u->engine), client, r->max_message);

	if (r->accept_unmasked)
		transport_ws_accept_unmasked(t);
	if (u->compression.agreed)
		transport_ws_compress(t, &u->compression.terms,
		    (size_t)r->compression_min);
	return t;
}

/* The connection is the session's from here on, and so is the endpoint. */
static struct session *
begin_session(struct upgrade *u, const struct seats *seats, struct transport *t)
{
	const struct peer_start client = {
		.flow = engine_flow(u->engine),
		.transport = t,
		.dialect = dialect_of(u),
		.rules = &u->rq->route->peer,
		.name = u->peer,
	};
	struct session *s = sessions_begin(u->engine,
	    &(struct session_start){
		.flow = engine_flow(u->engine),
		.route = u->rq->route->conf,
		.endpoint = u->endpoint,
		.id = u->id,
		.user = u->user,
		.path = u->path,
	    },
	    seats);

	session_attach(s, peer_new(&client), u->subprotocol);
	u->endpoint = NULL;
	u->peer = u->path = u->user = NULL;
	return s;
}

static void
upgrade_on_open(void *owner)
{
	struct upgrade *u = owner;
	struct seats seats;
	struct session *s;
	struct stream *client;
	struct transport *t;
	struct buf rest;

	if (request_is_over(u->rq)) {
		request_handle(u->rq, NULL, NULL);
		upgrade_free(u);
		return;
	}
	if (log_wants(LOG_LVL_INFO))
		log_begin(u);
	client = request_take_stream(u->rq, &rest, &seats);
	put_101(u, client);
	t = open_transport(u, client);
	s = begin_session(u, &seats, t);
	if (engine_stopping(u->engine))
		session_stop(s);
	if (rest.len > 0)
		transport_ws_feed(t, rest.data, rest.len);
	buf_clear(&rest);
	session_start_reading(s);
	upgrade_free(u);
}

static void
upgrade_on_drop(void *owner)
{
	struct upgrade *u = owner;

	request_handle(u->rq, NULL, NULL);
	upgrade_free(u);
}

static const struct endpoint_ops upgrade_endpoint = {
	.on_open = upgrade_on_open,
	.on_refused = upgrade_on_refused,
	.on_drop = upgrade_on_drop,
};

/* ------------------------------------------------- the beginning */

/* One of a folder is asked for by the path, the command by none. */
static bool
choose_program(struct request *rq, struct program_wish *w, char **path)
{
	static const struct refusal missing = {
		.status = 404,
		.why = "There is no such program.",
	};

	*path = NULL;
	if (w->part == IPC_PART_COMMAND)
		return true;
	*path = request_program_path(rq, &w->path_len);
	w->path = *path;
	if (*path == NULL)
		request_refuse(rq, &missing);
	return *path != NULL;
}

static struct upgrade *
upgrade_new(struct request *rq, const char *subprotocol, enum v1_offer v1,
    const struct compression *compression)
{
	struct upgrade *u = mem_new(1, sizeof(*u));
	char peer[REQUEST_PEER_SIZE];

	request_peer(rq, peer);
	*u = (struct upgrade){
		.engine = rq->engine,
		.rq = rq,
		.peer = mem_strdup(peer),
		.user = rq->user == NULL ? NULL : mem_strdup(rq->user),
		.path = request_log_path(rq),
		.subprotocol = subprotocol,
		.v1 = v1,
		.id = engine_new_id(rq->engine),
		.compression = *compression,
	};
	ws_hello_accept(rq->hello.key, u->accept);
	return u;
}

void
upgrade_start(struct request *rq, const char *subprotocol, enum v1_offer v1)
{
	static const struct refusal malformed = {
		.status = 400,
		.why = "Sec-WebSocket-Extensions is malformed.",
		.rule = "handshake",
	};
	struct engine *e = rq->engine;
	const struct conf_route *r = rq->route->conf;
	const struct request_program pr = {
		.subprotocol = subprotocol,
		.framing = framing_name(r->framing),
		.found = r->dir != NULL,
	};
	struct buf vars;
	struct program_wish w = {
		.route = rq->route,
		.part = r->dir != NULL ? IPC_PART_DIR : IPC_PART_COMMAND,
		.vars = &vars,
	};
	struct compression compression;
	struct upgrade *u;
	char *path;

	if (!compression_agree(rq, &compression)) {
		request_refuse(rq, &malformed);
		return;
	}
	if (!answer_may_start(rq) || !choose_program(rq, &w, &path))
		return;
	buf_init(&vars, PROGRAM_VARS_MAX);
	if (request_put_vars(rq, &pr, &vars)) {
		u = upgrade_new(rq, subprotocol, v1, &compression);
		request_handle(rq, &upgrade_handler, u);
		w.id = u->id;
		u->endpoint = program_open(e, &w, &upgrade_endpoint, u);
	} else {
		answer_too_big(rq, &vars);
	}
	buf_wipe(&vars);
	free(path);
}
