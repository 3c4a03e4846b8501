#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "parent/engine.h"

enum {
	RETRY_MS = 1000,   /* after one that could not even be started */
	STABLE_MS = 60000, /* an engine that lived so long starts afresh */
	BACKOFF_MS = 100,  /* before the second restart in a row */
	BACKOFF_MAX = 5000,
	MESSAGES_PER_TURN = 64, /* of one engine, before others get theirs */
	NUMBERS_EACH = 16,      /* engines that follow each other in a place */
};

/* For the log. */
static const struct {
	const char *lost, *killed;
} words[IPC_ROLES] = {
	[IPC_ROLE_ENGINE] = { "engine lost", "engine killed" },
	[IPC_ROLE_AUTH] = { "auth worker lost", "auth worker killed" },
	[IPC_ROLE_NAMES] = { "names worker lost", "names worker killed" },
};

/* ------------------------------------------------- all of them */

void
engines_init(struct engines *es, struct loop *loop,
    const struct engine_ops *ops, void *owner)
{
	*es = (struct engines){
		.loop = loop,
		.ops = ops,
		.owner = owner,
	};
	LIST_INIT(&es->list);
}

/* A power of two: what is counted in such steps stays apart beyond 2^32. */
void
engines_set_step(struct engines *es, size_t places)
{
	if (es->step != 0)
		return;
	for (es->step = 1; es->step < NUMBERS_EACH * places;)
		es->step *= 2;
}

bool
engines_remain(const struct engines *es)
{
	const struct engine *e;

	LIST_FOREACH (e, &es->list, entry)
		if (engine_is_there(e))
			return true;
	return false;
}

struct engine *
engines_find_pid(const struct engines *es, pid_t pid)
{
	struct engine *e;

	LIST_FOREACH (e, &es->list, entry)
		if (e->pid == pid)
			return e;
	return NULL;
}

struct engine *
engines_find(const struct engines *es, uint32_t number)
{
	struct engine *e;

	LIST_FOREACH (e, &es->list, entry)
		if (e->number == number)
			return e;
	return NULL;
}

/* One that no engine has; 0: all are taken. */
static uint32_t
new_number(struct engines *es)
{
	for (uint32_t i = 0; i < es->step; i++) {
		es->last_number = es->last_number % es->step + 1;
		if (engines_find(es, es->last_number) == NULL)
			return es->last_number;
	}
	return 0;
}

void
engine_init(struct engine *e, struct engines *es, struct generation *g,
    enum ipc_role role, uint32_t index)
{
	*e = (struct engine){
		.engines = es,
		.generation = g,
		.role = role,
		.index = index,
		.restart_at = UINT64_MAX,
	};
	e->chan.fd = -1;
	LIST_INSERT_HEAD(&es->list, e, entry);
}

bool
engine_runs(const struct engine *e)
{
	return e->chan.fd != -1;
}

bool
engine_is_there(const struct engine *e)
{
	return engine_runs(e) || e->pid != 0;
}

/* ------------------------------------------------- what it is told */

/*
 * What is queued goes out when there is room; nothing is read before: an engine
 * that does not read answers gets none to what else it asks.
 */
static void
rewatch(struct engine *e)
{
	loop_want(&e->watch, ipc_chan_queued(&e->chan) ? POLLOUT : POLLIN);
}

bool
engine_send(struct engine *e, enum ipc_type type, uint32_t session,
    const void *a, size_t alen, const void *b, size_t blen, const int *fd,
    size_t nfds)
{
	bool sent =
	    ipc_chan_send(&e->chan, type, session, a, alen, b, blen, fd, nfds);

	rewatch(e);
	return sent;
}

bool
engine_put(struct engine *e, enum ipc_type type, uint32_t session,
    const void *body, size_t len)
{
	return engine_send(e, type, session, body, len, NULL, 0, NULL, 0);
}

void
engine_after(struct engine *e, bool sent)
{
	if (sent)
		rewatch(e);
	else
		engine_lost(e, "it does not read what it is told");
}

void
engine_tell(struct engine *e, enum ipc_type type, uint32_t session,
    const void *body, size_t len)
{
	if (engine_runs(e))
		engine_after(e,
		    ipc_chan_tell(&e->chan, type, session, body, len));
}

void
engines_tell(struct engines *es, enum ipc_type type, const void *body,
    size_t len)
{
	struct engine *e;

	LIST_FOREACH (e, &es->list, entry)
		if (e->role == IPC_ROLE_ENGINE)
			engine_tell(e, type, 0, body, len);
}

/* One that cannot be told is lost, which shows soon; the next one is told. */
static void
tell_link(struct engine *e, const struct engine *other, int fd)
{
	const struct ipc_link to = { other->role, other->index };
	uint8_t body[IPC_LINK_BODY];

	(void)engine_send(e, IPC_LINK, 0, body, ipc_put_link(body, &to), NULL,
	    0, &fd, 1);
}

int
engine_link(struct engine *a, struct engine *b)
{
	int pair[2] = { -1, -1 };

	if (!engine_runs(a) || !engine_runs(b))
		return 0;
	if (fd_seqpacket_pair(pair) == -1)
		return -1;
	tell_link(a, b, pair[0]);
	tell_link(b, a, pair[1]);
	return 0;
}

/* ------------------------------------------------- starting one */

