/*
 * The header of a message of the framing `content-length`: fields as those of
 * mail and HTTP, each on a line that ends with CR LF, of which one is the
 * length of the message in bytes; then an empty line. The base protocol of
 * language servers (LSP) and debug adapters (DAP).
 *
 * Part of codec/framing.c, whose struct it reads into.
 */
#ifndef CODEC_FRAMING_HEADER_H
#define CODEC_FRAMING_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "codec/framing.h"

/*
 * Read as far as the end of the header. Sets *used; FRAMING_MORE means all of
 * it. FRAMING_PIECE: `left` is the length. A line is held while it is
 * incomplete, and when it is wrong.
 */
enum framing_result framing_header_read(struct framing *, const uint8_t *in,
    size_t len, size_t *used);

#endif
