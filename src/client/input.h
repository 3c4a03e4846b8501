/*
 * Our input as messages: in the framing that was asked for, or as lines of
 * hexadecimal digits.
 *
 * Pure.
 */
#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/framing.h"
#include "codec/hex.h"

enum { INPUT_WHY_SIZE = 96 };

struct input {
	bool is_hex;
	struct hex hex;
	struct framing framing;
	char why[INPUT_WHY_SIZE];
};

/* how: enum framing_kind, or CLIENT_HEX. */
void input_init(struct input *, int how);
void input_clear(struct input *);

/*
 * As framing_read() and framing_end(), but `in` may be written to. After a
 * negative result `why` says what is wrong.
 */
enum framing_result input_read(struct input *, uint8_t *in, size_t len,
    size_t *used, struct framing_event *ev);
enum framing_result input_end(struct input *, struct framing_event *ev);

#endif
