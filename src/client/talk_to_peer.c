#include <string.h>

#include "base/base.h"
#include "client/login_secret.h"
#include "client/talk_state.h"

static void
wait_for_server(struct talk *t)
{
	if (!peer_is_gone(t->peer) && peer_is_full(t->peer))
		local_pause(t->local);
}

/*
 * To a program of standpipe.v1 our input is the bytes that it is, unless
 * somebody wants messages made of it; --binary is no such wish.
 */
static bool
sends_bytes(const struct talk *t)
{
	const struct client_conf *conf = &t->client->conf;

	return talk_v1_is_on(&t->v1) && !t->v1.messages &&
	    (conf->framing == FRAMING_BINARY ||
		(!conf->framing_given && conf->files[0] == NULL));
}

static void
send_bytes(struct talk *t, const uint8_t *data, size_t len)
{
	t->sent++;
	t->sent_bytes += len;
	talk_v1_send_bytes(&t->v1, data, len);
}

static void
send_piece(struct talk *t, const struct piece *p)
{
	t->sent += p->last;
	t->sent_bytes += p->len;
	if (talk_v1_is_on(&t->v1))
		talk_v1_send_piece(&t->v1, p);
	else
		transport_send(t->peer->transport, p);
}

/* The Close in the words of our input (`frames`). */
static void
close_as_told(struct talk *t, const struct piece *p)
{
	char text[REASON_SIZE];
	const uint8_t *reason;
	size_t len;
	unsigned code;

	if (ws_read_close(p->data, p->len, &code, &reason, &len) < 0) {
		talk_fail(t, WS_CLOSE_GOING_AWAY, OUTCOME_USAGE,
		    "bad close record");
		return;
	}
	if (len > 0)
		memcpy(text, reason, len);
	text[len] = '\0';
	talk_close(t, code, text);
}

static void
send_event(struct talk *t, enum framing_result rc, const struct piece *p)
{
	switch (rc) {
	case FRAMING_PIECE:
		if (sends_bytes(t))
			send_bytes(t, p->data, p->len);
		else
			send_piece(t, p);
		break;
	case FRAMING_PING:
		transport_ping(t->peer->transport, p->data, p->len);
		break;
	case FRAMING_CLOSE:
		close_as_told(t, p);
		break;
	default:
		talk_fail(t, WS_CLOSE_GOING_AWAY, OUTCOME_USAGE, t->input.why);
		break;
	}
	if (rc > 0 && p->kept)
		peer_flush(t->peer);
}

/* Before anything of our input; each is a message, whatever the input is. */
static void
send_first(struct talk *t)
{
	const struct talk_first *first = &t->client->first;
	int framing = t->client->conf.framing;
	bool text = framing != FRAMING_BINARY && framing != CLIENT_HEX;
	struct piece p;

	if (t->first_sent || !talk_may_send(t) || !talk_v1_is_ready(&t->v1))
		return;
	t->first_sent = true;
	for (size_t i = 0; i < first->n; i++) {
		p = piece_whole(text, first->v[i].text, first->v[i].len);
		send_piece(t, &p);
	}
	peer_flush(t->peer);
}

void
talk_resume_input(struct talk *t)
{
	send_first(t);
	if (talk_may_send(t) && t->ping == NULL && talk_v1_is_ready(&t->v1))
		local_resume(t->local);
}

static void
send_messages(struct talk *t, uint8_t *data, size_t len)
{
	enum framing_result rc;
	struct piece p;
	size_t used;

	while (talk_may_send(t)) {
		rc = talk_input_read(&t->input, data, len, &used, &p);
		if (rc == FRAMING_MORE)
			break;
		send_event(t, rc, &p);
		data += used;
		len -= used;
	}
}

void
talk_on_input(void *owner, uint8_t *data, size_t len)
{
	struct talk *t = owner;

	if (sends_bytes(t) && t->client->conf.files[0] == NULL)
		send_bytes(t, data, len);
	else
		send_messages(t, data, len);
	peer_flush(t->peer);
	wait_for_server(t);
}

/*
 * A user who types Ctrl-D has read all that he wants, unless he said otherwise
 * or there is a program that waits for it.
 */
static bool
is_done_with(const struct talk *t)
{
	return local_is_typed(t->local) && !t->client->conf.waits &&
	    !talk_v1_is_on(&t->v1);
}

void
talk_on_input_end(void *owner)
{
	struct talk *t = owner;
	enum framing_result rc;
	struct piece p;

	t->input_ended = true;
	while (talk_may_send(t) &&
	    (rc = talk_input_end(&t->input, &p)) != FRAMING_MORE)
		send_event(t, rc, &p);
	if (talk_v1_is_on(&t->v1))
		talk_v1_send_end(&t->v1);
	peer_flush(t->peer);
	if (is_done_with(t) || t->peer->faulted)
		talk_close(t, WS_CLOSE_NORMAL, "");
	else
		talk_await_silence(t);
}

bool
talk_signal(struct talk *t, int sig)
{
	return talk_may_send(t) && talk_v1_is_on(&t->v1) &&
	    talk_v1_send_signal(&t->v1, sig);
}

void
talk_on_window(void *owner, unsigned columns, unsigned rows)
{
	struct talk *t = owner;

	if (talk_may_send(t))
		talk_v1_send_window(&t->v1, columns, rows);
}
