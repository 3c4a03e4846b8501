#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/cmdline.h"
#include "conf/wire.h"

enum { WORDS_MAX = 6 };

static void
read_line(struct conf *c, const char *const *words)
{
	char *argv[WORDS_MAX + 2] = { strdup("websocketd") }, *why = NULL;
	int argc = 1;

	for (; argc <= WORDS_MAX && words[argc - 1] != NULL; argc++)
		argv[argc] = strdup(words[argc - 1]);
	conf_init(c);
	if (cmdline_read(c, argc, argv, &why) != CMDLINE_RUN)
		fail_msg("%s: %s", words[0], why);
	while (argc > 0)
		free(argv[--argc]);
}

/* Where the word stands does not matter. */
static void
has_websocketds_defaults(void **state)
{
	static const char *const lines[][WORDS_MAX + 1] = {
		{ "--compat=websocketd", "cat" },
		{ "--compat", "websocketd", "cat" },
		{ "--port", "0", "-sameorigin=false", "--compat=websocketd",
		    "cat" },
		{ "--compat=none", "--compat=websocketd", "cat" },
	};
	static const struct conf_rung rungs[] = { { 0, 100 }, { SIGINT, 250 },
		{ SIGTERM, 500 }, { SIGKILL, 0 } };
	const struct conf_route *r;
	struct conf c;

	(void)state;
	for (size_t i = 0; i < nitems(lines); i++) {
		read_line(&c, lines[i]);
		r = &c.route;
		assert_int_equal(c.port, 80);
		assert_false(c.port_given);
		assert_int_equal(c.addresses.n, 1);
		assert_true(c.addresses.preset);
		assert_string_equal(c.addresses.v[0], "*");
		assert_int_equal(r->origins.n, 1);
		assert_string_equal(r->origins.v[0], "*");
		assert_int_equal(c.server_names.n, 1);
		assert_int_equal(r->passenv.n, 1);
		assert_string_equal(r->passenv.v[0], "LD_LIBRARY_PATH");
		assert_int_equal(r->max_message, 1024 * 1024);
		assert_int_equal(r->ping, 0);
		assert_int_equal(r->stderr_level, LOG_LVL_ERROR);
		assert_int_equal(c.maxforks, 1024);
		assert_int_equal(c.max_per_address, 0);
		assert_int_equal(c.rate, 0);
		assert_int_equal(r->kill.n, nitems(rungs));
		for (size_t j = 0; j < nitems(rungs); j++) {
			assert_int_equal(r->kill.rung[j].sig, rungs[j].sig);
			assert_int_equal(r->kill.rung[j].wait_ms,
			    rungs[j].wait_ms);
		}
		conf_clear(&c);
	}
}

static void
has_our_defaults_otherwise(void **state)
{
	static const char *const lines[][WORDS_MAX + 1] = {
		{ "cat", "--compat=websocketd" },
		{ "--", "cat", "--compat=websocketd" },
		{ "--chdir", "--compat=websocketd", "cat" },
		{ "--compat=websocketd", "--compat=none", "cat" },
	};
	struct conf c;

	(void)state;
	for (size_t i = 0; i < nitems(lines); i++) {
		read_line(&c, lines[i]);
		assert_int_equal(c.port, 8080);
		assert_int_equal(c.addresses.n, 0);
		assert_int_equal(c.route.origins.n, 0);
		conf_clear(&c);
	}
}

/* One option, and the texts of the list that it leads to. */
static void
replaces_lists(void **state)
{
	static const struct {
		const char *words[WORDS_MAX + 1];
		const char *want[3];
	} rows[] = {
		{ { "--origin=a,b:1", "x" }, { "a", "b:1" } },
		{ { "--origin=a", "--origin=b", "x" }, { "b" } },
		{ { "--origin=", "x" }, { "*" } },
		{ { "x" }, { "*" } },
	};
	struct conf c;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *words[WORDS_MAX + 1] = { "--compat=websocketd" };
		size_t n = 0;

		memcpy(words + 1, rows[i].words,
		    sizeof(words) - sizeof(words[0]));
		read_line(&c, words);
		for (; rows[i].want[n] != NULL; n++) {
			assert_true(n < c.route.origins.n);
			assert_string_equal(c.route.origins.v[n],
			    rows[i].want[n]);
		}
		assert_int_equal(c.route.origins.n, n);
		conf_clear(&c);
	}
}

