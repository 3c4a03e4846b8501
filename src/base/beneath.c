#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#include "base/base.h"
#include "base/beneath.h"
#include "base/fd.h"
#include "base/str.h"

#ifdef O_PATH
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY)
#define IS_NAME_ONLY(flags) (((flags)&O_PATH) != 0)
#else
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY)
#define IS_NAME_ONLY(flags) false
#endif

/* Without O_PATH a link that may not be followed is an error already. */
static int
open_name(int folder, const char *name, int flags)
{
	int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || !IS_NAME_ONLY(flags))
		return fd;
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	fd_close(&fd);
	errno = ELOOP;
	return -1;
}

int
beneath_walk(int folder, const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int fd = -1, next;

	for (;;) {
		size_t len = strcspn(path, "/");
		bool last = path[len] == '\0';

		if (len == 0 || len > NAME_MAX ||
		    (len == 2 && memcmp(path, "..", 2) == 0)) {
			fd_close(&fd);
			errno = len > NAME_MAX ? ENAMETOOLONG
			    : len == 0         ? ENOENT
					       : EXDEV;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		next = open_name(fd == -1 ? folder : fd, name,
		    last ? flags : FOLDER_FLAGS);
		fd_close(&fd);
		if (last || next == -1)
			return next;
		fd = next;
		path += len + 1;
	}
}

#ifdef HAVE_LINUX_OPENAT2_H

enum { TRIES = 8 }; /* while somebody renames folders under our feet */

int
beneath_open(int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
		if (fd != -1 || errno != EAGAIN)
			break;
	}
	/* an old kernel, or a container whose filter is older than the call */
	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		return beneath_walk(folder, path, flags);
	return (int)fd;
}

#else

int
beneath_open(int folder, const char *path, int flags)
{
	return beneath_walk(folder, path, flags);
}

#endif
