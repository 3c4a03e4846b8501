#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/wire.h"
#include "engine/access.h"
#include "engine/certs.h"
#include "engine/compression.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/engine_state.h"
#include "engine/hostname.h"
#include "engine/ids.h"
#include "engine/limits.h"
#include "engine/passwords.h"
#include "engine/program.h"
#include "engine/remote.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/sandbox.h"
#include "engine/serve.h"
#include "engine/sessions.h"
#include "engine/tokens.h"
#include "flow/listener.h"
#include "flow/watch.h"
#include "ipc/ipc_chan.h"

enum {
	LIST_TURN = 64,     /* sessions that are listed in a turn */
	MESSAGES_TURN = 64, /* of the parent, before clients get theirs */
};

/* ------------------------------------------------- who comes */

static void
serve_on_accept(void *owner, struct listener *l, int fd,
    const struct sockaddr *sa, socklen_t len)
{
	static const struct conn_ops conn_ops = {
		.on_request = access_begin,
		.on_admitted = access_admitted,
		.on_bad = request_refuse,
	};
	struct engine *e = owner;

	(void)len;
	conn_new(e, &conn_ops, l, fd, sa);
	engine_watch_room(e);
}

/* The parent has them all, and makes another. */
static void
serve_on_spoilt(void *owner, struct listener *l)
{
	struct engine *e = owner;
	uint32_t i = 0;

	while (e->listener[i] != l)
		i++;
	engine_tell(e, IPC_SPOILT, i, NULL, 0);
}

/* ------------------------------------------------- what the parent says */

static bool
on_conf(struct engine *e, const struct ipc_msg *m)
{
	bool fits = !e->configured && buf_add(&e->packed, m->body, m->len);

	if (e->packed.starved)
		mem_die();
	return fits;
}

static bool
add_listener(struct engine *e, int fd, const struct ipc_listen *how)
{
	static const struct listener_ops ops = {
		.on_accept = serve_on_accept,
		.on_spoilt = serve_on_spoilt,
	};
	struct listener *l = listener_new(&e->flow, fd, how, &ops, e);

	if (l != NULL)
		e->listener[e->nlisteners++] = l;
	return l != NULL;
}

/* One more, or another in the place of one that is spoilt. */
static bool
on_listen(struct engine *e, const struct ipc_msg *m)
{
	size_t index = m->session;
	struct ipc_listen how;

	if (index >= IPC_LISTENERS_MAX || !ipc_read_listen(m, &how))
		return false;
	if (index < e->nlisteners) {
		listener_renew(e->listener[index], m->fd[0]);
		return true;
	}
	return index == e->nlisteners && !e->configured &&
	    add_listener(e, m->fd[0], &how);
}

static bool
on_folder(struct engine *e, const struct ipc_msg *m)
{
	struct ipc_folder f;
	int *folder;

	if (e->configured || !ipc_read_folder(m, &f) ||
	    f.route >= IPC_ROUTES_MAX)
		return false;
	folder = &e->route[f.route].folder[f.which];
	if (*folder != -1)
		return false;
	*folder = m->fd[0];
	return true;
}

static bool
configure(struct engine *e)
{
	bool ok = wire_unpack(&e->conf, e->packed.data, e->packed.len);

	buf_clear(&e->packed);
	e->configured = ok;
	if (ok)
		log_init(&(struct log_conf){
		    .program = "standpiped",
		    .level = (enum log_level)e->conf.loglevel,
		    .format = (enum log_format)e->conf.log_format,
		    .syslog = e->conf.syslog,
		});
	return ok;
}

static void
add_route(struct engine *e, const struct conf_route *conf)
{
	route_prepare(&e->route[e->nroutes++], conf);
}

static bool
asks_for_passwords(const struct engine *e)
{
	for (size_t i = 0; i < e->nroutes; i++)
		if (e->route[i].conf->auth_file != NULL)
			return true;
	return false;
}

/* Who hears nobody is not ready: the parent may have more luck with another. */
static bool
start_listening(struct engine *e)
{
	for (size_t i = 0; i < e->nlisteners; i++) {
		if (listener_start(e->listener[i]) == 0)
			continue;
		log_error("engine: cannot watch a listener: %s",
		    strerror(errno));
		engine_give_up(e);
		return false;
	}
	return true;
}

