/*
 * The client is built twice from the same sources. standpipe starts fast: it
 * has no TLS and no line editing, because loading their libraries alone takes
 * longer than a short errand. standpipe-full has them, and standpipe becomes it
 * when it must. full.c belongs to the one, full_none.c and full_none_tls.c to
 * the other.
 */
#ifndef CLIENT_FULL_H
#define CLIENT_FULL_H

#include <stdbool.h>

/*
 * Be the full one from here on: true if this is it; otherwise this process
 * starts over as standpipe-full with the same arguments, so nothing may have
 * been read yet. False and an owned sentence in *why: that could not be done.
 */
bool full_become(char **argv, char **why);

/* It says to a process that it has become what it is; full_become() ends it. */
#define FULL_MARK "STANDPIPE_BECAME"

#endif
