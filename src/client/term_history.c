#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/term_history.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

struct term_history {
	int fd;
	char *newest; /* owned; may be NULL */
};

char *
term_history_path(void)
{
	const char *file = getenv("STANDPIPE_HISTORY");
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (file != NULL)
		return *file == '\0' ? NULL : mem_strdup(file);
	if (state != NULL && *state == '/')
		return mem_printf("%s/standpipe/history", state);
	if (home != NULL && *home == '/')
		return mem_printf("%s/.local/state/standpipe/history", home);
	return NULL;
}

/* Whatever folders are missing on the way; what fails shows at the file. */
static void
make_folders(const char *path)
{
	char *part = mem_strdup(path);

	for (char *p = strchr(part, '/'); p != NULL; p = strchr(p + 1, '/')) {
		if (p == part)
			continue;
		*p = '\0';
		(void)mkdir(part, FOLDER_MODE);
		*p = '/';
	}
	free(part);
}

/* A regular file of our own: anything else is not for us to write to. */
static int
open_file(const char *path, off_t *size)
{
	struct stat st;
	int fd = open(path,
	    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    FILE_MODE);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || fchmod(fd, FILE_MODE) == -1) {
		fd_close(&fd);
		return -1;
	}
	*size = st.st_size;
	return fd;
}

/* Gives the end of the file, from the beginning of a line, and a NUL. */
static char *
read_end(int fd, off_t size, size_t most)
{
	size_t len = (uint64_t)size < most ? (size_t)size : most, have = 0;
	char *text = mem_new(1, len + 1), *line;
	ssize_t n;

	while (have < len &&
	    (n = pread(fd, text + have, len - have,
		 size - (off_t)(len - have))) > 0)
		have += (size_t)n;
	text[have] = '\0';
	if ((uint64_t)size > most && (line = strchr(text, '\n')) != NULL)
		memmove(text, line + 1, strlen(line + 1) + 1);
	return text;
}

/* The file once more with this text, in its place at once; -1: as it was. */
static int
write_anew(const char *path, const char *text)
{
	char *name = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(name, O_APPEND | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd != -1 &&
	    (write(fd, text, len) != (ssize_t)len ||
		rename(name, path) == -1)) {
		(void)unlink(name);
		fd_close(&fd);
	}
	free(name);
	return fd;
}

static void
give_lines(struct term_history *r, char *text, term_history_fn *each, void *arg)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		if (*line == '\0')
			continue;
		each(arg, line);
		free(r->newest);
		r->newest = mem_strdup(line);
	}
}

struct term_history *
term_history_open(const char *path, term_history_fn *each, void *arg)
{
	struct term_history *r;
	off_t size;
	char *text;
	int fd, anew;

	make_folders(path);
	if ((fd = open_file(path, &size)) == -1)
		return NULL;
	text = read_end(fd, size,
	    size > TERM_HISTORY_FILE_MAX ? TERM_HISTORY_FILE_MAX / 2
					 : TERM_HISTORY_FILE_MAX);
	if (size > TERM_HISTORY_FILE_MAX &&
	    (anew = write_anew(path, text)) != -1) {
		fd_close(&fd);
		fd = anew;
	}
	r = mem_new(1, sizeof(*r));
	r->fd = fd;
	give_lines(r, text, each, arg);
	free(text);
	return r;
}

void
term_history_close(struct term_history *r)
{
	if (r == NULL)
		return;
	fd_close(&r->fd);
	free(r->newest);
	free(r);
}

bool
term_history_add(struct term_history *r, const char *line)
{
	size_t len = strlen(line);
	char *text;
	bool kept;

	if (r == NULL || len == 0 || len > TERM_HISTORY_LINE_MAX ||
	    *line == ' ' || (r->newest != NULL && strcmp(r->newest, line) == 0))
		return false;
	text = mem_printf("%s\n", line);
	kept = write(r->fd, text, len + 1) == (ssize_t)len + 1;
	text[len] = '\0';
	free(r->newest);
	r->newest = text;
	return kept;
}
