/*
 * One connection of HTTP/1.1: a socket on one side, on the other a test that
 * answers requests, or does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/conn.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine_world.h"
#include "flow/listener.h"
#include "flow/stream.h"

enum { TURNS = 200, NOTES = 1024, BIG = 4 * 1024 * 1024 };

static struct test {
	struct engine_world world;
	struct listener *listener;
	int client;         /* the other end of the connection; -1: closed */
	struct request *rq; /* that is not answered yet */
	char notes[NOTES];  /* what was heard of requests */
	char got[NOTES];    /* what the client got, without its heads' fields */
	size_t left;        /* bytes of a long answer */
	bool waits;         /* requests are not answered at once */
	bool reads;         /* and their bodies are read */
} t;

static void
note(const char *what, const void *data, size_t len)
{
	size_t at = strlen(t.notes);

	(void)snprintf(t.notes + at, NOTES - at, "%s%.*s;", what, (int)len,
	    (const char *)data);
}

/* ------------------------------------------------- who answers */

static void
on_body(void *owner, const uint8_t *data, size_t len)
{
	assert_ptr_equal(owner, &t);
	note("+", data, len);
}

static void
on_body_end(void *owner)
{
	(void)owner;
	note("end", "", 0);
}

static void
send_more(void)
{
	static const char piece[64 * 1024];

	while (t.left > 0 && request_queued(t.rq) == 0) {
		t.left -= sizeof(piece);
		request_reply_write(t.rq, piece, sizeof(piece));
	}
	if (t.left == 0) {
		request_reply_end(t.rq);
		t.rq = NULL;
	}
}

static void
on_drain(void *owner)
{
	(void)owner;
	if (t.left > 0)
		send_more();
}

static void
on_gone(void *owner)
{
	(void)owner;
	note("gone", "", 0);
	t.rq = NULL;
}

static const struct handler_ops handler = {
	.on_body = on_body,
	.on_body_end = on_body_end,
	.on_drain = on_drain,
	.on_gone = on_gone,
};

static void
answer(struct request *rq)
{
	static const struct reply ok = { .status = 200, .length = 2 };

	request_reply(rq, &ok, "ok", 2);
}

static void
on_request(struct request *rq)
{
	note("", rq->url.path, rq->url.path_len);
	if (!t.waits) {
		answer(rq);
		return;
	}
	t.rq = rq;
	request_handle(rq, &handler, &t);
	if (t.reads)
		request_read_body(rq);
}

static void
on_admitted(struct request *rq, const struct ipc_admitted *a)
{
	note(a->verdict == IPC_ADMIT_YES ? "admitted" : "not", "", 0);
	answer(rq);
}

static void
on_bad(struct request *rq, const struct refusal *r)
{
	const struct reply no = { .status = r->status, .close = true };

	note("bad", "", 0);
	request_reply(rq, &no, "", 0);
}

static const struct conn_ops ops = {
	.on_request = on_request,
	.on_admitted = on_admitted,
	.on_bad = on_bad,
};

/* ------------------------------------------------- the client */

static void
begin(void)
{
	static const struct sockaddr peer = { .sa_family = AF_UNIX };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fd),
	    0);
	t.notes[0] = t.got[0] = '\0';
	t.client = fd[1];
	conn_new(t.world.engine, &ops, t.listener, fd[0], &peer);
}

static void
turns(void)
{
	for (int i = 0; i < TURNS; i++)
		world_turn(&t.world);
}

static void
say(const char *text, size_t len)
{
	assert_int_equal(write(t.client, text, len), len);
	turns();
}

/* The status of each answer, and '|' at the end. */
static const char *
hear(void)
{
	char in[8192];
	ssize_t n = read(t.client, in, sizeof(in) - 1);

	if (n > 0) {
		in[n] = '\0';
		for (char *p = in; (p = strstr(p, "HTTP/1.1 ")) != NULL; p++)
			(void)strncat(t.got, p + 9, 3);
	}
	if (read(t.client, in, 1) == 0)
		(void)strcat(t.got, "|");
	return t.got;
}

static void
leave(void)
{
	close(t.client);
	turns();
	assert_int_equal(engine_conns(t.world.engine)->n, 0);
}

/* ------------------------------------------------- requests */

