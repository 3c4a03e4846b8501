#include "base/base.h"
#include "codec/framing.h"
#include "conf/conf.h"
#include "dialect/dialect.h"
#include "flow/endpoint.h"
#include "flow/stderr_lines.h"
#include "flow/transport.h"

enum {
	LATE_MAX = 64 * 1024,    /* after an open message */
	QUEUE_MAX = 1024 * 1024, /* a line waits for the client up to this */
};

_Static_assert((int)DIALECT_LINE_MAX == (int)ENDPOINT_STDERR_LINE,
    "a line has one length");

void
stderr_lines_init(struct stderr_lines *l, struct dialect *dialect,
    const struct transport *transport, const struct conf_route *route)
{
	*l = (struct stderr_lines){
		.dialect = dialect,
		.transport = transport,
		.route = route,
	};
	buf_init(&l->late, LATE_MAX);
}

void
stderr_lines_clear(struct stderr_lines *l)
{
	buf_clear(&l->late);
}

/* Whether the peer is to get them, and there is a place for them. */
static bool
are_wanted(const struct stderr_lines *l)
{
	return l->route->stderr_to != CONF_STDERR_LOG &&
	    (l->dialect->body->apart || framing_kinds[l->route->framing].text);
}

bool
stderr_lines_take(struct stderr_lines *l, const uint8_t *line, size_t len)
{
	if (!are_wanted(l) || transport_queued(l->transport) > QUEUE_MAX)
		return false;
	if (!l->transport->in_message) {
		dialect_send_line(l->dialect, line, len);
		return true;
	}
	if (l->late.len + 2 + len > LATE_MAX)
		return false;
	return buf_add_byte(&l->late, (uint8_t)(len >> 8)) &&
	    buf_add_byte(&l->late, (uint8_t)len) &&
	    buf_add(&l->late, line, len);
}

bool
stderr_lines_are_logged(const struct stderr_lines *l)
{
	return l->route->stderr_to != CONF_STDERR_CLIENT;
}

void
stderr_lines_send_late(struct stderr_lines *l)
{
	size_t at = 0;

	if (l->late.len == 0 || l->transport->in_message)
		return;
	while (at < l->late.len) {
		size_t len =
		    (size_t)l->late.data[at] << 8 | l->late.data[at + 1];

		dialect_send_line(l->dialect, l->late.data + at + 2, len);
		at += 2 + len;
	}
	buf_clear(&l->late);
}
