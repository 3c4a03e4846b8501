/*
 * Taking a body apart: numbers in host order and bytes, one after the other.
 *
 * The first that is not there, or is out of its bounds, makes the body a bad
 * one, and it stays that: whatever is read after it is 0, and ipc_in_end() says
 * false. So a reader reads all its fields, and asks once. Pure.
 */
#ifndef IPC_IPC_IN_H
#define IPC_IPC_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipc_in {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool bad;
};

void ipc_in_init(struct ipc_in *, const uint8_t *body, size_t len);

uint8_t ipc_in_u8(struct ipc_in *);
uint16_t ipc_in_u16(struct ipc_in *);
uint32_t ipc_in_u32(struct ipc_in *);

/* A byte that is 0 or 1. */
bool ipc_in_bool(struct ipc_in *);

/* Gives v, which was just read and must lie in first..last. */
uint32_t ipc_in_within(struct ipc_in *, uint32_t v, uint32_t first,
    uint32_t last);

/* The next n bytes, borrowed; NULL if they are not there. */
const uint8_t *ipc_in_bytes(struct ipc_in *, size_t n);
void ipc_in_copy(struct ipc_in *, void *to, size_t n);

/* A text of at most max bytes and its NUL, borrowed. */
const char *ipc_in_text(struct ipc_in *, size_t max);

/* All the bytes that are left, borrowed; there may be none. */
const uint8_t *ipc_in_rest(struct ipc_in *, size_t *len);

/* Whether all fields were there, and nothing is left. */
bool ipc_in_end(const struct ipc_in *);

#endif