static const struct test_case {
	const char *name, *in;
	const char *notes, *got;
} cases[] = {
	{ "one", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "/a;", "200" },
	{ "two at once",
	    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
	    "/a;/b;", "200200" },
	{ "the last",
	    "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	    "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
	    "/a;", "200|" },
	{ "of HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "/a;", "200|" },
	{ "none", "what?\r\n\r\n", "bad;", "400|" },
	{ "another expectation",
	    "GET /a HTTP/1.1\r\nHost: x\r\nExpect: rain\r\n\r\n", "bad;",
	    "417|" },
};

static void
requests_in_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		size_t len = strlen(c->in);

		for (size_t cut = 1; cut < len; cut += 3) {
			begin();
			say(c->in, cut);
			say(c->in + cut, len - cut);
			if (strcmp(hear(), c->got) != 0 ||
			    strcmp(t.notes, c->notes) != 0)
				fail_msg("%s, cut at %zu: %s, %s", c->name, cut,
				    t.notes, t.got);
			leave();
		}
	}
}

#define POST(fields) "POST /a HTTP/1.1\r\nHost: x\r\n" fields "\r\n\r\n"

static void
a_body_is_given_when_it_is_asked_for(void **state)
{
	static const char in[] = POST("Content-Length: 3") "abcGET";

	(void)state;
	t.waits = true;
	begin();
	say(in, sizeof(in) - 1);
	assert_string_equal(t.notes, "/a;");
	request_read_body(t.rq);
	turns();
	assert_string_equal(t.notes, "/a;+abc;end;");
	answer(t.rq);
	turns();
	assert_string_equal(hear(), "200");
	leave(); /* with a beginning of a request, which is none */
	assert_string_equal(t.notes, "/a;+abc;end;");
}

static void
who_waits_for_100_gets_it_once(void **state)
{
	static const char in[] =
	    POST("Content-Length: 1\r\nExpect: 100-continue");

	(void)state;
	t.waits = true;
	begin();
	say(in, sizeof(in) - 1);
	assert_string_equal(hear(), "");
	request_read_body(t.rq);
	request_pause_body(t.rq);
	request_read_body(t.rq);
	turns();
	assert_string_equal(hear(), "100");
	say("x", 1);
	assert_string_equal(t.notes, "/a;+x;end;");
	answer(t.rq);
	turns();
	assert_string_equal(hear(), "100200");
	leave();
}

/* The handler hears of its end before anybody else answers. */
static void
a_malformed_body_is_refused(void **state)
{
	static const char in[] = POST("Transfer-Encoding: chunked") "zz\r\n";

	(void)state;
	t.waits = t.reads = true;
	begin();
	say(in, sizeof(in) - 1);
	assert_string_equal(t.notes, "/a;gone;bad;");
	assert_string_equal(hear(), "400|");
	leave();
}

static void
who_leaves_is_gone_once(void **state)
{
	static const char in[] = POST("Content-Length: 3") "a";

	(void)state;
	t.waits = t.reads = true;
	begin();
	say(in, sizeof(in) - 1);
	leave();
	assert_string_equal(t.notes, "/a;+a;gone;");
}

/* What is said to it then has no effect. */
static void
an_answer_to_nobody_is_none(void **state)
{
	static const char in[] = POST("Content-Length: 3");

	(void)state;
	t.waits = t.reads = true;
	begin();
	say(in, sizeof(in) - 1);
	request_abort(t.rq);
	assert_true(request_is_over(t.rq));
	request_refuse(t.rq, &(struct refusal){ .status = 500, .why = "no" });
	turns();
	assert_string_equal(t.notes, "/a;gone;");
	assert_string_equal(hear(), "|");
	leave();
}

/* The client takes little at a time, and all of it in the end. */
static void
a_long_answer_waits_for_its_client(void **state)
{
	static char in[64 * 1024];
	size_t got = 0;
	ssize_t n;

	(void)state;
	t.waits = true;
	begin();
	say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	request_reply_start(t.rq,
	    &(struct reply){ .status = 200, .length = BIG });
	t.left = BIG;
	send_more();
	assert_true(request_queued(t.rq) > 0);
	do {
		while ((n = read(t.client, in, 1000)) > 0)
			got += (size_t)n;
		world_turn(&t.world);
	} while (t.rq != NULL || (n = read(t.client, in, 1)) > 0);
	assert_true(got >= BIG);
	leave();
}

/* One that ends before its length breaks the connection. */
static void
a_short_answer_breaks_the_connection(void **state)
{
	(void)state;
	t.waits = true;
	begin();
	say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	request_reply(t.rq, &(struct reply){ .status = 200, .length = 5 }, "no",
	    2);
	turns();
	assert_string_equal(hear(), "200|");
	leave();
}

