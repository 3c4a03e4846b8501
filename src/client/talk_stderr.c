#include <unistd.h>

#include "base/base.h"
#include "client/local.h"
#include "client/talk_stderr.h"
#include "client/term_charset.h"
#include "flow/stdio.h"
#include "flow/stream.h"

enum { CHUNK = 1024 };

static void
talk_stderr_on_lost(void *owner, int err)
{
	struct talk_stderr *c = owner;

	(void)err;
	c->broken = true;
	c->on_drain(c->owner);
}

static void
talk_stderr_on_drain(void *owner)
{
	struct talk_stderr *c = owner;

	c->on_drain(c->owner);
}

static const struct stream_ops stream_ops = {
	.on_lost = talk_stderr_on_lost,
	.on_drain = talk_stderr_on_drain,
};

void
talk_stderr_init(struct talk_stderr *c, struct flow *flow, struct local *local,
    void (*on_drain)(void *owner), void *owner)
{
	*c = (struct talk_stderr){
		.flow = flow,
		.local = local,
		.on_drain = on_drain,
		.owner = owner,
	};
}

void
talk_stderr_clear(struct talk_stderr *c)
{
	stream_free(c->stream);
	c->stream = NULL;
}

/* Most programs complain of nothing. */
static void
open_up(struct talk_stderr *c)
{
	c->escapes = isatty(STDERR_FILENO);
	c->escape.ascii = !term_charset_is_utf8();
	c->stream = stdio_open(c->flow, STDERR_FILENO);
	if (c->stream == NULL)
		c->broken = true;
	else
		stream_set_owner(c->stream, &stream_ops, c);
}

static void
put_escaped(struct talk_stderr *c, const uint8_t *data, size_t len)
{
	uint8_t out[ESCAPE_GROWTH * CHUNK + ESCAPE_EXTRA];
	size_t part, n;

	for (; len > 0; data += part, len -= part) {
		part = len < CHUNK ? len : CHUNK;
		n = escape_put(&c->escape, data, part, out);
		if (!local_show(c->local, out, n))
			stream_write(c->stream, out, n);
	}
}

void
talk_stderr_put(struct talk_stderr *c, const uint8_t *data, size_t len)
{
	if (c->stream == NULL && !c->broken)
		open_up(c);
	if (c->broken || len == 0)
		return;
	c->in_line = data[len - 1] != '\n';
	if (c->escapes)
		put_escaped(c, data, len);
	else
		stream_write(c->stream, data, len);
}

void
talk_stderr_end_line(struct talk_stderr *c)
{
	if (c->in_line)
		talk_stderr_put(c, (const uint8_t *)"\n", 1);
}

size_t
talk_stderr_queued(const struct talk_stderr *c)
{
	return c->stream == NULL || c->broken ? 0 : stream_queued(c->stream);
}
