/*
 * What the program says, on its way to the client: the messages of its output
 * and, where that was asked for, lines of its standard error between them.
 *
 * A line that comes while a message is incomplete waits behind it, with a
 * ceiling. With a client of standpipe.v1 (standpipe-protocol(7)) the output is
 * what it is, bytes or messages of a type, and lines and exit status are too.
 * Otherwise, with CONF_STDERR_JSON, every message is an object,
 * {"stream":"stdout","data":"..."}, also one that is sent in pieces; a long line
 * of standard error is several.
 */
#ifndef FLOW_OUTLET_H
#define FLOW_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ended.h"

struct conf_route;
struct piece;
struct transport_ws;

struct outlet {
	struct transport_ws *transport; /* kept */
	const struct conf_route *route; /* kept */
	bool v1;                        /* the client speaks standpipe.v1 */
	bool plain;                     /* messages are what the program says */
	struct buf late; /* lines of stderr: two bytes of length, text */
};

void outlet_init(struct outlet *, struct transport_ws *,
    const struct conf_route *, bool v1);
void outlet_clear(struct outlet *);

/*
 * A piece of a message of the output. Its data is borrowed until the
 * transport is flushed.
 */
void outlet_send(struct outlet *, const struct piece *);

/*
 * Whether output goes out as it comes, without a framing, and a piece of it:
 * borrowed until the transport is flushed.
 */
bool outlet_takes_bytes(const struct outlet *);
void outlet_send_bytes(struct outlet *, const uint8_t *data, size_t len);

/*
 * To a client of standpipe.v1: what it may expect, that no more output comes,
 * and how the program has ended. Nothing to others. subprotocol: the program's,
 * or NULL.
 */
void outlet_say_hello(struct outlet *, const char *subprotocol);
void outlet_say_end(struct outlet *);
void outlet_say_exit(struct outlet *, struct ended);

/*
 * A line of standard error, at most ENDPOINT_STDERR_LINE bytes. False if the
 * client will not get it: nobody asked for that, or too much waits already.
 */
bool outlet_complain(struct outlet *, const uint8_t *line, size_t len);

/* Whether the log gets a line, too, that the client has got. */
bool outlet_logs(const struct outlet *);

/* What was sent must leave before its bytes move; then the lines behind it. */
void outlet_flush(struct outlet *);

#endif
