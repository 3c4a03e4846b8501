/*
 * Putting a body together, one field after the other; ipc_in.h takes it apart.
 *
 * A field that has no room is our own fault: bug(). Pure.
 */
#ifndef IPC_IPC_OUT_H
#define IPC_IPC_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipc_out {
	uint8_t *body; /* borrowed */
	size_t len;    /* of what was put */
	size_t room;
};

void ipc_out_init(struct ipc_out *, uint8_t *body, size_t room);

void ipc_out_u8(struct ipc_out *, uint8_t);
void ipc_out_u16(struct ipc_out *, uint16_t);
void ipc_out_u32(struct ipc_out *, uint32_t);
void ipc_out_bool(struct ipc_out *, bool);
void ipc_out_bytes(struct ipc_out *, const void *, size_t);

#endif
