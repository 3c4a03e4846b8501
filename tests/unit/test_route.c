/*
 * A second route, from the first byte of a request to the last of its session:
 * whatever there is of it was said of that route, and the parent, which is the
 * test, hears its number.
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

#include <fcntl.h>

#include "codec/ws.h"
#include "engine/access.h"
#include "engine/conn.h"
#include "engine/program.h"
#include "engine/request.h"
#include "engine/sessions.h"
#include "engine_world.h"
#include "flow/listener.h"

enum { TURNS = 100, HEARD = 4096 };

static struct test {
	struct engine_world world;
	struct listener *listener;
	int client;        /* the other end of the connection */
	int in, out;       /* the program's own; -1: closed */
	uint32_t id;       /* that was asked for */
	char heard[HEARD]; /* by the client */
} t;

static void
turns(void)
{
	for (int i = 0; i < TURNS; i++)
		world_turn(&t.world);
}

/* ------------------------------------------------- the client */

static const char hello[] =
    "GET /b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void
come(void)
{
	static const struct conn_ops ops = {
		.on_request = access_begin,
		.on_admitted = access_admitted,
		.on_bad = request_refuse,
	};
	static const struct sockaddr peer = { .sa_family = AF_UNIX };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fd),
	    0);
	t.client = fd[1];
	conn_new(t.world.engine, &ops, t.listener, fd[0], &peer);
	assert_int_equal(write(t.client, hello, sizeof(hello) - 1),
	    sizeof(hello) - 1);
	turns();
}

/* A frame whose mask changes nothing. */
static void
say(enum ws_opcode op, const char *data, size_t len)
{
	static const uint8_t mask[4];
	uint8_t out[WS_HEAD_MAX + 64];
	size_t n = ws_put_head(out, op, true, len, mask);

	memcpy(out + n, data, len);
	assert_int_equal(write(t.client, out, n + len), n + len);
	turns();
}

static bool
client_hears(const char *what, size_t len)
{
	ssize_t n;

	turns();
	n = read(t.client, t.heard, sizeof(t.heard));
	return n > 0 && memmem(t.heard, (size_t)n, what, len) != NULL;
}

#define HEARS(s) assert_true(client_hears(s, sizeof(s) - 1))

/* ------------------------------------------------- the parent, its program */

static void
be_asked(void)
{
	struct ipc_open op;

	assert_true(world_hears(&t.world, IPC_OPEN));
	assert_true(ipc_read_open(&t.world.told, &op));
	assert_int_equal(op.route, 1);
	assert_int_equal(op.part, IPC_PART_COMMAND);
	t.id = t.world.told.session;
}

static void
run(void)
{
	int in[2], out[2];
	uint8_t body[4];
	struct ipc_msg m = {
		.type = IPC_OPENED,
		.session = t.id,
		.body = body,
		.len = ipc_put_opened(body, 4711),
		.nfds = 2,
	};

	assert_int_equal(pipe2(in, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK | O_CLOEXEC), 0);
	t.in = in[0];
	t.out = out[1];
	m.fd[0] = in[1];
	m.fd[1] = out[0];
	m.fd[2] = -1;
	assert_true(program_on_opened(t.world.engine, &m));
	turns();
}

static void
print(const char *text)
{
	assert_int_equal(write(t.out, text, strlen(text)), strlen(text));
	turns();
}

static const char *
was_given(void)
{
	static char got[64];
	ssize_t n = read(t.in, got, sizeof(got) - 1);

	got[n < 0 ? 0 : n] = '\0';
	return n == 0 ? "end" : got;
}

static void
end_output(void)
{
	close(t.out);
	t.out = -1;
	turns();
}

static void
end(uint8_t status)
{
	struct ipc_exit x = { .ended = { .status = status } };
	uint8_t body[8];
	struct ipc_msg m = {
		.type = IPC_EXITED,
		.session = t.id,
		.body = body,
		.len = ipc_put_exit(body, &x),
	};

	assert_true(program_on_exited(t.world.engine, &m));
	turns();
}

