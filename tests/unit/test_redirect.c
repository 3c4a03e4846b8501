#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/redirect.h"
#include "codec/url.h"

static void
makes_urls(void **state)
{
	static const struct {
		bool https;
		unsigned port;
		const char *host, *target, *want;
	} rows[] = {
		{ true, 443, "a.test", "/", "https://a.test/" },
		{ true, 8443, "a.test", "/b?c", "https://a.test:8443/b?c" },
		{ true, 80, "a.test", "/", "https://a.test:80/" },
		{ false, 80, "a.test", "/b", "http://a.test/b" },
		{ false, 443, "a.test", "/b", "http://a.test:443/b" },
		{ true, 443, "[::1]", "/b/?c?d", "https://[::1]/b/?c?d" },
		{ true, 1, "[::1]", "//b", "https://[::1]:1//b" },
		{ true, 443, "a", "/%0d%0aX:y", "https://a/%0d%0aX:y" },
		{ true, 443, "a", "http://b/c?d", "https://a/c?d" },
		{ true, 443, "a", "http://b?d", "https://a/?d" },
		{ true, 443, "a", "*", "https://a/" },
		{ true, 443, "a", "b:80", "https://a/" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct redirect r = {
			.https = rows[i].https,
			.port = rows[i].port,
			.host = rows[i].host,
			.host_len = strlen(rows[i].host),
		};
		struct url url;
		struct buf b;

		url_split(rows[i].target, strlen(rows[i].target), &url);
		buf_init(&b, 100);
		assert_true(redirect_put(&b, &r, &url));
		assert_true(buf_add_byte(&b, '\0'));
		assert_string_equal((char *)b.data, rows[i].want);
		buf_clear(&b);
	}
}

static void
does_not_fit(void **state)
{
	const struct redirect r = { .host = "a", .host_len = 1, .port = 81 };
	struct url url;
	struct buf b;

	(void)state;
	url_split("/b?c", 4, &url);
	for (size_t room = 0; room <= strlen("http://a:81/b?c"); room++) {
		buf_init(&b, room);
		assert_int_equal(redirect_put(&b, &r, &url),
		    room == strlen("http://a:81/b?c"));
		buf_clear(&b);
	}
}

static void
keeps_methods(void **state)
{
	(void)state;
	assert_int_equal(redirect_status(true), 301);
	assert_int_equal(redirect_status(false), 308);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_urls),
		cmocka_unit_test(does_not_fit),
		cmocka_unit_test(keeps_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
