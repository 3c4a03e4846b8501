#include "base/base.h"
#include "client/talk_state.h"

void
talk_await_silence(struct talk *t)
{
	const struct client_conf *conf = &t->client->conf;
	uint64_t patience = local_patience(t->local);

	if (!t->input_ended || !talk_may_send(t))
		return;
	if (conf->waits)
		deadlines_set(&t->deadlines, DUE_SILENCE, conf->wait);
	else if (patience > 0 && !talk_v1_is_on(&t->v1))
		deadlines_set(&t->deadlines, DUE_SILENCE, patience);
}

/* It counts from when the server has been given all that we had to say. */
static void
end_silence(struct talk *t)
{
	if (peer_is_full(t->peer))
		talk_await_silence(t);
	else
		talk_close(t, WS_CLOSE_NORMAL, "");
}

void
talk_on_due(void *owner, size_t which)
{
	struct talk *t = owner;

	switch ((enum due)which) {
	case DUE_SILENCE:
		end_silence(t);
		break;
	case DUE_ANSWERS:
		talk_close(t, WS_CLOSE_NORMAL, "");
		break;
	case DUE_COUNT:
		break;
	}
}