static void
confine(const struct engine *e)
{
	int folder[IPC_ROUTES_MAX];
	struct sandbox s = {
		.who = "engine",
		.how = e->conf.sandbox,
		.folder = folder,
	};

	for (size_t i = 0; i < e->nroutes; i++)
		if (e->route[i].folder[IPC_FOLDER_STATIC] != -1)
			folder[s.nfolders++] =
			    e->route[i].folder[IPC_FOLDER_STATIC];
	sandbox_enter(&s);
}

static bool
on_start(struct engine *e, const struct ipc_msg *m)
{
	struct ipc_start s;

	if (e->configured || !ipc_read_start(m, &s) || !configure(e))
		return false;
	e->id_step = s.step;
	e->last_id = s.number - s.step;
	complaints_share_init(&e->flow.complaints, s.engines);
	if (!certs_start(&e->certs, e))
		return true; /* the parent decides what becomes of us */
	e->remote_rules = remote_rules_new(&e->conf);
	compression_init(e);
	add_route(e, &e->conf.route);
	if (asks_for_passwords(e))
		e->passwords = passwords_new(e->flow.base);
	if (e->conf.reverselookup)
		e->hostnames = hostnames_new(e->flow.base);
	confine(e);
	if (start_listening(e))
		engine_tell(e, IPC_READY, 0, NULL, 0);
	return true;
}

static bool
on_tokens(struct engine *e, const struct ipc_msg *m)
{
	struct ipc_piece p;

	return ipc_read_piece(m, &p) && p.route < IPC_ROUTES_MAX &&
	    tokens_on_piece(&e->route[p.route].tokens, &p);
}

static bool
on_link(struct engine *e, const struct ipc_msg *m)
{
	struct ipc_link to = { .role = IPC_ROLE_ENGINE };

	if (m->cut) {
		log_error("engine: clients have no names: descriptors are "
			  "short");
		return true;
	}
	if (ipc_read_link(m, &to) && to.role == IPC_ROLE_AUTH &&
	    e->passwords != NULL) {
		passwords_connect(e->passwords, m->fd[0]);
	} else if (to.role == IPC_ROLE_NAMES && e->hostnames != NULL) {
		hostnames_connect(e->hostnames, m->fd[0]);
	} else {
		close(m->fd[0]);
		return false;
	}
	return true;
}

static bool
on_forget(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	if (e->passwords != NULL)
		passwords_forget(e->passwords);
	return e->passwords != NULL;
}

static bool
on_tls_part(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_part(&e->certs, m);
}

static bool
on_tls_check(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_check(&e->certs, e, m);
}

static bool
on_tls_use(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_use(&e->certs, m);
}

static bool
on_tls_tickets(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_tickets(&e->certs, m);
}

static void
stop_accepting(struct engine *e)
{
	for (size_t i = 0; i < e->nlisteners; i++)
		listener_free(e->listener[i]);
	e->nlisteners = 0;
}

/* Others take over; what has begun here ends here, in its own time. */
static bool
on_retire(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	e->retired = true;
	stop_accepting(e);
	engine_settle(e);
	return true;
}

static bool
on_stop(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	e->stopping = true;
	stop_accepting(e);
	conn_stop_all(e);
	sessions_stop_all(e);
	program_stop_all(e);
	engine_settle(e);
	return true;
}

/* Made active, it would come again before anything new is looked for. */
static void
list_soon(struct engine *e)
{
	static const struct timeval at_once;

	watch_need(&e->on_list, &at_once);
}

/* Somebody has asked what there is: a few lines a turn, then their number. */
static void
serve_on_list(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)what;
	e->nlisted += sessions_list(e, LIST_TURN);
	if (e->sessions.at != NULL)
		list_soon(e);
	else
		LOG(LOG_LVL_INFO, "sessions of an engine",
		    LOG_INT("engine", getpid()),
		    LOG_UINT("sessions", e->nlisted),
		    LOG_UINT("connections", e->conns.n));
}

static bool
on_list(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	e->nlisted = 0;
	sessions_list_begin(e);
	list_soon(e);
	return true;
}

/*
 * Whether we can do without what came with it and is lost: one program, the names
 * of clients. An engine without a listener, a folder or its logins would be one
 * for good: another one is started, which has them.
 */
