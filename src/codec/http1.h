/*
 * Heads of HTTP/1.1 requests and responses, strictly (RFC 9112): reading
 * (http1.c) and writing (http1_put.c).
 *
 * Pure: the caller collects bytes, this takes them apart. Nothing allocates,
 * and every pointer in a struct http1_head points into the caller's bytes, so
 * it is good until those move.
 *
 * What two parsers could read in two ways is refused: bare CR or LF, folded
 * lines, blanks around a field's name, more than one space in the request
 * line, doubtful lengths, more than one Host. A target is made of printable
 * ASCII without '#'; it may hold the few characters that RFC 3986 forbids and
 * browsers send nevertheless ('|', '{' and so on).
 */
#ifndef CODEC_HTTP1_H
#define CODEC_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
	HTTP1_MAX_FIELDS = 100,
	HTTP1_MAX_LINE = 8192,  /* the request line, without its CRLF */
	HTTP1_MAX_HEAD = 16384, /* everything, with the empty line */
	HTTP1_MAX_HOST = 255,
};

/* Zero asks for more, positive is a head, negative ends the connection. */
enum http1_result {
	HTTP1_MORE = 0,
	HTTP1_HEAD = 1,
	HTTP1_ERR_LINE = -1,      /* not METHOD SP TARGET SP HTTP/1.x */
	HTTP1_ERR_VERSION = -2,   /* HTTP, but not version 1 */
	HTTP1_ERR_TARGET = -3,    /* a form of target that the method forbids */
	HTTP1_ERR_LONG_LINE = -4, /* over HTTP1_MAX_LINE */
	HTTP1_ERR_LONG_HEAD = -5, /* over HTTP1_MAX_HEAD */
	HTTP1_ERR_FIELDS = -6,    /* over HTTP1_MAX_FIELDS */
	HTTP1_ERR_EOL = -7,       /* a CR or LF by itself */
	HTTP1_ERR_FOLD = -8,      /* a line that begins with a blank */
	HTTP1_ERR_FIELD = -9,     /* a malformed name or value */
	HTTP1_ERR_HOST = -10,     /* none, several, or a malformed one */
	HTTP1_ERR_LENGTH = -11,   /* Content-Length is not one number */
	HTTP1_ERR_BOTH = -12,     /* Content-Length and Transfer-Encoding */
	HTTP1_ERR_CHUNKED = -13,  /* Transfer-Encoding not ending in chunked */
	HTTP1_ERR_CODING = -14,   /* a transfer coding besides chunked */
};

enum http1_form {
	HTTP1_ORIGIN,    /* /path?query */
	HTTP1_ABSOLUTE,  /* http, https, ws or wss://authority[/path][?query] */
	HTTP1_AUTHORITY, /* host:port, of CONNECT alone */
	HTTP1_ASTERISK,  /* *, of OPTIONS alone */
};

enum http1_body_kind {
	HTTP1_BODY_NONE,
	HTTP1_BODY_LENGTH,
	HTTP1_BODY_CHUNKED,
	HTTP1_BODY_CLOSE, /* of a response: as far as the connection goes */
};

struct http1_field {
	const char *name;
	size_t name_len;
	const char *value; /* without blanks around it; may be empty */
	size_t value_len;
};

struct http1_head {
	/* of a response */
	unsigned status;
	const char *reason; /* may be empty, or hold bytes beyond ASCII */
	size_t reason_len;

	/* of a request, as far as the host */
	const char *method;
	size_t method_len;
	const char *target; /* as it was sent; url_split() takes it apart */
	size_t target_len;
	enum http1_form form;
	unsigned minor; /* the x of HTTP/1.x */

	/* What the target names, else Host; an IPv6 address in its brackets.
	 * NULL if an HTTP/1.0 request names none. */
	const char *host;
	size_t host_len;
	unsigned port;         /* 0: none given, so the default of the scheme */
	const char *authority; /* both of them, as they were sent */
	size_t authority_len;

	enum http1_body_kind body;
	uint64_t length; /* of HTTP1_BODY_LENGTH; 0 is possible */

