/*
 * A session that speaks a dialect which nobody else knows, over WebSocket: what a
 * client sends as '+' is input, '=' bytes, '!' the end of input, '?' a signal;
 * anything else is refused. What it gets begins with '>' for output, '2' for
 * standard error, 'X' and the exit status at the end; first comes 'H'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fd.h"
#include "codec/framing.h"
#include "codec/ws.h"
#include "conf/conf.h"
#include "dialect/dialect.h"
#include "flow/endpoint.h"
#include "flow/peer.h"
#include "flow/session.h"
#include "flow/transport_ws.h"
#include "flow_fakes.h"

/* ------------------------------------------------- a dialect */

static void
letters_from_peer(struct dialect *d, const struct piece *p)
{
	struct piece rest = *p;
	char name[8] = "";

	if (p->len == 0 || !p->first || !p->last || p->len > sizeof(name)) {
		d->ops->on_refused(d->owner, 4100, "not one of ours");
		return;
	}
	rest.data++;
	memcpy(name, rest.data, --rest.len);
	if (p->data[0] == '+')
		d->ops->to_endpoint(d->owner, &rest);
	else if (p->data[0] == '=')
		d->ops->bytes_to_endpoint(d->owner, &rest);
	else if (p->data[0] == '!')
		d->ops->on_end(d->owner);
	else if (p->data[0] == '?')
		d->ops->on_signal(d->owner, name);
	else
		d->ops->on_refused(d->owner, 4101, "no such letter");
}

static void
say_letter(struct dialect *d, char letter, const void *data, size_t len)
{
	struct piece p = piece_whole(true, data, len);

	d->ops->to_peer(d->owner, &letter, 1, &p);
}

static void
letters_send(struct dialect *d, const struct piece *p)
{
	d->ops->to_peer(d->owner, ">", p->first ? 1 : 0, p);
}

static void
letters_send_line(struct dialect *d, const uint8_t *line, size_t len)
{
	say_letter(d, '2', line, len);
}

static void
letters_hello(struct dialect *d, const struct dialect_hello *hello)
{
	say_letter(d, 'H', "ms", hello->bytes ? 1 : 2);
}

static void
letters_exit(struct dialect *d, struct ended ended)
{
	char digit = (char)('0' + ended_status(ended));

	say_letter(d, 'X', &digit, 1);
}

static const struct dialect_body letters = {
	.name = "letters",
	.apart = true,
	.from_peer = letters_from_peer,
	.send = letters_send,
	.send_line = letters_send_line,
	.say_hello = letters_hello,
	.say_exit = letters_exit,
};

/* ------------------------------------------------- both ends */

struct talk {
	struct loop loop;
	struct conf_route route;
	struct session *session;
	struct fake_endpoint endpoint;
	int client; /* the end that the test holds */
	bool over;
};

static void
on_free(void *owner, struct session *s)
{
	struct talk *t = owner;

	assert_ptr_equal(s, t->session);
	t->over = true;
}

static const struct session_ops session_ops = { .on_free = on_free };

static void
begin(struct talk *t)
{
	static char interrupt[] = "INT", *signals[] = { interrupt };
	static const struct peer_rules rules = { .close_timeout = 60000 };
	struct transport *transport;
	struct peer_start client_peer;
	int client[2];

	*t = (struct talk){ .over = false };
	loop_open(&t->loop);
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     client),
	    0);
	t->client = client[1];
	t->route = (struct conf_route){
		.framing = FRAMING_LINES,
		.max_message = 1024,
		.stderr_to = CONF_STDERR_CLIENT,
		.close_drain = 60000,
		.client_signals = { .v = signals, .n = 1 },
	};
	transport = transport_ws_new(WS_SERVER, &t->loop.flow,
	    stream_new(&t->loop.flow, STREAM_SOCKET, client[0], 0),
	    t->route.max_message);
	transport_ws_accept_unmasked(transport);
	client_peer = (struct peer_start){
		.flow = &t->loop.flow,
		.transport = transport,
		.dialect = &letters,
		.rules = &rules,
	};
	t->session = session_new(&(struct session_start){
	    .flow = &t->loop.flow,
	    .route = &t->route,
	    .ops = &session_ops,
	    .owner = t,
	    .endpoint = fake_endpoint_init(&t->endpoint, &t->loop.flow),
	});
	session_attach(t->session, peer_new(&client_peer), NULL);
	session_start_reading(t->session);
	loop_turns(&t->loop, 3);
	assert_heard("stderr ");
}