/* ------------------------------------------------- places, and sessions */

static void
a_place_is_given_back(void **state)
{
	struct ipc_admitted yes = { .verdict = IPC_ADMIT_YES, .seat = 9 };
	uint8_t body[IPC_ADMITTED_BODY];
	struct ipc_msg m = { .type = IPC_ADMITTED, .body = body };
	uint32_t seat;

	(void)state;
	m.len = ipc_put_admitted(body, &yes);
	t.waits = true;
	begin();
	say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	m.session = t.rq->id;
	assert_false(conn_on_admitted(t.world.engine, &m)); /* nobody asked */
	request_handle(t.rq, NULL, NULL);
	t.rq->asked = true;
	assert_true(conn_on_admitted(t.world.engine, &m));
	assert_string_equal(t.notes, "/a;admitted;");
	assert_true(world_hears(&t.world, IPC_LEAVE));
	assert_true(ipc_read_u32(&t.world.told, &seat) && seat == 9);
	leave();
}

/* The client may have gone while it was asked: the place must come back. */
static void
a_place_for_nobody_is_given_back(void **state)
{
	struct ipc_admitted yes = { .verdict = IPC_ADMIT_YES, .seat = 9 };
	uint8_t body[IPC_ADMITTED_BODY];
	struct ipc_msg m = { .type = IPC_ADMITTED, .body = body };

	(void)state;
	m.len = ipc_put_admitted(body, &yes);
	t.waits = t.reads = true;
	begin();
	say(POST("Content-Length: 3"), strlen(POST("Content-Length: 3")));
	m.session = t.rq->id;
	t.rq->asked = true;
	close(t.client);
	turns();
	assert_int_equal(engine_conns(t.world.engine)->n, 1);
	assert_true(conn_on_admitted(t.world.engine, &m));
	turns();
	assert_int_equal(engine_conns(t.world.engine)->n, 0);
	assert_string_equal(t.notes, "/a;gone;");
	assert_true(world_hears(&t.world, IPC_LEAVE));
}

static void
a_session_takes_the_connection(void **state)
{
	static const char in[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nbehind";
	struct seats seats;
	struct stream *s;
	struct buf rest;

	(void)state;
	t.waits = true;
	begin();
	say(in, sizeof(in) - 1);
	t.rq->seat = 7;
	s = request_take_stream(t.rq, &rest, &seats);
	assert_int_equal(seats.client, 7);
	assert_int_equal(rest.len, 6);
	assert_memory_equal(rest.data, "behind", 6);
	buf_clear(&rest);
	turns();
	assert_int_equal(engine_conns(t.world.engine)->n, 0);
	stream_write(s, "still here", 10);
	assert_string_equal(t.notes, "/a;");
	assert_int_equal(read(t.client, t.got, NOTES), 10);
	stream_free(s);
	close(t.client);
}

/* Who is served nothing yet is sent away, who is served has its time. */
static void
a_stop_spares_who_is_served(void **state)
{
	(void)state;
	begin();
	conn_stop_all(t.world.engine);
	turns();
	assert_string_equal(hear(), "|");
	leave();
	t.waits = true;
	begin();
	say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	conn_stop_all(t.world.engine);
	turns();
	assert_non_null(t.rq);
	answer(t.rq);
	turns();
	assert_string_equal(hear(), "200");
	leave();
}

static int
setup(void **state)
{
	int fd[2];

	(void)state;
	t = (struct test){ .client = -1 };
	world_open(&t.world);
	world_set(world_conf(&t.world), "max-connections", "0");
	world_start(&t.world, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	close(fd[1]);
	t.listener =
	    listener_new(engine_flow(t.world.engine), fd[0], NULL, NULL, NULL);
	assert_non_null(t.listener);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	conn_drop_all(t.world.engine);
	listener_free(t.listener);
	world_close(&t.world);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(requests_in_every_cut),
		TEST(a_body_is_given_when_it_is_asked_for),
		TEST(who_waits_for_100_gets_it_once),
		TEST(a_malformed_body_is_refused),
		TEST(who_leaves_is_gone_once),
		TEST(an_answer_to_nobody_is_none),
		TEST(a_long_answer_waits_for_its_client),
		TEST(a_short_answer_breaks_the_connection),
		TEST(a_place_is_given_back),
		TEST(a_place_for_nobody_is_given_back),
		TEST(a_session_takes_the_connection),
		TEST(a_stop_spares_who_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
