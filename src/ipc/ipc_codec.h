/*
 * Packing and unpacking of messages. Pure, and fuzzed: tests/fuzz/fuzz_ipc.c.
 *
 * Numbers are in host order: both ends are one build on one machine.
 */
#ifndef IPC_IPC_CODEC_H
#define IPC_IPC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ipc/ipc.h"

enum ipc_side { IPC_FROM_PARENT, IPC_FROM_ENGINE };

struct ipc_msg {
	enum ipc_type type;
	uint32_t session;    /* or connection, or 0 */
	const uint8_t *body; /* borrowed */
	size_t len;
	int fd[IPC_FDS_MAX]; /* owned by whoever received it; -1: none */
	size_t nfds;
	bool cut; /* there was no room for its descriptors: they are lost */
};

/* Write the head of a message. */
void ipc_put_head(uint8_t out[IPC_HEAD], enum ipc_type, uint32_t session);

/*
 * Take a packet apart and hold it against the table: a type that this side may
 * send, a body and a number of descriptors of the right size. False otherwise.
 * *m borrows the packet; m->nfds and m->cut must be set before, m->fd is not
 * touched.
 */
bool ipc_read(struct ipc_msg *m, enum ipc_side from, const uint8_t *in,
    size_t len);

/* Bodies. The readers say false if the body is not one. */
size_t ipc_put_start(uint8_t body[IPC_START_BODY], const struct ipc_start *);
bool ipc_read_start(const struct ipc_msg *, struct ipc_start *);

size_t ipc_put_link(uint8_t body[IPC_LINK_BODY], const struct ipc_link *);
bool ipc_read_link(const struct ipc_msg *, struct ipc_link *);

size_t ipc_put_listen(uint8_t body[IPC_LISTEN_BODY], const struct ipc_listen *);
bool ipc_read_listen(const struct ipc_msg *, struct ipc_listen *);

struct ipc_open {
	uint32_t route; /* number of one: a reader knows how many there are */
	enum ipc_part part;
	const char *path; /* ipc_path_ok() for parts that have one, or empty */
	size_t path_len;
	const char *vars; /* NAME=value NUL ..., checked: NUL-terminated */
	size_t vars_len;
};

/* Everything but the variables. */
size_t ipc_put_open(uint8_t body[IPC_OPEN_MAX], const struct ipc_open *);
bool ipc_read_open(const struct ipc_msg *, struct ipc_open *);

size_t ipc_put_u32(uint8_t body[4], uint32_t);
bool ipc_read_u32(const struct ipc_msg *, uint32_t *);

struct ipc_admit {
	bool connection; /* it is one; otherwise a request on one */
	bool counted;    /* by its address */
	bool stays;      /* and so takes one of the address's connections */
	struct addr addr;
};

struct ipc_admitted {
	enum ipc_admission verdict;
	uint32_t retry; /* seconds until it makes sense, if not IPC_ADMIT_YES */
	uint32_t seat;  /* for IPC_LEAVE; 0: there is nothing to give back */
};

size_t ipc_put_admit(uint8_t body[IPC_ADMIT_BODY], const struct ipc_admit *);
bool ipc_read_admit(const struct ipc_msg *, struct ipc_admit *);
size_t ipc_put_admitted(uint8_t body[IPC_ADMITTED_BODY],
    const struct ipc_admitted *);
bool ipc_read_admitted(const struct ipc_msg *, struct ipc_admitted *);

/* An address, and for how many milliseconds. */
size_t ipc_put_blocked(uint8_t body[IPC_BLOCKED_BODY], const struct addr *,
    uint32_t ms);
bool ipc_read_blocked(const struct ipc_msg *, struct addr *, uint32_t *ms);

/* An address alone. */
bool ipc_read_addr(const struct ipc_msg *, struct addr *);

/* The process of what was opened; 0: it has none. */
size_t ipc_put_opened(uint8_t body[4], uint32_t pid);
bool ipc_read_opened(const struct ipc_msg *, uint32_t *pid);

/* How long ago, in milliseconds, the ladder should have been started. */
size_t ipc_put_kill(uint8_t body[8], uint32_t pid, uint32_t ago);
bool ipc_read_kill(const struct ipc_msg *, uint32_t *pid, uint32_t *ago);

size_t ipc_put_signal(uint8_t body[8], uint32_t pid, int sig);
bool ipc_read_signal(const struct ipc_msg *, uint32_t *pid, int *sig);

size_t ipc_put_refused(uint8_t body[8], enum ipc_refusal, int err);
bool ipc_read_refused(const struct ipc_msg *, enum ipc_refusal *, int *err);

size_t ipc_put_exit(uint8_t body[3], const struct ipc_exit *);
bool ipc_read_exit(const struct ipc_msg *, struct ipc_exit *);

/* What routes there are is for the reader of the next two to know. */
size_t ipc_put_folder(uint8_t body[IPC_FOLDER_BODY], const struct ipc_folder *);
bool ipc_read_folder(const struct ipc_msg *, struct ipc_folder *);

/* A piece of a file of a route; the last one may be empty. */
struct ipc_piece {
	uint32_t route;
	bool last;
	const uint8_t *data; /* borrowed */
	size_t len;
};

size_t ipc_put_piece_head(uint8_t body[IPC_PIECE_HEAD], uint32_t route,
    bool last);
bool ipc_read_piece(const struct ipc_msg *, struct ipc_piece *);

const char *ipc_strtype(enum ipc_type);

#endif
