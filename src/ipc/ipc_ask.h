/*
 * What an engine and the auth worker say to each other: a question is a user
 * and a password, the answer whether they belong together on a route. Pure, and
 * fuzzed: tests/fuzz/fuzz_ipc.c.
 *
 * One SOCK_SEQPACKET socketpair for each engine, which the parent makes; a
 * message is a packet. The worker answers one after the other; the number of
 * a question is its engine's affair. An engine that sends anything else is
 * not listened to any more.
 */
#ifndef IPC_IPC_ASK_H
#define IPC_IPC_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IPC_ASK_TEXT = 511, /* bytes of a user, and of a password */
	IPC_ASK_MAX = 8 + 2 * (IPC_ASK_TEXT + 1),
	IPC_ANSWER_LEN = 5,
};

struct ipc_ask {
	uint32_t id;
	uint32_t route;   /* whose file says it */
	const char *user; /* texts: borrowed, in the packet */
	const char *password;
};

/* How long the packet is; 0 if a text is too long. It holds a secret. */
size_t ipc_put_ask(uint8_t packet[IPC_ASK_MAX], const struct ipc_ask *);
bool ipc_read_ask(const uint8_t *packet, size_t len, struct ipc_ask *);

void ipc_put_answer(uint8_t packet[IPC_ANSWER_LEN], uint32_t id, bool right);
bool ipc_read_answer(const uint8_t *packet, size_t len, uint32_t *id,
    bool *right);

#endif
