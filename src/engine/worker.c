#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/wire.h"
#include "engine/worker.h"
#include "ipc/ipc.h"
#include "ipc/ipc_codec.h"

void
worker_init(struct worker *w, const char *name, const struct worker_ops *ops,
    void *owner)
{
	*w = (struct worker){
		.ops = ops,
		.owner = owner,
		.name = name,
		.status = EXIT_SUCCESS,
	};
	for (size_t i = 0; i < WORKER_ASKERS; i++)
		w->asker[i] = -1;
	buf_init(&w->settings, IPC_CONF_MAX);
	ipc_chan_init(&w->chan, STDIN_FILENO, IPC_FROM_ENGINE);
}

void
worker_clear(struct worker *w)
{
	for (size_t i = 0; i < WORKER_ASKERS; i++)
		worker_drop(w, i);
	ipc_chan_clear(&w->chan);
	buf_clear(&w->settings);
}

void
worker_drop(struct worker *w, size_t i)
{
	if (w->asker[i] == -1)
		return;
	if (w->ops->on_drop != NULL)
		w->ops->on_drop(w->owner, i);
	fd_close(&w->asker[i]);
}

/* ------------------------------------------------- what the parent says */

static bool
on_start(struct worker *w)
{
	struct conf conf;

	if (w->ready || !wire_unpack(&conf, w->settings.data, w->settings.len))
		return false;
	buf_clear(&w->settings);
	log_init(&(struct log_conf){
	    .program = "standpiped",
	    .level = (enum log_level)conf.loglevel,
	    .format = (enum log_format)conf.log_format,
	    .syslog = conf.syslog,
	});
	w->ops->on_settings(w->owner, &conf);
	conf_clear(&conf);
	w->ready = true;
	return ipc_chan_tell(&w->chan, IPC_READY, 0, NULL, 0);
}

/* An engine's end of a new socket; that of the one before it has gone. */
static bool
on_link(struct worker *w, struct ipc_msg *m)
{
	struct ipc_link to;

	if (!w->ready || m->cut || !ipc_read_link(m, &to) ||
	    to.role != IPC_ROLE_ENGINE || to.index >= WORKER_ASKERS) {
		fd_close(&m->fd[0]);
		return false;
	}
	worker_drop(w, to.index);
	w->asker[to.index] = m->fd[0];
	if (w->ops->on_asker != NULL)
		w->ops->on_asker(w->owner, to.index);
	return true;
}

static bool
handle(struct worker *w, struct ipc_msg *m)
{
	switch (m->type) {
	case IPC_CONF:
		return !w->ready && buf_add(&w->settings, m->body, m->len);
	case IPC_START:
		return on_start(w);
	case IPC_LINK:
		return on_link(w, m);
	case IPC_STOP:
		w->over = true;
		return true;
	default:
		return w->ops->on_msg != NULL && w->ops->on_msg(w->owner, m);
	}
}

void
worker_hear(struct worker *w)
{
	enum ipc_recv rc = IPC_RECV_NONE;
	struct ipc_msg m;

	while (!w->over && (rc = ipc_chan_recv(&w->chan, &m)) == IPC_RECV_MSG) {
		if (handle(w, &m))
			continue;
		log_error("%s worker: bad message from the parent: %s", w->name,
		    ipc_strtype(m.type));
		rc = IPC_RECV_BAD;
		break;
	}
	if (rc == IPC_RECV_BAD)
		w->status = EXIT_FAILURE;
	if (rc < 0)
		w->over = true;
}
