#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/rand.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/cgi.h"
#include "codec/http1.h"
#include "codec/url.h"
#include "codec/ws_hello.h"
#include "conf/conf.h"
#include "engine/answer.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/route.h"
#include "flow/listener.h"
#include "flow/session.h"
#include "flow/stream.h"

enum {
	PATH_LOG_MAX = 512,    /* bytes of a path that a session remembers */
	DRAIN_MAX = 64 * 1024, /* read and dropped behind an answer */
	DRAIN_MS = 2000,       /* for so long */
	ID_BYTES = 16,
	PEER_SIZE = INET6_ADDRSTRLEN + 8,
};

enum conn_state {
	CONN_ADMITTING, /* the parent decides whether there is room */
	CONN_READING,   /* the request's head arrives */
	CONN_STARTING,  /* the parent starts the program */
	CONN_ANSWERED,  /* the answer is out; what still comes is dropped */
};

struct conn {
	struct job *job;       /* kept */
	struct stream *stream; /* owned */
	struct buf in;         /* the head, and what came behind it */
	size_t scanned;        /* of the head, by the parser */
	size_t dropped;        /* bytes behind an answer */
	unsigned port;         /* that the client connected to; 0: unix */
	unsigned peer_port;
	char *path;              /* owned; of an upgrade */
	const char *subprotocol; /* kept by the settings; NULL: none */
	uint8_t state;           /* enum conn_state */
	bool loopback;
	bool over; /* freed at the next turn of the loop */
	char addr[INET6_ADDRSTRLEN];
	char accept[WS_HELLO_ACCEPT_SIZE];
	struct event timer;
};

static void
wait_for(struct conn *c, uint64_t ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	(void)event_add(&c->timer, &tv);
}

/* Not from inside a callback of the stream: the loop does it. */
static void
end_soon(struct conn *c)
{
	c->over = true;
	event_active(&c->timer, EV_TIMEOUT, 1);
}

static void
format_peer(const struct conn *c, char *out, size_t size)
{
	if (c->port == 0)
		(void)snprintf(out, size, "unix");
	else
		(void)snprintf(out, size,
		    strchr(c->addr, ':') != NULL ? "[%s]:%u" : "%s:%u", c->addr,
		    c->peer_port);
}

/* Send what is in `out`, nothing after it, and wait for the client to leave. */
static void
answer(struct conn *c, struct buf *out)
{
	c->state = CONN_ANSWERED;
	buf_clear(&c->in);
	stream_write(c->stream, out->data, out->len);
	buf_clear(out);
	stream_end(c->stream);
	stream_resume(c->stream);
	wait_for(c, DRAIN_MS);
}

static void
log_refusal(const struct conn *c, const struct route_decision *d)
{
	char peer[PEER_SIZE];
	const struct log_field fields[] = { LOG_UINT("session", c->job->id),
		LOG_STR("peer", peer), LOG_UINT("status", d->status),
		LOG_STR("rule", d->rule), LOG_STR("option", d->option) };

	if (d->rule == NULL)
		return;
	format_peer(c, peer, sizeof(peer));
	log_fields(LOG_LVL_WARN, "refused", fields,
	    nitems(fields) - (d->option == NULL));
}

static void
refuse(struct conn *c, const struct route_decision *d, bool no_body)
{
	struct buf out;

	log_refusal(c, d);
	buf_init(&out, SIZE_MAX / 2);
	answer_error(&out, d->status, d->why, no_body);
	answer(c, &out);
}

static void
show_console(struct conn *c, bool no_body)
{
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	answer_console(&out, no_body);
	answer(c, &out);
}

