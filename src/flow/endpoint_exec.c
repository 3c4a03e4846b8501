#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "flow/deadlines.h"
#include "flow/endpoint_exec.h"
#include "flow/flow.h"
#include "flow/stream.h"

enum {
	ERR_READ = 4096,     /* bytes of stderr in a turn */
	LINES_PER_TURN = 64, /* of those */
	LAST_READS = 18,     /* of stderr, at the end: a full pipe and a rest */
};

/* Few programs leave their output to others: most never need it. */
struct endpoint_linger {
	struct deadlines deadlines;
	uint64_t due[1];
};

static struct endpoint_exec *
exec_of(struct endpoint *e)
{
	return container_of(e, struct endpoint_exec, endpoint);
}

static void
close_stream(struct stream **s)
{
	stream_free(*s);
	*s = NULL;
}

static void
check_over(struct endpoint_exec *x)
{
	struct endpoint *e = &x->endpoint;

	if (x->abandoned || (e->exited && e->out_ended))
		endpoint_set_over(e);
}

/* Whether it was our side of a pipe that could not go on. */
static bool
tell_short(struct endpoint *e, int err)
{
	const char *why = stream_strshort(err);

	if (why != NULL)
		e->ops->on_short(e->owner, why);
	return why != NULL;
}

/* ------------------------------------------------- its input */

/* The program has closed its standard input: what is sent to it is lost. */
static void
to_on_lost(void *owner, int err)
{
	struct endpoint *e = owner;

	e->in = NULL;
	if (!tell_short(e, err))
		e->ops->on_input_drain(e->owner);
}

static void
to_on_drain(void *owner)
{
	struct endpoint *e = owner;

	e->ops->on_input_drain(e->owner);
}

static const struct stream_ops to_ops = {
	.on_lost = to_on_lost,
	.on_drain = to_on_drain,
};

static void
exec_end_input(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	if (x->to != NULL)
		stream_end(x->to);
}

/* ------------------------------------------------- its output */

static void
end_output(struct endpoint_exec *x)
{
	struct endpoint *e = &x->endpoint;

	if (e->out_ended)
		return;
	e->out_ended = true;
	e->ops->on_output_end(e->owner);
	check_over(x);
}

/*
 * The program ended long enough ago: what still holds its output is not it. While
 * its output is not wanted nobody can know.
 */
static void
exec_on_linger(void *owner, size_t which)
{
	struct endpoint_exec *x = owner;

	(void)which;
	if (x->paused || x->endpoint.out_ended)
		return;
	stream_read_now(x->from); /* we may be the late ones */
	if (x->endpoint.out_ended || deadlines_awaits(&x->linger->deadlines, 0))
		return;
	close_stream(&x->from);
	end_output(x);
}

static void
new_linger(struct endpoint_exec *x)
{
	static const struct deadlines_ops ops = { .on_due = exec_on_linger };

	x->linger = mem_new(1, sizeof(*x->linger));
	deadlines_init(&x->linger->deadlines, x->flow, x->linger->due,
	    nitems(x->linger->due), &ops, x);
}

/* Others may hold it, so long after the last byte. */
static void
await_output_end(struct endpoint_exec *x)
{
	const struct endpoint *e = &x->endpoint;

	if (!e->exited || e->out_ended || x->linger_ms == ENDPOINT_LINGERS)
		return;
	if (x->linger == NULL)
		new_linger(x);
	deadlines_set(&x->linger->deadlines, 0, x->linger_ms);
}

static void
from_on_read(void *owner, uint8_t *data, size_t len)
{
	struct endpoint *e = owner;

	e->ops->on_output(e->owner, data, len);
	await_output_end(exec_of(e));
}

static void
from_on_end(void *owner)
{
	end_output(exec_of(owner));
}

static void
from_on_lost(void *owner, int err)
{
	if (!tell_short(owner, err))
		from_on_end(owner);
}

static const struct stream_ops from_ops = {
	.on_read = from_on_read,
	.on_end = from_on_end,
	.on_lost = from_on_lost,
};

static void
exec_pause(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	x->paused = true;
	if (x->from != NULL)
		stream_pause(x->from);
}

static void
exec_resume(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	x->paused = false;
	if (e->out_ended)
		return;
	stream_resume(x->from);
	await_output_end(x);
}

static void
exec_put_back(struct endpoint *e, const uint8_t *data, size_t len)
{
	stream_put_back(exec_of(e)->from, data, len);
}

/* Who still writes gets SIGPIPE. */
static void
exec_close_output(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	close_stream(&x->from);
	e->out_ended = true;
	check_over(x);
}

/* ------------------------------------------------- its standard error */

static void
give(struct endpoint_exec *x, const uint8_t *line, size_t len)
{
	const struct endpoint *e = &x->endpoint;

	if (e->ops->on_stderr == NULL ||
	    !e->ops->on_stderr(e->owner, line, len))
		complaints_take(&x->complaints, &x->flow->complaints, &x->who,
		    line, len);
}

static void
give_line(struct endpoint_exec *x)
{
	give(x, x->line.data, x->line.len);
	buf_clear(&x->line);
}

