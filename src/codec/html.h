/*
 * Text inside a page.
 *
 * Pure.
 */
#ifndef CODEC_HTML_H
#define CODEC_HTML_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Append text (borrowed) so that it is text wherever it stands, also between
 * quotes. False if it does not fit; then a part of it may be there.
 */
bool html_put(struct buf *, const char *text, size_t len);

#endif
