#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "sock/listen_set.h"
#include "sock/listen_tcp.h"

enum { PORT_TRIES = 32 }; /* to find one port that is free on all addresses */

/* ------------------------------------------------- names of a socket */

static bool
read_name(int fd, struct sockaddr_storage *ss, socklen_t *len)
{
	*ss = (struct sockaddr_storage){ 0 };
	*len = sizeof(*ss);
	return getsockname(fd, (struct sockaddr *)ss, len) == 0 &&
	    (ss->ss_family == AF_INET || ss->ss_family == AF_INET6);
}

/* The last colon is ours: an IPv6 address is in brackets. */
static char *
describe(const struct sockaddr *sa, socklen_t len)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return mem_strdup("?");
	return mem_printf(sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
	    port);
}

char *
listen_tcp_address(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len;

	return read_name(fd, &ss, &len) ? describe((struct sockaddr *)&ss, len)
					: NULL;
}

unsigned
listen_tcp_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len;

	if (!read_name(fd, &ss, &len))
		return 0;
	return ntohs(ss.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&ss)->sin6_port
		: ((struct sockaddr_in *)&ss)->sin_port);
}

/* ------------------------------------------------- binding */

void
listen_tcp_options(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static int
bind_address(const struct sockaddr *sa, socklen_t len)
{
	int one = 1;
	int fd = socket(sa->sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	listen_tcp_options(fd);
	if (bind(fd, sa, len) == -1 || listen(fd, LISTEN_BACKLOG) == -1)
		fd_close(&fd);
	return fd;
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

/* One host: all its addresses, and whether one of them may be missing. */
struct host {
	struct addrinfo *ai; /* owned */
	bool lenient;
};

/* /etc/hosts may well name an address twice. */
static bool
is_repeated(const struct host *h, const struct addrinfo *ai)
{
	for (const struct addrinfo *a = h->ai; a != ai; a = a->ai_next)
		if (a->ai_addrlen == ai->ai_addrlen &&
		    memcmp(a->ai_addr, ai->ai_addr, a->ai_addrlen) == 0)
			return true;
	return false;
}

static bool
find_host(struct host *h, const char *name, char **why)
{
	bool all = name != NULL && strcmp(name, "*") == 0;
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	int rc;

	if (all)
		hints.ai_flags |= AI_PASSIVE;
	rc = getaddrinfo(all ? NULL : name, "0", &hints, &h->ai);
	h->lenient = all || name == NULL || rc == EAI_NONAME;
	if (rc == EAI_NONAME) {
		hints.ai_flags = AI_NUMERICSERV;
		rc = getaddrinfo(name, "0", &hints, &h->ai);
	}
	if (rc != 0)
		*why = mem_printf("cannot find the address of %s: %s", name,
		    gai_strerror(rc));
	return rc == 0;
}

static char *
complain(const struct sockaddr *sa, socklen_t len, int err)
{
	char *address = describe(sa, len);
	char *why =
	    mem_printf("cannot listen on %s: %s", address, strerror(err));

	free(address);
	return why;
}

/* The result is an errno, or 0; *why is a sentence unless it is 0. */
static int
open_address(struct listen_set *set, const struct addrinfo *ai, unsigned port,
    char **why)
{
	struct listen_socket *s;
	int fd, err;

	set_port(ai->ai_addr, port);
	if ((fd = bind_address(ai->ai_addr, ai->ai_addrlen)) != -1) {
		s = listen_add(set, fd);
		(void)read_name(fd, &s->addr, &s->addr_len);
		return 0;
	}
	err = errno;
	free(*why);
	*why = complain(ai->ai_addr, ai->ai_addrlen, err);
	return err;
}

bool
listen_tcp_again(struct listen_socket *s, char **why)
{
	const struct sockaddr *sa = (const struct sockaddr *)&s->addr;
	int fd = bind_address(sa, s->addr_len);

	if (fd == -1) {
		*why = complain(sa, s->addr_len, errno);
		return false;
	}
	fd_close(&s->fd);
	s->fd = fd;
	return true;
}

/* Sets *port to the one that 0 became; an errno, or 0, as above. */
static int
open_host(struct listen_set *set, const struct host *h, unsigned *port,
    char **why)
{
	size_t first = set->n;
	int err = 0;

	for (const struct addrinfo *a = h->ai; a != NULL; a = a->ai_next) {
		if (is_repeated(h, a))
			continue;
		err = open_address(set, a, *port, why);
		if (err == 0)
			*port = listen_tcp_port(set->v[set->n - 1].fd);
		else if (!h->lenient || err == EADDRINUSE)
			return err;
	}
	if (set->n == first)
		return err;
	free(*why);
	*why = NULL;
	return 0;
}

static bool
open_hosts(struct listen_set *set, const struct host *h, size_t n,
    unsigned port, char **why)
{
	size_t first = set->n;

	for (int i = 0; i < PORT_TRIES; i++) {
		unsigned chosen = port;
		int err = 0;

		for (size_t j = 0; j < n && err == 0; j++)
			err = open_host(set, &h[j], &chosen, why);
		if (err == 0)
			return true;
		listen_cut(set, first);
		if (port != 0 || err != EADDRINUSE)
			break;
	}
	return false;
}

bool
listen_tcp(struct listen_set *set, const char *const *hosts, size_t n,
    unsigned port, char **why)
{
	struct host *h = mem_new(n, sizeof(*h));
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = find_host(&h[i], hosts[i], why);
	ok = ok && open_hosts(set, h, n, port, why);
	for (size_t i = 0; i < n; i++)
		if (h[i].ai != NULL)
			freeaddrinfo(h[i].ai);
	free(h);
	return ok;
}
