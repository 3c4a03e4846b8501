/*
 * Where the bytes of one key end, and those of keys that belong together.
 *
 * Pure.
 */
#ifndef CLIENT_KEYS_H
#define CLIENT_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum {
	KEYS_END = 0x04,    /* ^D */
	KEYS_QUOTE = 0x16,  /* ^V: the next key as it is */
	KEYS_PREFIX = 0x18, /* ^X: begins a command of two keys */
	KEYS_ESC = 0x1b,    /* begins what a key sends, or a command */
	KEYS_SEQUENCE = 32, /* longer ones are taken as they are */
};

/*
 * How many of the bytes (borrowed) the next command of an editor takes; 0:
 * more than there are.
 */
size_t keys_ready(const uint8_t *p, size_t len);

#endif
