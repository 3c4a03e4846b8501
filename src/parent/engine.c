#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "parent/daemon.h"
#include "parent/engine.h"
#include "proc/group.h"

enum {
	RETRY_MS = 1000,   /* after one that could not even be started */
	STABLE_MS = 60000, /* an engine that lived so long starts afresh */
	BACKOFF_MS = 100,  /* before the second restart in a row */
	BACKOFF_MAX = 5000,
	KILL_AGO_MAX = 1000, /* the past that an engine may claim */
	CONF_PIECE = 32 * 1024,
	BLOCKED_TOLD = 1024,    /* addresses that a new engine hears of */
	MESSAGES_PER_TURN = 64, /* of one engine, before others get theirs */
};

static char auth_word[] = "auth", names_word[] = "names";

static const struct {
	char *word;                /* that the program is started with */
	const char *lost, *killed; /* for the log */
} roles[IPC_ROLES] = {
	[IPC_ROLE_ENGINE] = { NULL, "engine lost", "engine killed" },
	[IPC_ROLE_AUTH] = { auth_word, "auth worker lost",
	    "auth worker killed" },
	[IPC_ROLE_NAMES] = { names_word, "names worker lost",
	    "names worker killed" },
};

void
engine_init(struct engine *e, struct daemon *d, enum ipc_role role,
    uint16_t index)
{
	*e = (struct engine){
		.daemon = d,
		.role = role,
		.index = index,
		.restart_at = UINT64_MAX,
	};
	e->chan.fd = -1;
	if (role == IPC_ROLE_ENGINE)
		certs_add(&d->certs, &e->certs, e);
}

/*
 * What is queued goes out when there is room; nothing is read before: who does
 * not read the answers asks in vain.
 */
static void
rewatch(struct engine *e)
{
	loop_want(&e->watch, ipc_chan_queued(&e->chan) ? POLLOUT : POLLIN);
}

bool
engine_put(struct engine *e, enum ipc_type type, uint32_t session,
    const void *body, size_t len)
{
	bool sent = ipc_chan_tell(&e->chan, type, session, body, len);

	rewatch(e);
	return sent;
}

/* ------------------------------------------------- starting one */

