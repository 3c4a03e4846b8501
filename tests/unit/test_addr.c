#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/base.h"
#include "feed.h"

static void
reads_and_puts(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "::ffff:c000:207", "192.0.2.7" },
		{ "2001:DB8:0:0::0007", "2001:db8::7" },
		{ "::1", "::1" },
		{ "::", NULL },
		{ "", NULL },
		{ "unix", NULL },
		{ "localhost", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.07", NULL },
		{ "192.0.2.7 ", NULL },
		{ " 192.0.2.7", NULL },
		{ "192.0.2.7:80", NULL },
		{ "[::1]", NULL },
		{ "fe80::1%lo", NULL },
		{ "0x7f.0.0.1", NULL },
		{ "2130706433", NULL },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = strlen(rows[i].in);
		struct guarded g = guarded_new(rows[i].in, len);
		struct addr a;
		char text[ADDR_TEXT];
		bool ok = addr_read(&a, (char *)g.data, len);

		if (ok)
			addr_put(&a, text);
		if (ok != (rows[i].out != NULL) ||
		    (ok && strcmp(text, rows[i].out) != 0))
			fail_msg("%s: %s", rows[i].in, ok ? text : "refused");
		guarded_free(&g);
	}
	assert_false(addr_read(&(struct addr){ 0 }, "::1\0", 4));
}

static void
comes_from_sockets(void **state)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(81),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct addr a;
	unsigned port;
	char text[ADDR_TEXT];

	(void)state;
	addr_from(&a, &port, (const struct sockaddr *)&in);
	addr_put(&a, text);
	assert_string_equal(text, "127.0.0.1");
	assert_int_equal(port, 80);
	assert_true(addr_is_ipv4(&a) && addr_is_loopback(&a));

	addr_from(&a, &port, (const struct sockaddr *)&in6);
	addr_put(&a, text);
	assert_string_equal(text, "::1");
	assert_int_equal(port, 81);
	assert_true(!addr_is_ipv4(&a) && addr_is_loopback(&a));

	addr_from(&a, &port, (const struct sockaddr *)&sun);
	addr_put(&a, text);
	assert_string_equal(text, "unix");
	assert_int_equal(port, 0);
	assert_true(addr_is_unix(&a) && !addr_is_loopback(&a));
}

static void
comes_from_bytes(void **state)
{
	static const uint8_t bytes[16] = { 192, 0, 2, 7 };
	static const uint8_t zero[16];
	struct addr a;
	char text[ADDR_TEXT];

	(void)state;
	assert_true(addr_from_bytes(&a, bytes, 4));
	addr_put(&a, text);
	assert_string_equal(text, "192.0.2.7");
	assert_true(addr_from_bytes(&a, bytes, 16));
	addr_put(&a, text);
	assert_string_equal(text, "c000:207::");
	assert_true(addr_from_bytes(&a, zero, 4));
	assert_false(addr_from_bytes(&a, zero, 16));
	assert_false(addr_from_bytes(&a, bytes, 5));
}

static void
networks_hold(void **state)
{
	static const struct {
		const char *net;
		const char *in, *out; /* NULL: not asked */
	} rows[] = {
		{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1" },
		{ "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
		{ "192.0.2.6/31", "192.0.2.7", "192.0.2.8" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.7/32", "192.0.2.7", "192.0.2.6" },
		{ "0.0.0.0/0", "255.255.255.255", "2001:db8::1" },
		{ "::/0", "2001:db8::1", "192.0.2.7" },
		{ "::/0", "::1", "unix" },
		{ "::ffff:0:0/96", "192.0.2.7", "::1" },
		{ "::ffff:192.0.2.0/120", "192.0.2.7", "192.0.3.7" },
		{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "2001:db8::1", "2001:DB8:0::1", "2001:db8::2" },
		{ "::1/128", "::1", "127.0.0.1" },
		{ "unix", "unix", "::1" },
		{ "unix", NULL, "127.0.0.1" },
		{ "127.0.0.0/8", "127.9.9.9", "unix" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *text[2] = { rows[i].in, rows[i].out };
		struct addr_net net;

		if (!addr_net_read(&net, rows[i].net))
			fail_msg("%s", rows[i].net);
		for (size_t j = 0; j < 2; j++) {
			struct addr a = { 0 };

			if (text[j] == NULL)
				continue;
			if (strcmp(text[j], "unix") != 0 &&
			    !addr_read(&a, text[j], strlen(text[j])))
				fail_msg("%s", text[j]);
			if (addr_net_has(&net, &a) != (j == 0) ||
			    addr_nets_have(&net, 1, &a) != (j == 0))
				fail_msg("%s: %s", rows[i].net, text[j]);
		}
	}
	assert_false(addr_nets_have(NULL, 0, &(struct addr){ 0 }));
}

static void
networks_are_strict(void **state)
{
	static const char *const rows[] = { "", "/", "/8", "10.0.0.0/",
		"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 ",
		"10.0.0.0/255.0.0.0", "10.1.2.3/8", "10.0.0.1/31", "10/8",
		"::", "::/128", "::/129", "::1/127", "2001:db8::1/64", "[::1]",
		"::ffff:0:0/95", "Unix", "unix/0", "localhost", "*" };

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct addr_net net;

		if (addr_net_read(&net, rows[i]))
			fail_msg("%s", rows[i]);
	}
}

static void
cuts(void **state)
{
	static const struct {
		unsigned bits;
		const char *want;
	} rows[] = {
		{ 128, "2001:db8:1:2:ffff:ffff:ffff:ffff" },
		{ 127, "2001:db8:1:2:ffff:ffff:ffff:fffe" },
		{ 65, "2001:db8:1:2:8000::" },
		{ 64, "2001:db8:1:2::" },
		{ 1, "unix" },
		{ 0, "unix" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct addr a;
		char text[ADDR_TEXT];

		assert_true(addr_read(&a, rows[0].want, strlen(rows[0].want)));
		addr_cut(&a, rows[i].bits);
		addr_put(&a, text);
		assert_string_equal(text, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_puts),
		cmocka_unit_test(comes_from_sockets),
		cmocka_unit_test(comes_from_bytes),
		cmocka_unit_test(networks_hold),
		cmocka_unit_test(networks_are_strict),
		cmocka_unit_test(cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
