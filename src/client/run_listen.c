#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/call.h"
#include "client/client.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/run_listen.h"
#include "client/run_signals.h"
#include "client/tell.h"
#include "conf/listen_spec.h"
#include "flow/listener.h"
#include "sock/listen_inherited.h"
#include "sock/listen_set.h"

enum {
	FDS_OF_OURS = 64, /* that are for other things than connections */
	FDS_OF_JOINT = 4, /* two sockets, and more while it connects */
	PEER_SIZE = ADDR_TEXT + 8,
};

struct run_listen {
	struct client *client;      /* kept */
	struct outcome *outcome;    /* kept */
	struct listen_set set;      /* its sockets are the listeners' */
	struct listener **listener; /* owned, set.n of them */
	struct joint *joints;       /* owned */
	size_t count, most;         /* of those */
	struct run_signals signals;
	bool stopping;
};

/* A connection and its call. */
struct joint {
	struct run_listen *listen; /* kept */
	struct local *local;       /* owned */
	struct call *call;         /* owned; NULL: over */
	char peer[PEER_SIZE];
	struct joint *next, **link;
};

/* ------------------------------------------------- accepting or not */

static void
stop_accepting(struct run_listen *r)
{
	for (size_t i = 0; i < r->set.n; i++)
		listener_pause(r->listener[i]);
}

static bool
start_accepting(struct run_listen *r, struct outcome *o)
{
	for (size_t i = 0; i < r->set.n; i++) {
		if (listener_start(r->listener[i]) == 0)
			continue;
		outcome_set(o, OUTCOME_LOCAL, "cannot wait for connections: %s",
		    strerror(errno));
		return false;
	}
	return true;
}

static void
go_on_accepting(struct run_listen *r)
{
	for (size_t i = 0; i < r->set.n; i++)
		listener_resume(r->listener[i]);
}

/* ------------------------------------------------- one connection */

static struct joint *
joint_new(struct run_listen *r, int fd, const struct sockaddr *sa)
{
	struct joint *j = mem_new(1, sizeof(*j));
	char address[ADDR_TEXT];
	struct addr addr;
	unsigned port;

	j->listen = r;
	j->local = local_new_socket(r->client, fd);
	addr_from(&addr, &port, sa);
	addr_put(&addr, address);
	(void)snprintf(j->peer, sizeof(j->peer),
	    addr_is_unix(&addr)       ? "%s"
		: addr_is_ipv4(&addr) ? "%s:%u"
				      : "[%s]:%u",
	    address, port);
	if ((j->next = r->joints) != NULL)
		j->next->link = &j->next;
	j->link = &r->joints;
	r->joints = j;
	r->count++;
	return j;
}

static void
joint_free(struct joint *j)
{
	struct run_listen *r = j->listen;

	call_free(j->call);
	local_free(j->local);
	if ((*j->link = j->next) != NULL)
		j->next->link = j->link;
	free(j);
	if (r->count-- == r->most && !r->stopping)
		go_on_accepting(r);
	if (r->stopping && r->count == 0)
		(void)event_base_loopbreak(r->client->flow.base);
}

static void
joint_on_finished(void *owner)
{
	joint_free(owner);
}

/* The call is over, or given up; the connection may need a moment. */
static void
finish(struct joint *j)
{
	call_free(j->call);
	j->call = NULL;
	if (!local_finish(j->local, joint_on_finished, j))
		joint_free(j);
}

static void
joint_on_over(void *owner, struct call *call, const struct outcome *o,
    const struct facts *facts)
{
	struct joint *j = owner;
	struct outcome named = *o;

	(void)call;
	if (o->why[0] != '\0') {
		outcome_set(&named, o->status, "%s: %s", j->peer, o->why);
		local_fail(j->local);
	}
	report_over(&j->listen->client->conf, facts, &named);
	finish(j);
}

static const struct call_ops call_ops = {
	.on_over = joint_on_over,
};

static void
run_listen_on_accept(void *owner, struct listener *l, int fd,
    const struct sockaddr *sa, socklen_t len)
{
	struct run_listen *r = owner;
	struct joint *j = joint_new(r, fd, sa);

	(void)l;
	(void)len;
	if (r->count >= r->most) {
		tell_more(&r->client->conf,
		    "%zu connections: no more for now (--max-connections)",
		    r->count);
		stop_accepting(r);
	}
	j->call = call_new(r->client, j->local, &call_ops, j);
}

/*
 * No connection is accepted any more; those that are there come to their end.
 */
