/*
 * Who a request is from, and whether such an address may come in.
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

#include "base/addr.h"
#include "codec/forwarded.h"
#include "codec/http1.h"
#include "conf/conf.h"
#include "engine/refusal.h"
#include "engine_world.h"

static struct conf conf;
static struct remote_rules *rules;

static void
begin(const char *allow, const char *deny, const char *proxy)
{
	conf_init(&conf);
	if (allow != NULL)
		world_set(&conf, "allow", allow);
	if (deny != NULL)
		world_set(&conf, "deny", deny);
	if (proxy != NULL)
		world_set(&conf, "trusted-proxy", proxy);
	rules = remote_rules_new(&conf);
}

static void
end(void)
{
	remote_rules_free(rules);
	conf_clear(&conf);
}

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_read(&a, text, strlen(text)));
	return a;
}

static void
addresses_are_allowed_and_denied(void **state)
{
	static const struct {
		const char *allow, *deny, *from;
		const char *option; /* NULL: it may come in */
	} rows[] = {
		{ NULL, NULL, "192.0.2.1", NULL },
		{ NULL, "192.0.2.0/24", "192.0.2.1", "--deny" },
		{ NULL, "192.0.2.0/24", "192.0.3.1", NULL },
		{ "192.0.2.0/24", NULL, "192.0.2.1", NULL },
		{ "192.0.2.0/24", NULL, "192.0.3.1", "--allow=" },
		{ "192.0.2.0/24", "192.0.2.1", "192.0.2.1", "--deny" },
		{ "2001:db8::/32", NULL, "2001:db8::1", NULL },
		{ "2001:db8::/32", NULL, "192.0.2.1", "--allow=" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct addr a = addr(rows[i].from);
		const struct refusal *why;

		begin(rows[i].allow, rows[i].deny, NULL);
		why = remote_refuse(rules, &a);
		assert_ptr_equal(why, remote_refuse_peer(rules, &a));
		if (rows[i].option == NULL)
			assert_null(why);
		else
			assert_string_equal(why->option, rows[i].option);
		end();
	}
}

/* What counts is whom each of its requests is from. */
static void
a_trusted_proxy_is_let_in(void **state)
{
	struct addr a = addr("192.0.2.99");

	(void)state;
	begin(NULL, "192.0.2.0/24", "192.0.2.99");
	assert_true(remote_is_proxy(rules, &a));
	assert_null(remote_refuse_peer(rules, &a));
	assert_non_null(remote_refuse(rules, &a));
	end();
}

static void
a_trusted_proxy_is_believed(void **state)
{
	static const struct {
		const char *from, *fields;
		const char *client; /* NULL: the peer; "": it says two things */
	} rows[] = {
		{ "192.0.2.99", "Forwarded: for=198.51.100.1", "198.51.100.1" },
		{ "192.0.2.99", "X-Forwarded-For: 198.51.100.1",
		    "198.51.100.1" },
		{ "192.0.2.98", "Forwarded: for=198.51.100.1", NULL },
		{ "192.0.2.99",
		    "Forwarded: for=198.51.100.1\r\n"
		    "X-Forwarded-For: 198.51.100.2",
		    "" },
	};

	(void)state;
	begin(NULL, NULL, "192.0.2.99");
	for (size_t i = 0; i < nitems(rows); i++) {
		struct addr peer = addr(rows[i].from);
		size_t scanned = 0, used;
		struct http1_head head;
		struct forwarded f;
		char in[256];
		bool ok;
		int n = snprintf(in, sizeof(in),
		    "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", rows[i].fields);

		assert_int_equal(http1_read_request(&head, (uint8_t *)in,
				     (size_t)n, &scanned, &used),
		    HTTP1_HEAD);
		ok = remote_read_proxy(rules, &head, &peer, 1, &f);
		assert_int_equal(ok,
		    rows[i].client == NULL || rows[i].client[0] != '\0');
		if (!ok)
			continue;
		assert_int_equal(f.trusted, rows[i].client != NULL);
		if (f.trusted) {
			struct addr client = addr(rows[i].client);

			assert_true(addr_same(&f.client, &client));
		}
	}
	end();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_allowed_and_denied),
		cmocka_unit_test(a_trusted_proxy_is_let_in),
		cmocka_unit_test(a_trusted_proxy_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
