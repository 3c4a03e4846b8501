#include "base/str.h"
#include "flow/endpoint.h"
#include "flow/stream.h"

void
endpoint_set_owner(struct endpoint *e, const struct endpoint_ops *ops,
    void *owner)
{
	e->ops = ops;
	e->owner = owner;
}

bool
endpoint_is_full(const struct endpoint *e)
{
	return e->in != NULL && stream_queued(e->in) > 0;
}

void
endpoint_end_input(struct endpoint *e)
{
	e->body->end_input(e);
}

void
endpoint_pause(struct endpoint *e)
{
	e->body->pause(e);
}

void
endpoint_resume(struct endpoint *e)
{
	e->body->resume(e);
}

void
endpoint_put_back(struct endpoint *e, const uint8_t *data, size_t len)
{
	e->body->put_back(e, data, len);
}

void
endpoint_close_output(struct endpoint *e)
{
	e->body->close_output(e);
}

void
endpoint_read_stderr(struct endpoint *e)
{
	if (e->body->read_stderr != NULL)
		e->body->read_stderr(e);
}

void
endpoint_read_last(struct endpoint *e)
{
	if (e->body->read_last != NULL)
		e->body->read_last(e);
}

void
endpoint_leave(struct endpoint *e, uint32_t ago)
{
	if (e->body->leave != NULL && !e->exited)
		e->body->leave(e, ago);
}

void
endpoint_signal(struct endpoint *e, int sig)
{
	if (e->body->signal != NULL && !e->exited)
		e->body->signal(e, sig);
}

struct log_field
endpoint_name(struct endpoint *e)
{
	return e->body->name(e);
}

void
endpoint_put_end(const struct endpoint *e, char out[ENDED_BRIEF])
{
	if (e->exited)
		ended_put_brief(e->ended, out);
	else
		(void)str_copy(out, ENDED_BRIEF, "running");
}

void
endpoint_free(struct endpoint *e)
{
	if (e == NULL)
		return;
	e->ops = NULL;
	e->body->free(e);
}

void
endpoint_set_over(struct endpoint *e)
{
	if (e->over)
		return;
	e->over = true;
	e->ops->on_over(e->owner);
}
