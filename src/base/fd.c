#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* open(2) gives the lowest free number, and those below are open by then. */
int
fd_open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", O_RDWR) == -1)
			return -1;
	}
	return 0;
}

static int
mark_range(int first)
{
#ifdef SYS_close_range
	const unsigned int cloexec = 1u << 2; /* CLOSE_RANGE_CLOEXEC */

	return (int)syscall(SYS_close_range, (unsigned int)first, ~0u, cloexec);
#else
	(void)first;
	return -1;
#endif
}

/* The open descriptors by name: the limit may be a thousand million. */
static int
mark_listed(int first)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *de;
	uint64_t fd;

	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		if (str_uint(de->d_name, INT32_MAX, &fd) && (int)fd >= first)
			fd_set_cloexec((int)fd, true);
	}
	closedir(dir);
	return 0;
}

void
fd_cloexec_from(int first)
{
	int kept = errno;

	if (mark_range(first) == -1 && mark_listed(first) == -1) {
		long limit = sysconf(_SC_OPEN_MAX);

		for (int fd = first; fd < limit; fd++)
			fd_set_cloexec(fd, true);
	}
	errno = kept;
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
