#include <sys/stat.h>
#if defined(__linux__)
#include <sys/epoll.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "flow/stdio.h"
#include "flow/stream.h"

enum {
	ABOVE_STANDARD = 3,
	MAX_PIPE = 256 * 1024, /* of a pipe that is often full */
};

/* ------------------------------------------------- what a descriptor is */

/* Whether a loop can wait for it: a file and /dev/null are always ready. */
static bool
can_be_awaited(int fd, const struct stat *st)
{
	if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode) || isatty(fd))
		return true;
#if defined(__linux__)
	if (S_ISCHR(st->st_mode)) {
		struct epoll_event ev = { .events = EPOLLIN };
		int set = epoll_create1(EPOLL_CLOEXEC);
		bool taken = epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) == 0;

		fd_close(&set);
		return taken;
	}
#endif
	return false;
}

/* Opening the master of a terminal again would make another terminal. */
static bool
is_terminal(int fd)
{
	return isatty(fd) && ptsname(fd) == NULL;
}

static bool
is_open_for(int fd, int mode)
{
	int is = fcntl(fd, F_GETFL) & O_ACCMODE;

	return is == mode || is == O_RDWR;
}

/*
 * The writers have gone. Of a named pipe that is opened after that, their end
 * is not told.
 */
static bool
is_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1;
}

/* ------------------------------------------------- a description of our own */

/* Non-blocking, by a name that leads to the same pipe or terminal; or -1. */
static int
open_again(int fd, int mode)
{
	char name[32];
	int own;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	own = open(name, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own != -1 && mode == O_RDONLY && is_hung_up(fd))
		fd_close(&own);
	return own;
}

static struct stream *
open_shared(struct flow *flow, enum stream_kind kind, int fd,
    enum stream_manner manner)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_STANDARD);

	return own == -1 ? NULL : stream_new_shared(flow, kind, own, manner);
}

static struct stream *
open_stream(struct flow *flow, enum stream_kind kind, int fd)
{
	int mode = kind == STREAM_SOURCE ? O_RDONLY : O_WRONLY;
	struct stat st;
	int own;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return NULL;
	}
	if (!is_open_for(fd, mode)) {
		errno = EBADF;
		return NULL;
	}
	if (S_ISSOCK(st.st_mode))
		return open_shared(flow, kind, fd, STREAM_EACH);
	if (!can_be_awaited(fd, &st))
		return open_shared(flow, kind, fd, STREAM_FILE);
	if ((S_ISFIFO(st.st_mode) || is_terminal(fd)) &&
	    (own = open_again(fd, mode)) != -1)
		return stream_new(flow, kind, own, MAX_PIPE);
	return open_shared(flow, kind, fd, STREAM_READY);
}

/* ------------------------------------------------- those of the process */

/* The stream holds what was there. */
static void
let_go(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null != -1)
		(void)dup2(null, fd);
	fd_close(&null);
}

struct stream *
stdio_open(struct flow *flow, int fd)
{
	struct stream *s;

	s = open_stream(flow, fd == STDIN_FILENO ? STREAM_SOURCE : STREAM_SINK,
	    fd);
	if (s == NULL)
		return NULL;
	if (fd != STDIN_FILENO && !isatty(fd))
		stream_watch_reader(s);
	if (fd != STDERR_FILENO)
		let_go(fd);
	return s;
}

struct stream *
stdio_open_file(struct flow *flow, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && can_be_awaited(fd, &st))
		return stream_new(flow, STREAM_SOURCE, fd, MAX_PIPE);
	return stream_new_shared(flow, STREAM_SOURCE, fd, STREAM_FILE);
}
