#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/ws.h"
#include "flow/gather.h"
#include "flow/peer.h"

enum {
	LOOK_MS = 250, /* how often a peer is looked at that takes its time */
	/* What nobody waits for any more once our Close has been sent. */
	WHILE_HERE = 1u << PEER_DUE_PING | 1u << PEER_DUE_PONG |
	    1u << PEER_DUE_IDLE | 1u << PEER_DUE_HANGUP,
	ALL = WHILE_HERE | 1u << PEER_DUE_CLOSE,
};

static void
await(struct peer *p, enum peer_due what, uint64_t ms)
{
	deadlines_set(&p->deadlines, what, ms);
}

/* The first Close that is said, by either side, is the one of the log. */
static void
note_close(struct peer *p, unsigned code, const char *reason, size_t len)
{
	if (p->code != 0)
		return;
	p->code = (uint16_t)code;
	if (len > 0)
		p->reason = mem_strndup(reason, len);
}

/* ------------------------------------------------- messages */

void
peer_send(struct peer *p, const struct piece *piece)
{
	p->out_messages += piece->last;
	p->out_bytes += piece->len;
	dialect_send(&p->dialect, piece);
}

void
peer_send_bytes(struct peer *p, const uint8_t *data, size_t len)
{
	p->out_messages++;
	p->out_bytes += len;
	dialect_send_bytes(&p->dialect, data, len);
}

/* Small pieces are copied; of the others one that is kept leaves at once. */
void
peer_put(struct peer *p, const void *before, size_t before_len,
    const struct piece *piece)
{
	if (before_len == 0)
		transport_send(p->transport, piece);
	else
		transport_send_after(p->transport, before, before_len, piece);
	if (piece->kept && piece->len > GATHER_COPY)
		transport_flush(p->transport);
}

void
peer_flush(struct peer *p)
{
	transport_flush(p->transport);
}

void
peer_flush_messages(struct peer *p)
{
	transport_flush(p->transport);
	p->active = clock_coarse_ms();
}

void
peer_pause(struct peer *p)
{
	p->paused = true;
	transport_pause(p->transport);
}

void
peer_resume(struct peer *p)
{
	p->paused = false;
	if (deadlines_awaits(&p->deadlines, PEER_DUE_PONG))
		await(p, PEER_DUE_PONG, p->rules->ping_timeout);
	if (!peer_is_gone(p))
		transport_resume(p->transport);
}

static void
peer_on_data(void *owner, const struct piece *piece)
{
	struct peer *p = owner;

	p->active = p->transport->heard;
	p->in_messages += piece->last;
	p->in_bytes += piece->len;
	dialect_from_peer(&p->dialect, piece);
}

static void
peer_on_batch(void *owner)
{
	struct peer *p = owner;

	p->ops->on_batch(p->owner);
}

/* ------------------------------------------------- parting */

/*
 * Our Close is on its way: how long to wait for the peer's or, while it still
 * takes what was sent before, for the next look at that.
 */
static void
await_close(struct peer *p)
{
	p->seen = p->hurry || p->rules->stall == 0
	    ? 0
	    : transport_unsent(p->transport);
	p->moved = clock_ms();
	await(p, PEER_DUE_CLOSE,
	    p->seen == 0 ? p->rules->close_timeout : LOOK_MS);
}

static void
send_close(struct peer *p, unsigned code, const char *reason)
{
	deadlines_forget_set(&p->deadlines, WHILE_HERE);
	transport_close(p->transport, code, reason, !p->faulted);
	if (!peer_is_gone(p))
		await_close(p);
}

void
peer_close_back(struct peer *p)
{
	if (!peer_hears(p))
		return;
	p->ours = p->faulted;
	send_close(p, p->code,
	    p->faulted && p->reason != NULL ? p->reason : "");
}

void
peer_close(struct peer *p, unsigned code, const char *reason)
{
	if (!peer_hears(p))
		return;
	if (p->faulted) {
		peer_close_back(p);
		return;
	}
	p->ours = p->code == 0;
	note_close(p, code, reason, strlen(reason));
	send_close(p, code, reason);
}

void
peer_hurry(struct peer *p)
{
	p->hurry = true;
	if (deadlines_awaits(&p->deadlines, PEER_DUE_CLOSE))
		await(p, PEER_DUE_CLOSE, p->rules->close_timeout);
}

/* It leaves: who has closed does not wait for us to take our time. */
static void
begin_leaving(struct peer *p)
{
	p->hurry = true;
	deadlines_forget(&p->deadlines, PEER_DUE_HANGUP);
}

static void
peer_on_close(void *owner, unsigned code, const uint8_t *reason, size_t len)
{
	struct peer *p = owner;

	note_close(p, code, (const char *)reason, len);
	begin_leaving(p);
	p->ops->on_close(p->owner);
}

/* What it said before that was right, so the answers to it are its due. */
static void
peer_on_fault(void *owner, unsigned code, const char *reason)
{
	struct peer *p = owner;

	if (peer_hears(p)) {
		note_close(p, code, reason, strlen(reason));
		p->faulted = true;
		begin_leaving(p);
	}
	p->ops->on_fault(p->owner, code, reason);
}

/* It will send no more; how long the rest may wait depends on who reads it. */
static void
peer_on_hangup(void *owner)
{
	struct peer *p = owner;

	if (p->rules->stall == 0 || !peer_hears(p))
		return;
	p->seen = p->in_bytes;
	await(p, PEER_DUE_HANGUP, p->rules->stall);
}

