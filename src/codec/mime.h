/*
 * Media types by the extension of a file's name.
 *
 * Pure.
 */
#ifndef CODEC_MIME_H
#define CODEC_MIME_H

#include <stddef.h>

/*
 * The type of what has this name (borrowed, without NUL), by what follows its last dot;
 * case does not matter. Texts are said to be UTF-8. Static text, never NULL:
 * what we do not know is application/octet-stream.
 */
const char *mime_type(const char *name, size_t len);

#endif
