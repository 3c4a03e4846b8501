#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rate.h"
#include "base/str.h"
#include "codec/framing.h"
#include "codec/ws.h"
#include "conf/conf.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/input.h"
#include "flow/shared.h"
#include "flow/stream.h"

enum {
	SIGNAL_STEP_US = 100 * 1000, /* so often a client may send one */
	SIGNAL_BURST = 10,
	HELD_MAX = 64 * 1024, /* of a message; that much fits into a pipe */
	SMALL_MAX =
	    GATHER_COPY - FRAMING_HEAD_MAX - 1, /* with a tail behind it */
};

void
input_init(struct input *l, struct flow *flow, struct endpoint *endpoint,
    const struct conf_route *route, const struct input_ops *ops, void *owner)
{
	*l = (struct input){
		.flow = flow,
		.endpoint = endpoint,
		.route = route,
		.ops = ops,
		.owner = owner,
		.framing = &framing_kinds[route->framing],
	};
	l->bare = l->framing->head == NULL && l->framing->delimiter == -1;
	if (route->whole_messages || l->framing->whole) {
		l->held = mem_new(1, sizeof(*l->held));
		buf_init(&l->held->bytes,
		    l->framing->whole ? (size_t)route->max_message : HELD_MAX);
	}
}

void
input_clear(struct input *l)
{
	if (l->held != NULL)
		buf_clear(&l->held->bytes);
	free(l->held);
	l->held = NULL;
}

/* Whether there is still a program that reads. */
static bool
is_open(const struct input *l)
{
	return endpoint_input(l->endpoint) != NULL;
}

static attr_apart void
add_large(struct input *l, const struct piece *p)
{
	struct stream *in = endpoint_input(l->endpoint);
	struct gather *g = &l->flow->to_endpoint;
	uint8_t around[FRAMING_HEAD_MAX];

	gather_add(g, in, around, framing_head(around, l->framing, p));
	gather_add(g, in, p->data, p->len);
	gather_add(g, in, around, framing_tail(around, l->framing, p));
}

/* The same, put together in its place. */
static void
add_small(struct input *l, const struct piece *p)
{
	struct gather *g = &l->flow->to_endpoint;
	uint8_t *out = gather_reserve(g, endpoint_input(l->endpoint));
	size_t n = framing_head(out, l->framing, p);

	if (p->len > 0)
		memcpy(out + n, p->data, p->len);
	n += p->len;
	n += framing_tail(out + n, l->framing, p);
	if (n > 0)
		gather_commit(g, n);
}

/* A piece of a message, with what the framing puts around it. */
static void
add_message(struct input *l, const struct piece *p)
{
	if (l->bare)
		gather_add(&l->flow->to_endpoint, endpoint_input(l->endpoint),
		    p->data, p->len);
	else if (p->len <= SMALL_MAX)
		add_small(l, p);
	else
		add_large(l, p);
}

/* A large one that was gathered waits where it lies. */
static void
add_gathered(struct input *l, const struct piece *p)
{
	struct stream *in = endpoint_input(l->endpoint);
	struct gather *g = &l->flow->to_endpoint;
	uint8_t around[FRAMING_HEAD_MAX];
	struct shared *sh;

	gather_add(g, in, around, framing_head(around, l->framing, p));
	gather_flush(g);
	sh = shared_new(&l->held->bytes);
	stream_write_shared(in, sh);
	shared_drop(sh);
	gather_add(g, in, around, framing_tail(around, l->framing, p));
}

/*
 * Nothing of a message is passed before its end, but for one that is too long,
 * which there is none of where the framing wants it whole; and it leaves in a
 * write of its own.
 */
static void
hold_message(struct input *l, const struct piece *p)
{
	struct input_held *h = l->held;
	bool alone = h->passing || (p->last && h->bytes.len == 0);
	bool held = !alone && buf_add(&h->bytes, p->data, p->len);
	struct piece whole;

	if (held && !p->last)
		return;
	if (h->bytes.starved) {
		l->ops->on_refused(l->owner, WS_CLOSE_INTERNAL,
		    "out of memory");
		return;
	}
	gather_flush(&l->flow->to_endpoint);
	whole = piece_whole(p->text, h->bytes.data, h->bytes.len);
	whole.last = held;
	if (whole.len > HELD_MAX)
		add_gathered(l, &whole);
	else if (whole.len > 0)
		add_message(l, &whole);
	if (!held)
		add_message(l, p);
	gather_flush(&l->flow->to_endpoint);
	buf_clear(&h->bytes);
	h->passing = !p->last;
}

static bool
line_refused(const struct input *l, const struct piece *p)
{
	int end = l->framing->delimiter;

	return l->route->multiline == CONF_MULTILINE_REFUSE && end != -1 &&
	    p->len > 0 && memchr(p->data, end, p->len) != NULL;
}

void
input_take(struct input *l, const struct piece *p)
{
	if (!is_open(l))
		return;
	if (line_refused(l, p))
		l->ops->on_refused(l->owner, WS_CLOSE_UNSUPPORTED,
		    "a message may not hold the end of a record");
	else if (l->held != NULL)
		hold_message(l, p);
	else
		add_message(l, p);
}

void
input_take_bytes(struct input *l, const struct piece *p)
{
	if (!is_open(l))
		return;
	if (l->framing->typed)
		add_message(l, p);
	else
		gather_add(&l->flow->to_endpoint, endpoint_input(l->endpoint),
		    p->data, p->len);
}

static bool
may_signal(const struct input *l, const char *name)
{
	const struct conf_list *list = &l->route->client_signals;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

void
input_signal(struct input *l, const char *name)
{
	uint64_t now = clock_coarse_ms() * 1000;

	if (str_signal(name) == 0 || !may_signal(l, name) ||
	    rate_early(l->signals, now, SIGNAL_STEP_US, SIGNAL_BURST) > 0)
		return;
	l->signals = rate_count(l->signals, now, SIGNAL_STEP_US);
	endpoint_signal(l->endpoint, str_signal(name));
}

void
input_flush(struct input *l)
{
	gather_flush(&l->flow->to_endpoint);
}

void
input_end(struct input *l, const uint8_t *close, size_t len)
{
	struct stream *in = endpoint_input(l->endpoint);
	uint8_t head[FRAMING_HEAD_MAX];
	size_t n;

	if (in != NULL && close != NULL) {
		n = framing_close_head(head, l->framing, len);
		if (n > 0) {
			gather_add(&l->flow->to_endpoint, in, head, n);
			gather_add(&l->flow->to_endpoint, in, close, len);
		}
	}
	gather_flush(&l->flow->to_endpoint);
	endpoint_end_input(l->endpoint);
}
