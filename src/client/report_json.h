/*
 * One JSON object in one line of ASCII, built member by member.
 *
 * Texts may be anything: what is not UTF-8 is replaced, and what is not
 * printable ASCII becomes \u00e4, so that a terminal obeys nothing of it.
 *
 * Pure.
 */
#ifndef CLIENT_REPORT_JSON_H
#define CLIENT_REPORT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { REPORT_JSON_MAX = 1024 * 1024 };

struct report_json {
	struct buf text; /* a whole line after report_json_end() */
};

void report_json_init(struct report_json *);
void report_json_clear(struct report_json *);

void report_json_number(struct report_json *, const char *name, int64_t);

/* len bytes, borrowed; and a text, which is left out if it is NULL or empty. */
void report_json_bytes(struct report_json *, const char *name, const void *,
    size_t len);
void report_json_text(struct report_json *, const char *name, const char *);

void report_json_end(struct report_json *);

#endif