/* Up to the next end of line, or as much as a line may have. */
static size_t
take_line(struct endpoint_exec *x, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - data);
	size_t room = ENDPOINT_STDERR_LINE - x->line.len;

	if (n > room) {
		(void)buf_add(&x->line, data, room);
		give_line(x);
		return room;
	}
	if (end != NULL && x->line.len == 0) {
		give(x, data, n);
		return n + 1;
	}
	(void)buf_add(&x->line, data, n);
	if (end == NULL)
		return n;
	give_line(x);
	return n + 1;
}

static void
end_batch(struct endpoint_exec *x)
{
	const struct endpoint *e = &x->endpoint;

	if (e->ops->on_stderr_batch != NULL)
		e->ops->on_stderr_batch(e->owner);
}

static void
err_on_read(void *owner, uint8_t *data, size_t len)
{
	struct endpoint_exec *x = owner;
	size_t at = 0;

	for (int n = 0; at < len && (n < LINES_PER_TURN || x->last); n++)
		at += take_line(x, data + at, len - at);
	stream_put_back(x->err, data + at, len - at);
	end_batch(x);
}

static void
err_on_end(void *owner)
{
	struct endpoint_exec *x = owner;

	x->err_ended = true;
	if (x->line.len > 0)
		give_line(x);
	end_batch(x);
}

static void
err_on_lost(void *owner, int err)
{
	struct endpoint_exec *x = owner;

	if (!tell_short(&x->endpoint, err))
		err_on_end(x);
}

static const struct stream_ops err_ops = {
	.on_read = err_on_read,
	.on_end = err_on_end,
	.on_lost = err_on_lost,
};

static void
exec_read_stderr(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	if (x->err != NULL)
		stream_resume(x->err);
}

/* What a pipe holds is all that there can be, so nothing is put off any more. */
static void
exec_read_last(struct endpoint *e)
{
	struct endpoint_exec *x = exec_of(e);

	x->last = true;
	for (int i = 0; i < LAST_READS && !x->err_ended; i++)
		if (!stream_read_last(x->err))
			break;
	if (x->line.len > 0)
		give_line(x);
	end_batch(x);
	complaints_end(&x->complaints, &x->who);
}

/* ------------------------------------------------- its end */

static void
exec_leave(struct endpoint *e, uint32_t ago)
{
	exec_of(e)->half->on_leave(e, ago);
}

static void
exec_signal(struct endpoint *e, int sig)
{
	exec_of(e)->half->on_signal(e, sig);
}

static struct log_field
exec_name(struct endpoint *e)
{
	return (struct log_field)LOG_INT("pid", exec_of(e)->who.pid);
}

static void
exec_free(struct endpoint *e)
{
	exec_of(e)->half->on_free(e);
}

void
endpoint_exec_exited(struct endpoint_exec *x, struct ended ended)
{
	x->endpoint.exited = true;
	x->endpoint.ended = ended;
	await_output_end(x);
	check_over(x);
}

void
endpoint_exec_abandon(struct endpoint_exec *x)
{
	x->abandoned = true;
	check_over(x);
}

/* ------------------------------------------------- its beginning */

static const struct endpoint_body body = {
	.end_input = exec_end_input,
	.pause = exec_pause,
	.resume = exec_resume,
	.put_back = exec_put_back,
	.close_output = exec_close_output,
	.read_stderr = exec_read_stderr,
	.read_last = exec_read_last,
	.leave = exec_leave,
	.signal = exec_signal,
	.name = exec_name,
	.free = exec_free,
};

void
endpoint_exec_init(struct endpoint_exec *x,
    const struct endpoint_exec_start *start)
{
	*x = (struct endpoint_exec){
		.endpoint = {
			.body = &body,
			.ops = start->ops,
			.owner = start->owner,
		},
		.half = start->half,
		.flow = start->flow,
		.who = { .level = start->level, .session = start->id },
		.linger_ms = start->linger_ms,
		.paused = true,
		.err_ended = true,
	};
	buf_init(&x->line, ENDPOINT_STDERR_LINE);
}

void
endpoint_exec_opened(struct endpoint_exec *x, pid_t pid, const int fd[3],
    uint64_t max_pipe)
{
	struct endpoint *e = &x->endpoint;

	x->who.pid = pid;
	x->to = e->in = stream_new(x->flow, STREAM_SINK, fd[0], max_pipe);
	x->from = stream_new(x->flow, STREAM_SOURCE, fd[1], max_pipe);
	stream_set_owner(x->to, &to_ops, e);
	stream_set_owner(x->from, &from_ops, e);
	x->err_ended = fd[2] == -1;
	if (!x->err_ended) {
		x->err = stream_new(x->flow, STREAM_SOURCE, fd[2], 0);
		stream_set_owner(x->err, &err_ops, x);
		stream_read_little(x->err, ERR_READ);
	}
	e->ops->on_open(e->owner);
}

void
endpoint_exec_clear(struct endpoint_exec *x)
{
	x->endpoint.in = NULL;
	complaints_end(&x->complaints, &x->who);
	if (x->linger != NULL)
		deadlines_clear(&x->linger->deadlines);
	free(x->linger);
	x->linger = NULL;
	close_stream(&x->to);
	close_stream(&x->from);
	close_stream(&x->err);
	buf_clear(&x->line);
}
