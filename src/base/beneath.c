#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
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

/* ------------------------------------------------- step by step */

enum { PASSES_MAX = 64 }; /* each undoes a link or a `..` of one */

/*
 * What is left of the way, as one absolute path: the first names are those of
 * the folder's own, and are only compared; after them each is opened. A link is
 * undone in the text, and the way begun anew.
 */
struct way {
	const struct beneath *in;
	const char *home; /* "" for the root, or where it is not known */
	size_t home_len;
	char text[PATH_MAX];
};

/* text[from..to) becomes what is put in its place. */
static bool
replace(struct way *w, size_t from, size_t to, const char *put, size_t len)
{
	size_t rest = strlen(w->text + to) + 1;

	if (from + len + rest > sizeof(w->text)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memmove(w->text + from + len, w->text + to, rest);
	memcpy(w->text + from, put, len);
	return true;
}

/* The `..` at text[at..at + len) undoes the name before it. */
static bool
go_up(struct way *w, size_t at, size_t len)
{
	size_t from = at;

	if (at == w->home_len && w->in->home == NULL) {
		errno = EXDEV;
		return false;
	}
	while (from > 0 && w->text[--from] != '/')
		;
	return replace(w, from, at + len, "", 0);
}

static bool
follow(struct way *w, size_t at, size_t len, const char *target, size_t n)
{
	if (target[0] != '/')
		return replace(w, at + 1, at + len, target, n);
	if (w->in->home != NULL)
		return replace(w, 0, at + len, target, n);
	errno = EXDEV;
	return false;
}

/* Whether text[at..at + len) is where the folder's own path goes on. */
static bool
leads_home(const struct way *w, size_t at, size_t len)
{
	const char *home = w->home + at;

	return at + len <= w->home_len &&
	    memcmp(home, w->text + at, len) == 0 &&
	    (home[len] == '/' || home[len] == '\0');
}

/* The name after a '/' at text[at], if it is a link: 1; if not: 0; or -1. */
static int
undo(struct way *w, int folder, size_t at, size_t len, const char *name)
{
	char target[PATH_MAX];
	ssize_t n;

	if (strcmp(name, "..") == 0)
		return go_up(w, at, len) ? 1 : -1;
	if (at < w->home_len) {
		errno = EXDEV;
		return leads_home(w, at, len) ? 0 : -1;
	}
	n = readlinkat(folder, name, target, sizeof(target));
	if (n == -1)
		return 0; /* opening it says what it is */
	return follow(w, at, len, target, (size_t)n) ? 1 : -1;
}

/* The name after a '/' at text[at]; what leads nowhere is gone from there. */
static bool
take_name(struct way *w, size_t at, char name[NAME_MAX + 1], size_t *len)
{
	for (;;) {
		const char *p = w->text + at + 1;
		size_t n = strcspn(p, "/");

		*len = 1 + n;
		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			return false;
		}
		memcpy(name, p, n);
		name[n] = '\0';
		if (n > 0 && strcmp(name, ".") != 0)
			return true;
		(void)replace(w, at, at + *len, "", 0);
		if (w->text[at] == '\0') {
			*len = 0;
			return true;
		}
	}
}

/*
 * One pass: a descriptor, or -1 with errno; or with *again, since the text is
 * another now. The folder that was reached is closed by the caller.
 */
static int
pass(struct way *w, int flags, int *reached, bool *again)
{
	char name[NAME_MAX + 1];
	int rc, next, folder;

	for (size_t at = 0, len; w->text[at] == '/'; at += len) {
		folder = *reached == -1 ? w->in->fd : *reached;
		if (!take_name(w, at, name, &len))
			return -1;
		if (len == 0)
			break;
		if ((rc = undo(w, folder, at, len, name)) != 0) {
			*again = rc > 0;
			return -1;
		}
		if (at < w->home_len)
			continue;
		if (w->text[at + len] == '\0')
			return open_name(folder, name, flags);
		next = open_name(folder, name, FOLDER_FLAGS);
		fd_close(reached);
		if ((*reached = next) == -1)
			return -1;
	}
	if (strlen(w->text) < w->home_len) {
		errno = EXDEV; /* above the folder */
		return -1;
	}
	return open_name(*reached == -1 ? w->in->fd : *reached, ".", flags);
}

/* Relative, without names that are empty or `..`. */
static bool
path_ok(const char *path)
{
	for (;; path++) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 2 && memcmp(path, "..", 2) == 0)) {
			errno = len == 0 ? ENOENT : EXDEV;
			return false;
		}
		path += len;
		if (*path == '\0')
			return true;
	}
}

int
beneath_walk(const struct beneath *in, const char *path, int flags)
{
	struct way w = { .in = in, .home = in->home };
	int fd = -1, reached = -1;
	bool again = true;

	if (w.home == NULL || strcmp(w.home, "/") == 0)
		w.home = "";
	w.home_len = strlen(w.home);
	if (!path_ok(path))
		return -1;
	if (w.home_len + 1 + strlen(path) >= sizeof(w.text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)snprintf(w.text, sizeof(w.text), "%s/%s", w.home, path);
	for (int i = 0; again && i < PASSES_MAX; i++) {
		again = false;
		fd = pass(&w, flags, &reached, &again);
		fd_close(&reached);
	}
	if (again)
		errno = ELOOP;
	return fd;
}

/* ------------------------------------------------- by the system */

#ifdef HAVE_LINUX_OPENAT2_H

enum { TRIES = 8 }; /* while somebody renames folders under our feet */

int
beneath_open(const struct beneath *in, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, in->fd, path, &how, sizeof(how));
		if (fd != -1 || errno != EAGAIN)
			break;
	}
	/* an old kernel, or a container whose filter is older than the call; or
	   a link that may come back */
	if (fd == -1 && (errno == ENOSYS || errno == EPERM || errno == EXDEV))
		return beneath_walk(in, path, flags);
	return (int)fd;
}

#else

int
beneath_open(const struct beneath *in, const char *path, int flags)
{
	return beneath_walk(in, path, flags);
}

#endif
