/*
 * Base64 (RFC 4648, section 4), with its padding and without line breaks.
 *
 * Pure.
 */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of n bytes: characters and a NUL. Of n characters: most bytes. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
#define BASE64_BYTES(n) ((n) / 4 * 3)

/* Write len bytes (borrowed) as a text of BASE64_SIZE(len). */
void base64_put(char *out, const void *data, size_t len);

/*
 * Decode len characters (borrowed) to out, which has room for
 * BASE64_BYTES(len); *n of them were written. False: not base64, whose padding
 * is complete and whose unused bits are zero; out is undefined then.
 */
bool base64_read(const char *in, size_t len, uint8_t *out, size_t *n);

/* The six bits of a character; -1: it has none. */
int base64_value(char c);

#endif
