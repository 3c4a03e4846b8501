#include <sys/uio.h>

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "flow/deflate.h"
#include "flow/flow.h"
#include "flow/stream.h"
#include "flow/transport.h"
#include "flow/transport_ws.h"

/* What is done for one peer before others get theirs. */
enum {
	PIECES_PER_TURN = 8, /* that are inflated */
	FRAMES_PER_TURN = 512,
};

struct transport_ws {
	struct transport base;
	struct flow *flow;     /* kept */
	struct stream *stream; /* owned */
	uint8_t *pong;         /* owned: the latest ping unanswered */
	uint8_t pong_len;
	bool deaf;               /* what comes is dropped unread */
	bool paused;             /* by the owner */
	bool peer_ended;         /* the peer has shut its side */
	bool bare;               /* what we say is not masked or compressed */
	struct deflate *deflate; /* owned; NULL: nothing is compressed */
	struct ws_reader reader;
};

static const char *const state_names[] = {
	[TRANSPORT_OPEN] = "open",
	[TRANSPORT_CLOSING] = "closing",
	[TRANSPORT_LEAVING] = "leaving",
	[TRANSPORT_CLOSED] = "closed",
	[TRANSPORT_GONE] = "gone",
};

static struct transport_ws *
ws_of(struct transport *base)
{
	return container_of(base, struct transport_ws, base);
}

static const struct transport_ws *
const_ws_of(const struct transport *base)
{
	return (const void *)base; /* its first member */
}

static bool
is_server(const struct transport_ws *t)
{
	return t->reader.role == WS_SERVER;
}

static void
set_state(struct transport_ws *t, enum transport_state next)
{
	static const unsigned allowed[] = {
		[TRANSPORT_OPEN] = 1 << TRANSPORT_CLOSING |
		    1 << TRANSPORT_LEAVING | 1 << TRANSPORT_CLOSED |
		    1 << TRANSPORT_GONE,
		[TRANSPORT_CLOSING] =
		    1 << TRANSPORT_CLOSED | 1 << TRANSPORT_GONE,
		[TRANSPORT_LEAVING] =
		    1 << TRANSPORT_CLOSED | 1 << TRANSPORT_GONE,
		[TRANSPORT_CLOSED] = 1 << TRANSPORT_GONE,
		[TRANSPORT_GONE] = 0,
	};

	if (!(allowed[t->base.state] & 1u << next))
		bug("transport: %s -> %s", state_names[t->base.state],
		    state_names[next]);
	t->base.state = (uint8_t)next;
	if (next == TRANSPORT_CLOSED) {
		if (is_server(t))
			stream_end(t->stream);
		stream_resume(t->stream); /* the peer's end must be read */
	}
}

/* Whether data frames still go out. */
static bool
may_send(const struct transport_ws *t)
{
	return t->base.state == TRANSPORT_OPEN ||
	    t->base.state == TRANSPORT_LEAVING;
}

/* What a client sends is masked, on its way into the gather. */
static unsigned
add_masked(struct transport_ws *t, const struct iovec *v, const uint8_t *key,
    unsigned at)
{
	const uint8_t *data = v->iov_base;
	size_t left = v->iov_len, n;

	for (; left > 0; data += n, left -= n) {
		uint8_t *p = gather_reserve(&t->flow->to_peer, t->stream);

		n = gather_left(&t->flow->to_peer);
		if (n > left)
			n = left;
		memcpy(p, data, n);
		at = ws_mask(p, n, key, at);
		gather_commit(&t->flow->to_peer, n);
	}
	return at;
}

/* What a frame is besides its payload. */
struct frame {
	enum ws_opcode op;
	bool fin;
	bool deflated; /* begins a message that is */
	size_t len;    /* of the payload */
};

static void
send_frame(struct transport_ws *t, struct frame f, const struct iovec *v,
    size_t n)
{
	bool masks = !is_server(t);
	uint8_t head[WS_HEAD_MAX], key[4];
	unsigned at = 0;
	size_t head_len;

	if (masks)
		random_bytes(key, sizeof(key));
	head_len = ws_put_head(head, f.op, f.fin, f.len, masks ? key : NULL);
	if (f.deflated)
		head[0] |= WS_DEFLATED;
	gather_add(&t->flow->to_peer, t->stream, head, head_len);
	for (size_t i = 0; i < n; i++)
		if (masks)
			at = add_masked(t, &v[i], key, at);
		else
			gather_add(&t->flow->to_peer, t->stream, v[i].iov_base,
			    v[i].iov_len);
}

