/*
 * Files inside a folder, and nowhere else: no `..`, no link and nobody who
 * moves things meanwhile leads out of it.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

struct beneath {
	int fd;           /* of the folder */
	const char *home; /* kept: its absolute path, without links; or NULL */
};

/*
 * Open path (relative, without `..`) below the folder's descriptor, with these
 * flags and close-on-exec. Links are followed as long as they stay inside:
 * where they pass through a folder above, or are absolute, the way must be that
 * of `home`, name by name. -1 with errno: EXDEV is a way out that was not taken.
 */
int beneath_open(const struct beneath *, const char *path, int flags);

/* The same as it is done where the system cannot watch over links. */
int beneath_walk(const struct beneath *, const char *path, int flags);

#endif
