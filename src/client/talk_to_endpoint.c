#include "base/base.h"
#include "client/talk_state.h"
#include "flow/gather.h"

/* What comes after the last message that was asked for is not printed. */
bool
talk_has_all(const struct talk *t)
{
	uint64_t count = t->client->conf.count;

	return count > 0 && t->client->counted + t->received >= count;
}

static void
receive_piece(struct talk *t, const struct piece *p)
{
	if (talk_has_all(t))
		return;
	t->received += p->last;
	t->received_bytes += p->len;
	if (!talk_print_piece(&t->print, p))
		talk_fail(t, WS_CLOSE_INTERNAL, OUTCOME_BROKEN,
		    "out of memory");
}

/* What is counted are messages, so the bytes are made some again. */
static void
count_bytes(struct talk *t, const uint8_t *data, size_t len)
{
	struct piece p;
	size_t used;

	while (
	    framing_read(&t->counted, data, len, &used, &p) == FRAMING_PIECE) {
		receive_piece(t, &p);
		if (p.kept)
			gather_flush(&t->client->flow.to_endpoint);
		data += used;
		len -= used;
	}
}

/* What was left open is a message, too. */
void
talk_end_counting(struct talk *t)
{
	struct piece p;

	if (!talk_v1_is_on(&t->v1))
		return;
	while (framing_end(&t->counted, &p) == FRAMING_PIECE)
		receive_piece(t, &p);
	gather_flush(&t->client->flow.to_endpoint);
}

static void
receive_bytes(struct talk *t, const struct piece *p)
{
	if (t->client->conf.count > 0) {
		count_bytes(t, p->data, p->len);
		return;
	}
	t->received += p->last;
	t->received_bytes += p->len;
	talk_print_bytes(&t->print, p->data, p->len);
}

/* It was something about the session; the first of these is HELLO. */
static void
check_ready(struct talk *t)
{
	if (t->window.on_size == NULL && talk_v1_is_ready(&t->v1))
		term_window_watch(&t->window, t->client->flow.base,
		    local_terminal(t->local), talk_on_window, t);
	talk_resume_input(t);
}

static void
receive_inner(struct talk *t, const struct piece *p)
{
	struct v1_event ev;
	enum v1_result rc = talk_v1_read(&t->v1, p, &ev);

	if (rc < 0)
		talk_fail(t, v1_close_code(rc), OUTCOME_BROKEN,
		    v1_strresult(rc));
	else if (rc == V1_NOTHING)
		check_ready(t);
	else if (ev.type == V1_BYTES)
		receive_bytes(t, &ev.piece);
	else if (ev.type == V1_STDERR)
		talk_stderr_put(&t->remote_stderr, ev.piece.data, ev.piece.len);
	else
		receive_piece(t, &ev.piece);
}

void
talk_on_data(void *owner, const struct piece *p)
{
	struct talk *t = owner;

	if (t->ping != NULL)
		return;
	if (talk_v1_is_on(&t->v1))
		receive_inner(t, p);
	else
		receive_piece(t, p);
}

/* The program goes on, but says no more; another one will not come either. */
static void
end_output(struct talk *t)
{
	talk_end_counting(t);
	local_end_output(t->local);
}

void
talk_on_batch(void *owner)
{
	struct talk *t = owner;

	gather_flush(&t->client->flow.to_endpoint);
	if (t->v1.ended && !t->client->conf.reconnect)
		end_output(t);
	if (talk_output_waits(t))
		peer_pause(t->peer);
	talk_await_silence(t);
	if (talk_has_all(t))
		talk_close(t, WS_CLOSE_NORMAL, "");
}
