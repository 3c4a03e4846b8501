/*
 * What a CGI program prints before its document (RFC 3875, section 6).
 *
 * Fields on lines that end in LF or CRLF, then an empty line. The program is
 * not trusted with the connection: fields that are ours to say (about framing,
 * upgrades and the server itself) are dropped, and whatever could be read in
 * two ways makes the answer unusable, which is a 502.
 *
 * Pure but for one bounded buffer.
 */
#ifndef CODEC_CGI_ANSWER_H
#define CODEC_CGI_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/http1.h"

enum {
	CGI_ANSWER_MAX_HEAD = 16384, /* without CRs and the empty line */
	CGI_ANSWER_MAX_FIELDS = 100, /* dropped ones count as well */
	CGI_ANSWER_MAX_SPOILED = 200,
};

/* Zero asks for more, positive is the whole head, negative a 502. */
enum cgi_answer_result {
	CGI_ANSWER_MORE = 0,
	CGI_ANSWER_DONE = 1,
	CGI_ANSWER_ERR_LONG = -1,     /* over CGI_ANSWER_MAX_HEAD */
	CGI_ANSWER_ERR_FIELDS = -2,   /* none, or over CGI_ANSWER_MAX_FIELDS */
	CGI_ANSWER_ERR_CHAR = -3,     /* a CR by itself, NUL, other controls */
	CGI_ANSWER_ERR_FIELD = -4,    /* not NAME: VALUE, or a folded line */
	CGI_ANSWER_ERR_TWICE = -5,    /* a field that can be there only once */
	CGI_ANSWER_ERR_STATUS = -6,   /* not three digits, 200 to 599 */
	CGI_ANSWER_ERR_LOCATION = -7, /* empty, or not of printable ASCII */
};

/* Read only. */
struct cgi_answer {
	unsigned status;    /* 200 if the program names none, or 302 */
	const char *reason; /* as the program words it, in `text`; or NULL */
	/* A path of ours that the program wants to be asked for in its place;
	 * NULL: none. */
	const char *local;
	bool has_length; /* it said how long its document is, once and right */
	uint64_t length;
	/* What to pass on, as it is: neither Status nor Content-Length. They
	 * live in `text`, so until cgi_answer_clear(). */
	size_t nfields;
	struct http1_out field[CGI_ANSWER_MAX_FIELDS];

	/* After a negative result: what spoiled it, a part of `text`. */
	size_t spoiled, spoiled_len;

	struct buf text; /* owned; the lines, each with a NUL for its end */
	size_t line;     /* bytes of the last line so far */
	bool cr;         /* the last byte was a CR */
};

void cgi_answer_init(struct cgi_answer *);
void cgi_answer_clear(struct cgi_answer *);

/*
 * Take what the program printed (borrowed) as far as its head goes.
 *
 * Sets *used to the bytes consumed: all of them for CGI_ANSWER_MORE, while the
 * document begins after them after CGI_ANSWER_DONE. Then, and after a negative
 * result, it must not be called again.
 */
enum cgi_answer_result cgi_answer_read(struct cgi_answer *, const uint8_t *in,
    size_t len, size_t *used);

/* After a negative result: the line, or what there is of it; for a log. */
const char *cgi_answer_spoiled(const struct cgi_answer *, size_t *len);

/* Static text for a log, never NULL. */
const char *cgi_answer_strresult(enum cgi_answer_result);

#endif
