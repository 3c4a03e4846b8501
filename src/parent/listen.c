#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/listen_spec.h"
#include "parent/listen.h"
#include "sock/listen_inherited.h"
#include "sock/listen_tcp.h"
#include "sock/listen_unix.h"

/* ------------------------------------------------- how they are received */

const struct ipc_listen *
listen_how(const struct listen_socket *s)
{
	static const struct ipc_listen plainly;

	return s->how == NULL ? &plainly : s->how;
}

/* What arrives at the sockets from `first` on is received like this. */
static void
set_how(struct listen_set *set, size_t first, const struct ipc_listen *how)
{
	for (size_t i = first; i < set->n; i++) {
		struct ipc_listen *copy = mem_new(1, sizeof(*copy));

		*copy = *how;
		free(set->v[i].how);
		set->v[i].how = copy;
	}
}

/* ------------------------------------------------- what people are told */

static char *
describe_place(const struct listen_socket *s)
{
	char *address, *url;

	address = listen_address(s);
	if (listen_tcp_port(s->fd) == 0)
		return address;
	url = mem_printf("%s://%s/",
	    listen_how(s)->tls == IPC_PLAIN ? "http" : "https", address);
	free(address);
	return url;
}

char *
listen_describe(const struct listen_socket *s)
{
	char *place, *all;

	if (listen_how(s)->connected)
		return NULL;
	place = describe_place(s);
	if (s->name != NULL)
		all = mem_printf("%s (fd:%s)", place, s->name);
	else if (listen_how(s)->redirect == IPC_REDIRECT_ALL)
		all = mem_printf("%s (--redirport)", place);
	else
		return place;
	free(place);
	return all;
}

/* Its reader sees the end; 2 is the log, and 1 may not become free. */
static void
end_ready_fd(int fd)
{
	int null;

	if (fd == STDOUT_FILENO) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null != -1)
			(void)dup2(null, fd);
		fd_close(&null);
	} else if (fd > STDERR_FILENO) {
		fd_close(&fd);
	}
}

void
listen_announce(const struct listen_set *set, int ready_fd)
{
	for (size_t i = 0; i < set->n; i++) {
		char *where = listen_describe(&set->v[i]);

		if (where == NULL)
			continue;
		log_raw("listening on %s", where);
		if (ready_fd != -1)
			(void)dprintf(ready_fd, "standpiped: listening on %s\n",
			    where);
		free(where);
	}
	end_ready_fd(ready_fd);
}

/* ------------------------------------------------- what is asked for */

/* The hosts of --port; NULL stands for loopback. */
static bool
open_port(struct listen_set *set, const struct conf *conf, unsigned port,
    char **why)
{
	static const char *const loopback[] = { NULL };
	const struct conf_list *a = &conf->addresses;

	if (a->n == 0)
		return listen_tcp(set, loopback, 1, port, why);
	return listen_tcp(set, (const char *const *)a->v, a->n, port, why);
}

static bool
open_host(struct listen_set *set, const struct listen_spec *spec, unsigned port,
    char **why)
{
	char *host = mem_strndup(spec->where, spec->where_len);
	bool ok = listen_tcp(set, (const char *const[]){ host }, 1, port, why);

	free(host);
	return ok;
}

/* Of --unixsocket, and with its owner and mode of those of --listen. */
static struct listen_unix
unix_socket(const struct conf *conf)
{
	return (struct listen_unix){
		.path = conf->unixsocket,
		.owner = conf->unixsocket_owner,
		.mode = (mode_t)conf->unixsocket_mode,
	};
}

static struct ipc_listen
how_of(const struct listen_spec *spec)
{
	return (struct ipc_listen){
		.tls = spec->tls == LISTEN_TLS ? IPC_TLS
		    : spec->tls == LISTEN_AUTO ? IPC_TLS_AUTO
					       : IPC_PLAIN,
		.proxy = spec->proxy,
	};
}

/* Inherited ones, or all others: see listen_inherited(). */
static bool
open_specs(struct listen_set *set, const struct conf *conf, bool inherited,
    char **why)
{
	const struct listen_unix place = unix_socket(conf);

	for (size_t i = 0; i < conf->listen.n; i++) {
		size_t first = set->n;
		struct listen_spec spec;
		struct ipc_listen how;

		if (!listen_spec_read(&spec, conf->listen.v[i]) ||
		    (spec.kind == LISTEN_FD) != inherited)
			continue;
		if (!listen_open_spec(set, &spec, &place, why))
			return false;
		how = how_of(&spec);
		set_how(set, first, &how);
	}
	return true;
}

/*
 * What the options besides --listen open. --unixsocket alone means no TCP, as
 * --listen or being handed sockets does.
 */
struct plan {
	bool client;    /* --inetd */
	bool inherited; /* all that we were handed */
	bool unixsocket;
	bool port;
	struct ipc_listen how; /* of all these but the Unix socket */
};

