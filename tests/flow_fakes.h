/*
 * A transport and an endpoint that are the test itself: it says what they bring,
 * and what they are asked for is noted, in the order in which it comes, as words
 * in heard.said.
 *
 *	transport   text"  ping  close 1000 why;  abort
 *	endpoint    eof  leave  leave-100  signal-2  closed  stderr  last-words
 *
 * Included once, after cmocka.h.
 */
#ifndef TESTS_FLOW_FAKES_H
#define TESTS_FLOW_FAKES_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "flow/endpoint.h"
#include "flow/stream.h"
#include "flow/transport.h"
#include "loop.h"

static struct {
	char said[8192];
	size_t n;
} heard;

static inline void hear(const char *format, ...) attr_printf(1, 2);

static inline void
hear(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(heard.said + heard.n, sizeof(heard.said) - heard.n,
	    format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(heard.said) - heard.n);
	heard.n += (size_t)n;
}

static inline void
hear_nothing(void)
{
	heard.n = 0;
	heard.said[0] = '\0';
}

/* What was heard since the last time. */
static inline void
assert_heard(const char *want)
{
	char said[sizeof(heard.said)];

	memcpy(said, heard.said, heard.n + 1);
	hear_nothing();
	assert_string_equal(said, want);
}

/* ------------------------------------------------- a transport */

struct fake_transport {
	struct transport base;
	size_t queued, unsent; /* the test's to say */
	bool paused, freed;
};

static inline struct fake_transport *
fake_of(struct transport *t)
{
	return container_of(t, struct fake_transport, base);
}

static inline void
fake_send(struct transport *t, const struct piece *p)
{
	if (t->state != TRANSPORT_OPEN && t->state != TRANSPORT_LEAVING)
		return;
	hear("%.*s%s", (int)p->len, (const char *)p->data,
	    p->last ? "\" " : "");
	t->in_message = !p->last;
}

static inline void
fake_send_after(struct transport *t, const void *before, size_t n,
    const struct piece *p)
{
	hear("%.*s", (int)n, (const char *)before);
	fake_send(t, p);
}

static inline void
fake_ping(struct transport *t, const uint8_t *data, size_t len)
{
	(void)t;
	hear("ping%.*s ", (int)len, (const char *)data);
}

static inline void
fake_flush(struct transport *t)
{
	(void)t;
}

static inline void
fake_close(struct transport *t, unsigned code, const char *reason, bool wait)
{
	bool leaving = t->state == TRANSPORT_LEAVING;

	hear("close %u %s%s; ", code, reason, wait ? "" : "!");
	t->state = wait && !leaving ? TRANSPORT_CLOSING : TRANSPORT_CLOSED;
}

static inline void
fake_gone(struct transport *t)
{
	if (t->state == TRANSPORT_GONE)
		return;
	t->state = TRANSPORT_GONE;
	t->ops->on_gone(t->owner);
}

static inline void
fake_abort(struct transport *t)
{
	hear("abort ");
	fake_gone(t);
}

static inline void
fake_pause(struct transport *t)
{
	fake_of(t)->paused = true;
}

static inline void
fake_resume(struct transport *t)
{
	fake_of(t)->paused = false;
}

static inline size_t
fake_queued(const struct transport *t)
{
	return ((const struct fake_transport *)t)->queued;
}

static inline size_t
fake_unsent(const struct transport *t)
{
	return ((const struct fake_transport *)t)->unsent;
}

static inline size_t
fake_put_fields(const struct transport *t, struct log_field *fields)
{
	(void)t;
	(void)fields;
	return 0;
}

static inline void
fake_free(struct transport *t)
{
	assert_false(fake_of(t)->freed);
	fake_of(t)->freed = true;
}

static const struct transport_body fake_body = {
	.send = fake_send,
	.send_after = fake_send_after,
	.ping = fake_ping,
	.flush = fake_flush,
	.close = fake_close,
	.abort = fake_abort,
	.pause = fake_pause,
	.resume = fake_resume,
	.queued = fake_queued,
	.unsent = fake_unsent,
	.put_fields = fake_put_fields,
	.free = fake_free,
};

static inline struct transport *
fake_transport_init(struct fake_transport *t)
{
	*t = (struct fake_transport){
		.base = { .body = &fake_body, .heard = loop_clock() },
		.paused = true,
	};
	return &t->base;
}

/* ------------------------------------------------- what it brings */

static inline void
peer_says(struct fake_transport *t, const char *text)
{
	struct piece p = piece_whole(true, text, strlen(text));

	t->base.heard = loop_clock();
	t->base.ops->on_data(t->base.owner, &p);
	t->base.ops->on_batch(t->base.owner);
}

static inline void
peer_closes(struct fake_transport *t, unsigned code, const char *reason)
{
	if (t->base.state == TRANSPORT_CLOSING) {
		t->base.state = TRANSPORT_CLOSED;
		return;
	}
	if (t->base.state != TRANSPORT_OPEN)
		return;
	t->base.state = TRANSPORT_LEAVING;
	t->base.ops->on_close(t->base.owner, code, (const uint8_t *)reason,
	    strlen(reason));
}

