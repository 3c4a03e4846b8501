/*
 * The Range of a request (RFC 9110, section 14): bytes only.
 *
 * One range that there is something of is answered with that part (206).
 * Several are answered with the whole (200), as the RFC allows: nobody who asks
 * for many small pieces gets more of us than by asking once.
 *
 * Pure.
 */
#ifndef CODEC_HTTP_RANGE_H
#define CODEC_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum http_range_result {
	HTTP_RANGE_WHOLE = 0, /* 200: several, malformed or another unit */
	HTTP_RANGE_PART = 1,  /* 206: *r says which */
	HTTP_RANGE_NONE = -1, /* 416: nothing is where they ask */
};

struct http_range {
	uint64_t first;
	uint64_t length; /* at least 1 */
};

/* What the field's value (borrowed) asks of something of `size` bytes. */
enum http_range_result http_range_read(const char *value, size_t len,
    uint64_t size, struct http_range *r);

/* The longest Content-Range: three numbers. */
enum { HTTP_RANGE_SIZE = 72 };

/* Content-Range of a 206 or, with r NULL, of a 416. */
void http_range_put(char out[HTTP_RANGE_SIZE], const struct http_range *r,
    uint64_t size);

#endif
