/*
 * What everything in this room shares: the event loop, its timers, the buffer that
 * is read into, the two gathers in which output is put together, and the records that
 * TLS makes of it.
 *
 * There is one of it in a process. Every callback runs to its end before the
 * next one starts, so one buffer serves all streams: bytes stay in it only
 * during a callback.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/complaints.h"
#include "flow/doubts.h"
#include "flow/gather.h"
#include "flow/timers.h"
#include "flow/zpool.h"

struct event_base;

enum {
	FLOW_READ_SOCKET = 64 * 1024, /* bytes of one read */
	FLOW_READ_PIPE = 256 * 1024,
	FLOW_SEALED = 128 * 1024, /* where in `in` those of TLS are read to */
	FLOW_WIRE_MAX = 4 * 1024 * 1024,
};

struct flow {
	struct event_base *base; /* kept */
	struct timers timers;
	uint8_t *in;               /* owned: FLOW_READ_PIPE bytes */
	struct gather to_endpoint; /* to a program, or the client's own side */
	struct gather to_peer;     /* to the other end of a WebSocket */
	struct buf wire; /* records on their way, empty between two calls */
	struct doubts doubts;               /* of sockets */
	struct complaints_share complaints; /* of the log */
	struct zpool zpool; /* not made: what compresses calls zpool_init() */
};

/* Keeps base. */
void flow_init(struct flow *, struct event_base *base);
void flow_clear(struct flow *);

#endif
