/*
 * Lines of standard error on their way to a peer, between the messages of the
 * output.
 *
 * A line that comes while a message is incomplete waits for its end, with a
 * ceiling.
 */
#ifndef FLOW_STDERR_LINES_H
#define FLOW_STDERR_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct conf_route;
struct dialect;
struct transport;

struct stderr_lines {
	struct dialect *dialect;           /* kept */
	const struct transport *transport; /* kept */
	const struct conf_route *route;    /* kept */
	struct buf late;                   /* two bytes of length, text */
};

/* Keeps all of them. */
void stderr_lines_init(struct stderr_lines *, struct dialect *,
    const struct transport *, const struct conf_route *);
void stderr_lines_clear(struct stderr_lines *);

/*
 * A line, at most ENDPOINT_STDERR_LINE bytes. False if the peer will not get it:
 * nobody asked for that, or too much waits already.
 */
bool stderr_lines_take(struct stderr_lines *, const uint8_t *line, size_t len);

/* Whether the log gets a line, too, that the peer has got. */
bool stderr_lines_are_logged(const struct stderr_lines *);

/* Output was sent: what waited for the end of its message follows. */
void stderr_lines_send_late(struct stderr_lines *);

#endif
