/*
 * One JSON object in one line of ASCII, built member by member.
 *
 * Texts may be anything: what is not UTF-8 is replaced, and what is not
 * printable ASCII becomes \u00e4, so that a terminal obeys nothing of it.
 *
 * Pure.
 */
#ifndef CLIENT_JSON_LINE_H
#define CLIENT_JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_LINE_MAX = 1024 * 1024 };

struct json_line {
	struct buf text; /* a whole line behind json_line_end() */
};

void json_line_init(struct json_line *);
void json_line_clear(struct json_line *);

void json_line_number(struct json_line *, const char *name, int64_t);

/* len bytes, borrowed; and a text, which is left out if it is NULL or empty. */
void json_line_bytes(struct json_line *, const char *name, const void *,
    size_t len);
void json_line_text(struct json_line *, const char *name, const char *);

void json_line_end(struct json_line *);

#endif