/* The process and our end of its socket; -1 with errno. */
static int
start_process(struct engine *e)
{
	int pair[2] = { -1, -1 };
	int saved;
	pid_t pid;

	if (fd_seqpacket_pair(pair) == -1)
		return -1;
	if ((pid = e->engines->ops->spawn(e, pair[1])) == -1) {
		saved = errno;
		fd_close2(pair);
		errno = saved;
		return -1;
	}
	fd_close(&pair[1]);
	e->pid = pid;
	return pair[0];
}

static void engine_on_socket(void *arg, short found);

/* The socket goes, and the number with it. */
static void
disconnect(struct engine *e)
{
	loop_unwatch(&e->watch);
	ipc_chan_clear(&e->chan);
	e->chan.fd = -1;
	e->number = 0;
	e->ready = false;
}

static void
kill_process(struct engine *e)
{
	if (e->pid > 0)
		(void)kill(e->pid, SIGKILL);
}

/* -1 with errno. */
static int
start(struct engine *e)
{
	struct engines *es = e->engines;
	uint32_t number = new_number(es);
	int fd;

	e->restart_at = UINT64_MAX;
	e->started = clock_ms();
	if (number == 0) {
		errno = EAGAIN;
		return -1;
	}
	if ((fd = start_process(e)) == -1)
		return -1;
	e->number = number;
	ipc_chan_init(&e->chan, fd, IPC_FROM_PARENT);
	loop_watch(es->loop, &e->watch, fd, engine_on_socket, e);
	if (es->ops->on_begin(e))
		return 0;
	disconnect(e);
	kill_process(e);
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
		loop_at(e->engines->loop, &e->restart, e->restart_at,
		    engine_on_restart, e);
}

void
engine_begin(struct engine *e)
{
	if (e->fate != ENGINE_WANTED || start(e) == 0)
		return;
	log_error("cannot start an engine: %s", strerror(errno));
	e->restart_at = clock_ms() + RETRY_MS;
	await_restart(e);
	e->engines->ops->on_failed(e);
}

void
engine_replace(struct engine *e)
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

/* ------------------------------------------------- losing one */

/* A reason is a fault, unless it ends anyhow. */
static void
lose(struct engine *e, const char *why)
{
	uint32_t number = e->number;

	if (!engine_runs(e))
		return;
	if (why != NULL && e->fate < ENGINE_STOPPED) {
		LOG(LOG_LVL_ERROR, words[e->role].lost,
		    LOG_UINT("engine", e->index), LOG_INT("pid", e->pid),
		    LOG_STR("reason", why));
		kill_process(e);
	}
	disconnect(e);
	e->engines->ops->on_lost(e, number);
}

void
engine_lost(struct engine *e, const char *why)
{
	lose(e, why);
}

/* One that was retired has nothing left to do. */
static void
end_of_socket(struct engine *e)
{
	lose(e, e->fate == ENGINE_RETIRED ? NULL : "it ended");
}

void
engine_reaped(struct engine *e, struct ended end)
{
	if (end.signal != 0 && e->fate != ENGINE_FORCED)
		LOG(LOG_LVL_ERROR, words[e->role].killed,
		    LOG_UINT("engine", e->index), LOG_INT("pid", e->pid),
		    LOG_UINT("signal", end.signal));
	e->pid = 0;
	end_of_socket(e);
	await_restart(e);
}

/* ------------------------------------------------- its end */

static void
leave(struct engine *e, enum engine_fate fate)
{
	e->fate = fate;
	e->restart_at = UINT64_MAX;
	loop_cancel(&e->restart);
}

void
engine_retire(struct engine *e)
{
	leave(e, ENGINE_RETIRED);
	engine_tell(e, IPC_RETIRE, 0, NULL, 0);
}

void
engine_stop(struct engine *e)
{
	leave(e, ENGINE_STOPPED);
	engine_tell(e, IPC_STOP, 0, NULL, 0);
}

void
engine_force(struct engine *e)
{
	leave(e, ENGINE_FORCED);
	lose(e, NULL);
	kill_process(e);
}

void
engines_force(struct engines *es)
{
	struct engine *e;

	LIST_FOREACH (e, &es->list, entry)
		engine_force(e);
}

void
engine_clear(struct engine *e)
{
	leave(e, ENGINE_FORCED);
	lose(e, NULL);
	LIST_REMOVE(e, entry);
}

/* ------------------------------------------------- what it says */

static void
read_messages(struct engine *e)
{
	struct ipc_msg m;

	for (int i = 0; i < MESSAGES_PER_TURN; i++) {
		if (!engine_runs(e))
			return;
		switch (ipc_chan_recv(&e->chan, &m)) {
		case IPC_RECV_MSG:
			if (!e->engines->ops->on_msg(e, &m))
				engine_lost(e, ipc_strtype(m.type));
			else if (ipc_chan_queued(&e->chan))
				return; /* answers first */
			break;
		case IPC_RECV_NONE:
			return;
		case IPC_RECV_END:
			end_of_socket(e);
			return;
		case IPC_RECV_BAD:
			engine_lost(e, "it speaks nonsense");
			return;
		}
	}
}

static void
engine_on_socket(void *arg, short found)
{
	struct engine *e = arg;

	if (found & POLLOUT) {
		bool flushed = ipc_chan_flush(&e->chan);

		rewatch(e);
		engine_after(e, flushed);
	}
	if (found & (POLLIN | POLLHUP | POLLERR))
		read_messages(e);
}
