#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/str.h"
#include "flow/endpoint_exec.h"
#include "flow/flow.h"
#include "flow/stream.h"

enum {
	ERR_READ = 4096,     /* bytes of stderr in a turn */
	LINES_PER_TURN = 64, /* of those */
	LAST_READS = 18,     /* of stderr, at the end: a full pipe and a rest */
};

static void
close_stream(struct stream **s)
{
	stream_free(*s);
	*s = NULL;
}

static void
in_on_end(void *owner)
{
	(void)owner;
}

/* Whether it was our side of a pipe that could not go on. */
static bool
tell_short(struct endpoint_exec *e, int err)
{
	const char *why = stream_strshort(err);

	if (why != NULL)
		e->ops->on_short(e->owner, why);
	return why != NULL;
}

/* The program has closed its standard input: what is sent to it is lost. */
static void
in_on_lost(void *owner, int err)
{
	struct endpoint_exec *e = owner;

	e->in_broken = true;
	if (!tell_short(e, err))
		e->ops->on_input_drain(e->owner);
}

static void
in_on_drain(void *owner)
{
	struct endpoint_exec *e = owner;

	e->ops->on_input_drain(e->owner);
}

static const struct stream_ops in_ops = {
	.on_end = in_on_end,
	.on_lost = in_on_lost,
	.on_drain = in_on_drain,
};

static void
out_on_read(void *owner, uint8_t *data, size_t len)
{
	struct endpoint_exec *e = owner;

	e->ops->on_output(e->owner, data, len);
}

static void
out_on_end(void *owner)
{
	struct endpoint_exec *e = owner;

	if (e->out_ended)
		return;
	e->out_ended = true;
	e->ops->on_output_end(e->owner);
}

static void
out_on_lost(void *owner, int err)
{
	if (!tell_short(owner, err))
		out_on_end(owner);
}

static const struct stream_ops out_ops = {
	.on_read = out_on_read,
	.on_end = out_on_end,
	.on_lost = out_on_lost,
};

static void
give_line(struct endpoint_exec *e)
{
	e->ops->on_stderr(e->owner, e->line.data, e->line.len);
	buf_clear(&e->line);
}

/* Up to the next end of line, or as much as a line may have. */
static size_t
take_line(struct endpoint_exec *e, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - data);
	size_t room = ENDPOINT_STDERR_LINE - e->line.len;

	if (n > room) {
		(void)buf_add(&e->line, data, room);
		give_line(e);
		return room;
	}
	if (end != NULL && e->line.len == 0) {
		e->ops->on_stderr(e->owner, data, n);
		return n + 1;
	}
	(void)buf_add(&e->line, data, n);
	if (end == NULL)
		return n;
	give_line(e);
	return n + 1;
}

static void
end_batch(struct endpoint_exec *e)
{
	if (e->ops->on_stderr_batch != NULL)
		e->ops->on_stderr_batch(e->owner);
}

static void
err_on_read(void *owner, uint8_t *data, size_t len)
{
	struct endpoint_exec *e = owner;
	size_t at = 0;

	for (int n = 0; at < len && (n < LINES_PER_TURN || e->last); n++)
		at += take_line(e, data + at, len - at);
	stream_put_back(e->err, data + at, len - at);
	end_batch(e);
}

static void
err_on_end(void *owner)
{
	struct endpoint_exec *e = owner;

	e->err_ended = true;
	if (e->line.len > 0)
		give_line(e);
	end_batch(e);
}

static void
err_on_lost(void *owner, int err)
{
	if (!tell_short(owner, err))
		err_on_end(owner);
}

static const struct stream_ops err_ops = {
	.on_read = err_on_read,
	.on_end = err_on_end,
	.on_lost = err_on_lost,
};

void
endpoint_exec_init(struct endpoint_exec *e, struct flow *flow, const int fd[3],
    pid_t pid, uint64_t max_pipe, const struct endpoint_ops *ops, void *owner)
{
	*e = (struct endpoint_exec){
		.in = stream_new(flow, STREAM_SINK, fd[0], max_pipe),
		.out = stream_new(flow, STREAM_SOURCE, fd[1], max_pipe),
		.ops = ops,
		.owner = owner,
		.pid = pid,
		.err_ended = fd[2] == -1,
	};
	buf_init(&e->line, ENDPOINT_STDERR_LINE);
	stream_set_owner(e->in, &in_ops, e);
	stream_set_owner(e->out, &out_ops, e);
	if (fd[2] == -1)
		return;
	e->err = stream_new(flow, STREAM_SOURCE, fd[2], 0);
	stream_set_owner(e->err, &err_ops, e);
	stream_read_little(e->err, ERR_READ);
}

void
endpoint_exec_clear(struct endpoint_exec *e)
{
	close_stream(&e->in);
	close_stream(&e->out);
	close_stream(&e->err);
	buf_clear(&e->line);
}

struct stream *
endpoint_exec_input(struct endpoint_exec *e)
{
	return e->in_broken ? NULL : e->in;
}

void
endpoint_exec_end_input(struct endpoint_exec *e)
{
	if (e->in != NULL)
		stream_end(e->in);
}

bool
endpoint_exec_full(const struct endpoint_exec *e)
{
	return e->in != NULL && !e->in_broken && stream_queued(e->in) > 0;
}

void
endpoint_exec_pause(struct endpoint_exec *e)
{
	if (e->out != NULL)
		stream_pause(e->out);
}

void
endpoint_exec_resume(struct endpoint_exec *e)
{
	if (e->out != NULL && !e->out_ended)
		stream_resume(e->out);
}

void
endpoint_exec_read_output(struct endpoint_exec *e)
{
	if (e->out != NULL && !e->out_ended)
		stream_read_now(e->out);
}

void
endpoint_exec_put_back(struct endpoint_exec *e, const uint8_t *data, size_t len)
{
	stream_put_back(e->out, data, len);
}

void
endpoint_exec_read_stderr(struct endpoint_exec *e)
{
	if (e->err != NULL)
		stream_resume(e->err);
}

void
endpoint_exec_close_output(struct endpoint_exec *e)
{
	e->out_ended = true;
	close_stream(&e->out);
}

void
endpoint_exec_exited(struct endpoint_exec *e, struct ended ended)
{
	e->exited = true;
	e->ended = ended;
}

void
endpoint_exec_put_end(const struct endpoint_exec *e, char out[ENDED_BRIEF])
{
	if (e->exited)
		ended_put_brief(e->ended, out);
	else
		(void)str_copy(out, ENDED_BRIEF, "running");
}

/* What a pipe holds is all that there can be, so nothing is put off any more. */
void
endpoint_exec_finish(struct endpoint_exec *e)
{
	e->last = true;
	for (int i = 0; i < LAST_READS && !e->err_ended; i++)
		if (!stream_read_last(e->err))
			break;
	if (e->line.len > 0)
		give_line(e);
	end_batch(e);
}