static void
send_control(struct transport_ws *t, enum ws_opcode op, const uint8_t *data,
    size_t len)
{
	struct frame f = { .op = op, .fin = true, .len = len };
	struct iovec v = { (void *)(uintptr_t)data, len };

	send_frame(t, f, &v, 1);
}

static void
send_data(struct transport_ws *t, struct frame f, const struct iovec *v,
    size_t n)
{
	if (t->deflate != NULL)
		t->deflate->sent += f.len;
	send_frame(t, f, v, n);
}

/* All that was deflated so far is on its way, whoever it is for. */
static void
flush_deflated(struct transport_ws *t)
{
	gather_flush(&t->flow->to_peer);
	deflate_written(t->deflate);
}

/* A large piece leaves in several frames. */
static void
send_deflated(struct transport_ws *t, struct frame f, const struct iovec *v,
    size_t n)
{
	struct deflate *d = t->deflate;
	struct deflate_job job;
	struct iovec out;
	bool last = f.fin;

	deflate_begin(d, &job, v, f.len, last);
	if (t->flow->to_peer.to == NULL)
		deflate_written(d);
	f.deflated = f.op != WS_OP_CONTINUATION;
	do {
		while (!deflate_next(d, &job, &out))
			flush_deflated(t);
		f.fin = last && job.left == 0;
		if (f.deflated && deflate_take_back(d, &job)) {
			f.deflated = false;
			send_data(t, f, v, n);
			return;
		}
		f.len = out.iov_len;
		send_data(t, f, &out, 1);
		f.op = WS_OP_CONTINUATION;
		f.deflated = false;
	} while (job.left > 0);
}

static enum ws_opcode
next_opcode(const struct transport_ws *t, bool text)
{
	return t->base.in_message ? WS_OP_CONTINUATION
	    : text                ? WS_OP_TEXT
				  : WS_OP_BINARY;
}

static attr_apart void
transport_ws_send_after(struct transport *base, const void *before,
    size_t before_len, const struct piece *p)
{
	struct transport_ws *t = ws_of(base);
	struct iovec v[2] = {
		{ (void *)(uintptr_t)before, before_len },
		{ (void *)(uintptr_t)p->data, p->len },
	};
	struct frame f = {
		.op = next_opcode(t, p->text),
		.fin = p->last,
		.len = before_len + p->len,
	};

	if (!may_send(t))
		return;
	if (t->deflate != NULL &&
	    deflate_wants(t->deflate, !t->base.in_message, p->last, f.len))
		send_deflated(t, f, v, nitems(v));
	else
		send_data(t, f, v, nitems(v));
	t->base.in_message = !p->last;
}

/* Neither masked nor compressed: a small one is put together in its place. */
static void
send_bare(struct transport_ws *t, const struct piece *piece)
{
	enum ws_opcode op = next_opcode(t, piece->text);
	struct gather *g = &t->flow->to_peer;
	uint8_t *p = gather_reserve(g, t->stream);
	size_t n = ws_put_head(p, op, piece->last, piece->len, NULL);

	if (n + piece->len <= GATHER_COPY) {
		if (piece->len > 0)
			memcpy(p + n, piece->data, piece->len);
		gather_commit(g, n + piece->len);
	} else {
		gather_commit(g, n);
		gather_add(g, t->stream, piece->data, piece->len);
	}
}

static void
transport_ws_send(struct transport *base, const struct piece *p)
{
	struct transport_ws *t = ws_of(base);

	if (!t->bare) {
		transport_ws_send_after(base, NULL, 0, p);
	} else if (may_send(t)) {
		send_bare(t, p);
		t->base.in_message = !p->last;
	}
}

static void
transport_ws_ping(struct transport *base, const uint8_t *data, size_t len)
{
	struct transport_ws *t = ws_of(base);

	if (may_send(t))
		send_control(t, WS_OP_PING, data, len);
}

static void
flush(struct transport_ws *t)
{
	if (t->flow->to_peer.to == t->stream)
		gather_flush(&t->flow->to_peer);
}

static void
transport_ws_flush(struct transport *base)
{
	flush(ws_of(base));
}

