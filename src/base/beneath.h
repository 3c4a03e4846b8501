/*
 * Files inside a folder, and nowhere else: no `..`, no link and nobody who
 * moves things meanwhile leads out of it.
 *
 * Used by: parent/folder.c.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

/*
 * Open path (relative, without `..`) below the folder's descriptor, with these
 * flags and close-on-exec. Links are followed as long as they stay inside,
 * where the system can watch over that (Linux: openat2); elsewhere none is.
 * -1 with errno: EXDEV or ELOOP is a way out that was not taken.
 */
int beneath_open(int folder, const char *path, int flags);

/* The same as it is done elsewhere. */
int beneath_walk(int folder, const char *path, int flags);

#endif