static void
run_listen_on_spoilt(void *owner, struct listener *l)
{
	struct run_listen *r = owner;

	(void)l;
	outcome_set(r->outcome, OUTCOME_LOCAL,
	    "somebody who shares the listening socket has shut it");
	r->stopping = true;
	stop_accepting(r);
	if (r->joints == NULL)
		(void)event_base_loopbreak(r->client->flow.base);
}

/* ------------------------------------------------- the beginning */

static bool
open_specs(struct run_listen *r, bool inherited, char **why)
{
	const struct listen_unix how = {
		.mode = S_IRUSR | S_IWUSR,
	};
	const struct conf_list *list = &r->client->conf.listen;
	struct listen_spec spec;

	for (size_t i = 0; i < list->n; i++)
		if (listen_spec_read(&spec, list->v[i]) &&
		    (spec.kind == LISTEN_FD) == inherited &&
		    !listen_open_spec(&r->set, &spec, &how, why))
			return false;
	return true;
}

/* Those that have their numbers come first: see listen_inherited(). */
static bool
open_sockets(struct run_listen *r, char **why)
{
	listen_inherited_read();
	if (!open_specs(r, true, why))
		return false;
	listen_inherited_drop();
	return open_specs(r, false, why);
}

static bool
is_any_port(const char *text)
{
	struct listen_spec spec;

	return listen_spec_read(&spec, text) && spec.kind == LISTEN_TCP &&
	    spec.port == 0;
}

/* If somebody wants to know it, or cannot know it otherwise: port 0. */
static void
announce(const struct run_listen *r)
{
	const struct client_conf *conf = &r->client->conf;
	bool wanted = conf->verbose;

	for (size_t i = 0; i < conf->listen.n; i++)
		wanted |= is_any_port(conf->listen.v[i]);
	for (size_t i = 0; wanted && i < r->set.n; i++) {
		char *where = listen_address(&r->set.v[i]);

		tell(conf, "listening on %s", where);
		free(where);
	}
}

/* No more calls at a time than there are descriptors for. */
static size_t
find_most(const struct client_conf *conf)
{
	size_t fds = fd_raise_limit(), most = (size_t)conf->max_connections;
	size_t can = fds > FDS_OF_OURS ? (fds - FDS_OF_OURS) / FDS_OF_JOINT : 1;

	return most == 0 || most > can ? can : most;
}

/* The listeners take the sockets; the set keeps the files of Unix sockets. */
static void
start_listening(struct run_listen *r)
{
	static const struct listener_ops listens = {
		.on_accept = run_listen_on_accept,
		.on_spoilt = run_listen_on_spoilt,
	};

	r->listener = mem_new(r->set.n, sizeof(struct listener *));
	for (size_t i = 0; i < r->set.n; i++) {
		int fd = r->set.v[i].fd;

		r->set.v[i].fd = -1;
		r->listener[i] =
		    listener_new(&r->client->flow, fd, NULL, &listens, r);
		if (r->listener[i] == NULL)
			bug("a socket that cannot be listened on");
	}
}

/* ------------------------------------------------- the end */

static void
close_listeners(struct run_listen *r)
{
	for (size_t i = 0; r->listener != NULL && i < r->set.n; i++)
		listener_free(r->listener[i]);
	free(r->listener);
	r->listener = NULL;
	listen_close(&r->set);
}

static void
stop(struct run_listen *r)
{
	r->stopping = true;
	close_listeners(r);
	if (r->joints == NULL)
		(void)event_base_loopbreak(r->client->flow.base);
	for (struct joint *j = r->joints, *next; j != NULL; j = next) {
		next = j->next;
		if (j->call != NULL && !call_stop(j->call))
			finish(j);
	}
}

static void
run_listen_on_signal(void *owner, int sig)
{
	struct run_listen *r = owner;

	(void)sig;
	if (r->stopping)
		(void)event_base_loopbreak(r->client->flow.base);
	else
		stop(r);
}

void
run_listen(struct client *client, struct outcome *o)
{
	struct event_base *base = client->flow.base;
	struct run_listen r = { .client = client, .outcome = o };
	char *why = NULL;

	if (!client->conf.framing_given)
		client->conf.framing = FRAMING_BINARY;
	r.most = find_most(&client->conf);
	if (!open_sockets(&r, &why)) {
		outcome_set(o, OUTCOME_LOCAL, "%s", why);
		free(why);
	} else {
		run_signals_watch(&r.signals, base, run_listen_on_signal, &r);
		announce(&r);
		start_listening(&r);
		if (start_accepting(&r, o))
			(void)event_base_dispatch(base);
		run_signals_clear(&r.signals);
	}
	r.stopping = true;
	while (r.joints != NULL)
		joint_free(r.joints);
	close_listeners(&r);
}