static void
gone(struct transport_ws *t)
{
	if (t->base.state == TRANSPORT_GONE)
		return;
	set_state(t, TRANSPORT_GONE);
	t->deaf = true;
	stream_pause(t->stream);
	t->base.ops->on_gone(t->base.owner);
}

/* Everything was said and written, and the peer has shut its side. */
static void
check_gone(struct transport_ws *t)
{
	bool ended = is_server(t) ? stream_ended(t->stream)
				  : stream_queued(t->stream) == 0;

	if (t->base.state == TRANSPORT_CLOSED && t->peer_ended && ended)
		gone(t);
}

static void transport_ws_resume(struct transport *);

static void
transport_ws_close(struct transport *base, unsigned code, const char *reason,
    bool wait)
{
	struct transport_ws *t = ws_of(base);
	uint8_t payload[WS_CONTROL_MAX];

	if (!may_send(t))
		return;
	send_control(t, WS_OP_CLOSE, payload,
	    ws_put_close(payload, code, reason));
	t->deaf |= !wait;
	if (t->base.state == TRANSPORT_LEAVING || !wait) {
		if (is_server(t))
			gather_flush_last(&t->flow->to_peer);
		else
			flush(t);
		set_state(t, TRANSPORT_CLOSED);
	} else {
		flush(t);
		set_state(t, TRANSPORT_CLOSING);
	}
	transport_ws_resume(base);
	check_gone(t);
}

static void
transport_ws_abort(struct transport *base)
{
	gone(ws_of(base));
}

/*
 * Pongs go out in order while the client reads. While it does not, only the
 * latest ping is remembered: a flood of them costs 125 bytes.
 */
static void
answer_ping(struct transport_ws *t, const uint8_t *data, size_t len)
{
	if (!may_send(t))
		return;
	if (stream_queued(t->stream) == 0) {
		send_control(t, WS_OP_PONG, data, len);
		return;
	}
	if (t->pong == NULL)
		t->pong = mem_new(1, WS_CONTROL_MAX);
	memcpy(t->pong, data, len);
	t->pong_len = (uint8_t)len;
}

static void
send_late_pong(struct transport_ws *t)
{
	if (t->pong == NULL)
		return;
	if (may_send(t))
		send_control(t, WS_OP_PONG, t->pong, t->pong_len);
	flush(t);
	free(t->pong);
	t->pong = NULL;
}

static void
fault(struct transport_ws *t, enum ws_result rc)
{
	t->deaf = true;
	t->base.ops->on_fault(t->base.owner, ws_close_code(rc),
	    ws_strresult(rc));
}

static void
handle_close(struct transport_ws *t, const struct ws_event *ev)
{
	const uint8_t *reason;
	size_t reason_len;
	unsigned code;
	enum ws_result rc = ws_read_close(ev->piece.data, ev->piece.len, &code,
	    &reason, &reason_len);

	t->deaf = true; /* nothing may follow a Close */
	if (t->base.state == TRANSPORT_CLOSING) {
		set_state(t, TRANSPORT_CLOSED);
		check_gone(t);
		return;
	}
	if (rc < 0) {
		fault(t, rc);
		return;
	}
	set_state(t, TRANSPORT_LEAVING);
	t->base.ops->on_close(t->base.owner, code, reason, reason_len);
}

/* A client that has said Close still takes what the server had to say. */
static bool
may_receive(const struct transport_ws *t)
{
	return t->base.state == TRANSPORT_OPEN ||
	    (t->base.state == TRANSPORT_CLOSING && !is_server(t));
}

static void
handle_control(struct transport_ws *t, const struct ws_event *ev)
{
	if (ev->opcode == WS_OP_PING)
		answer_ping(t, ev->piece.data, ev->piece.len);
	else if (ev->opcode == WS_OP_CLOSE)
		handle_close(t, ev);
	else if (t->base.ops->on_pong != NULL &&
	    t->base.state != TRANSPORT_CLOSED)
		t->base.ops->on_pong(t->base.owner, ev->piece.data,
		    ev->piece.len);
}

/* The rest of a piece waits, with what is behind it: for the owner, or a turn. */
static enum ws_result
put_off(struct transport_ws *t, const struct piece *rest, size_t *behind)
{
	if (!deflate_hold(t->deflate, rest, *behind))
		return WS_ERR_MEMORY;
	*behind = 0;
	stream_pause(t->stream);
	if (!t->paused)
		later_in_turn(&t->deflate->turn);
	return WS_MORE;
}

