#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "codec/http1.h"
#include "codec/http1_body.h"

enum state {
	DONE,
	PLAIN, /* Content-Length bytes */

	SIZE_FIRST, /* at the first digit of a chunk's size */
	SIZE,
	SIZE_BLANK, /* after a size: an extension must follow */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,

	TRAILER_FIRST, /* at the start of a line after the last chunk */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
};

void
http1_body_init(struct http1_body *b, const struct http1_head *head)
{
	*b = (struct http1_body){ .left = head->length };
	if (head->body == HTTP1_BODY_CHUNKED)
		b->state = SIZE_FIRST;
	else if (head->body == HTTP1_BODY_LENGTH && head->length > 0)
		b->state = PLAIN;
	else if (head->body == HTTP1_BODY_CLOSE)
		*b = (struct http1_body){ .left = UINT64_MAX, .state = PLAIN };
	else
		b->state = DONE;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* What a value may hold besides the end of its line. */
static bool
is_text(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http1_body_result
go_to(struct http1_body *b, enum state state)
{
	b->state = (uint8_t)state;
	return HTTP1_BODY_MORE;
}

/* The one byte that belongs here, and what comes after it. */
static enum http1_body_result
expect(struct http1_body *b, uint8_t c, uint8_t want, enum state next)
{
	return c == want ? go_to(b, next) : HTTP1_BODY_ERR_EOL;
}

static enum http1_body_result
read_size(struct http1_body *b, uint8_t c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		if (b->left > INT64_MAX >> 4)
			return HTTP1_BODY_ERR_SIZE;
		b->left = b->left << 4 | (unsigned)digit;
		return go_to(b, SIZE);
	}
	if (b->state == SIZE_FIRST)
		return HTTP1_BODY_ERR_SIZE;
	if (c == '\r')
		return go_to(b, SIZE_LF);
	if (c == '\n')
		return HTTP1_BODY_ERR_EOL;
	if (c == ';' || is_blank(c))
		return go_to(b, c == ';' ? EXTENSION : SIZE_BLANK);
	return HTTP1_BODY_ERR_SIZE;
}

/* An extension is not looked into: there is none that we know. */
static enum http1_body_result
read_extension(struct http1_body *b, uint8_t c)
{
	if (++b->dropped > HTTP1_MAX_EXTENSIONS)
		return HTTP1_BODY_ERR_EXTENSION;
	if (b->state == SIZE_BLANK) {
		if (c == ';')
			return go_to(b, EXTENSION);
		return is_blank(c) ? HTTP1_BODY_MORE : HTTP1_BODY_ERR_EXTENSION;
	}
	if (c == '\r')
		return go_to(b, SIZE_LF);
	if (c == '\n')
		return HTTP1_BODY_ERR_EOL;
	return is_text(c) ? HTTP1_BODY_MORE : HTTP1_BODY_ERR_EXTENSION;
}

/* The end of a size line; a size of 0 is the last chunk. */
static enum http1_body_result
end_size_line(struct http1_body *b, uint8_t c)
{
	b->line = 0;
	if (b->left > 0)
		return expect(b, c, '\n', DATA);
	b->dropped = 0;
	return expect(b, c, '\n', TRAILER_FIRST);
}

static enum http1_body_result
read_trailer(struct http1_body *b, uint8_t c)
{
	const char name = (char)c;

	if (++b->dropped > HTTP1_MAX_TRAILERS)
		return HTTP1_BODY_ERR_TRAILER;
	if (c == '\n')
		return HTTP1_BODY_ERR_EOL;
	if (b->state == TRAILER_FIRST && c == '\r')
		return go_to(b, LAST_LF);
	if (b->state == TRAILER_VALUE) {
		if (c == '\r')
			return go_to(b, TRAILER_LF);
		return is_text(c) ? HTTP1_BODY_MORE : HTTP1_BODY_ERR_TRAILER;
	}
	if (b->state == TRAILER_NAME && c == ':')
		return go_to(b, TRAILER_VALUE);
	return http1_is_token(&name, 1) ? go_to(b, TRAILER_NAME)
					: HTTP1_BODY_ERR_TRAILER;
}

/* One byte that is none of the body's own. */
static enum http1_body_result
step(struct http1_body *b, uint8_t c)
{
	enum http1_body_result rc;

	switch ((enum state)b->state) {
	case SIZE_FIRST:
	case SIZE:
		rc = read_size(b, c);
		break;
	case SIZE_BLANK:
	case EXTENSION:
		rc = read_extension(b, c);
		break;
	case SIZE_LF:
		return end_size_line(b, c);
	case DATA_CR:
		return expect(b, c, '\r', DATA_LF);
	case DATA_LF:
		return expect(b, c, '\n', SIZE_FIRST);
	case TRAILER_FIRST:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return read_trailer(b, c);
	case TRAILER_LF:
		return expect(b, c, '\n', TRAILER_FIRST);
	case LAST_LF:
		return expect(b, c, '\n', DONE);
	case DONE:
	case PLAIN:
	case DATA:
	default:
		return HTTP1_BODY_MORE;
	}
	if (rc == HTTP1_BODY_MORE && ++b->line > HTTP1_MAX_SIZE_LINE)
		return HTTP1_BODY_ERR_EXTENSION;
	return rc;
}

static bool
in_data(const struct http1_body *b)
{
	return b->state == PLAIN || b->state == DATA;
}

/* Some of the body's own bytes; there is at least one. */
static size_t
take_data(struct http1_body *b, size_t len)
{
	size_t n = b->left < len ? (size_t)b->left : len;

	b->left -= n;
	if (b->left == 0)
		b->state = b->state == PLAIN ? DONE : DATA_CR;
	return n;
}

enum http1_body_result
http1_body_read(struct http1_body *b, const uint8_t *in, size_t len,
    size_t *used, const uint8_t **data, size_t *data_len)
{
	enum http1_body_result rc = HTTP1_BODY_MORE;
	size_t at = 0;

	while (rc == HTTP1_BODY_MORE && b->state != DONE && at < len) {
		if (in_data(b)) {
			*data = in + at;
			*data_len = take_data(b, len - at);
			at += *data_len;
			rc = HTTP1_BODY_DATA;
		} else {
			rc = step(b, in[at++]);
		}
	}
	*used = at;
	return rc == HTTP1_BODY_MORE && b->state == DONE ? HTTP1_BODY_END : rc;
}

const char *
http1_body_strresult(enum http1_body_result rc)
{
	switch (rc) {
	case HTTP1_BODY_MORE:
		return "body incomplete";
	case HTTP1_BODY_DATA:
		return "a piece of the body";
	case HTTP1_BODY_END:
		return "body complete";
	case HTTP1_BODY_ERR_SIZE:
		return "malformed chunk size";
	case HTTP1_BODY_ERR_EXTENSION:
		return "chunk extension malformed or too long";
	case HTTP1_BODY_ERR_EOL:
		return "no CRLF where a chunk needs one";
	case HTTP1_BODY_ERR_TRAILER:
		return "trailer malformed or too long";
	}
	return "unknown result";
}

size_t
http1_chunk_head(char out[HTTP1_CHUNK_HEAD_MAX], size_t len)
{
	return (size_t)snprintf(out, HTTP1_CHUNK_HEAD_MAX, "%zx\r\n", len);
}
