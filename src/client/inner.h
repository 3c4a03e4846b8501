/*
 * standpipe.v1 on our side of a talk: what the daemon says besides data, and
 * how data is said to it (standpipe-protocol(7)).
 */
#ifndef CLIENT_INNER_H
#define CLIENT_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/standpipe_v1.h"

struct facts;
struct transport_ws;
struct ws_event;

struct inner {
	struct transport_ws *transport; /* kept */
	struct facts *facts;            /* kept */
	struct v1_reader *reader;       /* owned; NULL: it is not spoken */
	uint64_t signals;               /* that may be sent: a bit for each */
	bool ready;                     /* HELLO has come */
	bool messages;                  /* and its data is made of these */
	bool in_message;                /* we have begun one of ours */
	bool ended; /* no more data will come from the program */
	bool exited;
	uint8_t status; /* of the program, as in $? */
};

/* Keeps both; agreed: the server chose it. */
void inner_init(struct inner *, struct transport_ws *, struct facts *,
    bool agreed);
void inner_clear(struct inner *);

bool inner_is_on(const struct inner *);

/* Whether we may send: how, is known only when HELLO has come. */
bool inner_is_ready(const struct inner *);

/*
 * Take a piece of a message. V1_DATA is left to the caller, and what is
 * negative ends the talk; the rest is V1_NOTHING.
 */
enum v1_result inner_read(struct inner *, const struct ws_event *,
    struct v1_event *);

/* Bytes of our input, borrowed until the transport is flushed; or its end. */
void inner_send_bytes(struct inner *, const uint8_t *data, size_t len);
void inner_send_end(struct inner *);

/* A piece of a message of ours; borrowed as well. */
void inner_send_piece(struct inner *, bool text, bool last, const uint8_t *data,
    size_t len);

/* Have the program signalled; false if it may not be. */
bool inner_send_signal(struct inner *, int sig);

void inner_send_window(struct inner *, unsigned columns, unsigned rows);

#endif
