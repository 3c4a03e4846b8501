/*
 * Lines of hexadecimal digits <-> binary messages (`standpipe --hex`).
 *
 * To bytes: digits in pairs, in either case; blanks and "0x" may stand
 * before any pair ("48 65 6c6c 0x6f"). A line is a message, an empty line an
 * empty one. To text: two lower-case digits a byte and nothing else.
 *
 * Pure; a line of any length is read as it comes.
 */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEX_GROWTH = 2 }; /* output bytes of hex_put() for one of input */

/* Zero asks for more, positive is an event, negative is the end. */
enum hex_result {
	HEX_MORE = 0,
	HEX_PIECE = 1,      /* a piece of a message */
	HEX_ERR_DIGIT = -1, /* something that is no hexadecimal digit */
	HEX_ERR_HALF = -2,  /* an odd number of digits */
};

/* A zeroed one is at the start of a line. */
struct hex {
	uint64_t line; /* where we are: lines before this one */
	uint8_t high;  /* the first digit of a pair */
	uint8_t at;    /* enum hex_at */
	bool begun;    /* the line has something in it */
};

/*
 * Read as far as the next event in in[0..len).
 *
 * Sets *used to the bytes consumed; HEX_MORE means all of them. A piece is
 * written over the beginning of `in`: *out_len bytes, and *last when the line
 * ended after it. After an error `line` says in which one it is.
 */
enum hex_result hex_read(struct hex *, uint8_t *in, size_t len, size_t *used,
    size_t *out_len, bool *last);

/* No more will come: a last line without its newline is one, too. */
enum hex_result hex_end(struct hex *, bool *last);

/* Write len bytes as digits to out, which has room for HEX_GROWTH * len. */
size_t hex_put(const uint8_t *in, size_t len, uint8_t *out);

const char *hex_strresult(enum hex_result);

#endif
