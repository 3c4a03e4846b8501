/*
 * A page that lists what a folder holds: names that may be asked for, folders
 * with a '/', as relative links. No scripts, no styles. A list that is cut says
 * so.
 *
 * Used by: engine/file.c.
 */
#ifndef ENGINE_LISTING_H
#define ENGINE_LISTING_H

#include <stdbool.h>
#include <stddef.h>

struct beneath;
struct buf;

enum {
	LISTING_NAMES_MAX = 4096,       /* looked at; a longer list is cut */
	LISTING_PAGE_MAX = 1024 * 1024, /* ceiling for the buffer, likewise */
};

/*
 * Append the page of a folder: its descriptor and its name relative to root
 * (both borrowed), and what the page calls it (decoded path, borrowed). False
 * with errno if it cannot be read, or the page does not fit.
 */
bool listing_put(struct buf *, int folder, const struct beneath *root,
    const char *name, const char *title, size_t title_len);

#endif
