#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client_conf.h"
#include "client/login_secret.h"
#include "client/tell.h"

/* A descriptor of our own for it, or -1 with errno. */
static int
open_source(const char *source)
{
	uint64_t fd;

	if (strncmp(source, "fd:", 3) != 0)
		return open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (!str_uint(source + 3, INT_MAX, &fd)) {
		errno = EBADF;
		return -1;
	}
	return fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
}

static void
warn_readable(const struct client_conf *conf, const char *source, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		tell(conf, "%s: everybody may read it (chmod go= %s)", source,
		    source);
}

/* All bytes, at most LOGIN_SECRET_MAX; -1 with errno. */
static ssize_t
read_all(int fd, char *text)
{
	size_t len = 0;
	ssize_t n;

	while (len <= LOGIN_SECRET_MAX) {
		n = read(fd, text + len, LOGIN_SECRET_MAX + 1 - len);
		if (n == 0)
			return (ssize_t)len;
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			len += (size_t)n;
	}
	errno = EFBIG;
	return -1;
}

static void
drop_mark(struct login_secret *s)
{
	size_t n = str_mark(s->text, s->len);

	s->len -= n;
	memmove(s->text, s->text + n, s->len + 1);
}

bool
login_secret_read(struct login_secret *s, const struct client_conf *conf,
    const char *source, char **why)
{
	int fd = open_source(source);
	ssize_t n = -1;

	*s = (struct login_secret){ .text = mem_new(LOGIN_SECRET_MAX + 2, 1) };
	if (fd != -1) {
		if (conf != NULL)
			warn_readable(conf, source, fd);
		n = read_all(fd, s->text);
	}
	if (n >= 0 && memchr(s->text, '\0', (size_t)n) != NULL) {
		errno = EILSEQ;
		n = -1;
	}
	if (n == -1)
		*why = mem_printf("%s: %s", source, strerror(errno));
	fd_close(&fd);
	if (n == -1) {
		login_secret_clear(s);
		return false;
	}
	s->len = (size_t)n;
	if (conf != NULL)
		drop_mark(s);
	return true;
}

void
login_secret_set(struct login_secret *s, const char *text)
{
	*s = (struct login_secret){ .text = mem_new(LOGIN_SECRET_MAX + 2, 1) };
	s->len = strnlen(text, LOGIN_SECRET_MAX);
	memcpy(s->text, text, s->len);
}

bool
login_secret_is_line(struct login_secret *s)
{
	if (s->len > 0 && s->text[s->len - 1] == '\n')
		s->text[--s->len] = '\0';
	if (s->len > 0 && s->text[s->len - 1] == '\r')
		s->text[--s->len] = '\0';
	return s->len > 0 && strpbrk(s->text, "\r\n") == NULL;
}

void
login_secret_clear(struct login_secret *s)
{
	if (s->text != NULL)
		explicit_bzero(s->text, LOGIN_SECRET_MAX + 2);
	free(s->text);
	*s = (struct login_secret){ 0 };
}

void
login_secret_free_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}
