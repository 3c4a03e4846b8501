/*
 * Lets the N-th call of a class fail, and all others be what they are. Loaded
 * before a program (LD_PRELOAD); the environment says:
 *
 *   NTH_PROGRAM   the name of the program that it concerns
 *   NTH_CLASS     memory, descriptor, process, watch, again, short, write, read,
 *                 interrupt
 *   NTH_N         which call, from 1; 0: none
 *
 * The call that failed is named on standard error, so that who asked for the
 * N-th knows that there was one. System calls are made without libc's wrappers,
 * and memory comes from libc by its other names: nothing has to be looked up.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static const char *class;
static long left;
static bool known;
static bool excused; /* whoever calls does not survive a failure */

/* Once, and before anybody could have changed the environment. */
static void
look(void)
{
	const char *program = getenv("NTH_PROGRAM"), *n = getenv("NTH_N");

	known = true;
	if (program == NULL || n == NULL ||
	    strcmp(program, program_invocation_short_name) != 0)
		return;
	class = getenv("NTH_CLASS");
	left = strtol(n, NULL, 10);
}

/* Whether this call of that class is the one. */
static bool
fails(const char *which, const char *call)
{
	char line[64];
	int n;

	if (!known && program_invocation_short_name != NULL && environ != NULL)
		look();
	if (left <= 0 || excused || class == NULL ||
	    strcmp(class, which) != 0 || --left > 0)
		return false;
	n = snprintf(line, sizeof(line), "nth: %s failed\n", call);
	(void)syscall(SYS_write, 2, line, (size_t)n);
	return true;
}

/* ------------------------------------------------- memory */

void *
malloc(size_t size)
{
	if (!fails("memory", "malloc"))
		return __libc_malloc(size);
	errno = ENOMEM;
	return NULL;
}

void *
calloc(size_t n, size_t size)
{
	if (!fails("memory", "calloc"))
		return __libc_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

void *
realloc(void *p, size_t size)
{
	if (!fails("memory", "realloc"))
		return __libc_realloc(p, size);
	errno = ENOMEM;
	return NULL;
}

/*
 * glibc's look for users and groups does not survive a lack of memory
 * (nss_database.c takes what it did not get, and asserts): not ours to mend.
 */
#define EXCUSED(type, name, of)                                          \
	type name(of key)                                                \
	{                                                                \
		type (*libc)(of) = (type(*)(of))dlsym(RTLD_NEXT, #name); \
		type found;                                              \
                                                                         \
		excused = true;                                          \
		found = libc(key);                                       \
		excused = false;                                         \
		return found;                                            \
	}

EXCUSED(struct passwd *, getpwnam, const char *)
EXCUSED(struct passwd *, getpwuid, uid_t)
EXCUSED(struct group *, getgrnam, const char *)

/* ------------------------------------------------- descriptors */

static int
no_descriptor(void)
{
	errno = EMFILE;
	return -1;
}

int
socket(int domain, int type, int protocol)
{
	if (fails("descriptor", "socket"))
		return no_descriptor();
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int
socketpair(int domain, int type, int protocol, int fd[2])
{
	if (fails("descriptor", "socketpair"))
		return no_descriptor();
	return (int)syscall(SYS_socketpair, domain, type, protocol, fd);
}

int
pipe2(int fd[2], int flags)
{
	if (fails("descriptor", "pipe2"))
		return no_descriptor();
	return (int)syscall(SYS_pipe2, fd, flags);
}

int
pipe(int fd[2])
{
	return pipe2(fd, 0);
}

int
accept4(int fd, struct sockaddr *restrict sa, socklen_t *restrict len,
    int flags)
{
	if (fails("descriptor", "accept4"))
		return no_descriptor();
	return (int)syscall(SYS_accept4, fd, sa, len, flags);
}

int
accept(int fd, struct sockaddr *restrict sa, socklen_t *restrict len)
{
	return accept4(fd, sa, len, 0);
}

int
epoll_create1(int flags)
{
	if (fails("descriptor", "epoll_create1"))
		return no_descriptor();
	return (int)syscall(SYS_epoll_create1, flags);
}

static int
open_at(int dir, const char *path, int flags, va_list ap)
{
	int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;

	if (fails("descriptor", "open"))
		return no_descriptor();
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_at(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_at(dir, path, flags, ap);
	va_end(ap);
	return fd;
}

int open64(const char *, int, ...) __attribute__((alias("open")));
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));

/* ------------------------------------------------- processes */

/* A copy that shares nothing does for one that shares everything. */
pid_t
vfork(void)
{
	if (!fails("process", "vfork"))
		return (pid_t)syscall(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
	errno = EAGAIN;
	return -1;
}

/* ------------------------------------------------- events */

int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && fails("watch", "epoll_ctl")) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

int
poll(struct pollfd *p, nfds_t n, int timeout)
{
	if (!fails("interrupt", "poll"))
		return (int)syscall(SYS_poll, p, n, timeout);
	errno = EINTR;
	return -1;
}

/* ------------------------------------------------- bytes */

/* A descriptor that waits never says so. */
static bool
is_full(int fd, const char *call)
{
	return fd > 2 && fcntl(fd, F_GETFL) & O_NONBLOCK &&
	    fails("again", call);
}

/* True: the call has an end already; -1 with errno. */
static bool
cannot_write(int fd, const char *call)
{
	if (is_full(fd, call))
		errno = EAGAIN;
	else if (fd > 2 && fails("interrupt", call))
		errno = EINTR;
	else if (fd > 2 && fails("write", call))
		errno = ENOBUFS;
	else
		return false;
	return true;
}

ssize_t
write(int fd, const void *data, size_t len)
{
	if (cannot_write(fd, "write"))
		return -1;
	if (fd > 2 && len > 1 && fails("short", "write"))
		len /= 2;
	return syscall(SYS_write, fd, data, len);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	if (cannot_write(fd, "writev"))
		return -1;
	if (n > 0 && v->iov_len > 1 && fails("short", "writev"))
		return syscall(SYS_write, fd, v->iov_base, v->iov_len / 2);
	return syscall(SYS_writev, fd, v, n);
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	if (cannot_write(fd, "send"))
		return -1;
	return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (cannot_write(fd, "sendmsg"))
		return -1;
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* Interrupted or without memory: both pass. */
static bool
cannot_read(const char *call)
{
	if (fails("interrupt", call))
		errno = EINTR;
	else if (fails("read", call))
		errno = ENOMEM;
	else
		return false;
	return true;
}

ssize_t
read(int fd, void *to, size_t len)
{
	return cannot_read("read") ? -1 : syscall(SYS_read, fd, to, len);
}

ssize_t
readv(int fd, const struct iovec *v, int n)
{
	return cannot_read("readv") ? -1 : syscall(SYS_readv, fd, v, n);
}

ssize_t
recv(int fd, void *to, size_t len, int flags)
{
	if (cannot_read("recv"))
		return -1;
	return syscall(SYS_recvfrom, fd, to, len, flags, NULL, NULL);
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	return cannot_read("recvmsg") ? -1 : syscall(SYS_recvmsg, fd, m, flags);
}
