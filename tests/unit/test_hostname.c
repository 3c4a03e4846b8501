/*
 * The names of clients, as the names worker gives them or does not: the worker
 * is the test.
 */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine/carrier.h"
#include "engine/hostname.h"
#include "engine/request.h"
#include "engine_world.h"
#include "ipc/ipc_name.h"

enum { REQUESTS = 40 };

static struct test {
	struct engine_world world;
	struct hostnames *names; /* the engine's */
	int worker;              /* the other end; -1: there is none */
	struct request *waiting[REQUESTS];
	size_t nwaiting; /* that came, of all */
	size_t gone_on;
	char
	    name[IPC_NAME_TEXT + 1]; /* of the last that went on; empty: none */
	uint32_t asked[REQUESTS];
} t;

static const struct carrier carrier;

static void
connect_worker(void)
{
	int fd[2];

	if (t.worker != -1)
		close(t.worker);
	assert_int_equal(fd_seqpacket_pair(fd), 0);
	hostnames_connect(t.names, fd[0]);
	t.worker = fd[1];
}

static int
setup(void **state)
{
	(void)state;
	t = (struct test){ .worker = -1 };
	world_open(&t.world);
	world_start(&t.world, 1);
	t.names = hostnames_new(engine_flow(t.world.engine)->base);
	t.world.engine->hostnames = t.names;
	connect_worker();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hostnames_free(t.names);
	if (t.worker != -1)
		close(t.worker);
	world_close(&t.world);
	return 0;
}

static void
end(struct request *rq)
{
	t.gone_on++;
	(void)snprintf(t.name, sizeof(t.name), "%s",
	    rq->host_name == NULL ? "" : rq->host_name);
	request_free(rq);
}

/* Whether it has to wait. */
static bool
arrive(const char *addr)
{
	static const char bytes[] =
	    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\n\r\n";
	struct http1_head head;
	size_t scanned = 0, used;
	struct request *rq;
	struct addr a;

	assert_int_equal(http1_read_request(&head, (const uint8_t *)bytes,
			     sizeof(bytes) - 1, &scanned, &used),
	    HTTP1_HEAD);
	assert_true(addr_read(&a, addr, strlen(addr)));
	rq = request_new(t.world.engine, &carrier, &t, &head,
	    (const uint8_t *)bytes, used);
	rq->go_on = end;
	request_set_client(rq, &a, 1);
	if (hostname_find(rq) == ACCESS_WAIT) {
		t.waiting[t.nwaiting++] = rq;
		return true;
	}
	end(rq);
	return false;
}

/* The next question; 0: there is none. */
static uint32_t
question(void)
{
	uint8_t in[IPC_NAME_ASK_LEN];
	ssize_t n = recv(t.worker, in, sizeof(in), MSG_DONTWAIT);
	struct addr a;
	uint32_t id;

	if (n == -1)
		return 0;
	assert_true(ipc_read_name_ask(in, (size_t)n, &id, &a));
	return id;
}

static void
answer(uint32_t id, const char *name)
{
	uint8_t out[IPC_NAME_MAX];
	size_t len = ipc_put_name(out, id, name);

	assert_int_equal(send(t.worker, out, len, 0), len);
}

static void
a_name_is_told_and_remembered(void **state)
{
	(void)state;
	assert_true(arrive("192.0.2.7"));
	answer(question(), "a.test");
	world_wait(&t.world);
	assert_int_equal(t.gone_on, 1);
	assert_string_equal(t.name, "a.test");
	assert_false(arrive("192.0.2.7"));
	assert_string_equal(t.name, "a.test");
	assert_int_equal(question(), 0);
}

/* That it has none as well. */
static void
no_name_is_an_answer(void **state)
{
	(void)state;
	assert_true(arrive("192.0.2.7"));
	answer(question(), NULL);
	world_wait(&t.world);
	assert_int_equal(t.gone_on, 1);
	assert_false(arrive("192.0.2.7"));
	assert_string_equal(t.name, "");
	assert_int_equal(question(), 0);
}

static void
a_worker_that_is_lost_leaves_nobody_nameless(void **state)
{
	(void)state;
	assert_true(arrive("192.0.2.7"));
	fd_close(&t.worker);
	world_wait(&t.world);
	assert_int_equal(t.gone_on, 1);
	assert_string_equal(t.name, "");
	assert_false(arrive("192.0.2.7"));
	connect_worker();
	assert_true(arrive("192.0.2.7"));
	answer(question(), "a.test");
	world_wait(&t.world);
	assert_int_equal(t.gone_on, 3);
	assert_string_equal(t.name, "a.test");
}

/* Nobody waits for it twice, and it is of use when it comes. */
static void
a_late_answer_is_for_the_next_request(void **state)
{
	uint32_t id;

	(void)state;
	assert_true(arrive("192.0.2.7"));
	id = question();
	while (t.gone_on == 0)
		world_wait(&t.world);
	assert_string_equal(t.name, "");
	assert_false(arrive("192.0.2.7"));
	assert_string_equal(t.name, "");
	assert_int_equal(question(), 0);
	answer(id, "a.test");
	world_wait(&t.world);
	assert_int_equal(t.gone_on, 2);
	assert_false(arrive("192.0.2.7"));
	assert_string_equal(t.name, "a.test");
	assert_int_equal(question(), 0);
}

static void
so_many_answers_are_read_a_turn(void **state)
{
	char addr[32];
	size_t before;

	(void)state;
	for (size_t i = 0; i < REQUESTS; i++) {
		(void)snprintf(addr, sizeof(addr), "192.0.2.%zu", i);
		assert_true(arrive(addr));
		t.asked[i] = question();
	}
	for (size_t i = 0; i < REQUESTS; i++)
		answer(t.asked[i], "a.test");
	for (int turns = 0; t.gone_on < REQUESTS; turns++) {
		before = t.gone_on;
		world_turn(&t.world);
		assert_in_range(t.gone_on - before, 1, 16);
		assert_in_range(turns, 0, REQUESTS);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_name_is_told_and_remembered),
		TEST(no_name_is_an_answer),
		TEST(a_worker_that_is_lost_leaves_nobody_nameless),
		TEST(a_late_answer_is_for_the_next_request),
		TEST(so_many_answers_are_read_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