/*
 * A piece of a message, inflated, as long as the owner does not pause us and
 * others do not wait: a few bytes may be a long work.
 */
static enum ws_result
take_deflated(struct transport_ws *t, struct piece *in, size_t *behind)
{
	struct deflate *d = t->deflate;
	enum ws_result rc = WS_DATA;
	struct piece out;

	while (rc == WS_DATA && may_receive(t) && !t->deaf) {
		if (t->paused || d->pieces == PIECES_PER_TURN)
			return put_off(t, in, behind);
		rc = deflate_read(d, &t->reader, in, &out);
		if (rc >= 0 && (out.len > 0 || out.last))
			t->base.ops->on_data(t->base.owner, &out);
		if (rc == WS_DATA) {
			t->base.ops->on_batch(t->base.owner);
			deflate_passed(d);
			d->pieces++;
		}
	}
	return rc;
}

static enum ws_result
take_data(struct transport_ws *t, struct ws_event *ev, size_t *behind)
{
	if (!may_receive(t))
		return WS_MORE;
	if (t->deflate != NULL)
		t->deflate->received += ev->piece.len;
	if (ev->deflated)
		return take_deflated(t, &ev->piece, behind);
	t->base.ops->on_data(t->base.owner, &ev->piece);
	return WS_DATA;
}

static void
take_frames(struct transport_ws *t, uint8_t *data, size_t len)
{
	struct ws_event ev;
	enum ws_result rc;
	size_t used;

	for (int n = 0; len > 0 && !t->deaf; n++) {
		if (n == FRAMES_PER_TURN) {
			stream_put_back(t->stream, data, len);
			break;
		}
		rc = ws_read(&t->reader, data, len, &used, &ev);
		data += used;
		len -= used;
		if (rc == WS_DATA)
			rc = take_data(t, &ev, &len);
		else if (rc == WS_CONTROL)
			handle_control(t, &ev);
		if (rc < 0)
			fault(t, rc);
	}
	flush(t);
	t->base.ops->on_batch(t->base.owner);
}

static void
begin_turn(struct deflate *d)
{
	deflate_passed(d);
	d->pieces = 0;
}

void
transport_ws_feed(struct transport *base, uint8_t *data, size_t len)
{
	struct transport_ws *t = ws_of(base);

	t->base.heard = clock_coarse_ms();
	if (t->deflate != NULL)
		begin_turn(t->deflate);
	take_frames(t, data, len);
}

/* Whether there is something of a message that was put off. */
static bool
is_waiting(const struct transport_ws *t)
{
	return t->deflate != NULL && t->deflate->waits;
}

/* On with what had to wait; it may have to wait again. */
static void
take_held(struct transport_ws *t)
{
	struct piece rest;
	size_t behind;
	struct buf held = deflate_release(t->deflate, &rest, &behind);
	enum ws_result rc;

	begin_turn(t->deflate);
	rc = take_deflated(t, &rest, &behind);
	if (rc < 0)
		fault(t, rc);
	take_frames(t, held.data + held.len - behind, behind);
	buf_clear(&held);
}

static void
transport_ws_resume(struct transport *base)
{
	struct transport_ws *t = ws_of(base);

	t->paused = false;
	if (is_waiting(t))
		take_held(t);
	if (!t->paused && !is_waiting(t))
		stream_resume(t->stream);
}

static void
transport_ws_on_turn(void *owner)
{
	struct transport_ws *t = owner;

	if (t->base.state != TRANSPORT_GONE && !t->paused)
		transport_ws_resume(&t->base);
}

static void
transport_ws_on_read(void *owner, uint8_t *data, size_t len)
{
	struct transport_ws *t = owner;

	if (!t->deaf)
		transport_ws_feed(&t->base, data, len);
}

/* After the peer's Close it is expected; before, the client is lost. */
static void
transport_ws_on_end(void *owner)
{
	struct transport_ws *t = owner;

	t->peer_ended = true;
	if (t->base.state == TRANSPORT_OPEN ||
	    t->base.state == TRANSPORT_CLOSING)
		gone(t);
	else
		check_gone(t);
}

static void
transport_ws_on_hangup(void *owner)
{
	struct transport_ws *t = owner;

	if (t->base.state != TRANSPORT_GONE)
		t->base.ops->on_hangup(t->base.owner);
}