/* Random bytes are had by the hundred: asking for them costs a system call. */
static void
put_unique_id(char out[2 * ID_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	static unsigned char pool[64 * ID_BYTES];
	static size_t left;

	if (left == 0) {
		if (RAND_bytes(pool, sizeof(pool)) != 1)
			bug("no random bytes");
		left = sizeof(pool);
	}
	for (size_t i = 0; i < ID_BYTES; i++) {
		unsigned char b = pool[--left];

		out[2 * i] = digits[b >> 4];
		out[2 * i + 1] = digits[b & 15];
	}
	out[2 * ID_BYTES] = '\0';
}

void
conn_prepare(void)
{
	static const char key[WS_HELLO_KEY_LEN + 1] =
	    "AAAAAAAAAAAAAAAAAAAAAA==";
	char accept[WS_HELLO_ACCEPT_SIZE], id[2 * ID_BYTES + 1];

	ws_hello_accept(key, accept);
	put_unique_id(id);
}

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

/* The variables of the request; false if they do not fit. */
static bool
put_vars(const struct conn *c, const struct http1_head *head,
    const struct url *url, struct buf *vars)
{
	const struct conf *conf = engine_conf(c->job->engine);
	char id[2 * ID_BYTES + 1];
	char *path = mem_new(1, url->path_len + 1);
	struct cgi_request rq = {
		.head = head,
		.url = url,
		.server_software = PACKAGE_NAME "/" PACKAGE_VERSION,
		.server_name = "localhost",
		.server_port = c->port,
		.script_name = "",
		.path_info = path,
		.remote_addr = c->addr,
		.remote_port = c->peer_port,
		.unique_id = id,
		.subprotocol = c->subprotocol,
		.framing = framing_name(conf->route.framing),
	};
	bool ok;

	put_unique_id(id);
	ok = url_decode(url->path, url->path_len, path, &rq.path_info_len) &&
	    cgi_put(vars, &rq);
	free(path);
	return ok;
}

/* A good upgrade: nothing is said before the program runs. */
static void
start_program(struct conn *c, const struct http1_head *head,
    const struct route_decision *d)
{
	static const struct route_decision too_big = {
		.what = ROUTE_REFUSE,
		.status = 431,
		.why = "The request does not fit into an environment.",
		.rule = "environment",
	};
	struct buf vars;
	struct url url;

	url_split(head->target, head->target_len, &url);
	c->subprotocol = d->subprotocol;
	buf_init(&vars, IPC_BODY_MAX - IPC_SPAWN_MAX);
	if (!put_vars(c, head, &url, &vars)) {
		buf_clear(&vars);
		refuse(c, &too_big, false);
		return;
	}
	ws_hello_accept(d->key, c->accept);
	c->path = mem_strndup(url.path,
	    url.path_len < PATH_LOG_MAX ? url.path_len : PATH_LOG_MAX);
	c->state = CONN_STARTING;
	stream_pause(c->stream);
	(void)event_del(&c->timer);
	engine_spawn(c->job->engine, c->job, &vars);
	buf_clear(&vars);
}

static void
handle_head(struct conn *c, const struct http1_head *head)
{
	struct route_decision d;
	const struct route_request rq = {
		.head = head,
		.loopback = c->loopback,
	};
	bool no_body = http1_method_is(head, "HEAD");

	route_decide(&d, engine_conf(c->job->engine), &rq);
	switch (d.what) {
	case ROUTE_UPGRADE:
		start_program(c, head, &d);
		break;
	case ROUTE_CONSOLE:
		show_console(c, no_body);
		break;
	case ROUTE_REFUSE:
		refuse(c, &d, no_body);
		break;
	}
}

static void
refuse_head(struct conn *c, enum http1_result rc)
{
	const struct route_decision d = {
		.what = ROUTE_REFUSE,
		.status = http1_status(rc),
		.why = http1_strresult(rc),
		.rule = "request head",
	};

	refuse(c, &d, false);
}

/*
 * Read the head where it lies. What is behind it, or an incomplete one, is
 * kept: the parser's limits keep that small.
 */
static void
read_head(struct conn *c, const uint8_t *data, size_t len)
{
	struct http1_head head;
	enum http1_result rc;
	size_t used = 0;

	rc = http1_read_request(&head, data, len, &c->scanned, &used);
	if (rc < 0) {
		refuse_head(c, rc);
		return;
	}
	if (rc == HTTP1_HEAD)
		handle_head(c, &head);
	if (data == c->in.data)
		buf_drain(&c->in, used);
	else if (c->state != CONN_ANSWERED &&
	    !buf_add(&c->in, data + used, len - used))
		end_soon(c);
}

static void
conn_on_read(void *owner, uint8_t *data, size_t len)
{
	struct conn *c = owner;

	if (c->over)
		return;
	if (c->state == CONN_ANSWERED) {
		if ((c->dropped += len) > DRAIN_MAX)
			end_soon(c);
	} else if (c->in.len == 0) {
		read_head(c, data, len);
	} else if (buf_add(&c->in, data, len)) {
		read_head(c, c->in.data, c->in.len);
	} else {
		end_soon(c);
	}
}

static void
conn_on_end(void *owner)
{
	struct conn *c = owner;

	end_soon(c);
}

static void
conn_on_lost(void *owner, int err)
{
	struct conn *c = owner;

	(void)err;
	end_soon(c);
}

static const struct stream_ops conn_stream_ops = {
	.on_read = conn_on_read,
	.on_end = conn_on_end,
	.on_lost = conn_on_lost,
};

static void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct route_decision late = {
		.what = ROUTE_REFUSE,
		.status = 408,
		.why = "The request did not arrive in time.",
		.rule = "handshake time",
		.option = "--handshake-timeout",
	};
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (!c->over && c->state == CONN_READING && c->in.len > 0) {
		refuse(c, &late, false);
		return;
	}
	engine_conn_done(c->job);
}

