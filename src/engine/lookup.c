#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/beneath.h"
#include "base/fd.h"
#include "engine/lookup.h"

/* A FIFO does not make us wait, and a terminal does not become ours. */
enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY };

static const char index_name[] = "index.html";
static const char well_known[] = ".well-known";

bool
lookup_shows(const char *folder, const char *name)
{
	if (name[0] != '.')
		return true;
	return folder[0] == '\0' && strcmp(name, well_known) == 0;
}

/* One name of a path; the first may be hidden if everybody knows it. */
static bool
component_ok(const char *p, size_t len, bool first)
{
	if (len == 0)
		return false;
	if (p[0] != '.')
		return true;
	return first && len == sizeof(well_known) - 1 &&
	    memcmp(p, well_known, len) == 0;
}

/* Every name between slashes; none follows the last slash of a folder. */
static bool
path_ok(const char *path, size_t len)
{
	size_t from = 1;

	if (len == 0 || len >= PATH_MAX || path[0] != '/')
		return false;
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		if (i == len && from == len)
			break;
		if (!component_ok(path + from, i - from, from == 1))
			return false;
		from = i + 1;
	}
	return true;
}

static enum lookup_result
judge_errno(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return LOOKUP_DENIED;
	case ELOOP:
	case EXDEV:
		return LOOKUP_OUTSIDE;
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ENXIO: /* a socket */
	case ENODEV:
	case EINVAL:
		return LOOKUP_NONE;
	default:
		return LOOKUP_ERROR;
	}
}

/* -1 with errno; what is neither a file nor a folder is not there. */
static int
open_one(const struct beneath *root, const char *name, struct stat *st)
{
	int fd = beneath_open(root, name, OPEN_FLAGS);

	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0) {
		if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
			return fd;
		errno = ENXIO;
	}
	fd_close(&fd);
	return -1;
}

static bool
is_older(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* The precompressed neighbour of a file, or -1. */
static int
open_neighbour(const struct beneath *root, const char *file,
    const struct stat *of, enum http_coding coding, struct stat *st)
{
	char name[PATH_MAX];
	int n = snprintf(name, sizeof(name), "%s.%s", file,
	    coding == HTTP_CODING_BR ? "br" : "gz");
	int fd;

	if (n < 0 || (size_t)n >= sizeof(name))
		return -1;
	fd = open_one(root, name, st);
	if (fd != -1 && (!S_ISREG(st->st_mode) || is_older(st, of)))
		fd_close(&fd);
	return fd;
}

/* The one that the client likes best; that there are others is noted. */
static void
choose_coding(struct lookup *l, const struct beneath *root,
    const enum http_coding *codings, size_t n)
{
	static const enum http_coding all[] = { HTTP_CODING_BR,
		HTTP_CODING_GZIP };
	const struct stat plain = l->st;
	size_t best = n;

	for (size_t i = 0; i < nitems(all); i++) {
		size_t rank = 0;
		struct stat st;
		int fd = open_neighbour(root, l->name, &plain, all[i], &st);

		if (fd == -1)
			continue;
		l->varies = true;
		while (rank < n && codings[rank] != all[i])
			rank++;
		if (rank < best) {
			fd_close(&l->fd);
			l->fd = fd;
			l->st = st;
			l->coding = all[i];
			best = rank;
		} else {
			fd_close(&fd);
		}
	}
}

/* The folder's own page in its place, if there is one. */
static bool
open_index(struct lookup *l, const struct beneath *root)
{
	size_t len = strlen(l->name);
	struct stat st;
	int fd;

	if (len + 1 + sizeof(index_name) > sizeof(l->name))
		return false;
	(void)snprintf(l->name + len, sizeof(l->name) - len, "%s%s",
	    len > 0 ? "/" : "", index_name);
	fd = open_one(root, l->name, &st);
	if (fd != -1 && !S_ISREG(st.st_mode))
		fd_close(&fd);
	if (fd == -1) {
		l->name[len] = '\0';
		return false;
	}
	fd_close(&l->fd);
	l->fd = fd;
	l->st = st;
	return true;
}

static enum lookup_result
give_up(struct lookup *l, enum lookup_result rc)
{
	lookup_close(l);
	return rc;
}

enum lookup_result
lookup_open(struct lookup *l, const struct beneath *root, const char *path,
    size_t len, const enum http_coding *codings, size_t n)
{
	bool slash;

	l->fd = -1;
	l->coding = HTTP_CODING_IDENTITY;
	l->varies = false;
	if (!path_ok(path, len))
		return LOOKUP_NONE;
	slash = path[len - 1] == '/';
	memcpy(l->name, path + 1, len - 1);
	l->name[len - 1 - (slash && len > 1)] = '\0';
	l->fd = open_one(root, l->name[0] == '\0' ? "." : l->name, &l->st);
	if (l->fd == -1)
		return judge_errno(errno);
	if (S_ISDIR(l->st.st_mode)) {
		if (!slash)
			return give_up(l, LOOKUP_SLASH);
		if (!open_index(l, root))
			return LOOKUP_FOLDER;
	} else if (slash) {
		return give_up(l, LOOKUP_NONE);
	}
	choose_coding(l, root, codings, n);
	return LOOKUP_FILE;
}

void
lookup_close(struct lookup *l)
{
	fd_close(&l->fd);
}