static void
transport_ws_on_lost(void *owner, int err)
{
	struct transport_ws *t = owner;

	t->base.shortage = stream_strshort(err);
	gone(t);
}

static void
transport_ws_on_drain(void *owner)
{
	struct transport_ws *t = owner;

	send_late_pong(t);
	check_gone(t);
	if (t->base.state != TRANSPORT_GONE && stream_queued(t->stream) == 0)
		t->base.ops->on_drain(t->base.owner);
}

static const struct stream_ops stream_ops = {
	.on_read = transport_ws_on_read,
	.on_end = transport_ws_on_end,
	.on_hangup = transport_ws_on_hangup,
	.on_lost = transport_ws_on_lost,
	.on_drain = transport_ws_on_drain,
};

static void
transport_ws_pause(struct transport *base)
{
	struct transport_ws *t = ws_of(base);

	if (!may_receive(t))
		return;
	t->paused = true;
	stream_pause(t->stream);
}

static size_t
transport_ws_queued(const struct transport *base)
{
	return stream_queued(const_ws_of(base)->stream);
}

static size_t
transport_ws_unsent(const struct transport *base)
{
	return stream_unsent(const_ws_of(base)->stream);
}

static size_t
transport_ws_put_fields(const struct transport *base, struct log_field *fields)
{
	const struct transport_ws *t = const_ws_of(base);
	const struct deflate *d = t->deflate;
	size_t n = 0;

	if (t->reader.lenient && t->reader.bare)
		fields[n++] = (struct log_field)LOG_STR("unmasked", "yes");
	if (d != NULL) {
		fields[n++] =
		    (struct log_field)LOG_UINT("in_wire", d->received);
		fields[n++] = (struct log_field)LOG_UINT("out_wire", d->sent);
	}
	return n;
}

static void
transport_ws_free(struct transport *base)
{
	struct transport_ws *t = ws_of(base);

	if (t->deflate != NULL)
		later_forget(&t->deflate->turn);
	deflate_free(t->deflate);
	stream_free(t->stream);
	free(t->pong);
	free(t);
}

/* ------------------------------------------------- for the maker */

static const struct transport_body body = {
	.send = transport_ws_send,
	.send_after = transport_ws_send_after,
	.ping = transport_ws_ping,
	.flush = transport_ws_flush,
	.close = transport_ws_close,
	.abort = transport_ws_abort,
	.pause = transport_ws_pause,
	.resume = transport_ws_resume,
	.queued = transport_ws_queued,
	.unsent = transport_ws_unsent,
	.put_fields = transport_ws_put_fields,
	.free = transport_ws_free,
};

struct transport *
transport_ws_new(enum ws_role role, struct flow *flow, struct stream *stream,
    uint64_t max_message)
{
	struct transport_ws *t = mem_new(1, sizeof(*t));

	t->base = (struct transport){
		.body = &body,
		.heard = clock_coarse_ms(),
		.state = TRANSPORT_OPEN,
	};
	t->flow = flow;
	t->stream = stream;
	t->bare = role == WS_SERVER;
	ws_reader_init(&t->reader, role, max_message);
	stream_set_owner(stream, &stream_ops, t);
	return &t->base;
}

void
transport_ws_compress(struct transport *base, const struct ws_terms *terms,
    size_t least)
{
	struct transport_ws *t = ws_of(base);

	t->bare = false;
	t->deflate = deflate_new(&t->flow->zpool, (enum ws_role)t->reader.role,
	    terms, least);
	later_init(&t->deflate->turn, t->flow->base, transport_ws_on_turn, t);
	ws_reader_inflate(&t->reader);
}

void
transport_ws_accept_unmasked(struct transport *base)
{
	ws_reader_accept_unmasked(&ws_of(base)->reader);
}

bool
transport_ws_ended_well(const struct transport *base)
{
	const struct transport_ws *t = const_ws_of(base);

	return t->peer_ended && ws_reader_is_between(&t->reader) &&
	    stream_queued(t->stream) == 0;
}

bool
transport_ws_wire(const struct transport *base, uint64_t *received,
    uint64_t *sent)
{
	const struct deflate *d = const_ws_of(base)->deflate;

	if (d == NULL)
		return false;
	*received = d->received;
	*sent = d->sent;
	return true;
}
