/*
 * standpipe.v1 on our side of a talk: what the daemon says besides data, and
 * how data is said to it (standpipe-protocol(7)).
 */
#ifndef CLIENT_TALK_V1_H
#define CLIENT_TALK_V1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/standpipe_v1.h"

struct facts;
struct piece;
struct transport;

struct talk_v1 {
	struct transport *transport; /* kept */
	struct facts *facts;         /* kept */
	struct v1_reader *reader;    /* owned; NULL: it is not spoken */
	uint64_t signals;            /* that may be sent: a bit for each */
	bool ready;                  /* HELLO has come */
	bool messages;               /* and its data is made of these */
	bool ended; /* no more data will come from the program */
	bool exited;
	uint8_t status; /* of the program, as in $? */
};

/* Keeps both; agreed: the server chose it. */
void talk_v1_init(struct talk_v1 *, struct transport *, struct facts *,
    bool agreed);
void talk_v1_clear(struct talk_v1 *);

bool talk_v1_is_on(const struct talk_v1 *);

/* Whether we may send: how, is known only when HELLO has come. */
bool talk_v1_is_ready(const struct talk_v1 *);

/*
 * Take a piece of a message. V1_DATA is left to the caller, and what is
 * negative ends the talk; the rest is V1_NOTHING.
 */
enum v1_result talk_v1_read(struct talk_v1 *, const struct piece *,
    struct v1_event *);

/* Bytes of our input, borrowed until the transport is flushed; or its end. */
void talk_v1_send_bytes(struct talk_v1 *, const uint8_t *data, size_t len);
void talk_v1_send_end(struct talk_v1 *);

/* A piece of a message of ours; borrowed as well. */
void talk_v1_send_piece(struct talk_v1 *, const struct piece *);

/* Have the program signalled; false if it may not be. */
bool talk_v1_send_signal(struct talk_v1 *, int sig);

void talk_v1_send_window(struct talk_v1 *, unsigned columns, unsigned rows);

#endif
