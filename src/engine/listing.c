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

/* In one turn of the loop, before others get theirs. */
enum {
	WORK_PER_TURN = 64, /* names that are looked at, or put on the page */
	WORK_OF_LINK = 8,   /* of that: it is opened */
};

struct name_list {
	char **v; /* owned, each with its '/' */
	size_t n;
	bool cut; /* there are more */
};

struct listing {
	DIR *dir;            /* owned; NULL: all names are known */
	struct beneath root; /* its parts are kept */
	char *folder;        /* owned */
	char *title;         /* owned */
	struct name_list names;
	size_t looked; /* at so many names */
	size_t shown;  /* so many of them are on the page */
	bool begun;    /* the page */
};

/* ------------------------------------------------- the names */

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
add(struct name_list *names, const char *name, bool is_folder)
{
	names->v = mem_grow(names->v, names->n + 1, sizeof(*names->v));
	names->v[names->n++] = mem_printf("%s%s", name, is_folder ? "/" : "");
}

/*
 * Most entries say what they are. Links, and entries of a file system that does
 * not know, are opened.
 */
static size_t
look_at(struct listing *l, const struct dirent *e)
{
	bool is_folder = e->d_type == DT_DIR;
	bool is_open_question = e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;

	if (!lookup_shows(l->folder, e->d_name))
		return 1;
	if (is_open_question ? judge(&l->root, l->folder, e->d_name, &is_folder)
			     : is_folder || e->d_type == DT_REG)
		add(&l->names, e->d_name, is_folder);
	return is_open_question ? WORK_OF_LINK : 1;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
end_names(struct listing *l)
{
	(void)closedir(l->dir);
	l->dir = NULL;
	if (l->names.n > 0)
		qsort(l->names.v, l->names.n, sizeof(*l->names.v), compare);
}

static void
read_names(struct listing *l)
{
	const struct dirent *e;

	for (size_t work = 0; work < WORK_PER_TURN;) {
		e = readdir(l->dir);
		l->names.cut = e != NULL && ++l->looked > LISTING_NAMES_MAX;
		if (e == NULL || l->names.cut) {
			end_names(l);
			return;
		}
		work += look_at(l, e);
	}
}

/* ------------------------------------------------- the page */

/* "./" so that no name can be taken for a scheme. */
static bool
put_link(struct buf *b, const char *name)
{
	size_t len = strlen(name);

	return buf_add_str(b, "<li><a href=\"./") && url_encode(b, name, len) &&
	    buf_add_str(b, "\">") && html_put(b, name, len) &&
	    buf_add_str(b, "</a>\n");
}

/* The longest link, and what comes after the list. */
enum { LINK_MAX_LEN = 64 + NAME_MAX * (3 + 6) };

static bool
put_head(struct buf *b, const char *title)
{
	size_t len = strlen(title);
	bool ok = buf_add_str(b,
		      "<!DOCTYPE html>\n<html lang=\"en\">\n"
		      "<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" "
		      "content=\"width=device-width\">\n<title>") &&
	    html_put(b, title, len) && buf_add_str(b, "</title>\n<h1>") &&
	    html_put(b, title, len) && buf_add_str(b, "</h1>\n<ul>\n");

	if (ok && len > 1)
		ok = buf_add_str(b, "<li><a href=\"../\">../</a>\n");
	return ok;
}

static bool
has_more(const struct listing *l, const struct buf *b)
{
	return l->shown < l->names.n && b->max - b->len >= 2 * LINK_MAX_LEN;
}

static bool
put_links(struct buf *b, struct listing *l)
{
	bool ok = true;

	for (size_t n = 0; n < WORK_PER_TURN && ok && has_more(l, b); n++)
		ok = put_link(b, l->names.v[l->shown++]);
	return ok;
}

static bool
put_tail(struct buf *b, const struct listing *l)
{
	bool ok = buf_add_str(b, "</ul>\n");

	if (ok && (l->names.cut || l->shown < l->names.n))
		ok = buf_add_str(b, "<p>There is more than fits here.</p>\n");
	return ok;
}

/* ------------------------------------------------- both, turn by turn */

struct listing *
listing_new(const struct beneath *root, int folder, const char *name,
    const char *title, size_t title_len)
{
	int fd = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct listing *l;

	if (dir == NULL) {
		fd_close(&fd);
		return NULL;
	}
	l = mem_new(1, sizeof(*l));
	l->dir = dir;
	l->root = *root;
	l->folder = mem_strdup(name);
	l->title = mem_strndup(title, title_len);
	return l;
}

void
listing_free(struct listing *l)
{
	if (l->dir != NULL)
		(void)closedir(l->dir);
	while (l->names.n > 0)
		free(l->names.v[--l->names.n]);
	free(l->names.v);
	free(l->folder);
	free(l->title);
	free(l);
}

enum listing_result
listing_go_on(struct listing *l, struct buf *b)
{
	bool ok = true;

	if (l->dir != NULL) {
		read_names(l);
		return LISTING_MORE;
	}
	if (!l->begun)
		ok = put_head(b, l->title);
	l->begun = true;
	ok = ok && put_links(b, l);
	if (ok && has_more(l, b))
		return LISTING_MORE;
	if (ok && put_tail(b, l))
		return LISTING_DONE;
	errno = ENOMEM;
	return LISTING_FAILED;
}
