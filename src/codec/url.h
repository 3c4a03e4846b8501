/*
 * Request targets: path and query (RFC 9112, section 3.2; RFC 3986).
 *
 * Pure, and nothing is copied except by url_decode() and url_encode().
 */
#ifndef CODEC_URL_H
#define CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct url {
	const char *path; /* as sent; "/" where a URL leaves it out */
	size_t path_len;
	const char
	    *query; /* after the '?'; never NULL, empty if there is none */
	size_t query_len;
};

/*
 * Split a target that http1_read_request() let pass (borrowed; *url points
 * into it). Of an absolute one, scheme and authority are skipped; `*` and
 * host:port are all path.
 */
void url_split(const char *target, size_t len, struct url *url);

/*
 * Undo the percent-encoding of a path: at most len bytes to out, their number
 * to *out_len; out may be where the path is. A '+' stays one. False for a '%'
 * without two hexadecimal digits and for %00, which no path and no variable
 * can hold. Other control bytes are data; a log must escape them. %2F becomes
 * a slash like any other.
 */
bool url_decode(const char *path, size_t len, char *out, size_t *out_len);

/* Whether url_decode() would take it. */
bool url_is_encoded(const char *path, size_t len);

/*
 * Append a decoded path (borrowed) so that it can stand in a link or a
 * Location: letters, digits, "-._~" and '/' stay, the rest is %XX. False if it
 * does not fit; then a part of it may be there.
 */
bool url_encode(struct buf *, const char *path, size_t len);

#endif
