#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/ping.h"
#include "client/talk_state.h"
#include "client/term_typed.h"
#include "flow/stream.h"

static void
talk_on_ping(void *owner, const void *payload, size_t len)
{
	struct talk *t = owner;

	transport_ping(t->peer->transport, payload, len);
	peer_flush(t->peer);
}

static void
talk_on_text(void *owner, const char *text)
{
	struct talk *t = owner;
	struct stream *out = local_output(t->local);
	size_t len = strlen(text);

	if (out != NULL && !local_show(t->local, text, len))
		stream_write(out, text, len);
}

static void
talk_on_pings_over(void *owner)
{
	talk_close(owner, WS_CLOSE_NORMAL, "");
}

const struct ping_ops talk_ping_ops = {
	.on_ping = talk_on_ping,
	.on_text = talk_on_text,
	.on_over = talk_on_pings_over,
};

/* Without a payload of its own it is told by its number. */
static void
ping_typed(struct talk *t, const struct term_typed *typed)
{
	char number[24];
	const char *payload = typed->text;
	size_t len = typed->len;

	if (len == 0) {
		len = (size_t)snprintf(number, sizeof(number), "%" PRIu64,
		    t->pings.sent + 1);
		payload = number;
	}
	ping_times_send(&t->pings, payload, len, clock_us());
	talk_on_ping(t, payload, len);
}

void
talk_on_command(void *owner, const struct term_typed *typed)
{
	struct talk *t = owner;

	if (typed->kind == TERM_TYPED_PING && talk_may_send(t))
		ping_typed(t, typed);
	else if (typed->kind == TERM_TYPED_CLOSE)
		talk_close(t, typed->code, typed->reason);
}

static void
tell_trip(struct talk *t, uint64_t trip)
{
	char time[PING_TIMES_LINE], *line;

	ping_times_put_time(trip, time);
	line = mem_printf("pong: time=%s\n", time);
	talk_on_text(t, line);
	free(line);
}

void
talk_on_pong(void *owner, const uint8_t *data, size_t len)
{
	struct talk *t = owner;
	uint64_t number, trip;

	if (t->ping != NULL)
		ping_receive(t->ping, data, len);
	else if (ping_times_receive(&t->pings, data, len, clock_us(), &number,
		     &trip))
		tell_trip(t, trip);
}