static void
lists_that_grow_lose_their_default(void **state)
{
	static const char *const words[] = { "--compat=websocketd",
		"--address=[::1]", "--address=localhost", "--passenv=", "x",
		NULL };
	struct conf c;

	(void)state;
	read_line(&c, words);
	assert_int_equal(c.addresses.n, 2);
	assert_false(c.addresses.preset);
	assert_string_equal(c.addresses.v[0], "::1");
	assert_string_equal(c.addresses.v[1], "localhost");
	assert_int_equal(c.route.passenv.n, 1);
	assert_string_equal(c.route.passenv.v[0], "PATH");
	conf_clear(&c);
}

static void
below_zero_is_zero(void **state)
{
	static const char *const words[] = { "--maxforks=-1",
		"--maxframesize=-5", "--compat=websocketd", "--pingms", "-1",
		"x", NULL };
	struct conf c;

	(void)state;
	read_line(&c, words);
	assert_int_equal(c.maxforks, 0);
	assert_int_equal(c.route.max_message, 0);
	assert_int_equal(c.route.ping, 0);
	conf_clear(&c);
}

static void
zero_is_no_port(void **state)
{
	static const char *const words[] = { "--compat=websocketd",
		"--unixsocket=/s", "--port=0", "--redirport=0",
		"--address=", "x", NULL };
	struct conf c;

	(void)state;
	read_line(&c, words);
	assert_int_equal(c.port, 80);
	assert_false(c.port_given || c.redirport_given);
	assert_true(c.addresses.preset);
	conf_clear(&c);
}

static void
a_subprotocol_is_a_header_field(void **state)
{
	static const char *const words[] = { "--compat=websocketd",
		"--header-ws=sec-websocket-protocol: chat",
		"--header-ws=X-WebSocket-Protocol: x", "--header=X: y", "x",
		NULL };
	struct conf c;

	(void)state;
	read_line(&c, words);
	assert_int_equal(c.route.subprotocols.n, 1);
	assert_string_equal(c.route.subprotocols.v[0], "chat");
	conf_clear(&c);
}

static void
https_has_a_port_of_its_own(void **state)
{
	static const struct {
		const char *words[WORDS_MAX + 1];
		uint64_t port;
	} rows[] = {
		{ { "--compat=websocketd", "--ssl", "--sslcert=c", "--sslkey=k",
		      "x" },
		    443 },
		{ { "--compat=websocketd", "--ssl", "--sslcert=c", "--sslkey=k",
		      "--port=1", "x" },
		    1 },
		{ { "--compat=websocketd", "--ssl=false", "x" }, 80 },
		{ { "--ssl=1", "--sslcert=c", "--sslkey=k", "x" }, 8080 },
	};
	struct conf c;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		read_line(&c, rows[i].words);
		assert_int_equal(c.port, rows[i].port);
		conf_clear(&c);
	}
}

static void
travels_to_the_engine(void **state)
{
	static const char *const words[] = { "--compat=websocketd", "x", NULL };
	struct conf c, got;
	struct buf b;

	(void)state;
	read_line(&c, words);
	buf_init(&b, 65536);
	assert_true(wire_pack(&c, &b));
	assert_true(wire_unpack(&got, b.data, b.len));
	assert_int_equal(got.compat, CONF_COMPAT_WEBSOCKETD);
	assert_int_equal(got.route.origins.n, 1);
	assert_int_equal(got.route.ping, 0);
	conf_clear(&got);
	conf_clear(&c);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_websocketds_defaults),
		cmocka_unit_test(has_our_defaults_otherwise),
		cmocka_unit_test(replaces_lists),
		cmocka_unit_test(lists_that_grow_lose_their_default),
		cmocka_unit_test(below_zero_is_zero),
		cmocka_unit_test(zero_is_no_port),
		cmocka_unit_test(a_subprotocol_is_a_header_field),
		cmocka_unit_test(https_has_a_port_of_its_own),
		cmocka_unit_test(travels_to_the_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
