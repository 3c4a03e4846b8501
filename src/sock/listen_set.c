#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "conf/listen_spec.h"
#include "sock/listen_inherited.h"
#include "sock/listen_set.h"
#include "sock/listen_tcp.h"
#include "sock/listen_unix.h"

struct listen_socket *
listen_add(struct listen_set *set, int fd)
{
	struct listen_socket *s;

	set->v = mem_grow(set->v, set->n + 1, sizeof(*set->v));
	s = &set->v[set->n++];
	*s = (struct listen_socket){ .fd = fd };
	return s;
}

void
listen_cut(struct listen_set *set, size_t n)
{
	while (set->n > n) {
		struct listen_socket *s = &set->v[--set->n];

		listen_unix_remove(s);
		fd_close(&s->fd);
		free(s->path);
		free(s->name);
		free(s->how);
	}
}

void
listen_close(struct listen_set *set)
{
	listen_cut(set, 0);
	free(set->v);
	*set = (struct listen_set){ 0 };
}

char *
listen_address(const struct listen_socket *s)
{
	char *address;

	if (s->path != NULL)
		return mem_printf("unix:%s", s->path);
	address = listen_tcp_address(s->fd);
	return address != NULL ? address : listen_unix_address(s->fd);
}

/* ------------------------------------------------- spoilt ones */

static bool
has_filter(int fd)
{
#ifdef SO_GET_FILTER
	socklen_t len = 0;

	/* of one of the newer kind it does not tell the length */
	return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) == -1
	    ? errno == EACCES
	    : len > 0;
#else
	(void)fd;
	return false;
#endif
}

static bool
listens(int fd)
{
	socklen_t len = sizeof(int);
	int on;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

bool
listen_is_spoilt(const struct listen_socket *s)
{
	return fd_is_shut(s->fd) || !listens(s->fd) ||
	    (s->name == NULL &&
		(has_filter(s->fd) || !(fcntl(s->fd, F_GETFL) & O_NONBLOCK)));
}

bool
listen_again(struct listen_socket *s, const struct listen_unix *how, char **why)
{
	if (s->name != NULL) {
		*why = mem_strdup("it is not ours to make anew");
		return false;
	}
	/* a client that waits in it is woken, and its place becomes free */
	(void)shutdown(s->fd, SHUT_RDWR);
	return s->path != NULL ? listen_unix_again(s, how, why)
			       : listen_tcp_again(s, why);
}

/* ------------------------------------------------- texts of --listen */

static bool
open_host(struct listen_set *set, const struct listen_spec *spec, char **why)
{
	char *host = mem_strndup(spec->where, spec->where_len);
	bool ok =
	    listen_tcp(set, (const char *const[]){ host }, 1, spec->port, why);

	free(host);
	return ok;
}

bool
listen_open_spec(struct listen_set *set, const struct listen_spec *spec,
    const struct listen_unix *how, char **why)
{
	struct listen_unix place = *how;

	switch (spec->kind) {
	case LISTEN_TCP:
		return open_host(set, spec, why);
	case LISTEN_UNIX:
		place.path = spec->where;
		return listen_unix(set, &place, why);
	case LISTEN_FD:
		break;
	}
	return listen_inherited(set, spec->where, spec->where_len, why);
}