	size_t nfields;
	struct http1_field field[HTTP1_MAX_FIELDS];
};

/*
 * Read the request head at the start of in[0..len) (borrowed).
 *
 * *scanned is 0 at first and remembers, in a way of its own, how far the
 * search for the end has come: the caller keeps it, appends what arrives and
 * calls again, so that a head that dribbles in is looked at only once. HTTP1_HEAD fills
 * *head and sets *used to the head's length; what follows it is not touched.
 * Everything else leaves *head undefined and *used alone. What is wrong with
 * the request line, an end of line or a character is noticed as soon as it is
 * there, everything else when the head is complete. One CRLF before the
 * request line is skipped (RFC 9112, section 2.2).
 */
enum http1_result http1_read_request(struct http1_head *, const uint8_t *in,
    size_t len, size_t *scanned, size_t *used);

/*
 * The same for a response head; no empty line comes before it. An interim
 * response (1xx) is a head like any other, and has no body.
 */
enum http1_result http1_read_response(struct http1_head *, const uint8_t *in,
    size_t len, size_t *scanned, size_t *used);

/*
 * The bytes that a head points into have been copied from `from` to `to`: make
 * one that points into the copy.
 */
void http1_copy_head(struct http1_head *, const struct http1_head *head,
    const char *from, const char *to);

/* The status to answer an error with (400, 414, 431, 501, 505), and why. */
unsigned http1_status(enum http1_result);
const char *http1_strresult(enum http1_result);

/* Whether the method is this one (case matters). */
bool http1_method_is(const struct http1_head *, const char *method);

/* The field of that name after `prev`, or the first if that is NULL; or NULL. */
const struct http1_field *http1_find(const struct http1_head *,
    const char *name, const struct http1_field *prev);

/* How many fields have that name. */
size_t http1_count(const struct http1_head *, const char *name);

/*
 * Whether a comma-separated list, in one field or several, holds the token;
 * case does not matter.
 */
bool http1_has_token(const struct http1_head *, const char *name,
    const char *token);

/* Whether it holds anything: a list of nothing counts as no list. */
bool http1_has_items(const struct http1_head *, const char *name);

/*
 * Step through a comma-separated list: *rest and *rest_len are what is left of
 * it. False at its end; else *item is the next element without blanks around
 * it. Empty elements are skipped.
 */
bool http1_next_item(const char **rest, size_t *rest_len, const char **item,
    size_t *item_len);

/* Whether it is a token (RFC 9110, section 5.6.2): not empty, no separators. */
bool http1_is_token(const char *s, size_t len);

/*
 * The host that the request is for, validated: a name of letters, digits and
 * "-._~" without empty labels, or an IPv4 address, or an IPv6 address in brackets. *port is 0 if
 * none was given. False if there is none, which only HTTP/1.0 allows.
 */
bool http1_host(const struct http1_head *, const char **host, size_t *host_len,
    unsigned *port);

/* What follows the head; *length is the bytes of HTTP1_BODY_LENGTH, else 0. */
enum http1_body_kind http1_body(const struct http1_head *, uint64_t *length);

/*
 * Split HOST[:PORT] and judge it as http1_host() says. False if malformed; a
 * port is 1 to 65535, or empty, which counts as none.
 */
bool http1_split_host(const char *s, size_t len, size_t *host_len,
    unsigned *port);

/* A field to be sent; texts without control characters, borrowed. */
struct http1_out {
	const char *name;
	const char *value;
};

/*
 * Append a status line, n fields and the empty line; the reason is the
 * standard's where it is NULL. False, with the buffer as it was, if that does
 * not fit or a text holds what it may not.
 */
bool http1_put_response(struct buf *, unsigned status, const char *reason,
    const struct http1_out *fields, size_t n);

/* The same for a request. */
bool http1_put_request(struct buf *, const char *method, const char *target,
    const struct http1_out *fields, size_t n);

/* "Not Found" for 404; "Unknown" for what RFC 9110 does not name. Never NULL. */
const char *http1_reason(unsigned status);

#endif
