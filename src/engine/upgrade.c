#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/ws_hello.h"
#include "engine/answer.h"
#include "engine/compression.h"
#include "engine/engine.h"
#include "engine/fields.h"
#include "engine/limits.h"
#include "engine/program.h"
#include "engine/refusal.h"
#include "engine/request.h"
#include "engine/upgrade.h"
#include "flow/session.h"
#include "flow/stream.h"

/* What the 101 says; a session that may last for days does without. */
struct agreed {
	struct compression compression;
	char accept[WS_HELLO_ACCEPT_SIZE];
};

enum { AGENT_MAX = 256 }; /* bytes of User-Agent that a log line has */

struct upgrade {
	struct engine *engine;   /* kept */
	struct request *rq;      /* kept; NULL: the session has taken over */
	struct program *program; /* owned */
	struct session *session; /* owned; NULL: none yet */
	struct seats seats;      /* of the session */
	char *peer, *path;       /* owned, until the session takes them */
	char *user;              /* as well; NULL: unknown */
	const char *subprotocol; /* kept by the settings; NULL: none */
	enum v1_offer v1;        /* as it was offered, if it is spoken */
	struct agreed *agreed;   /* owned, until the session has begun */
};

/* The program sees to its own end. */
static void
upgrade_free(struct upgrade *u)
{
	program_leave(u->program);
	limits_leave(u->engine, &u->seats.client);
	limits_leave(u->engine, &u->seats.connection);
	free(u->peer);
	free(u->user);
	free(u->path);
	free(u->agreed);
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
	u->program = NULL;
	upgrade_free(u);
	answer_not_started(rq, why, err);
}

/* ------------------------------------------------- while there is a session */

static void
upgrade_on_kill(void *owner, struct session *s, uint32_t ago)
{
	struct upgrade *u = owner;

	(void)s;
	program_kill(u->program, ago);
}

static void
upgrade_on_signal(void *owner, struct session *s, int sig)
{
	struct upgrade *u = owner;

	(void)s;
	program_signal(u->program, sig);
}

static void
upgrade_on_free(void *owner, struct session *s)
{
	(void)s;
	upgrade_free(owner);
}

static const struct session_ops upgrade_session_ops = {
	.on_kill = upgrade_on_kill,
	.on_signal = upgrade_on_signal,
	.on_free = upgrade_on_free,
};

static size_t
list_fields(const struct upgrade *u, struct http1_out fields[])
{
	const struct fields *more = engine_fields_ws(u->engine);
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
	const struct compression *c = &u->agreed->compression;
	struct http1_out more[WS_HELLO_FIELDS_MAX];
	size_t n = list_fields(u, more);
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	if (!ws_hello_put_101(&out, u->agreed->accept,
		u->v1 == V1_BY_SUBPROTOCOL ? V1_PROTOCOL : u->subprotocol,
		c->agreed ? c->answer : NULL, more, n))
		mem_misfit(&out, "a 101 does not fit");
	stream_write(client, out.data, out.len);
	buf_clear(&out);
}

static const struct ws_terms *
terms_of(const struct upgrade *u)
{
	const struct compression *c = &u->agreed->compression;

	return c->agreed ? &c->terms : NULL;
}

static void
log_begin(const struct upgrade *u, pid_t pid)
{
	const struct http1_field *agent =
	    http1_find(&u->rq->head, "User-Agent", NULL);
	struct log_field fields[6] = {
		LOG_UINT("session", program_id(u->program)),
		LOG_STR("peer", u->peer),
		LOG_STR("path", u->path),
		LOG_INT("pid", pid),
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

static void
upgrade_on_started(void *owner, pid_t pid, const int fd[3])
{
	struct upgrade *u = owner;
	struct stream *client;
	struct buf rest;

	if (request_is_over(u->rq)) {
		for (size_t i = 0; i < 3; i++)
			if (fd[i] != -1)
				close(fd[i]);
		request_handle(u->rq, NULL, NULL);
		upgrade_free(u);
		return;
	}
	if (log_wants(LOG_LVL_INFO))
		log_begin(u, pid);
	client = request_take_stream(u->rq, &rest, &u->seats);
	u->rq = NULL;
	put_101(u, client);
	u->session = session_new(&(struct session_start){
	    .flow = engine_flow(u->engine),
	    .route = &engine_conf(u->engine)->route,
	    .ops = &upgrade_session_ops,
	    .owner = u,
	    .client = client,
	    .terms = terms_of(u),
	    .fd = { fd[0], fd[1], fd[2] },
	    .pid = pid,
	    .id = program_id(u->program),
	    .peer = u->peer,
	    .user = u->user,
	    .path = u->path,
	    .v1 = u->v1 != V1_NOT_OFFERED,
	    .subprotocol = u->subprotocol,
	});
	u->peer = u->path = u->user = NULL;
	free(u->agreed);
	u->agreed = NULL;
	if (engine_stopping(u->engine))
		session_stop(u->session);
	if (rest.len > 0)
		session_feed(u->session, rest.data, rest.len);
	buf_clear(&rest);
	session_start_reading(u->session);
}

static void
upgrade_on_exited(void *owner, struct ended ended)
{
	struct upgrade *u = owner;

	session_exited(u->session, ended);
}

static void
upgrade_on_stop(void *owner)
{
	struct upgrade *u = owner;

	if (u->session != NULL)
		session_stop(u->session);
}

static void
upgrade_on_list(void *owner)
{
	struct upgrade *u = owner;

	if (u->session != NULL)
		session_list(u->session);
}

/* The request, if it still has us, is dropped by itself. */
static void
upgrade_on_drop(void *owner)
{
	struct upgrade *u = owner;

	if (u->session != NULL)
		session_free(u->session);
	else
		request_handle(u->rq, NULL, NULL);
	u->seats = (struct seats){ 0 };
	u->program = NULL;
	upgrade_free(u);
}

static const struct program_ops upgrade_program = {
	.on_started = upgrade_on_started,
	.on_refused = upgrade_on_refused,
	.on_exited = upgrade_on_exited,
	.on_list = upgrade_on_list,
	.on_stop = upgrade_on_stop,
	.on_drop = upgrade_on_drop,
};

/* ------------------------------------------------- the beginning */

/* STANDPIPE_FRAMING. */
static const char *
framing_name(int framing)
{
	static const char *const names[] = {
		[CONF_LINES] = "lines",
		[CONF_BINARY] = "binary",
		[CONF_TEXT] = "text",
		[CONF_NUL] = "nul",
		[CONF_FRAMES] = "frames",
	};

	return names[framing];
}

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
		.agreed = mem_new(1, sizeof(*u->agreed)),
	};
	u->agreed->compression = *compression;
	ws_hello_accept(rq->hello.key, u->agreed->accept);
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
	const struct conf_route *r = &engine_conf(e)->route;
	const struct request_program pr = {
		.subprotocol = subprotocol,
		.framing = framing_name(r->framing),
		.found = r->dir != NULL,
	};
	struct buf vars;
	struct program_wish w = {
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
		u->program = program_start(e, &upgrade_program, u, &w);
	} else {
		answer_too_big(rq, &vars);
	}
	buf_wipe(&vars);
	free(path);
}
