#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

int
fd_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC);
}

int
fd_pipe_nonblock(int fds[2])
{
	return pipe2(fds, O_CLOEXEC | O_NONBLOCK);
}

int
fd_seqpacket_pair(int fds[2])
{
	return socketpair(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

static int
set_flag(int fd, int get, int set, int flag, bool on)
{
	int now = fcntl(fd, get), next;

	if (now == -1)
		return -1;
	next = on ? now | flag : now & ~flag;
	return next == now ? 0 : fcntl(fd, set, next);
}

int
fd_set_nonblock(int fd, bool on)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int
fd_set_cloexec(int fd, bool on)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

/* No second try after EINTR: on Linux the descriptor is gone all the same. */
void
fd_close(int *fd)
{
	int kept = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = kept;
}

void
fd_close2(int fds[2])
{
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

bool
fd_is_shut(int fd)
{
	struct pollfd p = { .fd = fd };

#ifdef POLLRDHUP
	p.events = POLLRDHUP;
#endif
	return poll(&p, 1, 0) == 1;
}

/* open(2) gives the lowest free number, and those below are open by then. */
static int
open_standard(int mode)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", mode) == -1)
			return -1;
	}
	return 0;
}

int
fd_open_standard(void)
{
	return open_standard(O_RDWR);
}

int
fd_open_standard_for_reading(void)
{
	return open_standard(O_RDONLY);
}

/* Close them, or make them close-on-exec. */
enum close_when {
	CLOSE_NOW = 0,
	CLOSE_ON_EXEC = 1 << 2, /* CLOSE_RANGE_CLOEXEC */
};

static int
close_range_from(int first, enum close_when when)
{
#ifdef SYS_close_range
	return (int)syscall(SYS_close_range, (unsigned int)first, ~0u,
	    (unsigned int)when);
#else
	(void)first;
	(void)when;
	return -1;
#endif
}

static void
close_one(int fd, enum close_when when)
{
	if (when == CLOSE_NOW)
		(void)close(fd);
	else
		(void)fd_set_cloexec(fd, true);
}

/* The open descriptors by name: the limit may be a thousand million. */
static int
close_listed(int first, enum close_when when)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *de;
	uint64_t fd;

	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		if (str_uint(de->d_name, INT32_MAX, &fd) && (int)fd >= first &&
		    (int)fd != dirfd(dir))
			close_one((int)fd, when);
	}
	closedir(dir);
	return 0;
}

static void
close_from(int first, enum close_when when)
{
	int kept = errno;

	if (close_range_from(first, when) == -1 &&
	    close_listed(first, when) == -1) {
		long limit = sysconf(_SC_OPEN_MAX);

		for (int fd = first; fd < limit; fd++)
			close_one(fd, when);
	}
	errno = kept;
}

void
fd_cloexec_from(int first)
{
	close_from(first, CLOSE_ON_EXEC);
}

void
fd_close_from(int first)
{
	close_from(first, CLOSE_NOW);
}

size_t
fd_raise_limit(void)
{
	struct rlimit rl;
	rlim_t soft;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return 0;
	soft = rl.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (size_t)soft;
	return (size_t)rl.rlim_cur;
}
