/*
 * Where a terminal's cursor is behind a text, seen from where that began at
 * the left margin, if it was drawn as libedit draws it.
 *
 * Text is in the encoding of the locale.
 */
#ifndef CLIENT_PLACE_H
#define CLIENT_PLACE_H

#include <stddef.h>

struct place {
	unsigned row, column;
};

/* Go on from *at over len bytes (borrowed), on a terminal of that width. */
void place_advance(struct place *at, const char *text, size_t len,
    unsigned width);

#endif
