/*
 * Where a client is sent on to: the same page under another scheme and port.
 *
 * Pure.
 */
#ifndef CODEC_REDIRECT_H
#define CODEC_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct url;

struct redirect {
	bool https;
	unsigned port;    /* left out where it is the scheme's own */
	const char *host; /* as http1_host() says; an IPv6 one in brackets */
	size_t host_len;
};

/*
 * Append the URL, path and query as they were sent. What http1_read_request()
 * let pass holds nothing that could end a field or begin another. False if it
 * does not fit.
 */
bool redirect_put(struct buf *, const struct redirect *, const struct url *);

/* 301; 308 for methods that a client would change into GET at a 301. */
unsigned redirect_status(bool get_or_head);

#endif
