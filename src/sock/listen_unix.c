#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "sock/listen_set.h"
#include "sock/listen_unix.h"
#include "proc/spawn.h"

/* ------------------------------------------------- one daemon at a time */

static bool
is_same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * From the look for another server until our own file is in its place there
 * may be nobody else. The lock goes with its file, so one that was opened just
 * before that is no lock; the system takes it from processes that die. -1 with
 * errno, EWOULDBLOCK if another daemon has it.
 */
static int
take_lock(const char *lock)
{
	for (;;) {
		int fd = open(lock,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);

		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
			fd_close(&fd);
			return -1;
		}
		if (is_same_file(fd, lock))
			return fd;
		fd_close(&fd);
	}
}

static void
drop_lock(const char *lock, int fd)
{
	(void)unlink(lock);
	fd_close(&fd);
}

/* ------------------------------------------------- servers that live */

/* Whether a server answers there; a file without one may be replaced. */
static bool
is_served(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	if (fd == -1)
		return true;
	served = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	fd_close(&fd);
	return served;
}

/* What forbids us the place, or NULL. */
static const char *
find_obstacle(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), path))
		return strerror(ENAMETOOLONG);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return "there is a file that is no socket";
	return is_served(&sun) ? "another server listens there" : NULL;
}

/* ------------------------------------------------- our own file */

struct owner {
	uid_t uid; /* -1: as it is */
	gid_t gid;
};

static bool
find_owner(struct owner *o, const char *text, char **why)
{
	struct spawn_user u;
	const char *group;
	char *user;
	bool ok;

	*o = (struct owner){ (uid_t)-1, (gid_t)-1 };
	if (text == NULL)
		return true;
	user = mem_strndup(text, strcspn(text, ":"));
	group = strchr(text, ':');
	group = group == NULL ? NULL : group + 1;
	ok = spawn_user_find(&u, *user == '\0' ? NULL : user, group, why);
	if (ok && *user != '\0')
		o->uid = u.uid;
	if (ok && group != NULL)
		o->gid = u.gid;
	free(user);
	return ok;
}

/*
 * Nobody can connect to a name before there is a listen(2), and by then the
 * file has its owner and mode. What somebody put into its place is no link
 * that we would follow.
 */
static bool
fill_place(int fd, const char *path, const struct owner *o, mode_t mode,
    struct stat *st)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int rc;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	old = umask(0777);
	rc = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (rc == -1)
		return false;
	if (lchown(path, o->uid, o->gid) == 0 &&
	    fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0 &&
	    listen(fd, LISTEN_BACKLOG) == 0 && lstat(path, st) == 0)
		return true;
	rc = errno;
	(void)unlink(path);
	errno = rc;
	return false;
}

/* Under a name of our own first, so that at no moment there is nothing. */
static bool
take_place(struct listen_socket *s, const struct listen_unix *how, char **why)
{
	char *path = mem_printf("%s.%ld", how->path, (long)getpid());
	struct owner owner;
	struct stat st;
	bool ok = false;

	if (!find_owner(&owner, how->owner, why))
		goto done;
	if (!fill_place(s->fd, path, &owner, how->mode, &st)) {
		*why = mem_strdup(strerror(errno));
		goto done;
	}
	if (rename(path, how->path) == -1) {
		*why = mem_strdup(strerror(errno));
		(void)unlink(path);
		goto done;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->path = mem_strdup(how->path);
	ok = true;
done:
	free(path);
	return ok;
}

/* With the lock held. */
static bool
open_locked(struct listen_set *set, const struct listen_unix *how, char **why)
{
	const char *obstacle = find_obstacle(how->path);
	int fd;

	if (obstacle != NULL) {
		*why = mem_strdup(obstacle);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		*why = mem_strdup(strerror(errno));
		return false;
	}
	if (take_place(listen_add(set, fd), how, why))
		return true;
	listen_cut(set, set->n - 1);
	return false;
}

static bool
open_socket(struct listen_set *set, const struct listen_unix *how, char **why)
{
	char *name = mem_printf("%s.lock", how->path);
	int lock = take_lock(name);
	bool ok = false;

	if (lock != -1) {
		ok = open_locked(set, how, why);
		drop_lock(name, lock);
	} else if (errno == EWOULDBLOCK) {
		*why = mem_strdup("another server is about to listen there");
	} else {
		*why = mem_printf("%s: %s", name, strerror(errno));
	}
	free(name);
	return ok;
}

bool
listen_unix(struct listen_set *set, const struct listen_unix *how, char **why)
{
	char *reason;

	if (open_socket(set, how, why))
		return true;
	reason = *why;
	*why = mem_printf("cannot listen on unix:%s: %s", how->path, reason);
	free(reason);
	return false;
}

bool
listen_unix_again(struct listen_socket *s, const struct listen_unix *how,
    char **why)
{
	struct listen_unix place = *how;
	struct listen_set set = { 0 };
	struct listen_socket *now;

	place.path = s->path;
	if (!listen_unix(&set, &place, why))
		return false;
	now = &set.v[0];
	fd_close(&s->fd);
	s->fd = now->fd;
	s->dev = now->dev;
	s->ino = now->ino;
	free(now->path); /* the same */
	free(set.v);
	return true;
}

char *
listen_unix_address(int fd)
{
	struct sockaddr_un sun = { 0 };
	socklen_t len = sizeof(sun);

	if (getsockname(fd, (struct sockaddr *)&sun, &len) == -1)
		sun.sun_path[0] = '\0';
	return mem_printf("unix:%.*s", (int)sizeof(sun.sun_path), sun.sun_path);
}

void
listen_unix_remove(const struct listen_socket *s)
{
	struct stat st;

	if (s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
}
