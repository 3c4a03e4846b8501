/*
 * The way of a request to who serves it, on two routes; what carries it is the
 * test.
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

#include "conf/userfile.h"
#include "engine/access.h"
#include "engine/carrier.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine_world.h"

/* ------------------------------------------------- what carries it */

static struct test {
	struct engine_world world;
	struct request *rq;        /* owned; NULL: it is answered */
	const struct route *route; /* of the last one */
	unsigned status;           /* of its answer */
	uint64_t length;           /* and its body's */
} t;

static void
carrier_reply_start(struct request *rq, const struct reply *r)
{
	t.route = rq->route;
	t.status = r->status;
	t.length = r->length;
}

static size_t
carrier_reply_write(struct request *rq, const void *data, size_t len)
{
	(void)rq;
	(void)data;
	return len;
}

static void
carrier_reply_end(struct request *rq)
{
	assert_ptr_equal(rq, t.rq);
	request_free(rq);
	t.rq = NULL;
}

/* A 101, and the Close behind it. */
static void
carrier_reply_raw(struct request *rq, const void *data, size_t len)
{
	assert_true(len > 12 && memcmp(data, "HTTP/1.1 101", 12) == 0);
	t.status = 101;
	carrier_reply_end(rq);
}

static const struct carrier carrier = {
	.reply_start = carrier_reply_start,
	.reply_write = carrier_reply_write,
	.reply_end = carrier_reply_end,
	.reply_raw = carrier_reply_raw,
};

static const struct ipc_listen how;

/* Let one in whose head is that, from an address. */
static void
arrive(const char *bytes, const char *addr)
{
	struct http1_head head;
	size_t scanned = 0, used, len = strlen(bytes);
	struct addr a;

	assert_int_equal(http1_read_request(&head, (const uint8_t *)bytes, len,
			     &scanned, &used),
	    HTTP1_HEAD);
	assert_true(addr_read(&a, addr, strlen(addr)));
	t.status = 0;
	t.rq = request_new(t.world.engine, &carrier, &t, &head,
	    (const uint8_t *)bytes, used);
	t.rq->id = 17;
	t.rq->from = (struct request_from){ .how = &how, .reused = true };
	request_set_client(t.rq, &a, 1);
	access_begin(t.rq);
}