static void
make_plan(struct plan *p, const struct conf *conf)
{
	bool port = conf->port_given ||
	    (conf->addresses.n > 0 && !conf->addresses.preset);
	bool some = port || conf->unixsocket != NULL || conf->listen.n > 0;

	*p = (struct plan){
		.client = conf->inetd,
		.unixsocket = conf->unixsocket != NULL,
		.how.tls = conf->ssl == CONF_SSL_ON ? IPC_TLS
		    : conf->ssl == CONF_SSL_AUTO    ? IPC_TLS_AUTO
						    : IPC_PLAIN,
		.how.connected = conf->inetd,
	};
	if (p->client)
		return;
	p->inherited = !some && listen_inherited_count() > 0;
	p->port = port ||
	    (conf->listen.n == 0 && !p->inherited &&
		(!p->unixsocket || conf->redirport_given));
}

static bool
open_all(struct listen_set *set, const struct conf *conf, const struct plan *p,
    char **why)
{
	const struct listen_unix place = unix_socket(conf);
	size_t first = set->n;

	if ((p->client && !listen_inherited_client(set, why)) ||
	    (p->inherited && !listen_inherited(set, NULL, 0, why)))
		return false;
	set_how(set, first, &p->how);
	if (!open_specs(set, conf, true, why))
		return false;
	listen_inherited_drop();
	if (p->unixsocket && !listen_unix(set, &place, why))
		return false;
	first = set->n;
	if (p->port && !open_port(set, conf, (unsigned)conf->port, why))
		return false;
	set_how(set, first, &p->how);
	return open_specs(set, conf, false, why);
}

/* ------------------------------------------------- spoilt ones */

bool
listen_mend(struct listen_socket *s, const struct conf *conf)
{
	const struct listen_unix place = unix_socket(conf);
	char *where, *why = NULL;
	bool ok;

	if (listen_how(s)->connected)
		return false;
	if (s->name != NULL)
		(void)fd_set_nonblock(s->fd, true); /* as it was taken */
	if (!listen_is_spoilt(s))
		return false;
	ok = listen_again(s, &place, &why);
	where = listen_address(s);
	if (ok)
		LOG(LOG_LVL_ERROR, "listener was spoilt and is made anew",
		    LOG_STR("listener", where));
	else if (!s->lost)
		LOG(LOG_LVL_ERROR, "listener was spoilt and is lost",
		    LOG_STR("listener", where), LOG_STR("reason", why));
	s->lost = !ok;
	free(where);
	free(why);
	return ok;
}

/* ------------------------------------------------- redirects */

/* Clients are sent on to TLS if there is some, else to the first. */
static const struct listen_socket *
find_target(const struct listen_set *set)
{
	const struct listen_socket *found = NULL;

	for (size_t i = 0; i < set->n; i++) {
		const struct listen_socket *s = &set->v[i];

		if (listen_tcp_port(s->fd) == 0)
			continue;
		if (listen_how(s)->tls != IPC_PLAIN)
			return s;
		if (found == NULL)
			found = s;
	}
	return found;
}

/* The --listen that it came from; false: none, it is another option's. */
static bool
find_target_spec(const struct conf *conf, bool tls, struct listen_spec *spec)
{
	for (size_t i = 0; i < conf->listen.n; i++)
		if (listen_spec_read(spec, conf->listen.v[i]) &&
		    spec->kind == LISTEN_TCP &&
		    (spec->tls != LISTEN_PLAIN) == tls)
			return true;
	return false;
}

/* On the addresses of what it leads to. */
static bool
open_redirect(struct listen_set *set, const struct conf *conf,
    const struct plan *p, char **why)
{
	const struct listen_socket *target = find_target(set);
	struct ipc_listen how = { .redirect = IPC_REDIRECT_ALL };
	unsigned port = (unsigned)conf->redirport;
	size_t first = set->n;
	struct listen_spec spec;
	bool ok;

	if (target == NULL) {
		*why = mem_strdup("--redirport: there is no TCP listener to"
				  " lead to");
		return false;
	}
	how.to_https = listen_how(target)->tls != IPC_PLAIN;
	how.to_port = (uint16_t)listen_tcp_port(target->fd);
	if ((!p->port || (p->how.tls != IPC_PLAIN) != how.to_https) &&
	    find_target_spec(conf, how.to_https, &spec))
		ok = open_host(set, &spec, port, why);
	else
		ok = open_port(set, conf, port, why);
	set_how(set, first, &how);
	return ok;
}

/* Clients that come without TLS to a port for both. */
static void
redirect_plain(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct ipc_listen *how = set->v[i].how;

		if (how == NULL || how->tls != IPC_TLS_AUTO)
			continue;
		how->redirect = IPC_REDIRECT_PLAIN;
		how->to_https = true;
	}
}

/* ------------------------------------------------- all of it */

bool
listen_open(struct listen_set *set, const struct conf *conf, char **why)
{
	struct plan p;

	*set = (struct listen_set){ 0 };
	make_plan(&p, conf);
	if (!open_all(set, conf, &p, why) ||
	    (conf->redirport_given && !open_redirect(set, conf, &p, why)))
		goto fail;
	if (conf->redirect_plain)
		redirect_plain(set);
	if (set->n <= IPC_LISTENERS_MAX)
		return true;
	*why = mem_printf("%zu addresses to listen on: more than %d", set->n,
	    IPC_LISTENERS_MAX);
fail:
	listen_close(set);
	return false;
}
