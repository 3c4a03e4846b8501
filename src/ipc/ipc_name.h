/*
 * What an engine and the names worker say to each other: a question is an
 * address, the answer the name that leads back to it, or none. Pure, and
 * fuzzed: tests/fuzz/fuzz_ipc.c.
 *
 * One SOCK_SEQPACKET socketpair for each engine, which the parent makes; a
 * message is a packet. Answers come in any order; the number of a question is
 * its engine's affair. An engine that sends anything else is not listened to
 * any more. The worker hears strangers: what it calls a name is looked at again.
 */
#ifndef IPC_IPC_NAME_H
#define IPC_IPC_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	IPC_NAME_ASKED = 64, /* questions of an engine that are under way */
	IPC_NAME_TEXT = 255, /* bytes of a name */
	IPC_NAME_ASK_LEN = 4 + sizeof(struct addr),
	IPC_NAME_MAX = 4 + IPC_NAME_TEXT,
};

void ipc_put_name_ask(uint8_t packet[IPC_NAME_ASK_LEN], uint32_t id,
    const struct addr *);
bool ipc_read_name_ask(const uint8_t *packet, size_t len, uint32_t *id,
    struct addr *);

/* How long the packet is; a name that is too long is none, as NULL is. */
size_t ipc_put_name(uint8_t packet[IPC_NAME_MAX], uint32_t id,
    const char *name);

/* The name is empty where there is none. */
bool ipc_read_name(const uint8_t *packet, size_t len, uint32_t *id,
    char name[IPC_NAME_TEXT + 1]);

#endif
