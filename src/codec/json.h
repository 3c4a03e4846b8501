/*
 * Text as the inside of a JSON string (RFC 8259, section 7).
 *
 * Pure.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stddef.h>
#include <stdint.h>

enum { JSON_GROWTH = 6 }; /* most output bytes for one of input */

/*
 * Copy len bytes of UTF-8 (borrowed; a character may be cut, as its bytes are
 * passed on as they are) to out, which has room for JSON_GROWTH * len, with
 * quotes, backslashes and control characters escaped. Returns the bytes written.
 */
size_t json_escape(const uint8_t *in, size_t len, uint8_t *out);

#endif