static bool
can_lack(const struct ipc_msg *m)
{
	struct ipc_link to;

	if (m->type == IPC_LINK)
		return ipc_read_link(m, &to) && to.role == IPC_ROLE_NAMES;
	return m->type == IPC_OPENED;
}

static bool
handle(struct engine *e, const struct ipc_msg *m)
{
	static bool (*const handlers[IPC_TYPES])(struct engine *,
	    const struct ipc_msg *) = {
		[IPC_CONF] = on_conf,
		[IPC_LISTEN] = on_listen,
		[IPC_FOLDER] = on_folder,
		[IPC_START] = on_start,
		[IPC_STOP] = on_stop,
		[IPC_RETIRE] = on_retire,
		[IPC_LIST] = on_list,
		[IPC_OPENED] = program_on_opened,
		[IPC_REFUSED] = program_on_refused,
		[IPC_EXITED] = program_on_exited,
		[IPC_ADMITTED] = conn_on_admitted,
		[IPC_TOKENS] = on_tokens,
		[IPC_LINK] = on_link,
		[IPC_FORGET] = on_forget,
		[IPC_TLS_PART] = on_tls_part,
		[IPC_TLS_CHECK] = on_tls_check,
		[IPC_TLS_USE] = on_tls_use,
		[IPC_TLS_TICKETS] = on_tls_tickets,
		[IPC_BLOCKED] = limits_on_blocked,
	};

	return handlers[m->type] != NULL && (!m->cut || can_lack(m)) &&
	    handlers[m->type](e, m);
}

/*
 * The parent is to be believed, but a message that makes no sense means that
 * one of us is wrong: end, and be started anew.
 */
static enum ipc_recv
take_message(struct engine *e)
{
	struct ipc_msg m;
	enum ipc_recv rc = ipc_chan_recv(&e->chan, &m);
	bool ok;

	if (rc != IPC_RECV_MSG)
		return rc;
	ok = handle(e, &m);
	if (m.type == IPC_TLS_PART || m.type == IPC_TLS_TICKETS)
		ipc_chan_wipe(&e->chan);
	if (ok)
		return rc;
	log_error("engine: bad message from the parent: %s",
	    ipc_strtype(m.type));
	return IPC_RECV_BAD;
}

/* What is left makes the loop call again. */
static void
serve_on_msg(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	enum ipc_recv rc = IPC_RECV_MSG;

	(void)fd;
	(void)what;
	for (int i = 0; i < MESSAGES_TURN && rc == IPC_RECV_MSG; i++)
		rc = take_message(e);
	if (rc == IPC_RECV_END)
		log_debug("engine: the parent has gone");
	if (rc < 0)
		engine_give_up(e);
}

/* ------------------------------------------------- from its beginning to its end */

static void
begin(struct engine *e)
{
	struct event_base *base = e->flow.base;

	e->limits = limits_new();
	buf_init(&e->packed, IPC_CONF_MAX);
	certs_init(&e->certs, &e->conf);
	(void)event_assign(&e->on_msg, base, e->chan.fd, EV_READ | EV_PERSIST,
	    serve_on_msg, e);
	(void)evtimer_assign(&e->on_list, base, serve_on_list, e);
	watch_need(&e->on_msg, NULL);
}

static void
run(struct engine *e)
{
	if (event_base_dispatch(e->flow.base) != -1)
		return;
	log_error("engine: event loop: %s", strerror(errno));
	e->status = EXIT_FAILURE;
}

static void
end(struct engine *e)
{
	e->stopping = true;
	program_drop_all(e);
	conn_drop_all(e);
	passwords_free(e->passwords);
	hostnames_free(e->hostnames);
	(void)event_del(&e->on_msg);
	(void)event_del(&e->on_list);
	buf_clear(&e->packed);
	remote_rules_free(e->remote_rules);
	certs_clear(&e->certs);
	limits_free(e->limits);
}

int
serve(int fd, size_t max_fds)
{
	struct engine *e = engine_new(fd, max_fds);
	int status;

	if (e == NULL) {
		log_error("engine: no usable event loop");
		return EXIT_FAILURE;
	}
	begin(e);
	run(e);
	end(e);
	status = e->status;
	engine_free(e);
	return status;
}
