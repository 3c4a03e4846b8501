/*
 * Conditional requests (RFC 9110, section 13): whether what the client has, or
 * thinks that we have, is what we have.
 *
 * Pure.
 */
#ifndef CODEC_HTTP_COND_H
#define CODEC_HTTP_COND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http1_head;

/* What there is. */
struct http_cond {
	const char *etag; /* kept for the call: "x" or W/"x", quotes included */
	int64_t modified; /* seconds since 1970 */
	int64_t now;      /* likewise */
};

enum http_cond_result {
	HTTP_COND_GO,           /* answer as if nothing had been asked */
	HTTP_COND_NOT_MODIFIED, /* 304 */
	HTTP_COND_FAILED,       /* 412 */
};

/*
 * If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the
 * order and with the precedence of section 13.2.2. A malformed date, or two of
 * them, are ignored; a malformed list of tags matches up to where it is one.
 */
enum http_cond_result http_cond_decide(const struct http_cond *,
    const struct http1_head *head);

/*
 * Whether a Range counts: there is no If-Range, or it names what we have by a
 * strong tag or by the date of a file that has not just been changed.
 */
bool http_cond_range(const struct http_cond *, const struct http1_head *head);

#endif