static void
begin(void)
{
	come();
	be_asked();
	run();
	HEARS("X-Route: b\r\n");
	assert_int_equal(engine_sessions(t.world.engine)->n, 1);
}

/* ------------------------------------------------- sessions */

static void
it_carries_a_session(void **state)
{
	(void)state;
	begin();
	say(WS_OP_BINARY, "hi", 2);
	assert_string_equal(was_given(), "hi");
	print("ho");
	HEARS("\x82\2ho");
	end_output();
	end(3);
	HEARS("\x88\x0f\x0f\xa3"
	      "exit status 3");
}

/* Its Close is the end of the input, and the output goes out. */
static void
the_client_closes_its_half(void **state)
{
	(void)state;
	begin();
	say(WS_OP_CLOSE, "\x03\xe8", 2);
	assert_string_equal(was_given(), "end");
	print("bye");
	end(0);
	end_output();
	HEARS("\x82\3bye\x88\2\x03\xe8");
}

static void
the_end_waits_for_output_and_status(void **state)
{
	(void)state;
	begin();
	end(0);
	assert_int_equal(engine_sessions(t.world.engine)->n, 1);
	print("last");
	end_output();
	HEARS("\x82\4last\x88");
	close(t.client);
	turns();
	assert_int_equal(engine_sessions(t.world.engine)->n, 0);
	t.client = -1;
}

static void
a_refusal_is_the_routes(void **state)
{
	uint8_t body[8];
	struct ipc_msg m = { .type = IPC_REFUSED, .body = body };

	(void)state;
	come();
	be_asked();
	m.session = t.id;
	m.len = ipc_put_refused(body, IPC_REFUSED_FULL, 0);
	assert_true(program_on_refused(t.world.engine, &m));
	HEARS("HTTP/1.1 503 ");
	assert_int_equal(engine_sessions(t.world.engine)->n, 0);
	assert_int_equal(engine_programs(t.world.engine)->n, 0);
}

/* The program is sent away as soon as it is there. */
static void
the_client_leaves_while_it_is_asked_for(void **state)
{
	uint32_t pid, ago;

	(void)state;
	come();
	be_asked();
	close(t.client);
	t.client = -1;
	turns();
	run();
	while (!world_hears(&t.world, IPC_KILL)) /* a little later */
		world_wait(&t.world);
	assert_true(ipc_read_kill(&t.world.told, &pid, &ago) && pid == 4711);
	end_output();
	end(0);
	assert_int_equal(engine_sessions(t.world.engine)->n, 0);
	assert_int_equal(engine_programs(t.world.engine)->n, 0);
}

/* ------------------------------------------------- two routes */

static int
setup(void **state)
{
	int fd[2];

	(void)state;
	t = (struct test){ .client = -1, .in = -1, .out = -1 };
	world_open(&t.world);
	world_set(world_conf(&t.world), "max-connections", "0");
	world_set(&t.world.second, "framing", "binary");
	world_set(&t.world.second, "header-ws", "X-Route: b");
	t.world.engine->route[0].path = "/a";
	t.world.engine->route[1].path = "/b";
	world_start(&t.world, 2);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	close(fd[1]);
	t.listener =
	    listener_new(engine_flow(t.world.engine), fd[0], NULL, NULL, NULL);
	return t.listener == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	t.world.engine->stopping = true;
	program_drop_all(t.world.engine);
	conn_drop_all(t.world.engine);
	listener_free(t.listener);
	close(t.client);
	close(t.in);
	close(t.out);
	world_close(&t.world);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_carries_a_session),
		TEST(the_client_closes_its_half),
		TEST(the_end_waits_for_output_and_status),
		TEST(a_refusal_is_the_routes),
		TEST(the_client_leaves_while_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