/* Nothing of our environment but what sanitizers and the clock look at. */
static size_t
make_env(char **env, size_t room)
{
	static const char *const names[] = { "TZ", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS" };
	size_t n = 0;

	for (size_t i = 0; i < nitems(names) && n + 1 < room; i++) {
		const char *v = getenv(names[i]);

		if (v != NULL)
			env[n++] = mem_printf("%s=%s", names[i], v);
	}
	env[n] = NULL;
	return n;
}

static pid_t
spawn_engine(const struct engine *e, int chan)
{
	static char name[] = "standpiped-engine";
	const struct daemon *d = e->daemon;
	char *argv[] = { name, roles[e->role].word, NULL };
	char *env[8];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = -1;
	int saved;
	size_t n;

	if (null == -1)
		return -1;
	n = make_env(env, nitems(env));
	pid = spawn(&(struct spawn_spec){
	    .path = d->engine_path,
	    .argv = argv,
	    .envp = env,
	    .fd = { chan, null, STDERR_FILENO },
	    .user = d->engine_has_user ? &d->engine_user : NULL,
	    .survives = true, /* its socket tells it */
	});
	saved = errno;
	while (n > 0)
		free(env[--n]);
	fd_close(&null);
	errno = saved;
	return pid;
}

static bool
tell_settings(struct engine *e)
{
	const struct buf *packed = &e->daemon->packed;

	for (size_t at = 0; at < packed->len; at += CONF_PIECE) {
		size_t n = packed->len - at;

		if (n > CONF_PIECE)
			n = CONF_PIECE;
		if (!ipc_chan_tell(&e->chan, IPC_CONF, 0, packed->data + at, n))
			return false;
	}
	return true;
}

/* What is one client only is the engine's, so that its close(2) is the last. */
static int
hand_over(struct listen_socket *s)
{
	int fd = s->fd;

	if (!listen_how(s)->connected)
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	s->fd = -1;
	return fd;
}

/* The engine gets copies: the sockets themselves outlive it. */
static bool
tell_listener(struct engine *e, size_t i)
{
	struct listen_socket *s = &e->daemon->listeners.v[i];
	uint8_t body[IPC_LISTEN_BODY];
	int fd = hand_over(s);

	ipc_put_listen(body, listen_how(s));
	return fd != -1 &&
	    ipc_chan_send(&e->chan, IPC_LISTEN, (uint32_t)i, body, sizeof(body),
		NULL, 0, &fd, 1);
}

static bool
tell_listeners(struct engine *e)
{
	for (size_t i = 0; i < e->daemon->listeners.n; i++)
		if (!tell_listener(e, i))
			return false;
	return true;
}

static bool
tell_folders(struct engine *e)
{
	for (size_t i = 0; i < IPC_FOLDERS; i++) {
		const struct ipc_folder f = { .which = (uint8_t)i };
		int fd = e->daemon->folder[i].fd;
		uint8_t body[IPC_FOLDER_BODY];

		if (fd == -1)
			continue;
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		ipc_put_folder(body, &f);
		if (fd == -1 ||
		    !ipc_chan_send(&e->chan, IPC_FOLDER, 0, body, sizeof(body),
			NULL, 0, &fd, 1))
			return false;
	}
	return true;
}

/* Those that serve: a worker has no share of what they divide. */
static uint32_t
count_engines(const struct daemon *d)
{
	uint32_t n = 0;

	for (size_t i = 0; i < d->nengines; i++)
		n += d->engines[i].role == IPC_ROLE_ENGINE;
	return n;
}

static bool
tell_start(struct engine *e)
{
	const struct ipc_start s = {
		.number = e->number,
		.step = e->daemon->step,
		.engines = count_engines(e->daemon),
	};
	uint8_t body[IPC_START_BODY];

	return ipc_chan_tell(&e->chan, IPC_START, 0, body,
	    ipc_put_start(body, &s));
}

/* Who cannot be told is lost, which shows soon, and told when replaced. */
static void
tell_link(struct engine *e, const struct engine *other, int fd)
{
	const struct ipc_link to = { other->role, other->index };
	uint8_t body[IPC_LINK_BODY];

	(void)ipc_chan_send(&e->chan, IPC_LINK, 0, body,
	    ipc_put_link(body, &to), NULL, 0, &fd, 1);
	rewatch(e);
}

/* Two that may not run now get to each other. */
static bool
link_two(struct engine *a, struct engine *b)
{
	int pair[2] = { -1, -1 };

	if (a->chan.fd == -1 || b->chan.fd == -1)
		return true;
	if (fd_seqpacket_pair(pair) == -1)
		return false;
	tell_link(a, b, pair[0]);
	tell_link(b, a, pair[1]);
	return true;
}

/* One that serves with every worker, a worker with every one that serves. */
static bool
link_all(struct engine *e)
{
	struct daemon *d = e->daemon;
	bool serves = e->role == IPC_ROLE_ENGINE;

	for (size_t i = 0; i < d->nengines; i++) {
		struct engine *other = &d->engines[i];

		if (serves != (other->role == IPC_ROLE_ENGINE) &&
		    !link_two(e, other))
			return false;
	}
	return true;
}

struct telling {
	struct engine *engine; /* kept */
	size_t n;
	bool ok;
};

static bool
engine_on_blocked(void *arg, const struct addr *a, uint32_t ms)
{
	struct telling *t = arg;
	uint8_t body[IPC_BLOCKED_BODY];

	t->ok = ipc_chan_tell(&t->engine->chan, IPC_BLOCKED, 0, body,
	    ipc_put_blocked(body, a, ms));
	return t->ok && ++t->n < BLOCKED_TOLD;
}

/* Who may not log in: a new engine could not know. */
static bool
tell_all_blocked(struct engine *e)
{
	struct telling t = { .engine = e, .ok = true };

	limits_each_blocked(e->daemon->limits, clock_ms(), engine_on_blocked,
	    &t);
	return t.ok;
}

static bool
tell_everything(struct engine *e)
{
	const struct secrets *s = &e->daemon->secrets;

	if (!tell_settings(e))
		return false;
	if (e->role == IPC_ROLE_AUTH)
		return secret_tell(&s->passwords, &e->chan) && tell_start(e) &&
		    link_all(e);
	if (e->role == IPC_ROLE_NAMES)
		return tell_start(e) && link_all(e);
	return tell_listeners(e) && tell_folders(e) &&
	    certs_on_begin(&e->daemon->certs, &e->certs) &&
	    secret_tell(&s->tokens, &e->chan) && tell_all_blocked(e) &&
	    tell_start(e) && link_all(e);
}

static void engine_on_ready(void *arg, short found);

/* Start the process and tell it everything; -1 with errno. */
static int
start(struct engine *e)
{
	int pair[2] = { -1, -1 };

	e->restart_at = UINT64_MAX;
	e->started = clock_ms();
	e->ready = false;
	if ((e->number = daemon_new_number(e->daemon)) == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (fd_seqpacket_pair(pair) == -1)
		return -1;
	if ((e->pid = spawn_engine(e, pair[1])) == -1) {
		int saved = errno;

		e->pid = 0;
		fd_close2(pair);
		errno = saved;
		return -1;
	}
	fd_close(&pair[1]);
	ipc_chan_init(&e->chan, pair[0], IPC_FROM_PARENT);
	loop_watch(&e->daemon->loop, &e->watch, pair[0], engine_on_ready, e);
	if (tell_everything(e)) {
		rewatch(e);
		return 0;
	}
	engine_kill(e);
	engine_clear(e);
	certs_on_gone(&e->daemon->certs, &e->certs);
	errno = EPIPE;
	return -1;
}

static void
engine_on_restart(void *arg)
{
	engine_begin(arg);
}

/* The old one is reaped, and logged, first. */
static void
await_restart(struct engine *e)
{
	if (e->pid == 0)
		loop_at(&e->daemon->loop, &e->restart, e->restart_at,
		    engine_on_restart, e);
}

void
engine_begin(struct engine *e)
{
	if (start(e) == 0)
		return;
	log_error("cannot start an engine: %s", strerror(errno));
	e->restart_at = clock_ms() + RETRY_MS;
	await_restart(e);
	if (!e->daemon->announced)
		daemon_fail(e->daemon);
}

/* ------------------------------------------------- losing one */

static void
plan_restart(struct engine *e)
{
	uint64_t now = clock_ms(), wait = 0;

	if (now - e->started > STABLE_MS)
		e->failures = 0;
	if (e->failures > 0) {
		wait = (uint64_t)BACKOFF_MS
		    << (e->failures < 8 ? e->failures : 8);
		if (wait > BACKOFF_MAX)
			wait = BACKOFF_MAX;
	}
	e->failures++;
	e->restart_at = now + wait;
	await_restart(e);
}

void
engine_clear(struct engine *e)
{
	loop_unwatch(&e->watch);
	e->number = 0;
	ipc_chan_clear(&e->chan);
	e->chan.fd = -1;
	e->ready = false;
	limits_leave_all(e->daemon->limits, &e->seats);
}

void
engine_kill(struct engine *e)
{
	if (e->pid > 0)
		(void)kill(e->pid, SIGKILL);
}

void
engine_lost(struct engine *e, const char *why)
{
	struct daemon *d = e->daemon;
	uint32_t number = e->number;

	if (e->chan.fd == -1)
		return;
	if (!d->stopping)
		LOG(LOG_LVL_ERROR, roles[e->role].lost,
		    LOG_UINT("engine", e->index), LOG_INT("pid", e->pid),
		    LOG_STR("reason", why));
	engine_clear(e);
	child_disown(d->children, number);
	if (d->stopping)
		return; /* it ends as it was told, and will be reaped */
	engine_kill(e);
	certs_on_gone(&d->certs, &e->certs);
	if (!d->announced || (d->conf->inetd && e->role == IPC_ROLE_ENGINE))
		daemon_fail(d);
	else if (d->once_taken && e->role == IPC_ROLE_ENGINE)
		daemon_stop(d);
	else
		plan_restart(e);
}

void
engine_reaped(struct engine *e, struct ended end)
{
	if (end.signal != 0 && !e->daemon->forced)
		LOG(LOG_LVL_ERROR, roles[e->role].killed,
		    LOG_UINT("engine", e->index), LOG_INT("pid", e->pid),
		    LOG_UINT("signal", end.signal));
	e->pid = 0;
	engine_lost(e, "it ended");
	await_restart(e);
	engine_mend_listeners(e->daemon);
}

/* Something was sent to it, or not. */
static void
after_send(struct engine *e, bool sent)
{
	if (sent)
		rewatch(e);
	else
		engine_lost(e, "it does not read what it is told");
}

static void
tell(struct engine *e, enum ipc_type type, uint32_t session, const void *body,
    size_t len)
{
	after_send(e, ipc_chan_tell(&e->chan, type, session, body, len));
}

/* ------------------------------------------------- what it may ask */

static void
tell_refused(struct engine *e, uint32_t session, enum ipc_refusal why, int err)
{
	uint8_t body[8];

	tell(e, IPC_REFUSED, session, body, ipc_put_refused(body, why, err));
}

static void
tell_opened(struct engine *e, uint32_t session, pid_t pid,
    const struct command_pipes *pipes)
{
	uint8_t body[4];

	ipc_put_opened(body, (uint32_t)pid);
	after_send(e,
	    ipc_chan_send(&e->chan, IPC_OPENED, session, body, sizeof(body),
		NULL, 0, pipes->fd, pipes->n));
}

/* CGI programs and gates come and go beside the one that --once waits for. */
static bool
is_session(const struct ipc_open *op)
{
	return op->part == IPC_PART_COMMAND || op->part == IPC_PART_DIR;
}

/* --once has its one session with it; whose status counts then, and to inetd. */
static void
count_session(struct daemon *d, pid_t pid)
{
	d->once_taken = d->conf->once;
	if (d->conf->once || d->conf->inetd)
		d->status_of = pid;
}

static void
start_command(struct engine *e, uint32_t session, const struct ipc_open *op)
{
	struct daemon *d = e->daemon;
	struct command_pipes pipes;
	enum ipc_refusal why;
	char *text;
	pid_t pid;

	pid = command_start(&d->command, op, &pipes, &why, &text);
	if (pid == -1) {
		int err = errno;

		if (text != NULL && why == IPC_REFUSED_EXEC)
			LOG(LOG_LVL_WARN, "program did not start",
			    LOG_UINT("session", session),
			    LOG_STR("error", text));
		free(text);
		tell_refused(e, session, why, err);
		return;
	}
	(void)child_add(d->children, pid, e->number, session,
	    d->command.ladder);
	if (is_session(op))
		count_session(d, pid);
	tell_opened(e, session, pid, &pipes);
}

static bool
is_full(const struct daemon *d)
{
	return d->conf->maxforks > 0 &&
	    child_count(d->children) >= d->conf->maxforks;
}

static bool
on_open(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->daemon;
	struct ipc_open op;

	if (!ipc_read_open(m, &op) || op.route != 0 ||
	    !command_vars_ok(&d->command, &op))
		return false;
	if (d->stopping || (d->once_taken && is_session(&op)))
		tell_refused(e, m->session, IPC_REFUSED_STOPPING, 0);
	else if (!is_full(d))
		start_command(e, m->session, &op);
	else if (command_has(&d->command, &op))
		tell_refused(e, m->session, IPC_REFUSED_FULL, 0);
	else /* a file may have that name, which takes no program */
		tell_refused(e, m->session, IPC_REFUSED_MISSING, errno);
	return true;
}

/* The child that an engine means, or NULL: it may have been reaped already. */
static struct child *
child_of(struct engine *e, uint32_t session, uint32_t pid)
{
	struct child *c = child_find(e->daemon->children, (pid_t)pid);

	return c != NULL && c->owner == e->number && c->session == session
	    ? c
	    : NULL;
}

static bool
on_kill(struct engine *e, const struct ipc_msg *m)
{
	struct child *c;
	uint32_t pid, ago;

	if (!ipc_read_kill(m, &pid, &ago) || ago > KILL_AGO_MAX)
		return false;
	if ((c = child_of(e, m->session, pid)) != NULL)
		child_start_ladder(e->daemon->children, c, ago);
	return true;
}

/* Whether the settings have a name for it that is a client's to send. */
static bool
may_signal(const struct conf *conf, int sig)
{
	const struct conf_list *list = &conf->route.client_signals;
	const char *name = str_signal_name(sig);

	for (size_t i = 0; name != NULL && i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

static bool
on_signal(struct engine *e, const struct ipc_msg *m)
{
	struct child *c;
	uint32_t pid;
	int sig;

	if (!ipc_read_signal(m, &pid, &sig) ||
	    !may_signal(e->daemon->conf, sig))
		return false;
	if ((c = child_of(e, m->session, pid)) != NULL)
		group_signal(c->pid, sig);
	return true;
}

static bool
on_done(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->daemon;
	struct child *c;
	uint32_t pid;

	if (!ipc_read_u32(m, &pid))
		return false;
	if ((c = child_of(e, m->session, pid)) != NULL) {
		if (!c->dead)
			return false; /* it would run on, nobody's */
		child_release(d->children, c);
	}
	if (d->once_taken && (pid_t)pid == d->status_of)
		daemon_stop(d);
	return true;
}

static bool
on_ready(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	if (e->ready)
		return false;
	e->ready = true;
	if (e->role == IPC_ROLE_ENGINE)
		certs_on_ready(&e->daemon->certs, &e->certs);
	daemon_engine_ready(e->daemon);
	return true;
}

static bool
on_tls_verdict(struct engine *e, const struct ipc_msg *m)
{
	return certs_on_verdict(&e->daemon->certs, &e->certs, m);
}

static bool
on_admit(struct engine *e, const struct ipc_msg *m)
{
	struct ipc_admitted answer;
	uint8_t body[IPC_ADMITTED_BODY];
	struct ipc_admit a;

	if (!ipc_read_admit(m, &a))
		return false;
	limits_admit(e->daemon->limits, &e->seats, &a, clock_ms(), &answer);
	tell(e, IPC_ADMITTED, m->session, body,
	    ipc_put_admitted(body, &answer));
	return true;
}

static bool
on_leave(struct engine *e, const struct ipc_msg *m)
{
	uint32_t before = e->seats.connections, seat;

	if (!ipc_read_u32(m, &seat) ||
	    !limits_leave(e->daemon->limits, &e->seats, seat))
		return false;
	if (e->daemon->conf->inetd && e->seats.connections < before)
		daemon_stop(e->daemon);
	return true;
}

/* What it says is looked at: it may be the one that did it, or lie. */
static bool
on_spoilt(struct engine *e, const struct ipc_msg *m)
{
	engine_mend_listeners(e->daemon);
	return m->session < e->daemon->listeners.n || e->daemon->stopping;
}

static void
tell_blocked(struct engine *e, const struct addr *a, uint32_t ms)
{
	uint8_t body[IPC_BLOCKED_BODY];

	if (e->chan.fd != -1 && e->role == IPC_ROLE_ENGINE)
		tell(e, IPC_BLOCKED, 0, body, ipc_put_blocked(body, a, ms));
}

/* Who has failed too often is known to all engines, so that no one asks. */
static bool
on_failed_login(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->daemon;
	struct addr a;
	uint32_t ms;

	if (!ipc_read_addr(m, &a))
		return false;
	ms = limits_failed_login(d->limits, &a, clock_ms());
	for (size_t i = 0; ms > 0 && i < d->nengines; i++)
		tell_blocked(&d->engines[i], &a, ms);
	return true;
}

/* Sizes and senders were checked by ipc_read(); a false answer is the end. */
static bool
handle(struct engine *e, const struct ipc_msg *m)
{
	static bool (*const requests[IPC_TYPES])(struct engine *,
	    const struct ipc_msg *) = {
		[IPC_READY] = on_ready,
		[IPC_OPEN] = on_open,
		[IPC_KILL] = on_kill,
		[IPC_SIGNAL] = on_signal,
		[IPC_DONE] = on_done,
		[IPC_ADMIT] = on_admit,
		[IPC_LEAVE] = on_leave,
		[IPC_TLS_VERDICT] = on_tls_verdict,
		[IPC_FAILED_LOGIN] = on_failed_login,
		[IPC_SPOILT] = on_spoilt,
	};

	/* a worker has nothing else to ask for */
	if (e->role != IPC_ROLE_ENGINE && m->type != IPC_READY)
		return false;
	return requests[m->type](e, m);
}

static void
engine_on_readable(struct engine *e)
{
	struct ipc_msg m;

	for (int i = 0; i < MESSAGES_PER_TURN; i++) {
		if (e->chan.fd == -1)
			return;
		switch (ipc_chan_recv(&e->chan, &m)) {
		case IPC_RECV_MSG:
			if (!handle(e, &m))
				engine_lost(e, ipc_strtype(m.type));
			else if (ipc_chan_queued(&e->chan))
				return; /* answers first */
			break;
		case IPC_RECV_NONE:
			return;
		case IPC_RECV_END:
			engine_lost(e, "it ended");
			return;
		case IPC_RECV_BAD:
			engine_lost(e, "it speaks nonsense");
			return;
		}
	}
}

static void
engine_on_ready(void *arg, short found)
{
	struct engine *e = arg;

	if (found & POLLOUT)
		after_send(e, ipc_chan_flush(&e->chan));
	if (found & (POLLIN | POLLHUP | POLLERR))
		engine_on_readable(e);
}

void
engine_tell_exit(struct engine *e, const struct child *c, struct ended end,
    bool want_done)
{
	const struct ipc_exit x = {
		.ended = end,
		.want_done = want_done,
	};
	uint8_t body[3];

	tell(e, IPC_EXITED, c->session, body, ipc_put_exit(body, &x));
}

void
engine_tell_tokens(struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++) {
		struct engine *e = &d->engines[i];

		if (e->role == IPC_ROLE_ENGINE && e->chan.fd != -1)
			after_send(e,
			    secret_tell(&d->secrets.tokens, &e->chan));
	}
}

/* The worker first: who asks it after he forgot gets the new answer. */
void
engine_tell_passwords(struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++) {
		struct engine *e = &d->engines[i];

		if (e->role == IPC_ROLE_AUTH && e->chan.fd != -1)
			after_send(e,
			    secret_tell(&d->secrets.passwords, &e->chan));
	}
	for (size_t i = 0; i < d->nengines; i++) {
		struct engine *e = &d->engines[i];

		if (e->role == IPC_ROLE_ENGINE && e->chan.fd != -1)
			tell(e, IPC_FORGET, 0, NULL, 0);
	}
}

void
engine_mend_listeners(struct daemon *d)
{
	for (size_t i = 0; i < d->listeners.n; i++) {
		if (!listen_mend(&d->listeners.v[i], d->conf))
			continue;
		for (size_t j = 0; j < d->nengines; j++) {
			struct engine *e = &d->engines[j];

			if (e->role == IPC_ROLE_ENGINE && e->chan.fd != -1)
				after_send(e, tell_listener(e, i));
		}
	}
}

void
engine_stop(struct engine *e)
{
	e->restart_at = UINT64_MAX;
	loop_cancel(&e->restart);
	if (e->chan.fd != -1)
		tell(e, IPC_STOP, 0, NULL, 0);
}

void
engine_list_sessions(struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++) {
		struct engine *e = &d->engines[i];

		if (e->role == IPC_ROLE_ENGINE && e->ready && e->chan.fd != -1)
			tell(e, IPC_LIST, 0, NULL, 0);
	}
}