static inline void
peer_breaks_rules(struct fake_transport *t, const char *reason)
{
	if (t->base.state == TRANSPORT_OPEN ||
	    t->base.state == TRANSPORT_CLOSING)
		t->base.ops->on_fault(t->base.owner, 1002, reason);
}

static inline void
peer_drains(struct fake_transport *t)
{
	t->queued = 0;
	t->base.ops->on_drain(t->base.owner);
}

/* ------------------------------------------------- an endpoint */

/* Its input is a pipe, of which the test has the other end. */
struct fake_endpoint {
	struct endpoint base;
	int input;
	bool paused, freed;
};

static inline struct fake_endpoint *
fake_endpoint_of(struct endpoint *e)
{
	return container_of(e, struct fake_endpoint, base);
}

static inline void
fake_end_input(struct endpoint *e)
{
	hear("eof ");
	stream_end(e->in);
}

static inline void
fake_pause_output(struct endpoint *e)
{
	fake_endpoint_of(e)->paused = true;
}

static inline void
fake_resume_output(struct endpoint *e)
{
	fake_endpoint_of(e)->paused = false;
}

static inline void
fake_put_back(struct endpoint *e, const uint8_t *data, size_t len)
{
	(void)e;
	hear("back:%.*s ", (int)len, (const char *)data);
}

static inline void
check_program_over(struct fake_endpoint *e)
{
	if (e->base.out_ended && e->base.exited)
		endpoint_set_over(&e->base);
}

static inline void
program_ends_output(struct fake_endpoint *e)
{
	if (e->base.out_ended)
		return;
	e->base.out_ended = true;
	e->base.ops->on_output_end(e->base.owner);
	check_program_over(e);
}

static inline void
fake_close_output(struct endpoint *e)
{
	if (e->out_ended)
		return;
	hear("closed ");
	program_ends_output(fake_endpoint_of(e));
}

static inline void
fake_read_stderr(struct endpoint *e)
{
	(void)e;
	hear("stderr ");
}

static inline void
fake_read_last(struct endpoint *e)
{
	(void)e;
	hear("last-words ");
}

static inline void
fake_leave(struct endpoint *e, uint32_t ago)
{
	(void)e;
	hear(ago == 0 ? "leave " : "leave-%u ", (unsigned)ago);
}

static inline void
fake_signal(struct endpoint *e, int sig)
{
	(void)e;
	hear("signal-%d ", sig);
}

static inline struct log_field
fake_name(struct endpoint *e)
{
	(void)e;
	return (struct log_field)LOG_INT("fake", 1);
}

static inline void
fake_endpoint_free(struct endpoint *e)
{
	assert_false(fake_endpoint_of(e)->freed);
	fake_endpoint_of(e)->freed = true;
	stream_free(e->in);
	e->in = NULL;
}

static const struct endpoint_body fake_endpoint_body = {
	.end_input = fake_end_input,
	.pause = fake_pause_output,
	.resume = fake_resume_output,
	.put_back = fake_put_back,
	.close_output = fake_close_output,
	.read_stderr = fake_read_stderr,
	.read_last = fake_read_last,
	.leave = fake_leave,
	.signal = fake_signal,
	.name = fake_name,
	.free = fake_endpoint_free,
};

static inline void
fake_input_lost(void *owner, int err)
{
	struct fake_endpoint *e = owner;

	(void)err;
	e->base.in = NULL;
	e->base.ops->on_input_drain(e->base.owner);
}

static inline void
fake_input_drained(void *owner)
{
	struct fake_endpoint *e = owner;

	e->base.ops->on_input_drain(e->base.owner);
}

static const struct stream_ops fake_input_ops = {
	.on_lost = fake_input_lost,
	.on_drain = fake_input_drained,
};

static inline struct endpoint *
fake_endpoint_init(struct fake_endpoint *e, struct flow *flow)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	*e = (struct fake_endpoint){
		.base = { .body = &fake_endpoint_body },
		.input = ends[0],
		.paused = true,
	};
	e->base.in = stream_new(flow, STREAM_SINK, ends[1], 0);
	stream_set_owner(e->base.in, &fake_input_ops, e);
	return &e->base;
}

/* ------------------------------------------------- what it does */

static inline void
program_prints(struct fake_endpoint *e, const char *text)
{
	e->base.ops->on_output(e->base.owner, (const uint8_t *)text,
	    strlen(text));
}

/* True: the log shall not have it. */
static inline bool
program_complains(struct fake_endpoint *e, const char *line)
{
	bool taken = e->base.ops->on_stderr(e->base.owner,
	    (const uint8_t *)line, strlen(line));

	e->base.ops->on_stderr_batch(e->base.owner);
	return taken;
}

static inline void
program_exits(struct fake_endpoint *e, uint8_t status)
{
	e->base.ended = (struct ended){ .status = status };
	e->base.exited = true;
	check_program_over(e);
}

/* What the program can read. */
static inline void
assert_input(struct fake_endpoint *e, const char *want)
{
	char got[256] = "";

	(void)!read(e->input, got, sizeof(got) - 1);
	assert_string_equal(got, want);
}

#endif
