/*
 * Where the bytes of one key end, and those of keys that belong together.
 *
 * Pure.
 */
#ifndef CLIENT_TERM_KEYS_H
#define CLIENT_TERM_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum {
	TERM_KEYS_END = 0x04,    /* ^D */
	TERM_KEYS_QUOTE = 0x16,  /* ^V: the next key as it is */
	TERM_KEYS_PREFIX = 0x18, /* ^X: begins a command of two keys */
	TERM_KEYS_ESC = 0x1b,    /* begins what a key sends, or a command */
	TERM_KEYS_SEQUENCE = 32, /* longer ones are taken as they are */
};

/*
 * How many of the bytes (borrowed) the next command of an editor takes; 0:
 * more than there are.
 */
size_t term_keys_ready(const uint8_t *p, size_t len);

#endif
