/*
 * The header that a proxy writes in front of a connection: the PROXY protocol,
 * version 1 (a line) and version 2 (binary), as HAProxy defines them.
 *
 * Pure: bytes in, a decision out. It is for listeners that were told to expect
 * it: a connection without the header is an error, never a plain one, for
 * whoever may leave it away may also write it.
 */
#ifndef CODEC_PROXY_HELLO_H
#define CODEC_PROXY_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	PROXY_HELLO_LINE = 107, /* the longest of version 1, with its CRLF */
	PROXY_HELLO_MAX = 4096, /* the longest of version 2 that we accept */
};

/* Zero asks for more, positive is a header, negative ends the connection. */
enum proxy_hello_result {
	PROXY_HELLO_MORE = 0,
	PROXY_HELLO_DONE = 1,
	PROXY_HELLO_ERR_START = -1,   /* it begins otherwise */
	PROXY_HELLO_ERR_LINE = -2,    /* a malformed line of version 1 */
	PROXY_HELLO_ERR_VERSION = -3, /* neither version 1 nor 2 */
	PROXY_HELLO_ERR_COMMAND = -4, /* neither LOCAL nor PROXY */
	PROXY_HELLO_ERR_FAMILY = -5,  /* not a stream of IPv4, IPv6 or Unix */
	PROXY_HELLO_ERR_LENGTH = -6,  /* too short, or over PROXY_HELLO_MAX */
	PROXY_HELLO_ERR_ADDRESS = -7, /* an address that nobody can have */
	PROXY_HELLO_ERR_EXTRA = -8,   /* what follows does not fill its place */
};

struct proxy_hello {
	/*
	 * The proxy speaks for itself (its check whether we are alive) or
	 * cannot say for whom: then the connection's own ends hold, and
	 * nothing below is set.
	 */
	bool local;
	struct addr from; /* the client's; addr_is_unix(): a local program */
	unsigned from_port;
	struct addr to; /* what the client connected to */
	unsigned to_port;
	bool tls; /* version 2: the client spoke TLS with the proxy */
};

/*
 * Read the header at the start of in[0..len), which holds everything that has
 * come so far (borrowed). PROXY_HELLO_DONE fills *hello and sets *used to the
 * header's length; what follows is not touched. Bytes that cannot become a
 * header are refused as soon as they are there, so there is never a reason to
 * keep more than PROXY_HELLO_MAX.
 */
enum proxy_hello_result proxy_hello_read(struct proxy_hello *,
    const uint8_t *in, size_t len, size_t *used);

const char *proxy_hello_strresult(enum proxy_hello_result);

#endif
