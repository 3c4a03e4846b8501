/*
 * A program's byte stream <-> messages (standpipe-handler(7), "Framings").
 *
 * Pure: bytes in, events out. Payload is passed on where it lies; only a line
 * that a read cut in two (at most FRAMING_HOLD bytes) and text that had to be
 * repaired are copied.
 *
 * What the program writes is read with state, struct framing; what it is given
 * needs none: framing_head() and framing_tail() are what goes around a piece of
 * a message.
 *
 * A framing is a row of framing_kinds, a number of its own, and the functions of
 * the row.
 */
#ifndef CODEC_FRAMING_H
#define CODEC_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/piece.h"
#include "codec/utf8.h"

enum framing_number {
	FRAMING_LINES = 0, /* a line is a text message */
	FRAMING_BINARY,    /* whatever is there is a binary message */
	FRAMING_TEXT,      /* whatever is there is a text message */
	FRAMING_NUL,       /* a NUL-terminated record is a text message */
	FRAMING_FRAMES,    /* type, length, payload: everything can be said */
	FRAMING_CONTENT_LENGTH, /* header fields, then a text message */
	FRAMING_COUNT,
};

enum {
	FRAMING_HOLD = 64 * 1024, /* a longer line leaves in fragments */
	FRAMING_RECORD_HEAD = 5,  /* of `frames` */
	FRAMING_HEAD_MAX = 40,    /* "Content-Length: ", 20 digits, two ends */
	FRAMING_CONTROL_MAX = 125,
	FRAMING_HEADER_MAX = 4096, /* of content-length: of all its lines */
	FRAMING_WHY_SIZE = 124,    /* a sentence that fits into a Close */
};

/* Zero asks for more, positive is an event, negative ends the session (1011). */
enum framing_result {
	FRAMING_MORE = 0,
	FRAMING_PIECE = 1, /* a piece of a message */
	FRAMING_CLOSE = 2, /* `frames`: a Close's payload: code and reason */
	FRAMING_PING = 3,  /* `frames`: a Ping's payload */
	FRAMING_ERR_TYPE = -1, /* a record of a type that does not exist */
	FRAMING_ERR_PART = -2, /* a part of the other type while one is open */
	FRAMING_ERR_LENGTH = -3, /* a control record over 125 bytes */
	FRAMING_ERR_OPEN = -4,   /* end of file inside a record or a message */
	FRAMING_ERR_UTF8 = -5,   /* not UTF-8, and it may not be repaired */
	FRAMING_ERR_MEMORY = -6, /* there is none to hold a record with */
	FRAMING_ERR_HEADER = -7, /* something that is no header field */
	FRAMING_ERR_NO_LENGTH = -8, /* a header without a length */
	FRAMING_ERR_TOO_LONG = -9,  /* a header, or the message it announces */
};

struct framing;

struct framing_kind {
	const char *name; /* of the option */
	bool text;        /* all messages from the program are text */
	bool whole;       /* the program is given whole messages in one piece */
	bool typed;    /* text and binary are told apart, and so are pieces */
	int delimiter; /* the byte that ends a record, or -1 */

	/* framing_read() of at least a byte, and framing_end(). */
	enum framing_result (*read)(struct framing *, const uint8_t *in,
	    size_t len, size_t *used, struct piece *out);
	enum framing_result (*end)(struct framing *, struct piece *out);

	/* framing_head() and framing_close_head(); NULL: nothing goes there. */
	size_t (*head)(uint8_t *out, const struct piece *);
	size_t (*close_head)(uint8_t *out, size_t len);
};

/* By number. */
extern const struct framing_kind framing_kinds[FRAMING_COUNT];

/* The name of that number; NULL from FRAMING_COUNT on. */
const char *framing_name(int number);

struct framing {
	const struct framing_kind *kind; /* kept */
	bool repair;
	bool repaired; /* invalid text was replaced since the last look */
	bool open;     /* a piece was given and its message is not complete */
	uint8_t part;  /* `frames`: 't' or 'b' of the open message, or 0 */
	uint8_t type;  /* `frames`: of the begun record, or 0 */
	uint8_t head_len;
	uint8_t head[FRAMING_RECORD_HEAD];
	bool has_length;     /* `content-length`: the header says one */
	uint16_t header_len; /* and so many bytes of it have come */
	uint64_t left;       /* payload of the record still to come */
	struct utf8
	    utf8; /* an incomplete character carried to the next piece */
	struct buf
	    hold; /* an incomplete line; a control record; a wrong line */
	struct buf fixed; /* repaired text of the last event */
};

/* repair: replace what is not UTF-8 by U+FFFD, otherwise fail. */
void framing_init(struct framing *, const struct framing_kind *, bool repair);
void framing_clear(struct framing *);

/* For framing_read(): nobody looks at the memory of the last event any more. */
void framing_release(struct framing *);

/*
 * Read what the program wrote as far as the next event in in[0..len).
 *
 * Sets *used to the bytes consumed; FRAMING_MORE means all of them, and an
 * event may use none. *out is a piece of a message, or the payload of what else
 * it is; it lies in `in`, or in the framing until the next call (it is kept).
 * After a negative result only framing_clear().
 */
static inline enum framing_result
framing_read(struct framing *f, const uint8_t *in, size_t len, size_t *used,
    struct piece *out)
{
	if (f->hold.data != NULL || f->fixed.data != NULL)
		framing_release(f);
	if (len > 0)
		return f->kind->read(f, in, len, used, out);
	*used = 0;
	return FRAMING_MORE;
}

/* The program's output has ended: events until FRAMING_MORE. */
enum framing_result framing_end(struct framing *, struct piece *out);

/* What goes before a piece for the program, and after it; the bytes written. */
size_t framing_head(uint8_t out[FRAMING_HEAD_MAX], const struct framing_kind *,
    const struct piece *);
size_t framing_tail(uint8_t out[1], const struct framing_kind *,
    const struct piece *);

/*
 * What goes before the payload of the client's Close, 0 if the framing has no
 * word for it.
 */
size_t framing_close_head(uint8_t out[FRAMING_HEAD_MAX],
    const struct framing_kind *, size_t len);

const char *framing_strresult(enum framing_result);

/* The same, with the bytes of the line that is wrong if it is one. */
void framing_put_why(const struct framing *, enum framing_result,
    char out[FRAMING_WHY_SIZE]);

#endif
