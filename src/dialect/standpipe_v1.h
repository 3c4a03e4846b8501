/*
 * standpipe.v1: what a program's client and its daemon have to say to each
 * other besides data (standpipe-protocol(7)).
 *
 * Pure: pieces of WebSocket messages in, events out. Every message is binary;
 * its first byte is its type, the rest belongs to the type. Data passes through
 * in the pieces it comes in; what is about the session is short and gathered.
 */
#ifndef DIALECT_STANDPIPE_V1_H
#define DIALECT_STANDPIPE_V1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"
#include "codec/piece.h"

#define V1_PROTOCOL "standpipe.v1"

/*
 * The field by which it is offered and agreed on. Some servers repeat what they
 * are told, fields as well as subprotocols: who means it says something else.
 */
#define V1_FIELD "Standpipe-Protocol"
#define V1_FIELD_OFFER "v1"
#define V1_FIELD_AGREED "v1-agreed"

/*
 * How a client offers it. Servers fail at a subprotocol that they do not know,
 * and not at a field; pages can set no fields.
 */
enum v1_offer {
	V1_NOT_OFFERED = 0,
	V1_BY_FIELD,
	V1_BY_SUBPROTOCOL,
};

enum v1_type {
	V1_HELLO = 1,  /* from the daemon, first: lines of NAME VALUE */
	V1_BYTES = 2,  /* a piece of the byte stream, as it is */
	V1_TEXT = 3,   /* a text message */
	V1_BINARY = 4, /* a binary message */
	V1_STDERR = 5, /* from the daemon: a piece of standard error */
	V1_END = 6,    /* no more data will come from this side */
	V1_WINDOW = 7, /* from the client: columns and rows of its terminal */
	V1_SIGNAL = 8, /* from the client: a name, without SIG */
	V1_EXIT = 9,   /* from the daemon: how the program ended */
	V1_ACK = 10,   /* bytes of data received so far */
};

enum {
	V1_CONTROL_MAX = 4096, /* bytes of a message that is no data */
	V1_WINDOW_LEN = 4,
	V1_SIGNAL_MAX = 16, /* of a signal's name */
	V1_EXIT_MAX = 1 + V1_SIGNAL_MAX,
	V1_ACK_LEN = 8,
};

/* Zero: nothing to do yet; positive: an event; negative ends the session. */
enum v1_result {
	V1_NOTHING = 0,
	V1_DATA = 1,         /* a piece of BYTES, TEXT, BINARY or STDERR */
	V1_CONTROL = 2,      /* a whole message of another type we know */
	V1_ERR_TEXT = -1,    /* a text message */
	V1_ERR_EMPTY = -2,   /* a message without a type */
	V1_ERR_LONG = -3,    /* over V1_CONTROL_MAX, of a type we know */
	V1_ERR_CONTENT = -4, /* a malformed one */
	V1_ERR_ENDED = -5,   /* data after END */
};

struct v1_event {
	uint8_t type;
	struct piece piece; /* of the data; V1_CONTROL: all of the content */
};

/* The receiving half of one session. Read only. */
struct v1_reader {
	uint64_t received; /* bytes of data, see V1_ACK */
	uint8_t type;      /* of the begun message; 0: none has begun */
	bool first;        /* nothing of it was given yet */
	bool ended;        /* END has come */
	size_t len;
	uint8_t control[V1_CONTROL_MAX];
};

void v1_reader_init(struct v1_reader *);

/*
 * Take a piece of a message (borrowed): at most one event. Data lies in that
 * piece, content in the reader until the next call. Messages of types that
 * nobody has defined yet are skipped, whatever their length.
 */
enum v1_result v1_read(struct v1_reader *, const struct piece *,
    struct v1_event *ev);

/* The Close code for an error (1002, 1003), and its reason. */
unsigned v1_close_code(enum v1_result);
const char *v1_strresult(enum v1_result);

/*
 * What is inside a control message. Content that v1_read() let pass cannot be
 * malformed.
 */
void v1_read_window(const struct v1_event *, unsigned *columns, unsigned *rows);
void v1_read_signal(const struct v1_event *, char name[V1_SIGNAL_MAX + 1]);
void v1_read_exit(const struct v1_event *, uint8_t *status,
    char signal[V1_SIGNAL_MAX + 1]);
uint64_t v1_read_ack(const struct v1_event *);

/*
 * The line of a HELLO after *at, which is 0 at first: false at the end, else
 * name and value, not terminated and inside the event.
 */
bool v1_read_hello(const struct v1_event *, size_t *at, const char **name,
    size_t *name_len, const char **value, size_t *value_len);

/* Whole messages, type and all; the bytes written. */
size_t v1_put_window(uint8_t out[1 + V1_WINDOW_LEN], unsigned columns,
    unsigned rows);
size_t v1_put_signal(uint8_t out[1 + V1_SIGNAL_MAX], const char *name);
size_t v1_put_exit(uint8_t out[1 + V1_EXIT_MAX], struct ended);
size_t v1_put_ack(uint8_t out[1 + V1_ACK_LEN], uint64_t received);

#endif
