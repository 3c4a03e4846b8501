#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beneath.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/ipc.h"
#include "parent/folder.h"

/* To look at something takes no right to read it, where the system says so. */
#ifdef O_PATH
#define LOOK O_PATH
#else
#define LOOK (O_RDONLY | O_NONBLOCK)
#endif

bool
folder_open(struct folder *f, const char *option, const char *path, char **why)
{
	*f = (struct folder){ .fd = -1, .path = realpath(path, NULL) };
	if (f->path != NULL)
		f->fd = open(f->path, LOOK | O_DIRECTORY | O_CLOEXEC);
	if (f->fd != -1)
		return true;
	*why = mem_printf("--%s=%s: %s", option, path, strerror(errno));
	folder_close(f);
	return false;
}

void
folder_close(struct folder *f)
{
	fd_close(&f->fd);
	free(f->path);
	f->path = NULL;
}

/* ------------------------------------------------- one inside another */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Component by component: /srv/so does not hold /srv/sock. */
static bool
path_holds(const char *outer, const char *inner)
{
	size_t len = strlen(outer);

	if (len > 0 && outer[len - 1] == '/')
		len--; /* the root */
	return strncmp(inner, outer, len) == 0 &&
	    (inner[len] == '/' || inner[len] == '\0');
}

/* A mount may show one folder under two names, so ask the folders as well. */
static bool
is_above(const struct stat *outer, int inner)
{
	struct stat st, below = { 0 };
	bool found = false;
	int fd = fcntl(inner, F_DUPFD_CLOEXEC, 3), up;

	while (fd != -1 && fstat(fd, &st) == 0) {
		found = same_file(outer, &st);
		if (found || same_file(&st, &below))
			break; /* above the root is the root */
		below = st;
		up = openat(fd, "..", LOOK | O_DIRECTORY | O_CLOEXEC);
		fd_close(&fd);
		fd = up;
	}
	fd_close(&fd);
	return found;
}

bool
folder_holds(const struct folder *outer, const struct folder *inner)
{
	struct stat st;

	return path_holds(outer->path, inner->path) ||
	    (fstat(outer->fd, &st) == 0 && is_above(&st, inner->fd));
}

/* ------------------------------------------------- finding a program */

/* What is there, without following anything out of the folder. */
static int
look_at(const struct folder *f, const char *name, struct stat *st)
{
	const struct beneath in = { .fd = f->fd, .home = f->path };
	int fd = beneath_open(&in, name, LOOK);

	if (fd != -1 && fstat(fd, st) == -1)
		fd_close(&fd);
	return fd;
}

/*
 * The path to run it by, which must mean the same file: somebody may have put
 * another folder in the place of ours.
 */
static char *
path_of_program(const struct folder *f, const char *name, const struct stat *st)
{
	struct stat now;
	char *path =
	    mem_printf("%s/%s", strcmp(f->path, "/") == 0 ? "" : f->path, name);

	if (!(st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		errno = EACCES;
	else if (stat(path, &now) == 0) {
		if (same_file(st, &now))
			return path;
		errno = ESTALE;
	}
	free(path);
	return NULL;
}

char *
folder_find_program(const struct folder *f, const char *path, size_t len,
    size_t *name_len, int *file)
{
	char name[IPC_PATH_MAX + 1], *found;
	struct stat st;
	int fd;

	for (size_t at = 0; at < len; name[at++] = '/') {
		for (; at < len && path[at] != '/'; at++)
			name[at] = path[at];
		name[at] = '\0';
		if ((fd = look_at(f, name, &st)) == -1)
			return NULL;
		if (S_ISREG(st.st_mode)) {
			*name_len = at;
			if ((found = path_of_program(f, name, &st)) == NULL)
				fd_close(&fd);
			*file = fd;
			return found;
		}
		fd_close(&fd);
		if (!S_ISDIR(st.st_mode))
			break;
	}
	errno = EISDIR; /* or something that is no program either */
	return NULL;
}

bool
folder_lacks(int err)
{
	return err == ENOENT || err == ENOTDIR || err == EISDIR ||
	    err == EACCES || err == ELOOP || err == EXDEV ||
	    err == ENAMETOOLONG;
}
