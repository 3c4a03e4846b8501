/*
 * What was received, on its way to our output: as the framing says; escaped
 * when a terminal shows it; or as hexadecimal digits, a message on a line.
 */
#ifndef CLIENT_TALK_PRINT_H
#define CLIENT_TALK_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/escape.h"
#include "codec/framing.h"

struct client_conf;
struct gather;
struct local;

struct talk_print {
	struct gather *gather;              /* kept */
	struct local *local;                /* kept */
	const struct framing_kind *framing; /* kept */
	bool is_hex;
	bool escapes;
	struct escape escape;
	struct buf held; /* of a message that the framing wants whole */
};

/* Keeps gather and local. */
void talk_print_init(struct talk_print *, struct gather *, struct local *,
    const struct client_conf *);
void talk_print_clear(struct talk_print *);

/*
 * A piece of a message; borrowed until the gather is flushed. Dropped when
 * nobody takes our output. False if there is no memory to gather it with.
 */
bool talk_print_piece(struct talk_print *, const struct piece *);

/* A Close's payload, borrowed like a piece, if the framing has a word for it. */
void talk_print_close(struct talk_print *, const uint8_t *payload, size_t len);

/* Bytes that are a part of no message, but of a stream. */
void talk_print_bytes(struct talk_print *, const uint8_t *data, size_t len);

#endif
