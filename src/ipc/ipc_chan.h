/*
 * One end of the socketpair: whole messages in and out, never waiting.
 *
 * What the socket does not take at once is queued; the owner polls for writing
 * while ipc_chan_queued() says so. The queue has a ceiling: an engine that
 * does not read, or a parent that drowns, is a fault, not a reason to grow.
 */
#ifndef IPC_IPC_CHAN_H
#define IPC_IPC_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc_codec.h"

struct ipc_packet;

struct ipc_chan {
	int fd;             /* owned; -1: closed */
	enum ipc_side side; /* who we are */
	struct ipc_packet *first, **tail;
	size_t queued; /* bytes */
	uint8_t *in;   /* owned: room for one packet */
};

/* Takes fd, which must be non-blocking. */
void ipc_chan_init(struct ipc_chan *, int fd, enum ipc_side us);
void ipc_chan_clear(struct ipc_chan *);

/*
 * Send a message whose body is in two parts (borrowed, either may be NULL) and
 * take the nfds descriptors: they are closed here once they are on their way.
 * False if the channel is broken or its queue is full; the descriptors are
 * closed then as well.
 */
bool ipc_chan_send(struct ipc_chan *, enum ipc_type, uint32_t session,
    const void *a, size_t alen, const void *b, size_t blen, const int *fd,
    size_t nfds);

/* The same for a body in one part and no descriptors. */
bool ipc_chan_tell(struct ipc_chan *, enum ipc_type, uint32_t session,
    const void *body, size_t len);

/* Write what is queued; false if the channel is broken. */
bool ipc_chan_flush(struct ipc_chan *);
bool ipc_chan_queued(const struct ipc_chan *);

/* Whether the other side is so far behind that nothing large should be asked. */
bool ipc_chan_crowded(const struct ipc_chan *);

enum ipc_recv {
	IPC_RECV_NONE = 0, /* nothing more for now */
	IPC_RECV_MSG =
	    1, /* *m is good until the next call; its fds are yours */
	IPC_RECV_END = -1, /* the other side has gone */
	IPC_RECV_BAD = -2, /* it speaks nonsense */
};

/*
 * The parent takes no descriptors: such a packet is nonsense. An engine may have
 * no room for them, or the system none: those of the message that did come are
 * closed, and m->cut says so.
 */
enum ipc_recv ipc_chan_recv(struct ipc_chan *, struct ipc_msg *m);

/* Overwrite the last message: it held secrets. */
void ipc_chan_wipe(struct ipc_chan *);

#endif