static void
send_text(struct talk *t, const char *text)
{
	uint8_t frame[64] = { 0x81, (uint8_t)strlen(text) };

	memcpy(frame + 2, text, strlen(text));
	assert_int_equal(write(t->client, frame, 2 + strlen(text)),
	    2 + strlen(text));
	loop_turns(&t->loop, 3);
}

/* Payloads of text, with a blank behind each, and the code of a Close. */
static void
assert_sent(struct talk *t, const char *want)
{
	uint8_t in[512];
	struct ws_reader r;
	struct ws_event ev;
	char got[256] = "";
	size_t n = 0, at = 0, used;
	ssize_t len;

	loop_turns(&t->loop, 3);
	len = read(t->client, in, sizeof(in));
	ws_reader_init(&r, WS_CLIENT, 0);
	for (; len > 0 && at < (size_t)len; at += used) {
		int rc = ws_read(&r, in + at, (size_t)len - at, &used, &ev);

		assert_true(rc > 0);
		if (rc == WS_CONTROL)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "close %u",
			    (unsigned)(ev.piece.data[0] << 8 |
				ev.piece.data[1]));
		else
			n +=
			    (size_t)snprintf(got + n, sizeof(got) - n, "%.*s%s",
				(int)ev.piece.len, (const char *)ev.piece.data,
				ev.piece.last ? " " : "");
	}
	assert_string_equal(got, want);
}

/* The client answers our Close, and goes. */
static void
finish(struct talk *t)
{
	static const uint8_t bye[] = { 0x88, 2, 0x03, 0xe8 };

	assert_int_equal(write(t->client, bye, sizeof(bye)), sizeof(bye));
	loop_turns(&t->loop, 3);
	fd_close(&t->client);
	loop_turns(&t->loop, 5);
}

static void
end(struct talk *t)
{
	assert_true(t->over && t->endpoint.freed);
	fd_close(&t->client);
	fd_close(&t->endpoint.input);
	loop_close(&t->loop);
}

/* ------------------------------------------------- what it must do */

static void
a_session_from_hello_to_exit(void **state)
{
	struct talk t;

	(void)state;
	begin(&t);
	assert_sent(&t, "Hms ");
	send_text(&t, "+hi");
	send_text(&t, "=raw");
	assert_input(&t.endpoint, "hi\nraw");
	program_prints(&t.endpoint, "one\ntwo\nthr");
	assert_true(program_complains(&t.endpoint, "oh"));
	program_prints(&t.endpoint, "ee\n");
	assert_sent(&t, ">one >two 2oh >three ");
	send_text(&t, "?INT");
	send_text(&t, "?TERM"); /* which the route does not allow */
	assert_heard("signal-2 ");
	program_ends_output(&t.endpoint);
	program_exits(&t.endpoint, 3);
	assert_sent(&t, "X3 close 4003");
	finish(&t);
	end(&t);
	hear_nothing();
}

/* The end of the input is not the end: `sort` still prints. */
static void
half_a_close(void **state)
{
	struct talk t;

	(void)state;
	begin(&t);
	assert_sent(&t, "Hms ");
	send_text(&t, "!");
	assert_heard("eof ");
	send_text(&t, "+late");
	program_prints(&t.endpoint, "sorted\n");
	assert_sent(&t, ">sorted ");
	program_ends_output(&t.endpoint);
	program_exits(&t.endpoint, 0);
	assert_sent(&t, "X0 close 1000");
	finish(&t);
	end(&t);
	hear_nothing();
}

static void
a_refusal_is_a_close(void **state)
{
	struct talk t;

	(void)state;
	begin(&t);
	send_text(&t, "what");
	assert_heard("eof leave closed ");
	assert_sent(&t, "Hms close 4101");
	program_prints(&t.endpoint, "nobody hears\n");
	program_ends_output(&t.endpoint);
	program_exits(&t.endpoint, 0);
	finish(&t);
	end(&t);
	hear_nothing();
}

/* The client is lost first; the session ends with the program. */
static void
the_client_goes_first(void **state)
{
	struct talk t;

	(void)state;
	begin(&t);
	fd_close(&t.client);
	loop_turns(&t.loop, 5);
	assert_heard("eof leave closed ");
	assert_false(t.over);
	program_prints(&t.endpoint, "nobody hears\n");
	assert_false(program_complains(&t.endpoint, "the log does"));
	program_ends_output(&t.endpoint);
	program_exits(&t.endpoint, 1);
	loop_turns(&t.loop, 3);
	end(&t);
	hear_nothing();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_from_hello_to_exit),
		cmocka_unit_test(half_a_close),
		cmocka_unit_test(a_refusal_is_a_close),
		cmocka_unit_test(the_client_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