static void
read_peer(struct conn *c, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &in->sin_addr, c->addr,
		    sizeof(c->addr));
		c->peer_port = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, c->addr,
		    sizeof(c->addr));
		c->peer_port = ntohs(in6->sin6_port);
	} else {
		(void)str_copy(c->addr, sizeof(c->addr), "unix-socket");
	}
}

struct conn *
conn_new(struct job *job, struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t len, bool admit)
{
	struct conn *c = mem_new(1, sizeof(*c));
	struct flow *flow = engine_flow(job->engine);
	uint64_t timeout;

	(void)len;
	c->job = job;
	c->port = listener_port(l);
	c->loopback = listener_is_loopback(l, fd);
	c->state = admit ? CONN_ADMITTING : CONN_READING;
	buf_init(&c->in, HTTP1_MAX_HEAD + FLOW_READ_SOCKET);
	read_peer(c, sa);
	(void)evtimer_assign(&c->timer, flow->base, conn_on_timer, c);
	c->stream = stream_new(flow, STREAM_SOCKET, fd, 0);
	stream_set_owner(c->stream, &conn_stream_ops, c);
	if (admit)
		stream_pause(c->stream);
	if ((timeout = engine_conf(job->engine)->handshake_timeout) > 0)
		wait_for(c, timeout);
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	(void)event_del(&c->timer);
	stream_free(c->stream);
	buf_clear(&c->in);
	free(c->path);
	free(c);
}

void
conn_admitted(struct conn *c, bool ok)
{
	static const struct route_decision full = {
		.what = ROUTE_REFUSE,
		.status = 503,
		.why = "Too many connections. Try again later.",
		.rule = "connections",
		.option = "--max-connections",
	};

	if (c->state != CONN_ADMITTING || c->over)
		return;
	if (!ok) {
		refuse(c, &full, false);
		return;
	}
	c->state = CONN_READING;
	stream_resume(c->stream);
}

bool
conn_is_over(const struct conn *c)
{
	return c->over;
}

static void
put_101(const struct conn *c, struct buf *out)
{
	buf_init(out, SIZE_MAX / 2);
	if (!ws_hello_put_101(out, c->accept, c->subprotocol))
		bug("a 101 does not fit");
}

void
conn_spawned(struct conn *c, pid_t pid, const int fd[3])
{
	char peer[PEER_SIZE];
	struct job *job = c->job;
	struct session *s;
	struct buf out;

	put_101(c, &out);
	stream_write(c->stream, out.data, out.len);
	buf_clear(&out);
	format_peer(c, peer, sizeof(peer));
	s = session_new(&(struct session_start){
	    .flow = engine_flow(job->engine),
	    .route = &engine_conf(job->engine)->route,
	    .ops = engine_session_ops(),
	    .owner = job,
	    .client = c->stream,
	    .fd = { fd[0], fd[1], fd[2] },
	    .pid = pid,
	    .id = job->id,
	    .peer = mem_strdup(peer),
	    .path = c->path,
	});
	c->stream = NULL;
	c->path = NULL;
	engine_session_begins(job, s);
	if (c->in.len > 0)
		session_feed(s, c->in.data, c->in.len);
	session_start_reading(s);
	engine_conn_done(job);
}

void
conn_refused(struct conn *c, enum ipc_refusal why, int err)
{
	static const struct route_decision full = {
		.what = ROUTE_REFUSE,
		.status = 503,
		.why = "Too many programs run already. Try again later.",
		.rule = "programs",
		.option = "--maxforks",
	}, stopping = {
		.what = ROUTE_REFUSE,
		.status = 503,
		.why = "The server takes no more sessions.",
		.rule = "stopping",
	}, broken = {
		.what = ROUTE_REFUSE,
		.status = 502,
		.why = "The program could not be started.",
	};

	if (why == IPC_REFUSED_EXEC)
		LOG(LOG_LVL_ERROR, "cannot start the program",
		    LOG_UINT("session", c->job->id),
		    LOG_STR("error", strerror(err)));
	refuse(c,
	    why == IPC_REFUSED_FULL           ? &full
		: why == IPC_REFUSED_STOPPING ? &stopping
					      : &broken,
	    false);
}

void
conn_stop(struct conn *c)
{
	if (c->state == CONN_ADMITTING || c->state == CONN_READING)
		end_soon(c);
}
