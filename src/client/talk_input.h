/*
 * Our input as messages: in the framing that was asked for, or as lines of
 * hexadecimal digits.
 *
 * Pure.
 */
#ifndef CLIENT_TALK_INPUT_H
#define CLIENT_TALK_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/framing.h"
#include "codec/hex.h"

enum { TALK_INPUT_WHY_SIZE = 16 + FRAMING_WHY_SIZE };

struct talk_input {
	bool is_hex;
	bool begun; /* of hex: a piece of the message was given */
	struct hex hex;
	struct framing framing;
	char why[TALK_INPUT_WHY_SIZE];
};

/* how: enum framing_number, or CLIENT_HEX. */
void talk_input_init(struct talk_input *, int how);
void talk_input_clear(struct talk_input *);

/*
 * As framing_read() and framing_end(), but `in` may be written to. After a
 * negative result `why` says what is wrong.
 */
enum framing_result talk_input_read(struct talk_input *, uint8_t *in,
    size_t len, size_t *used, struct piece *out);
enum framing_result talk_input_end(struct talk_input *, struct piece *out);

#endif
