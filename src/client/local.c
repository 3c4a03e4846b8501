#include <unistd.h>

#include "base/base.h"
#include "client/client.h"
#include "client/local.h"
#include "client/local_body.h"
#include "flow/stream.h"

static void
local_on_finished(void *owner)
{
	struct local *l = owner;

	l->on_finished(l->finish_owner);
}

void
local_init(struct local *l, const struct local_body *body,
    struct client *client)
{
	*l = (struct local){
		.body = body,
		.client = client,
		.framing = client->conf.framing,
		.paused = true,
	};
	later_init(&l->finished, client->flow.base, local_on_finished, l);
}

struct local *
local_new(struct client *client, struct outcome *o)
{
	if (client_conf_has_command(&client->conf))
		return local_new_exec(client, o);
	if (local_is_at_terminal(&client->conf))
		return local_new_terminal(client, o);
	return local_new_stdio(client, o);
}

void
local_free(struct local *l)
{
	struct stream *in, *out;

	if (l == NULL)
		return;
	in = l->in;
	out = l->out;
	later_forget(&l->finished);
	l->body->clear(l);
	if (in != out)
		stream_free(in);
	stream_free(out);
}

/* ------------------------------------------------- for the bodies */

void
local_give(struct local *l, uint8_t *data, size_t len)
{
	if (l->ops != NULL)
		l->ops->on_input(l->owner, data, len);
}

void
local_give_typed(struct local *l, const struct term_typed *typed)
{
	if (l->ops != NULL && l->ops->on_command != NULL)
		l->ops->on_command(l->owner, typed);
}

/* The owner is told of an end when it wants input, and not twice. */
static void
tell_end(struct local *l)
{
	if (!l->in_ended || l->told_end || l->paused || l->ops == NULL)
		return;
	l->told_end = true;
	l->ops->on_input_end(l->owner);
}

static void
tell_lost(struct local *l)
{
	if (l->lost_reason == NULL || l->told_lost || l->ops == NULL)
		return;
	l->told_lost = true;
	l->ops->on_output_lost(l->owner, l->lost_code, l->lost_reason);
}

void
local_input_ended(struct local *l)
{
	l->in_ended = true;
	tell_end(l);
}

void
local_drained(struct local *l)
{
	l->drains++;
	if (l->ops != NULL)
		l->ops->on_output_drain(l->owner);
}

void
local_lose_output(struct local *l, unsigned code, const char *reason)
{
	l->out_lost = true;
	if (l->lost_reason != NULL)
		return;
	l->lost_code = code;
	l->lost_reason = reason;
	tell_lost(l);
}

void
local_finished(struct local *l)
{
	if (l->on_finished != NULL)
		later_soon(&l->finished);
}

/* ------------------------------------------------- for the owner */

void
local_set_owner(struct local *l, const struct local_ops *ops, void *owner)
{
	l->ops = ops;
	l->owner = owner;
	l->told_end = false;
	l->told_lost = false;
	if (ops == NULL)
		local_pause(l);
}

bool
local_start(struct local *l, struct outcome *o)
{
	return l->body->start == NULL || l->body->start(l, o);
}

int
local_framing(const struct local *l)
{
	return l->framing;
}

uint64_t
local_patience(const struct local *l)
{
	return l->patience;
}

void
local_pause(struct local *l)
{
	l->paused = true;
	if (l->in != NULL)
		stream_pause(l->in);
}

void
local_resume(struct local *l)
{
	l->paused = false;
	if (l->in != NULL && !l->in_ended)
		stream_resume(l->in);
	tell_lost(l);
	tell_end(l);
}

struct stream *
local_output(struct local *l)
{
	return l->out_lost ? NULL : l->out;
}

void
local_end_output(struct local *l)
{
	if (!l->out_lost && l->out != NULL)
		stream_end(l->out);
}

bool
local_is_shown(const struct local *l)
{
	return l->out != NULL && isatty(stream_fd(l->out)) == 1;
}

bool
local_is_typed(const struct local *l)
{
	return l->body->show != NULL;
}

int
local_terminal(const struct local *l)
{
	int fd = l->in == NULL ? -1 : stream_fd(l->in);

	return fd != -1 && isatty(fd) == 1 ? fd : -1;
}

bool
local_interrupt(struct local *l)
{
	return l->body->interrupt != NULL && l->body->interrupt(l);
}

bool
local_show(struct local *l, const void *text, size_t len)
{
	if (!local_is_typed(l))
		return false;
	if (!l->out_lost)
		l->body->show(l, text, len);
	return true;
}

bool
local_is_lost(const struct local *l)
{
	return l->lost_reason != NULL;
}

size_t
local_queued(const struct local *l)
{
	return l->out_lost || l->out == NULL ? 0 : stream_queued(l->out);
}

unsigned
local_drains(const struct local *l)
{
	return l->drains;
}

void
local_judge(struct local *l, struct outcome *o)
{
	if (l->body->judge != NULL)
		l->body->judge(l, o);
}

bool
local_finish(struct local *l, void (*on_finished)(void *owner), void *owner)
{
	l->on_finished = on_finished;
	l->finish_owner = owner;
	return l->body->finish != NULL && l->body->finish(l);
}

void
local_fail(struct local *l)
{
	if (l->body->fail != NULL)
		l->body->fail(l);
}

void
local_hurry(struct local *l)
{
	if (l->body->hurry != NULL)
		l->body->hurry(l);
}
