/*
 * What the program says, on its way to the client: the messages of its output
 * and, where that was asked for, lines of its standard error between them.
 *
 * A line that comes while a message is incomplete waits behind it, with a
 * ceiling. With CONF_STDERR_JSON every message is an object,
 * {"stream":"stdout","data":"..."}, also one that is sent in pieces; a long line
 * of standard error is several.
 *
 * Used by: flow/session.c.
 */
#ifndef FLOW_OUTLET_H
#define FLOW_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct framing_event;
struct transport_ws;

struct outlet {
	struct transport_ws *transport; /* kept */
	int stderr_to;                  /* enum conf_stderr */
	struct buf late; /* lines of stderr: two bytes of length, text */
};

void outlet_init(struct outlet *, struct transport_ws *, int stderr_to);
void outlet_clear(struct outlet *);

/*
 * A piece of a message of the output. Its data is borrowed until the
 * transport is flushed.
 */
void outlet_send(struct outlet *, const struct framing_event *);

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
