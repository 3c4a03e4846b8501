/*
 * UTF-8, checked and repaired as it arrives (RFC 3629; Unicode 15, table 3-7).
 *
 * Pure: nothing here allocates. One struct utf8 serves one stream; a zeroed
 * one is at the start of a text, and so is one after utf8_check() or
 * utf8_repair() when utf8_complete() is true. A stream is either checked or
 * repaired; a copy of a repairing state may be checked, to look ahead.
 */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {
	uint8_t need; /* continuation bytes that the begun character lacks */
	uint8_t low;  /* the next byte must lie in low..high */
	uint8_t high;
	uint8_t have;    /* utf8_repair(): bytes of it held back in part */
	uint8_t part[3]; /* never more: the fourth completes it */
};

enum {
	UTF8_REPAIR_GROWTH = 3, /* most output bytes for one of input */
	UTF8_REPAIR_EXTRA = 9,  /* and for what earlier calls held back */
	UTF8_REPLACEMENT_LEN = 3,
};

/* At the start of a text, which is what a zeroed one is as well. */
static inline void
utf8_init(struct utf8 *u)
{
	*u = (struct utf8){ 0 };
}

/* utf8_check() for everything but a short piece of ASCII. */
size_t utf8_check_long(struct utf8 *, const uint8_t *p, size_t len);

/*
 * Check the next len bytes of a text (borrowed).
 *
 * Returns len if the text is valid so far, even if it ends inside a
 * character; otherwise the index of the first byte that cannot belong to any
 * valid text: of F4 90 80 80 that is the 90. After an error the state means
 * nothing until utf8_init().
 */
static inline size_t
utf8_check(struct utf8 *u, const uint8_t *p, size_t len)
{
	size_t i = 0;

	if (len < 16 && u->need == 0) {
		while (i < len && p[i] < 0x80)
			i++;
		if (i == len)
			return len;
	}
	return utf8_check_long(u, p, len);
}

/* Whether the text does not end inside a character. */
static inline bool
utf8_complete(const struct utf8 *u)
{
	return u->need == 0;
}

/*
 * Copy the next len bytes of a text to out (both borrowed, not overlapping),
 * with each maximal subpart of an ill-formed sequence replaced by one U+FFFD,
 * as Unicode 15, section 3.9 recommends. Returns the bytes written: at most
 * UTF8_REPAIR_GROWTH * len + UTF8_REPAIR_EXTRA, always whole characters.
 *
 * The bytes of a character that is not complete yet stay in the state until
 * the next call.
 */
size_t utf8_repair(struct utf8 *, const uint8_t *in, size_t len, uint8_t *out);

/*
 * The text has ended: write one U+FFFD if it did so inside a character, and
 * return the bytes written: 0 or UTF8_REPLACEMENT_LEN. The state is as new.
 */
size_t utf8_repair_end(struct utf8 *, uint8_t *out);

#endif
