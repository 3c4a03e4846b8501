#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/dial_address.h"

/* A digit is an IPv4 address that ends in it, a letter an IPv6 one. */
static void
add(struct dial_addresses *all, char c)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (c >= '0' && c <= '9') {
		in.sin_addr.s_addr = htonl((in_addr_t)c);
		dial_address_add(all, (const struct sockaddr *)&in, sizeof(in));
	} else {
		in6.sin6_addr.s6_addr[15] = (uint8_t)c;
		dial_address_add(all, (const struct sockaddr *)&in6,
		    sizeof(in6));
	}
}

static void
put(const struct dial_addresses *all, char *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct dial_address *a = &all->v[i];

		*out++ = (char)(a->u.sa.sa_family == AF_INET
			? ntohl(a->u.in.sin_addr.s_addr)
			: a->u.in6.sin6_addr.s6_addr[15]);
	}
	*out = '\0';
}

static void
takes_turns(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "1", "1" },
		{ "12", "12" },
		{ "1a", "1a" },
		{ "a1", "a1" },
		{ "ab1", "a1b" },
		{ "abc1", "a1bc" },
		{ "abc12", "a1b2c" },
		{ "12ab", "1a2b" },
		{ "a1b2", "a1b2" },
		{ "a12b", "a1b2" },
		{ "a123", "a123" },
		{ "12345ab", "1a2b345" },
		{ "abcdefghijklmnopqrstuvw1", "a1bcdefghijklmnopqrstuvw" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct dial_addresses all = { 0 };
		char got[DIAL_ADDRESS_MAX + 1];

		for (const char *c = cases[i].in; *c != '\0'; c++)
			add(&all, *c);
		dial_address_interleave(&all);
		put(&all, got);
		if (strcmp(got, cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, got);
	}
}

static void
has_an_end(void **state)
{
	struct dial_addresses all = { 0 };

	(void)state;
	for (size_t i = 0; i < DIAL_ADDRESS_MAX + 3; i++)
		add(&all, '1');
	assert_int_equal(all.n, DIAL_ADDRESS_MAX);
}

static void
has_a_text(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct dial_addresses all = { 0 };
	char text[DIAL_ADDRESS_TEXT], path[108];

	(void)state;
	in.sin_port = in6.sin6_port = htons(80);
	in.sin_addr.s_addr = htonl(0xc0000207);
	in6.sin6_addr = in6addr_loopback;
	dial_address_add(&all, (const struct sockaddr *)&in, sizeof(in));
	dial_address_add(&all, (const struct sockaddr *)&in6, sizeof(in6));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	dial_address_add_unix(&all, path);
	dial_address_put(&all.v[0], text);
	assert_string_equal(text, "192.0.2.7:80");
	dial_address_put(&all.v[1], text);
	assert_string_equal(text, "[::1]:80");
	dial_address_put(&all.v[2], text);
	assert_string_equal(text, path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_turns),
		cmocka_unit_test(has_an_end),
		cmocka_unit_test(has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
