/*
 * Where a terminal's cursor is after a text, seen from where that began at
 * the left margin, if it was drawn as libedit draws it.
 *
 * Text is in the encoding of the locale.
 */
#ifndef CLIENT_TERM_CURSOR_H
#define CLIENT_TERM_CURSOR_H

#include <stddef.h>

struct term_cursor {
	unsigned row, column;
};

/* Go on from *at over len bytes (borrowed), on a terminal of that width. */
void term_cursor_advance(struct term_cursor *at, const char *text, size_t len,
    unsigned width);

#endif
