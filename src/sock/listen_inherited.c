#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sock/listen_set.h"
#include "sock/listen_inherited.h"
#include "sock/listen_tcp.h"

enum {
	FIRST = 3,      /* SD_LISTEN_FDS_START */
	COUNT_MAX = 64, /* more than an engine takes is no use */
};

/* What LISTEN_* said: descriptors FIRST to FIRST + count - 1. */
static struct {
	size_t count;
	char *names;           /* owned; NULL: none were given */
	bool taken[COUNT_MAX]; /* it was added */
} handed;

/* ------------------------------------------------- what we were told */

static bool
read_number(const char *variable, uint64_t max, uint64_t *out)
{
	const char *v = getenv(variable);

	return v != NULL && str_uint(v, max, out);
}

/* Those that are open: what is opened later is ours. */
static size_t
count_open(size_t n)
{
	size_t i = 0;

	while (i < n && fcntl(FIRST + (int)i, F_GETFD) != -1)
		i++;
	return i;
}

void
listen_inherited_read(void)
{
	static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS",
		"LISTEN_FDNAMES", "LISTEN_PIDFDID" };
	const char *names = getenv("LISTEN_FDNAMES");
	uint64_t pid, n;

	if (read_number("LISTEN_PID", INT32_MAX, &pid) &&
	    (pid_t)pid == getpid() &&
	    read_number("LISTEN_FDS", COUNT_MAX, &n)) {
		handed.count = count_open((size_t)n);
		if (names != NULL)
			handed.names = mem_strdup(names);
	}
	for (size_t i = 0; i < nitems(variables); i++)
		(void)unsetenv(variables[i]);
}

size_t
listen_inherited_count(void)
{
	return handed.count;
}

/* The name of the i-th; empty if it has none. Not terminated. */
static const char *
name_of(size_t i, size_t *len)
{
	const char *p = handed.names == NULL ? "" : handed.names;

	for (; i > 0; i--) {
		p += strcspn(p, ":");
		p += *p == ':';
	}
	*len = strcspn(p, ":");
	return p;
}

/* ------------------------------------------------- taking them */

static int
option_of(int fd, int option)
{
	socklen_t len = sizeof(int);
	int v;

	return getsockopt(fd, SOL_SOCKET, option, &v, &len) == -1 ? -1 : v;
}

/* What is wrong with it as a listener, or NULL. */
static const char *
find_fault(const struct listen_set *set, int fd)
{
	struct stat st;
	int family;

	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].fd == fd)
			return "it is named twice";
	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "it is no socket";
	family = option_of(fd, SO_DOMAIN);
	if ((family != AF_INET && family != AF_INET6 && family != AF_UNIX) ||
	    option_of(fd, SO_TYPE) != SOCK_STREAM)
		return "it is no stream socket";
	if (option_of(fd, SO_ACCEPTCONN) != 1)
		return "it is a connection and listens to nobody";
	return NULL;
}

/* fd may be one of the standard descriptors, which stay open. */
static bool
add(struct listen_set *set, int fd, char *name, char **why)
{
	const char *fault = find_fault(set, fd);
	struct listen_socket *s;
	int own = fd;

	if (fault == NULL && fd <= STDERR_FILENO &&
	    (own = fcntl(fd, F_DUPFD_CLOEXEC, FIRST)) == -1)
		fault = strerror(errno);
	if (fault == NULL && fd_set_nonblock(own, true) == -1)
		fault = strerror(errno);
	if (fault != NULL) {
		*why = mem_printf("cannot listen on fd:%s: %s", name, fault);
		free(name);
		return false;
	}
	if (fd >= FIRST && (size_t)(fd - FIRST) < handed.count)
		handed.taken[fd - FIRST] = true;
	if (option_of(own, SO_DOMAIN) != AF_UNIX)
		listen_tcp_options(own);
	s = listen_add(set, own);
	s->name = name;
	return true;
}

static bool
add_named(struct listen_set *set, const char *want, size_t want_len, char **why)
{
	size_t first = set->n;

	for (size_t i = 0; i < handed.count; i++) {
		size_t len;
		const char *name = name_of(i, &len);

		if (len != want_len || memcmp(name, want, len) != 0)
			continue;
		if (!add(set, FIRST + (int)i, mem_strndup(name, len), why))
			return false;
	}
	if (set->n > first)
		return true;
	*why = mem_printf("cannot listen on fd:%.*s: no socket of that name was"
			  " handed to us (LISTEN_FDS, LISTEN_FDNAMES)",
	    (int)want_len, want);
	return false;
}

static bool
add_all(struct listen_set *set, char **why)
{
	for (size_t i = 0; i < handed.count; i++) {
		size_t len;
		const char *name = name_of(i, &len);
		char *called = len > 0 ? mem_strndup(name, len)
				       : mem_printf("%zu", FIRST + i);

		if (!add(set, FIRST + (int)i, called, why))
			return false;
	}
	return true;
}

bool
listen_inherited(struct listen_set *set, const char *name, size_t len,
    char **why)
{
	uint64_t fd;
	char *text;

	if (name == NULL)
		return add_all(set, why);
	text = mem_strndup(name, len);
	if (str_uint(text, INT32_MAX, &fd))
		return add(set, (int)fd, text, why);
	free(text);
	return add_named(set, name, len, why);
}

void
listen_inherited_drop(void)
{
	for (size_t i = 0; i < handed.count; i++) {
		int fd = FIRST + (int)i;

		if (handed.taken[i])
			continue;
		if (option_of(fd, SO_ACCEPTCONN) == 1)
			log_warn("nobody listens on descriptor %d, which was "
				 "handed to"
				 " us: --listen=fd:%d would",
			    fd, fd);
		fd_close(&fd);
	}
	handed.count = 0;
	free(handed.names);
	handed.names = NULL;
}

/* ------------------------------------------------- inetd */

static bool
is_same_socket(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && S_ISSOCK(x.st_mode) &&
	    S_ISSOCK(y.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool
listen_inherited_shows_log(void)
{
	return is_same_socket(STDIN_FILENO, STDERR_FILENO);
}

/* What is open there goes; the number stays in use. */
static bool
replace_by_null(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool ok = null != -1 && dup2(null, fd) != -1;

	fd_close(&null);
	return ok;
}

bool
listen_inherited_client(struct listen_set *set, char **why)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	bool is[FIRST];
	int fd;

	if (getpeername(STDIN_FILENO, (struct sockaddr *)&ss, &len) == -1 ||
	    option_of(STDIN_FILENO, SO_TYPE) != SOCK_STREAM) {
		*why = mem_strdup("--inetd: standard input is no connection");
		return false;
	}
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST);
	if (fd == -1 || fd_set_nonblock(fd, true) == -1) {
		*why = mem_printf("--inetd: %s", strerror(errno));
		fd_close(&fd);
		return false;
	}
	for (int i = 0; i < FIRST; i++)
		is[i] = is_same_socket(fd, i);
	for (int i = 0; i < FIRST; i++)
		if (is[i] && !replace_by_null(i))
			log_warn("cannot replace descriptor %d", i);
	if (option_of(fd, SO_DOMAIN) != AF_UNIX)
		listen_tcp_options(fd);
	(void)listen_add(set, fd);
	return true;
}
