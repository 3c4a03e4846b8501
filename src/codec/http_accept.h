/*
 * What a client accepts (RFC 9110, section 12.5): content codings, and whether
 * it can do with a page.
 *
 * Pure.
 */
#ifndef CODEC_HTTP_ACCEPT_H
#define CODEC_HTTP_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

struct http1_head;

enum http_coding {
	HTTP_CODING_BR,
	HTTP_CODING_GZIP,
	HTTP_CODING_IDENTITY,
};

enum { HTTP_CODINGS = HTTP_CODING_IDENTITY + 1 };

/*
 * The codings that Accept-Encoding allows, best first and of equals in the
 * order above; returns how many, at least 1. The list ends with identity: what
 * the client likes less than that is not in it, and one that refuses it gets it
 * nevertheless when there is nothing else. Without the field that is all.
 */
size_t http_accept_codings(const struct http1_head *head,
    enum http_coding out[HTTP_CODINGS]);

/* Whether Accept allows text/html; it does if it is not there. */
bool http_accept_html(const struct http1_head *head);

#endif
