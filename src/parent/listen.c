#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/ipc.h"
#include "parent/listen.h"

enum {
	BACKLOG = 4096,
	PORT_TRIES = 32, /* to find one port that is free on all addresses */
};

static struct listen_socket *
add(struct listen_set *set, int fd)
{
	struct listen_socket *s;

	set->v = mem_grow(set->v, set->n + 1, sizeof(*set->v));
	s = &set->v[set->n++];
	*s = (struct listen_socket){ .fd = fd };
	return s;
}

static void
remove_file(const struct listen_socket *s)
{
	struct stat st;

	if (s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
}

void
listen_close(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		remove_file(&set->v[i]);
		fd_close(&set->v[i].fd);
		free(set->v[i].url);
		free(set->v[i].path);
	}
	free(set->v);
	*set = (struct listen_set){ 0 };
}

/* Accepted sockets inherit both. */
static void
set_tcp_options(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static int
bind_tcp(const struct addrinfo *ai)
{
	int one = 1, saved;
	int fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	set_tcp_options(fd);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	fd_close(&fd);
	errno = saved;
	return -1;
}

static char *
url_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return mem_strdup("?");
	return mem_printf(ss.ss_family == AF_INET6 ? "http://[%s]:%s/"
						   : "http://%s:%s/",
	    host, port);
}

static unsigned
port_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return 0;
	return ntohs(ss.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&ss)->sin6_port
		: ((struct sockaddr_in *)&ss)->sin_port);
}

static void
set_port(struct sockaddr *sa, unsigned port)
{
	if (sa->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)sa)->sin6_port =
		    htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)sa)->sin_port =
		    htons((uint16_t)port);
}

/*
 * Bind one address, or all that a name has, on a port that may still be 0.
 * The result is an errno, or 0; *why is a sentence unless it is 0.
 */
static int
open_address(struct listen_set *set, const char *address, unsigned port,
    char **why)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *all, *ai;
	int fd, err = 0, rc = getaddrinfo(address, "0", &hints, &all);

	if (rc != 0) {
		*why =
		    mem_printf("--address=%s: %s", address, gai_strerror(rc));
		return EINVAL;
	}
	for (ai = all; ai != NULL && err == 0; ai = ai->ai_next) {
		set_port(ai->ai_addr, port);
		if ((fd = bind_tcp(ai)) == -1) {
			err = errno;
			*why = mem_printf("cannot listen on %s, port %u: %s",
			    address, port, strerror(err));
			break;
		}
		add(set, fd)->url = url_of(fd);
		port = port_of(fd);
	}
	freeaddrinfo(all);
	return err;
}

/* One family of loopback may be missing; of a given address nothing may. */
static int
open_addresses(struct listen_set *set, const struct conf *conf, unsigned port,
    char **why)
{
	static const char *const loopback[] = { "127.0.0.1", "::1" };
	const struct conf_list *given = &conf->addresses;
	bool none = given->n == 0, dflt = none || given->preset;
	size_t n = none ? nitems(loopback) : given->n, first = set->n;
	const char *const *v = none ? loopback : (const char *const *)given->v;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		free(*why);
		*why = NULL;
		err = open_address(set, v[i], port, why);
		if (err == 0)
			port = port_of(set->v[set->n - 1].fd);
		else if (!dflt || err == EADDRINUSE)
			return err;
	}
	if (set->n == first)
		return err;
	free(*why);
	*why = NULL;
	return 0;
}

static bool
open_tcp(struct listen_set *set, const struct conf *conf, char **why)
{
	unsigned port = (unsigned)conf->port;
	size_t first = set->n;
	int err = 0;

	for (int i = 0; i < PORT_TRIES; i++) {
		err = open_addresses(set, conf, port, why);
		if (err == 0)
			return true;
		if (port == 0 && err == EADDRINUSE) {
			free(*why);
			*why = NULL;
		}
		while (set->n > first) {
			struct listen_socket *s = &set->v[--set->n];

			fd_close(&s->fd);
			free(s->url);
		}
		if (port != 0 || err != EADDRINUSE)
			break;
	}
	if (*why == NULL)
		*why = mem_printf("cannot listen on port %u: %s", port,
		    strerror(err));
	return false;
}

/* Whether somebody answers there; a file without a server may be replaced. */
static bool
is_served(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	if (fd == -1)
		return true;
	served = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	fd_close(&fd);
	return served;
}

/*
 * Bound under a name of our own with nobody's permissions, then given its mode
 * and renamed: at no moment can somebody connect who may not, or find nothing.
 */
static bool
bind_unix(struct listen_socket *s, const char *path, mode_t mode, char **why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t old;
	int n, rc;

	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s.%ld", path,
	    (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		*why =
		    mem_printf("--unixsocket=%s: the path is too long", path);
		return false;
	}
	old = umask(0777);
	rc = bind(s->fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (rc == 0 && listen(s->fd, BACKLOG) == 0 &&
	    chmod(sun.sun_path, mode) == 0 && lstat(sun.sun_path, &st) == 0 &&
	    rename(sun.sun_path, path) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		return true;
	}
	*why = mem_printf("--unixsocket=%s: %s", path, strerror(errno));
	if (rc == 0)
		(void)unlink(sun.sun_path);
	return false;
}

static bool
open_unix(struct listen_set *set, const struct conf *conf, char **why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = conf->unixsocket;
	struct listen_socket *s;
	struct stat st;
	int fd;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), path)) {
		*why =
		    mem_printf("--unixsocket=%s: the path is too long", path);
		return false;
	}
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		*why = mem_printf("--unixsocket=%s: there is a file that is "
				  "no socket",
		    path);
		return false;
	}
	if (is_served(&sun)) {
		*why = mem_printf("--unixsocket=%s: another server listens "
				  "there",
		    path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		*why = mem_printf("--unixsocket=%s: %s", path, strerror(errno));
		return false;
	}
	s = add(set, fd);
	s->url = mem_printf("unix:%s", path);
	if (!bind_unix(s, path, (mode_t)conf->unixsocket_mode, why))
		return false;
	s->path = mem_strdup(path);
	return true;
}

bool
listen_open(struct listen_set *set, const struct conf *conf, char **why)
{
	bool tcp = conf->unixsocket == NULL || conf->port_given ||
	    (conf->addresses.n > 0 && !conf->addresses.preset);

	*set = (struct listen_set){ 0 };
	if ((conf->unixsocket != NULL && !open_unix(set, conf, why)) ||
	    (tcp && !open_tcp(set, conf, why)))
		goto fail;
	if (set->n <= IPC_LISTENERS_MAX)
		return true;
	*why = mem_printf("%zu addresses to listen on: more than %d", set->n,
	    IPC_LISTENERS_MAX);
fail:
	listen_close(set);
	return false;
}