static void
peer_on_gone(void *owner)
{
	struct peer *p = owner;

	deadlines_forget_set(&p->deadlines, ALL);
	p->ops->on_gone(p->owner);
}

/* ------------------------------------------------- signs of life */

/* The ping has been written: from now on its answer is late. */
static void
await_pong(struct peer *p)
{
	p->ping_queued = false;
	p->pinged = clock_coarse_ms();
	await(p, PEER_DUE_PONG, p->rules->ping_timeout);
}

static bool
owes_pong(const struct peer *p)
{
	return deadlines_awaits(&p->deadlines, PEER_DUE_PONG) &&
	    p->transport->heard < p->pinged;
}

static void
ping(struct peer *p)
{
	await(p, PEER_DUE_PING, p->rules->ping);
	if (p->ping_queued || owes_pong(p))
		return;
	transport_ping(p->transport, NULL, 0);
	transport_flush(p->transport);
	if (!peer_hears(p))
		return;
	p->ping_queued = peer_is_full(p);
	if (!p->ping_queued)
		await_pong(p);
}

static void
peer_on_pong(void *owner, const uint8_t *data, size_t len)
{
	struct peer *p = owner;

	if (p->ops->on_pong != NULL)
		p->ops->on_pong(p->owner, data, len);
}

static void
peer_on_drain(void *owner)
{
	struct peer *p = owner;

	if (!peer_hears(p)) {
		await_close(p);
		return;
	}
	if (p->ping_queued)
		await_pong(p);
	p->ops->on_drain(p->owner);
}

/* Any byte counts as life; but while we do not read, none can be seen. */
static void
expect_pong(struct peer *p)
{
	if (p->transport->heard >= p->pinged)
		return;
	if (p->paused)
		await(p, PEER_DUE_PONG, p->rules->ping_timeout);
	else
		p->ops->on_late(p->owner, WS_CLOSE_INTERNAL, "ping timeout");
}

static void
check_idle(struct peer *p)
{
	uint64_t idle = clock_coarse_ms() - p->active;

	if (idle < p->rules->idle_timeout)
		await(p, PEER_DUE_IDLE, p->rules->idle_timeout - idle);
	else
		p->ops->on_late(p->owner, WS_CLOSE_POLICY, "idle timeout");
}

/* What it sent before it hung up is read on, or it is lost. */
static void
check_hangup(struct peer *p)
{
	if (p->in_bytes > p->seen)
		peer_on_hangup(p);
	else
		transport_abort(p->transport);
}

/* It takes what is on its way to it, or it is lost. */
static void
check_close(struct peer *p)
{
	if (p->hurry || p->seen == 0)
		transport_abort(p->transport);
	else if (transport_unsent(p->transport) < p->seen)
		await_close(p);
	else if (clock_ms() - p->moved < p->rules->stall)
		await(p, PEER_DUE_CLOSE, LOOK_MS);
	else
		transport_abort(p->transport);
}

static void
peer_on_due(void *owner, size_t what)
{
	struct peer *p = owner;

	switch ((enum peer_due)what) {
	case PEER_DUE_PING:
		ping(p);
		break;
	case PEER_DUE_PONG:
		expect_pong(p);
		break;
	case PEER_DUE_IDLE:
		check_idle(p);
		break;
	case PEER_DUE_HANGUP:
		check_hangup(p);
		break;
	case PEER_DUE_CLOSE:
		check_close(p);
		break;
	case PEER_DUES:
		break;
	}
}

/* ------------------------------------------------- the beginning, the end */

static const struct transport_ops transport_ops = {
	.on_data = peer_on_data,
	.on_batch = peer_on_batch,
	.on_close = peer_on_close,
	.on_fault = peer_on_fault,
	.on_hangup = peer_on_hangup,
	.on_pong = peer_on_pong,
	.on_drain = peer_on_drain,
	.on_gone = peer_on_gone,
};

static const struct deadlines_ops deadlines_ops = {
	.on_due = peer_on_due,
};

struct peer *
peer_new(const struct peer_start *start)
{
	struct peer *p = mem_new(1, sizeof(*p));

	*p = (struct peer){
		.rules = start->rules,
		.transport = start->transport,
		.name = start->name,
		.paused = true,
	};
	deadlines_init(&p->deadlines, start->flow, p->due, PEER_DUES,
	    &deadlines_ops, p);
	dialect_init(&p->dialect, start->dialect, NULL, NULL);
	return p;
}

void
peer_set_owner(struct peer *p, const struct peer_ops *ops,
    const struct dialect_ops *dialect_ops, void *owner)
{
	const struct peer_rules *r = p->rules;

	p->ops = ops;
	p->owner = owner;
	p->dialect.ops = dialect_ops;
	p->dialect.owner = owner;
	transport_set_owner(p->transport, &transport_ops, p);
	p->active = clock_coarse_ms();
	if (r->ping > 0)
		await(p, PEER_DUE_PING, r->ping);
	if (r->idle_timeout > 0)
		await(p, PEER_DUE_IDLE, r->idle_timeout);
}

void
peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	deadlines_clear(&p->deadlines);
	transport_free(p->transport);
	dialect_clear(&p->dialect);
	free(p->name);
	free(p->reason);
	free(p);
}
