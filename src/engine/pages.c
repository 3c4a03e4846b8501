#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beneath.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/http1.h"
#include "engine/pages.h"

/* All of a file; an errno, or 0. */
static int
read_page(struct buf *page, int fd)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) == -1)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	buf_init(page, PAGE_MAX);
	do {
		uint8_t *room = buf_reserve(page, 1);

		if (room == NULL) /* full: there must be nothing more */
			return read(fd, &(char){ 0 }, 1) == 0 ? 0 : EFBIG;
		n = read(fd, room, page->cap - page->len);
		if (n > 0)
			buf_commit(page, (size_t)n);
	} while (n > 0);
	return n == 0 ? 0 : errno;
}

static void
open_page(struct buf *page, int folder, unsigned status)
{
	const struct beneath in = { .fd = folder };
	char name[16];
	int fd, err;

	(void)snprintf(name, sizeof(name), "%u.html", status);
	fd = beneath_open(&in, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 && errno == ENOENT)
		return;
	err = fd == -1 ? errno : read_page(page, fd);
	fd_close(&fd);
	if (err == 0)
		return;
	buf_clear(page);
	LOG(LOG_LVL_WARN, "error page not used", LOG_STR("name", name),
	    LOG_STR("error", strerror(err)));
}

struct pages *
pages_read(int folder)
{
	struct pages *p = mem_new(1, sizeof(*p));

	for (unsigned i = 0; i < nitems(p->page); i++) {
		if (strcmp(http1_reason(PAGES_FIRST + i), "Unknown") != 0)
			open_page(&p->page[i], folder, PAGES_FIRST + i);
	}
	return p;
}

void
pages_free(struct pages *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < nitems(p->page); i++)
		buf_clear(&p->page[i]);
	free(p);
}

const struct buf *
pages_find(const struct pages *p, unsigned status)
{
	if (p == NULL || status < PAGES_FIRST || status > PAGES_LAST ||
	    p->page[status - PAGES_FIRST].len == 0)
		return NULL;
	return &p->page[status - PAGES_FIRST];
}
