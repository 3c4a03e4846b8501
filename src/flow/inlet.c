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
#include "flow/inlet.h"

enum {
	SIGNAL_STEP_US = 100 * 1000, /* so often a client may send one */
	SIGNAL_BURST = 10,
	HELD_MAX = 64 * 1024, /* of a message; that much fits into a pipe */
	SMALL_MAX =
	    GATHER_COPY - FRAMING_HEAD_MAX - 1, /* with a tail behind it */
};

void
inlet_init(struct inlet *l, struct flow *flow, struct endpoint *endpoint,
    const struct conf_route *route, bool v1, const struct inlet_ops *ops,
    void *owner)
{
	*l = (struct inlet){
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
	if (!v1)
		return;
	l->v1 = mem_new(1, sizeof(*l->v1));
	v1_reader_init(l->v1);
}

void
inlet_clear(struct inlet *l)
{
	if (l->held != NULL)
		buf_clear(&l->held->bytes);
	free(l->held);
	l->held = NULL;
	free(l->v1);
	l->v1 = NULL;
}

/* Whether there is still a program that reads. */
static bool
is_open(const struct inlet *l)
{
	return !l->ended && endpoint_input(l->endpoint) != NULL;
}

static attr_apart void
add_large(struct inlet *l, const struct piece *p)
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
add_small(struct inlet *l, const struct piece *p)
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
add_message(struct inlet *l, const struct piece *p)
{
	if (l->bare)
		gather_add(&l->flow->to_endpoint, endpoint_input(l->endpoint),
		    p->data, p->len);
	else if (p->len <= SMALL_MAX)
		add_small(l, p);
	else
		add_large(l, p);
}

/*
 * Nothing of a message is passed before its end, but for one that is too long,
 * which there is none of where the framing wants it whole; and it leaves in a
 * write of its own.
 */
static void
hold_message(struct inlet *l, const struct piece *p)
{
	struct inlet_held *h = l->held;
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
	if (whole.len > 0)
		add_message(l, &whole);
	if (!held)
		add_message(l, p);
	gather_flush(&l->flow->to_endpoint);
	buf_clear(&h->bytes);
	h->passing = !p->last;
}

static bool
line_refused(const struct inlet *l, const struct piece *p)
{
	int end = l->framing->delimiter;

	return l->route->multiline == CONF_MULTILINE_REFUSE && end != -1 &&
	    p->len > 0 && memchr(p->data, end, p->len) != NULL;
}

static void
take_message(struct inlet *l, const struct piece *p)
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

/* ------------------------------------------------- standpipe.v1 */

/* Bytes are the program's as they are, where records have no types. */
static void
take_bytes(struct inlet *l, const struct piece *p)
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
may_signal(const struct inlet *l, const char *name)
{
	const struct conf_list *list = &l->route->client_signals;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

/* What the route does not allow was said in HELLO; what is too much is lost. */
static void
take_signal(struct inlet *l, const struct v1_event *ev)
{
	uint64_t now = clock_coarse_ms() * 1000;
	char name[V1_SIGNAL_MAX + 1];

	v1_read_signal(ev, name);
	if (str_signal(name) == 0 || !may_signal(l, name) ||
	    rate_early(l->signals, now, SIGNAL_STEP_US, SIGNAL_BURST) > 0)
		return;
	l->signals = rate_count(l->signals, now, SIGNAL_STEP_US);
	l->ops->on_signal(l->owner, str_signal(name));
}

static void
handle(struct inlet *l, const struct v1_event *ev)
{
	switch (ev->type) {
	case V1_BYTES:
		take_bytes(l, &ev->piece);
		break;
	case V1_TEXT:
	case V1_BINARY:
		take_message(l, &ev->piece);
		break;
	case V1_END:
		l->ops->on_end(l->owner);
		break;
	case V1_SIGNAL:
		take_signal(l, ev);
		break;
	default: /* a window is for terminals; the others are not a client's */
		break;
	}
}

static void
take_v1(struct inlet *l, const struct piece *p)
{
	struct v1_event ev;
	enum v1_result rc = v1_read(l->v1, p, &ev);

	if (rc < 0)
		l->ops->on_refused(l->owner, v1_close_code(rc),
		    v1_strresult(rc));
	else if (rc != V1_NOTHING)
		handle(l, &ev);
}

/* ------------------------------------------------- from the session */

void
inlet_take(struct inlet *l, const struct piece *p)
{
	if (l->v1 != NULL)
		take_v1(l, p);
	else
		take_message(l, p);
}

void
inlet_flush(struct inlet *l)
{
	gather_flush(&l->flow->to_endpoint);
}

void
inlet_end(struct inlet *l, const uint8_t *close, size_t len)
{
	struct stream *in = endpoint_input(l->endpoint);
	uint8_t head[FRAMING_HEAD_MAX];
	size_t n;

	if (l->ended)
		return;
	l->ended = true;
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
