/*
 * The files of TLS on their way from the parent, which reads them, to the
 * engines, which judge them. Pure, and fuzzed: tests/fuzz/fuzz_ipc.c.
 *
 *      parent                                       engine
 *        |--- IPC_TLS_PART (pieces of a set) -------->|
 *        |--- IPC_TLS_CHECK ------------------------->|  keeps it aside
 *        |<-- IPC_TLS_VERDICT ------------------------|
 *        |--- IPC_TLS_USE, when all engines agree --->|  new connections
 *
 * The number in each head is the set's. An engine that starts is told to use
 * the set in use before it has said anything of it, and is ready if it can.
 * IPC_TLS_USE of the set in use means that the one aside is not wanted.
 *
 * A set is its files one after the other, each with a head.
 */
#ifndef IPC_IPC_TLS_H
#define IPC_IPC_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"

struct ipc_msg;

enum ipc_file_kind {
	IPC_FILE_NONE = 0, /* of verdicts: no file is at fault, or good */
	IPC_FILE_CERT,     /* PEM; number i belongs to key i */
	IPC_FILE_KEY,
	IPC_FILE_CA,
	IPC_FILE_OCSP, /* DER */
	IPC_FILE_KINDS,
};

enum {
	IPC_TLS_MAX = 1024 * 1024, /* a whole set */
	IPC_TLS_FILES = 64,        /* of one kind */
	IPC_TLS_WHY = 200,         /* bytes of a reason */
	IPC_TICKET_KEY = 80,       /* name 16, AES-256 32, HMAC 32 */
	IPC_TICKET_KEYS = 2,       /* the one in use, and the one before it */
};

struct ipc_file {
	enum ipc_file_kind kind;
	uint32_t index;      /* among those of its kind */
	const uint8_t *data; /* borrowed */
	size_t len;
};

/* What stands before a file's bytes. */
enum { IPC_FILE_HEAD = 12 };
void ipc_put_file_head(uint8_t head[IPC_FILE_HEAD], const struct ipc_file *);

/*
 * The file at *at of a set, after which *at moves; false at the end, and where
 * it is malformed: *at is not len then.
 */
bool ipc_next_file(const uint8_t *set, size_t len, size_t *at,
    struct ipc_file *);

/* Good may have words too: something that a person should know. */
struct ipc_verdict {
	bool good;
	enum ipc_file_kind kind; /* whose fault it is */
	uint32_t index;
	const char *why; /* borrowed, not terminated; any bytes at all */
	size_t why_len;  /* at most IPC_TLS_WHY */
};

enum { IPC_VERDICT_HEAD = 8 };
size_t ipc_put_verdict(uint8_t body[IPC_VERDICT_HEAD + IPC_TLS_WHY],
    const struct ipc_verdict *);
bool ipc_read_verdict(const struct ipc_msg *, struct ipc_verdict *);

#endif
