/*
 * A page that lists what a folder holds: names that may be asked for, folders
 * with a '/', as relative links. No scripts, no styles. A list that is cut says
 * so. A long one is made in several turns of the loop. What may not be read is in
 * it all the same: only links are looked behind.
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

enum listing_result {
	LISTING_MORE,   /* it goes on in another turn */
	LISTING_DONE,   /* the page is complete */
	LISTING_FAILED, /* errno: the page does not fit */
};

struct listing;

/*
 * Gives the list of a folder: its descriptor and its name relative to root (both
 * borrowed, but what is in root is kept), and what the page calls it (decoded
 * path without NUL, borrowed). NULL with errno if it cannot be read.
 */
struct listing *listing_new(const struct beneath *root, int folder,
    const char *name, const char *title, size_t title_len);
void listing_free(struct listing *);

/* Do so much as one client may ask for in a turn; the page grows in the buffer. */
enum listing_result listing_go_on(struct listing *, struct buf *);

#endif
