#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/local.h"
#include "client/outcome.h"
#include "flow/stdio.h"
#include "flow/stream.h"

struct local {
	struct stream *in, *out;     /* owned */
	const struct local_ops *ops; /* kept; NULL: nobody listens */
	void *owner;                 /* kept */
	int in_err, out_err;         /* errno of what broke; 0: nothing */
	bool in_ended;
};

static void
in_on_read(void *owner, uint8_t *data, size_t len)
{
	struct local *l = owner;

	l->ops->on_input(l->owner, data, len);
}

static void
in_on_end(void *owner)
{
	struct local *l = owner;

	l->in_ended = true;
	l->ops->on_input_end(l->owner);
}

static void
in_on_lost(void *owner, int err)
{
	struct local *l = owner;

	l->in_err = err;
	in_on_end(owner);
}

static const struct stream_ops in_ops = {
	.on_read = in_on_read,
	.on_end = in_on_end,
	.on_lost = in_on_lost,
};

static void
out_on_end(void *owner)
{
	(void)owner;
}

static void
out_on_lost(void *owner, int err)
{
	struct local *l = owner;

	l->out_err = err;
	if (l->ops != NULL)
		l->ops->on_output_lost(l->owner, err);
}

static void
out_on_drain(void *owner)
{
	struct local *l = owner;

	if (l->ops != NULL)
		l->ops->on_output_drain(l->owner);
}

static const struct stream_ops out_ops = {
	.on_end = out_on_end,
	.on_lost = out_on_lost,
	.on_drain = out_on_drain,
};

static bool
open_stdio(struct local *l, struct flow *flow, struct outcome *o)
{
	if ((l->in = stdio_open(flow, STDIN_FILENO)) == NULL)
		outcome_set(o, OUTCOME_LOCAL, "cannot use standard input: %s",
		    strerror(errno));
	else if ((l->out = stdio_open(flow, STDOUT_FILENO)) == NULL)
		outcome_set(o, OUTCOME_LOCAL, "cannot use standard output: %s",
		    strerror(errno));
	return l->out != NULL;
}

struct local *
local_new_stdio(struct flow *flow, struct outcome *o)
{
	struct local *l = mem_new(1, sizeof(*l));

	if (!open_stdio(l, flow, o)) {
		local_free(l);
		return NULL;
	}
	stream_set_owner(l->in, &in_ops, l);
	stream_set_owner(l->out, &out_ops, l);
	return l;
}

void
local_free(struct local *l)
{
	if (l == NULL)
		return;
	stream_free(l->in);
	stream_free(l->out);
	free(l);
}

void
local_set_owner(struct local *l, const struct local_ops *ops, void *owner)
{
	l->ops = ops;
	l->owner = owner;
	if (ops == NULL)
		stream_pause(l->in);
}

void
local_pause(struct local *l)
{
	stream_pause(l->in);
}

void
local_resume(struct local *l)
{
	if (!l->in_ended)
		stream_resume(l->in);
}

struct stream *
local_output(struct local *l)
{
	return l->out_err != 0 ? NULL : l->out;
}

bool
local_is_shown(const struct local *l)
{
	return isatty(stream_fd(l->out)) == 1;
}

size_t
local_queued(const struct local *l)
{
	return l->out_err != 0 ? 0 : stream_queued(l->out);
}

/* Who writes what nobody reads dies of it, without a word. */
void
local_judge(const struct local *l, struct outcome *o)
{
	if (l->out_err == EPIPE)
		*o = (struct outcome){ .signal = SIGPIPE };
	else if (l->out_err != 0)
		outcome_set(o, OUTCOME_LOCAL, "cannot use standard output: %s",
		    strerror(l->out_err));
	else if (l->in_err != 0 && o->status == 0)
		outcome_set(o, OUTCOME_LOCAL, "cannot use standard input: %s",
		    strerror(l->in_err));
}
