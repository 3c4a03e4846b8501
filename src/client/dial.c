#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/dial.h"
#include "client/outcome.h"
#include "flow/stream.h"

struct dial {
	struct client *client;      /* kept */
	const struct dial_ops *ops; /* kept */
	void *owner;                /* kept */
	int fd;                     /* owned; -1: none */
	struct event ev;
	struct outcome outcome; /* of a failure before the loop */
};

static void
dial_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	struct stream *s;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (fd == -1) {
		d->ops->on_failed(d->owner, &d->outcome);
		return;
	}
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		outcome_set(&d->outcome, OUTCOME_NO_CONNECT, "%s",
		    strerror(err));
		d->ops->on_failed(d->owner, &d->outcome);
		return;
	}
	d->fd = -1;
	s = stream_new(&d->client->flow, STREAM_SOCKET, fd, 0);
	stream_pause(s);
	d->ops->on_connected(d->owner, s);
}

static void
start(struct dial *d, const struct client_conf *conf)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char port[8];
	int one = 1, rc;

	(void)snprintf(port, sizeof(port), "%u", conf->to.at.port);
	if ((rc = getaddrinfo(conf->to.at.host, port, &hints, &list)) != 0) {
		outcome_set(&d->outcome, OUTCOME_NO_NAME, "%s",
		    gai_strerror(rc));
		return;
	}
	d->fd = socket(list->ai_family,
	    list->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(d->fd, list->ai_addr, list->ai_addrlen) == -1 &&
	    errno != EINPROGRESS) {
		outcome_set(&d->outcome, OUTCOME_NO_CONNECT, "%s",
		    strerror(errno));
		fd_close(&d->fd);
	}
	freeaddrinfo(list);
}

struct dial *
dial_new(struct client *client, const struct dial_ops *ops, void *owner)
{
	struct dial *d = mem_new(1, sizeof(*d));

	*d = (struct dial){
		.client = client,
		.ops = ops,
		.owner = owner,
		.fd = -1,
	};
	start(d, &client->conf);
	(void)event_assign(&d->ev, client->flow.base, d->fd, EV_WRITE,
	    dial_on_event, d);
	if (d->fd == -1)
		event_active(&d->ev, EV_TIMEOUT, 1);
	else
		(void)event_add(&d->ev, NULL);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	(void)event_del(&d->ev);
	fd_close(&d->fd);
	free(d);
}
