/*
 * Pages for errors (--errordir), read once, before anything is served.
 */
#ifndef ENGINE_PAGES_H
#define ENGINE_PAGES_H

#include "base/buf.h"

enum {
	PAGE_MAX = 64 * 1024, /* bytes of one */
	PAGES_FIRST = 400,
	PAGES_LAST = 599,
};

struct pages {
	struct buf page[PAGES_LAST - PAGES_FIRST + 1]; /* owned; empty: none */
};

/*
 * Gives the pages of a folder (its descriptor, borrowed): 404.html for 404 and
 * so on, for every error that has a name. What cannot be used is logged and
 * left out.
 */
struct pages *pages_read(int folder);
void pages_free(struct pages *);

/* The page for a status, or NULL; NULL is accepted. */
const struct buf *pages_find(const struct pages *, unsigned status);

#endif
