#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beneath.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "codec/html.h"
#include "codec/url.h"
#include "engine/listing.h"
#include "engine/lookup.h"

struct names {
	char **v; /* owned, each with its '/' */
	size_t n;
	bool cut; /* there are more */
};

/* What would be found under the name: a link that leads out is nothing. */
static bool
judge(const struct beneath *root, const char *folder, const char *name,
    bool *is_folder)
{
	char path[PATH_MAX];
	struct stat st;
	int fd, rc;
	int n = snprintf(path, sizeof(path), "%s%s%s", folder,
	    folder[0] != '\0' ? "/" : "", name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = beneath_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return false;
	rc = fstat(fd, &st);
	fd_close(&fd);
	*is_folder = rc == 0 && S_ISDIR(st.st_mode);
	return rc == 0 && (*is_folder || S_ISREG(st.st_mode));
}

static void
add(struct names *names, const char *name, bool is_folder)
{
	names->v = mem_grow(names->v, names->n + 1, sizeof(*names->v));
	names->v[names->n++] = mem_printf("%s%s", name, is_folder ? "/" : "");
}

/* Takes the folder's descriptor. */
static bool
read_names(struct names *names, int fd, const struct beneath *root,
    const char *folder)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	size_t looked = 0;
	bool is_folder;

	if (d == NULL) {
		fd_close(&fd);
		return false;
	}
	while (!names->cut && (e = readdir(d)) != NULL) {
		names->cut = ++looked > LISTING_NAMES_MAX;
		if (!names->cut && lookup_shows(folder, e->d_name) &&
		    judge(root, folder, e->d_name, &is_folder))
			add(names, e->d_name, is_folder);
	}
	(void)closedir(d);
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_names(struct names *names)
{
	while (names->n > 0)
		free(names->v[--names->n]);
	free(names->v);
}

/* "./" so that no name can be taken for a scheme. */
static bool
put_link(struct buf *b, const char *name)
{
	size_t len = strlen(name);

	return buf_add_str(b, "<li><a href=\"./") && url_encode(b, name, len) &&
	    buf_add_str(b, "\">") && html_put(b, name, len) &&
	    buf_add_str(b, "</a>\n");
}

/* The longest link, and what comes behind the list. */
enum { LINK_MAX_LEN = 64 + NAME_MAX * (3 + 6) };

static bool
put_page(struct buf *b, const struct names *names, const char *title,
    size_t title_len)
{
	size_t n = 0;
	bool ok = buf_add_str(b,
		      "<!DOCTYPE html>\n<html lang=\"en\">\n"
		      "<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" "
		      "content=\"width=device-width\">\n<title>") &&
	    html_put(b, title, title_len) && buf_add_str(b, "</title>\n<h1>") &&
	    html_put(b, title, title_len) && buf_add_str(b, "</h1>\n<ul>\n");

	if (ok && title_len > 1)
		ok = buf_add_str(b, "<li><a href=\"../\">../</a>\n");
	while (ok && n < names->n && b->max - b->len >= 2 * LINK_MAX_LEN)
		ok = put_link(b, names->v[n++]);
	ok = ok && buf_add_str(b, "</ul>\n");
	if (ok && (names->cut || n < names->n))
		ok = buf_add_str(b, "<p>There is more than fits here.</p>\n");
	return ok;
}

bool
listing_put(struct buf *b, int folder, const struct beneath *root,
    const char *name, const char *title, size_t title_len)
{
	struct names names = { 0 };
	int fd = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	bool ok;

	if (fd == -1 || !read_names(&names, fd, root, name))
		return false;
	if (names.n > 0)
		qsort(names.v, names.n, sizeof(*names.v), compare);
	ok = put_page(b, &names, title, title_len);
	free_names(&names);
	if (!ok)
		errno = ENOMEM;
	return ok;
}