static void
get(const char *host, const char *path, const char *fields)
{
	char bytes[1024];

	(void)snprintf(bytes, sizeof(bytes),
	    "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, fields);
	arrive(bytes, "192.0.2.7");
}

#define UPGRADE                                         \
	"Upgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\n"                 \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* ------------------------------------------------- two routes */

static struct route *
route(size_t i)
{
	return &t.world.engine->route[i];
}

/* The console on the second, under a token; a gate that is none on the first. */
static int
setup(void **state)
{
	struct conf *c;

	(void)state;
	t = (struct test){ 0 };
	world_open(&t.world);
	c = world_conf(&t.world);
	world_set(c, "trusted-proxy", "192.0.2.99");
	world_set(c, "deny", "192.0.2.66");
	world_set(c, "rate", "1");
	world_set(&t.world.second, "console", "true");
	world_start(&t.world, 2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	request_free(t.rq);
	world_close(&t.world);
	return 0;
}

#define B "b.example"

static void
host_and_path_choose_the_route(void **state)
{
	static const struct {
		const char *host, *path; /* of the first route */
		const char *of, *is;     /* what is asked for */
		int route;               /* -1: none */
	} rows[] = {
		{ NULL, NULL, "a", "/", 0 },
		{ "a.example", NULL, "a.example", "/", 0 },
		{ "a.example", NULL, "A.Example:81", "/", 0 },
		{ "a.example", NULL, B, "/", 1 },
		{ "a.example", NULL, "c.example", "/", -1 },
		{ "a.example", NULL, "xa.example", "/", -1 },
		{ B, "/in", B, "/in", 0 },
		{ B, "/in", B, "/in/side", 0 },
		{ B, "/in", B, "/in?side", 0 },
		{ B, "/in", B, "/inside", 1 },
		{ B, "/in", B, "/%69n", 0 },
		{ B, "/in", B, "/IN", 1 },
		{ B, "/in/", B, "/in/side", 0 },
		{ B, "/in/", B, "/in", 1 },
	};

	(void)state;
	route(1)->host = B;
	for (size_t i = 0; i < nitems(rows); i++) {
		route(0)->host = rows[i].host;
		route(0)->path = rows[i].path;
		get(rows[i].of, rows[i].is, "");
		if (t.rq != NULL || t.status == 0 ||
		    (rows[i].route == -1
			    ? t.status != 404
			    : t.route != route((size_t)rows[i].route)))
			fail_msg("%s%s: %u", rows[i].of, rows[i].is, t.status);
	}
}

/* The console page on one of them, nothing but WebSockets on the other. */
static void
each_serves_what_is_its_own(void **state)
{
	(void)state;
	route(0)->path = "/ws";
	get("x", "/ws", "");
	assert_int_equal(t.status, 426);
	get("x", "/", "");
	assert_int_equal(t.status, 200);
	assert_true(t.length > 1000);
}

/* What opens one of them is no business of the other. */
static void
each_asks_for_its_own_token(void **state)
{
	static const char file[] =
	    "alice:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527"
	    "a25b\n"; /* of "secret" */
	const struct ipc_piece p = {
		.last = true,
		.data = (const uint8_t *)file,
		.len = sizeof(file) - 1,
	};

	(void)state;
	route(0)->path = "/in";
	world_set(world_conf(&t.world), "token-file", "set");
	assert_true(tokens_on_piece(&route(0)->tokens, &p));
	get("x", "/in", "");
	assert_int_equal(t.status, 401);
	get("x", "/%69n/", "");
	assert_int_equal(t.status, 401);
	get("x", "/in", "Authorization: Bearer guess\r\n");
	assert_int_equal(t.status, 401);
	get("x", "/in", "Authorization: Bearer secret\r\n");
	assert_int_equal(t.status, 426);
	get("x", "/", "");
	assert_int_equal(t.status, 200);
}

static void
each_lets_in_its_own_origins(void **state)
{
	(void)state;
	route(0)->path = "/ws";
	world_set(&t.world.second, "origin", "http://one.example");
	get("x", "/", "Origin: http://one.example\r\n");
	assert_int_equal(t.status, 200);
	get("x", "/ws", "Origin: http://one.example\r\n");
	assert_int_equal(t.status, 403);
}

/* Where one has a Close, the other has a status. */
static void
each_refuses_in_its_own_way(void **state)
{
	(void)state;
	route(0)->path = "/ws";
	world_set(&t.world.second, "refuse", "close");
	world_set(world_conf(&t.world), "rate", "0");
	get("x", "/ws", UPGRADE "Origin: http://one.example\r\n");
	assert_int_equal(t.status, 403);
	get("x", "/", UPGRADE "Origin: http://one.example\r\n");
	assert_int_equal(t.status, 101);
}

/* Whoever is spoken for, the name is the one that it has asked for. */
static void
a_proxy_says_which_host(void **state)
{
	static const char in[] = "GET / HTTP/1.1\r\nHost: inside\r\n"
				 "Forwarded: for=192.0.2.1;host=" B "\r\n\r\n";

	(void)state;
	route(0)->host = "inside";
	route(1)->host = B;
	arrive(in, "192.0.2.99");
	assert_ptr_equal(t.route, route(1));
	arrive(in, "192.0.2.98"); /* whom nobody trusts */
	assert_ptr_equal(t.route, route(0));
}

/* ------------------------------------------------- who may come in */

static void
who_is_spoken_for_is_judged(void **state)
{
	static const char in[] =
	    "GET / HTTP/1.1\r\nHost: x\r\nForwarded: for=192.0.2.66\r\n\r\n";
	static const char two[] =
	    "GET / HTTP/1.1\r\nHost: x\r\nForwarded: for=192.0.2.1\r\n"
	    "X-Forwarded-For: 192.0.2.2\r\n\r\n";

	(void)state;
	arrive(in, "192.0.2.99");
	assert_int_equal(t.status, 403);
	arrive(two, "192.0.2.99");
	assert_int_equal(t.status, 400);
}

/* What may start a program is asked about, and waits for the answer. */
static void
the_parent_is_asked_about_what_is_dear(void **state)
{
	struct ipc_admitted no = { .verdict = IPC_ADMIT_RATE, .retry = 3 };
	struct ipc_admit a;

	(void)state;
	get("x", "/", UPGRADE);
	assert_non_null(t.rq);
	assert_true(t.rq->asked);
	assert_true(world_hears(&t.world, IPC_ADMIT));
	assert_true(ipc_read_admit(&t.world.told, &a));
	assert_true(a.counted && !a.connection && !a.stays);
	access_admitted(t.rq, &no);
	assert_int_equal(t.status, 429);
	assert_null(t.rq);
}

static void
a_malformed_path_and_handshake_are_refused(void **state)
{
	(void)state;
	get("x", "/%zz", "");
	assert_int_equal(t.status, 400);
	get("x", "/",
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 12\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
	assert_int_equal(t.status, 426);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(host_and_path_choose_the_route),
		TEST(each_serves_what_is_its_own),
		TEST(each_asks_for_its_own_token),
		TEST(each_lets_in_its_own_origins),
		TEST(each_refuses_in_its_own_way),
		TEST(a_proxy_says_which_host),
		TEST(who_is_spoken_for_is_judged),
		TEST(the_parent_is_asked_about_what_is_dear),
		TEST(a_malformed_path_and_handshake_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
