#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/ws_hello.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/fields.h"
#include "engine/program.h"
#include "engine/request.h"
#include "engine/upgrade.h"
#include "flow/session.h"
#include "flow/stream.h"

struct upgrade {
	struct engine *engine;   /* kept */
	struct conn *conn;       /* kept; NULL: the session has taken over */
	struct program *program; /* owned */
	struct session *session; /* owned; NULL: none yet */
	char *peer, *path;       /* owned, until the session takes them */
	const char *subprotocol; /* kept by the settings; NULL: none */
	char accept[WS_HELLO_ACCEPT_SIZE];
};

void
upgrade_prepare(void)
{
	static const char key[WS_HELLO_KEY_LEN + 1] =
	    "AAAAAAAAAAAAAAAAAAAAAA==";
	char accept[WS_HELLO_ACCEPT_SIZE];

	ws_hello_accept(key, accept);
}

/* The program sees to its own end. */
static void
upgrade_free(struct upgrade *u)
{
	program_leave(u->program);
	free(u->peer);
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
	static const struct refusal full = {
		.status = 503,
		.why = "Too many programs run already. Try again later.",
		.rule = "programs",
		.option = "--maxforks",
		.full = true,
	}, stopping = {
		.status = 503,
		.why = "The server takes no more sessions.",
		.rule = "stopping",
	}, broken = {
		.status = 502,
		.why = "The program could not be started.",
	};
	struct upgrade *u = owner;
	struct conn *c = u->conn;

	if (why == IPC_REFUSED_EXEC)
		LOG(LOG_LVL_ERROR, "cannot start the program",
		    LOG_UINT("session", program_id(u->program)),
		    LOG_STR("error", strerror(err)));
	conn_handle(c, NULL, NULL);
	u->program = NULL;
	upgrade_free(u);
	conn_refuse(c,
	    why == IPC_REFUSED_FULL           ? &full
		: why == IPC_REFUSED_STOPPING ? &stopping
					      : &broken);
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
upgrade_on_free(void *owner, struct session *s)
{
	(void)s;
	upgrade_free(owner);
}

static const struct session_ops upgrade_session_ops = {
	.on_kill = upgrade_on_kill,
	.on_free = upgrade_on_free,
};

static void
put_101(struct upgrade *u, struct stream *client)
{
	const struct fields *more = engine_fields_ws(u->engine);
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	if (!ws_hello_put_101(&out, u->accept, u->subprotocol, more->v,
		more->n))
		bug("a 101 does not fit");
	stream_write(client, out.data, out.len);
	buf_clear(&out);
}

static void
upgrade_on_started(void *owner, pid_t pid, const int fd[3])
{
	struct upgrade *u = owner;
	struct stream *client;
	struct buf rest;

	if (conn_is_over(u->conn)) {
		for (size_t i = 0; i < 3; i++)
			if (fd[i] != -1)
				close(fd[i]);
		conn_handle(u->conn, NULL, NULL);
		upgrade_free(u);
		return;
	}
	client = conn_take_stream(u->conn, &rest);
	u->conn = NULL;
	put_101(u, client);
	u->session = session_new(&(struct session_start){
	    .flow = engine_flow(u->engine),
	    .route = &engine_conf(u->engine)->route,
	    .ops = &upgrade_session_ops,
	    .owner = u,
	    .client = client,
	    .fd = { fd[0], fd[1], fd[2] },
	    .pid = pid,
	    .id = program_id(u->program),
	    .peer = u->peer,
	    .path = u->path,
	});
	u->peer = u->path = NULL;
	if (engine_stopping(u->engine))
		session_stop(u->session);
	if (rest.len > 0)
		session_feed(u->session, rest.data, rest.len);
	buf_clear(&rest);
	session_start_reading(u->session);
}

static void
upgrade_on_exited(void *owner, uint8_t signal, uint8_t status)
{
	struct upgrade *u = owner;

	session_exited(u->session, signal, status);
}

static void
upgrade_on_stop(void *owner)
{
	struct upgrade *u = owner;

	if (u->session != NULL)
		session_stop(u->session);
}

/* The conn, if it still has us, is dropped by itself. */
static void
upgrade_on_drop(void *owner)
{
	struct upgrade *u = owner;

	if (u->session != NULL)
		session_free(u->session);
	else
		conn_handle(u->conn, NULL, NULL);
	u->program = NULL;
	upgrade_free(u);
}

static const struct program_ops upgrade_program = {
	.on_started = upgrade_on_started,
	.on_refused = upgrade_on_refused,
	.on_exited = upgrade_on_exited,
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

void
upgrade_start(struct request *rq, const char *subprotocol)
{
	static const struct refusal too_big = {
		.status = 431,
		.why = "The request does not fit into an environment.",
		.rule = "environment",
	};
	struct conn *c = rq->conn;
	struct engine *e = conn_engine(c);
	const struct request_program pr = {
		.subprotocol = subprotocol,
		.framing = framing_name(engine_conf(e)->route.framing),
	};
	char peer[REQUEST_PEER_SIZE];
	struct upgrade *u;
	struct buf vars;

	buf_init(&vars, PROGRAM_VARS_MAX);
	if (!request_put_vars(rq, &pr, &vars)) {
		buf_clear(&vars);
		conn_refuse(c, &too_big);
		return;
	}
	u = mem_new(1, sizeof(*u));
	request_peer(rq, peer);
	*u = (struct upgrade){
		.engine = e,
		.conn = c,
		.peer = mem_strdup(peer),
		.path = request_log_path(rq),
		.subprotocol = subprotocol,
	};
	ws_hello_accept(rq->hello.key, u->accept);
	conn_handle(c, &upgrade_handler, u);
	u->program = program_start(e, &upgrade_program, u,
	    &(struct program_wish){
		.kind = IPC_KIND_COMMAND,
		.vars = &vars,
	    });
	buf_clear(&vars);
}
