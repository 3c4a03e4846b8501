#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/local_body.h"
#include "client/local_command.h"
#include "client/outcome.h"
#include "client/tell.h"
#include "codec/ws.h"
#include "flow/stream.h"
#include "flow/watch.h"
#include "proc/group.h"
#include "proc/program.h"

enum {
	MAX_PIPE = 256 * 1024, /* of one that is often full */
	LINGER_MS = 1000,      /* for output of others than the command */
	NAME_SIZE = 64,        /* of a process */
};

struct exec {
	struct local local;
	char *path;                    /* owned */
	char *const *argv;             /* kept */
	char *shell[4];                /* kept: the argv of --exec */
	struct local_command *command; /* owned; NULL: not yet */
	struct event linger;
	struct ended ended; /* good if exited */
	bool exited;
	bool gone; /* and all of its group */
	char reason[ENDED_WORDS];
};

/* ------------------------------------------------- how it ended */

/*
 * The session is over when all of its output has come and it has ended, in
 * either order; the server is told as standpiped tells its clients.
 */
static void
look_for_end(struct exec *e)
{
	unsigned status = ended_status(e->ended);

	if (!e->exited || !e->local.in_ended)
		return;
	(void)event_del(&e->linger);
	if (status == 0) {
		local_lose_output(&e->local, WS_CLOSE_NORMAL, "");
		return;
	}
	ended_put_words(e->ended, e->reason);
	local_lose_output(&e->local, WS_CLOSE_PRIVATE + status, e->reason);
}

/* Another process may hold its standard output: not for ever. */
static void
linger(struct exec *e)
{
	if (e->exited && !e->local.in_ended)
		watch_after(&e->linger, LINGER_MS);
}

static void
exec_on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct exec *e = arg;

	(void)fd;
	(void)what;
	if (e->local.paused) {
		linger(e);
		return;
	}
	stream_pause(e->local.in);
	local_input_ended(&e->local);
	look_for_end(e);
}

static void
exec_on_exit(void *owner, struct ended ended)
{
	struct exec *e = owner;

	e->ended = ended;
	e->exited = true;
	e->local.out_lost = true;
	local_drained(&e->local);
	linger(e);
	look_for_end(e);
}

static void
exec_on_left(void *owner, pid_t pid)
{
	struct exec *e = owner;
	char name[NAME_SIZE];

	group_put_name(name, sizeof(name), pid);
	tell(&e->local.client->conf, "%s (pid %d) cannot be ended", name,
	    (int)pid);
}

static void
exec_on_gone(void *owner)
{
	struct exec *e = owner;

	e->gone = true;
	local_finished(&e->local);
}

static const struct local_command_ops local_command_ops = {
	.on_exit = exec_on_exit,
	.on_left = exec_on_left,
	.on_gone = exec_on_gone,
};

/* ------------------------------------------------- its output and input */

static void
from_on_read(void *owner, uint8_t *data, size_t len)
{
	struct exec *e = owner;

	linger(e);
	local_give(&e->local, data, len);
}

static void
from_on_end(void *owner)
{
	struct exec *e = owner;

	local_input_ended(&e->local);
	look_for_end(e);
}

static void
from_on_lost(void *owner, int err)
{
	struct exec *e = owner;
	const char *why = stream_strshort(err);

	if (why != NULL)
		local_lose_output(&e->local, WS_CLOSE_INTERNAL, why);
	from_on_end(owner);
}

static const struct stream_ops from_ops = {
	.on_read = from_on_read,
	.on_end = from_on_end,
	.on_lost = from_on_lost,
};

/* It reads no more, and may well go on: what comes for it is dropped. */
static void
to_on_lost(void *owner, int err)
{
	struct exec *e = owner;

	(void)err;
	e->local.out_lost = true;
	local_drained(&e->local);
}

static void
to_on_drain(void *owner)
{
	struct exec *e = owner;

	local_drained(&e->local);
}

static const struct stream_ops to_ops = {
	.on_lost = to_on_lost,
	.on_drain = to_on_drain,
};

/* ------------------------------------------------- the body */

static bool
exec_start(struct local *l, struct outcome *o)
{
	struct exec *e = container_of(l, struct exec, local);
	struct flow *flow = &l->client->flow;
	int fd[2];

	if (e->command != NULL)
		return true;
	e->command = local_command_new(flow->base, e->path, e->argv, fd,
	    &local_command_ops, e);
	if (e->command == NULL) {
		outcome_set(o, OUTCOME_NO_EXEC, "%s: %s", e->argv[0],
		    strerror(errno));
		return false;
	}
	l->out = stream_new(flow, STREAM_SINK, fd[0], MAX_PIPE);
	l->in = stream_new(flow, STREAM_SOURCE, fd[1], MAX_PIPE);
	stream_set_owner(l->out, &to_ops, e);
	stream_set_owner(l->in, &from_ops, e);
	return true;
}

static void
exec_judge(struct local *l, struct outcome *o)
{
	const struct exec *e = container_of(l, struct exec, local);

	if (e->exited && o->status == 0 && o->why[0] == '\0')
		o->status = (int)ended_status(e->ended);
}

/* Its last output is read, so that it does not die of it. */
static bool
exec_finish(struct local *l)
{
	struct exec *e = container_of(l, struct exec, local);

	if (e->command == NULL || e->gone)
		return false;
	stream_end(l->out);
	if (!l->in_ended)
		stream_resume(l->in);
	local_command_end(e->command);
	return true;
}

static void
exec_hurry(struct local *l)
{
	struct exec *e = container_of(l, struct exec, local);

	if (e->command != NULL)
		local_command_kill(e->command);
}

static void
exec_clear(struct local *l)
{
	struct exec *e = container_of(l, struct exec, local);

	(void)event_del(&e->linger);
	local_command_free(e->command);
	free(e->path);
	free(e);
}

static const struct local_body body = {
	.start = exec_start,
	.judge = exec_judge,
	.finish = exec_finish,
	.hurry = exec_hurry,
	.clear = exec_clear,
};

static char *const *
words_of(struct exec *e, const struct client_conf *conf)
{
	static char sh[] = "/bin/sh", c[] = "-c";

	if (conf->exec == NULL)
		return conf->command;
	e->shell[0] = sh;
	e->shell[1] = c;
	e->shell[2] = conf->exec;
	return e->shell;
}

static char *
find(const char *name)
{
	const char *path = getenv("PATH");

	return program_find(name, path == NULL ? "/usr/bin:/bin" : path);
}

/* What cannot be found is known before anybody is called. */
struct local *
local_new_exec(struct client *client, struct outcome *o)
{
	struct exec *e = mem_new(1, sizeof(*e));

	local_init(&e->local, &body, client);
	e->argv = words_of(e, &client->conf);
	(void)evtimer_assign(&e->linger, client->flow.base, exec_on_linger, e);
	if ((e->path = find(e->argv[0])) != NULL)
		return &e->local;
	outcome_set(o, errno == ENOENT ? OUTCOME_NO_COMMAND : OUTCOME_NO_EXEC,
	    "%s: %s", e->argv[0],
	    errno == ENOENT ? "command not found" : strerror(errno));
	local_free(&e->local);
	return NULL;
}
