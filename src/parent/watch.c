#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "parent/watch.h"

enum { READ_SIZE = 16 * 1024 };

static bool
is_same(const struct watch_mark *a, const struct watch_mark *b)
{
	return a->err == b->err && a->dev == b->dev && a->ino == b->ino &&
	    a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	    a->changed.tv_nsec == b->changed.tv_nsec;
}

/* ctime, because mtime can be set, and a chmod may be what was missing. */
static void
mark(struct watch_mark *m, const struct stat *st)
{
	*m = (struct watch_mark){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.changed = st->st_ctim,
	};
}

/* How the file looks now, whether it could be read or not. */
static void
look(const char *path, struct watch_mark *m)
{
	struct stat st;

	if (stat(path, &st) == 0)
		mark(m, &st);
	else
		*m = (struct watch_mark){ .err = errno };
}

/* All of a descriptor; -1 with errno. */
static int
read_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		size_t room = out->max - out->len;
		uint8_t *to = room == 0
		    ? NULL
		    : buf_reserve(out, room < READ_SIZE ? room : READ_SIZE);

		if (to == NULL) {
			errno = EFBIG;
			return -1;
		}
		do
			n = read(fd, to, room < READ_SIZE ? room : READ_SIZE);
		while (n == -1 && errno == EINTR);
		if (n > 0)
			buf_commit(out, (size_t)n);
	} while (n > 0);
	return (int)n;
}

/* -1 with errno; EINVAL: it is no file. */
static int
read_file(struct watch *w, struct buf *out)
{
	int fd = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = -1;

	if (fd == -1 || fstat(fd, &st) == -1) {
		fd_close(&fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		rc = read_all(fd, out);
	mark(&w->taken, &st);
	w->mode = st.st_mode;
	fd_close(&fd);
	return rc;
}

bool
watch_read(struct watch *w, const char *path, struct buf *out, char **why)
{
	int err;

	*w = (struct watch){ .path = path };
	look(path, &w->taken);
	err = read_file(w, out) == -1 ? errno : 0;
	w->seen = w->taken;
	if (err == 0)
		return true;
	if (out->len > 0)
		explicit_bzero(out->data, out->len);
	buf_clear(out);
	*why = mem_printf("%s: %s", path,
	    err == EINVAL      ? "not a file"
		: err == EFBIG ? "the file is too large"
			       : strerror(err));
	return false;
}

void
watch_warn_open(const struct watch *w)
{
	if (w->mode & (S_IROTH | S_IWOTH))
		log_warn("%s: everybody may %s it (chmod o= %s)", w->path,
		    w->mode & S_IWOTH ? "write" : "read", w->path);
}

bool
watch_changed(struct watch *w)
{
	struct watch_mark now;
	bool settled;

	look(w->path, &now);
	settled = is_same(&now, &w->seen);
	w->seen = now;
	return settled && !is_same(&now, &w->taken);
}
