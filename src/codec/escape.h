/*
 * Received bytes as a terminal may be shown them: nothing in them moves the
 * cursor, changes a colour or answers in the user's name.
 *
 * UTF-8, newlines and tabs pass. Other control bytes and whatever is not UTF-8
 * become \x1b; control characters beyond ASCII, and those that turn the
 * direction of text around (so that it reads other than it is), become
 * \u202e. This is for eyes: a backslash passes as it is. A terminal that has
 * another character set than UTF-8 may take any byte of a character for a
 * control, so it is shown ASCII alone.
 *
 * Pure. One struct escape serves one stream; a zeroed one is at its start.
 */
#ifndef CODEC_ESCAPE_H
#define CODEC_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/utf8.h"

enum {
	ESCAPE_HOLD = 4,   /* of a character that is not complete */
	ESCAPE_GROWTH = 4, /* most output bytes for one of input */
	ESCAPE_EXTRA = 4 * ESCAPE_GROWTH, /* and for what was held back */
};

struct escape {
	bool ascii; /* by the owner: nothing beyond ASCII passes */
	struct utf8 utf8;
	uint8_t have;
	uint8_t part[ESCAPE_HOLD];
};

/*
 * Copy the next len bytes (borrowed) to out, which has room for
 * ESCAPE_GROWTH * len + ESCAPE_EXTRA. Returns the bytes written: always whole
 * characters. One that is not complete yet waits in the state.
 */
size_t escape_put(struct escape *, const uint8_t *in, size_t len, uint8_t *out);

/* Nothing more will come: what was held back, at most ESCAPE_EXTRA bytes. */
size_t escape_end(struct escape *, uint8_t *out);

#endif
