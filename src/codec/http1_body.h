/*
 * Bodies of HTTP/1.1 messages (RFC 9112, sections 6 and 7): reading them,
 * and the chunks of an answer whose length is not known.
 *
 * Pure: nothing allocates, and the pieces of a body are given where they lie.
 * Chunks are read strictly: lines end in CRLF, a size is hexadecimal digits
 * alone, what follows a size is an extension or nothing. Extensions and
 * trailers are checked, counted and dropped.
 */
#ifndef CODEC_HTTP1_BODY_H
#define CODEC_HTTP1_BODY_H

#include <stddef.h>
#include <stdint.h>

struct http1_head;

enum {
	HTTP1_MAX_SIZE_LINE = 256,   /* a chunk's size and extensions */
	HTTP1_MAX_EXTENSIONS = 8192, /* of all chunks together */
	HTTP1_MAX_TRAILERS = 8192,   /* with their line ends */
	HTTP1_CHUNK_HEAD_MAX = 19,   /* 16 digits, CRLF and a NUL */
};

/* Zero asks for more, negative ends the connection: 400, if there is time. */
enum http1_body_result {
	HTTP1_BODY_MORE = 0, /* all of it has been used */
	HTTP1_BODY_DATA = 1, /* a piece of the body */
	HTTP1_BODY_END = 2,  /* complete; what follows is the next request */
	HTTP1_BODY_ERR_SIZE = -1,      /* no chunk size, or one that wraps */
	HTTP1_BODY_ERR_EXTENSION = -2, /* malformed, or over a limit */
	HTTP1_BODY_ERR_EOL = -3,       /* no CRLF where one belongs */
	HTTP1_BODY_ERR_TRAILER = -4,   /* malformed, or over the limit */
};

/* The reading half of one request. Read only. */
struct http1_body {
	uint64_t left;  /* bytes of the body, or of the chunk, to come */
	size_t line;    /* bytes of this size line so far */
	size_t dropped; /* bytes of extensions, later of trailers */
	uint8_t state;
};

/*
 * A body as the head (borrowed) announces it; one of none is at its end, one of
 * HTTP1_BODY_CLOSE never comes to it.
 */
void http1_body_init(struct http1_body *, const struct http1_head *head);

/*
 * Read as far as the next event in in[0..len) (borrowed).
 *
 * Sets *used to the bytes consumed. HTTP1_BODY_DATA sets *data, which points
 * into `in`, and *data_len, at least 1; nothing else touches them. After
 * HTTP1_BODY_END every call says so again and uses nothing, and after a
 * negative result the reader must not be used again.
 */
enum http1_body_result http1_body_read(struct http1_body *, const uint8_t *in,
    size_t len, size_t *used, const uint8_t **data, size_t *data_len);

/* Static text for a log, never NULL. */
const char *http1_body_strresult(enum http1_body_result);

/*
 * What goes before a chunk of len bytes, at least 1: its length is given. It
 * is followed by the bytes and HTTP1_CHUNK_TAIL; HTTP1_LAST_CHUNK ends a body.
 */
size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD_MAX], size_t len);

#define HTTP1_CHUNK_TAIL "\r\n"
#define HTTP1_LAST_CHUNK "0\r\n\r\n"

#endif
