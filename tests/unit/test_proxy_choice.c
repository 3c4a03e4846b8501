#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/proxy_choice.h"

static void
reads_urls(void **state)
{
	static const struct {
		const char *text;
		int end;
		const char *parts; /* KIND USER|PASSWORD|HOST|PORT */
	} cases[] = {
		{ "http://a", PROXY_OK, "1 ||a|1080" },
		{ "HTTP://u:p%3a@a:3128/", PROXY_OK, "1 u|p:|a|3128" },
		{ "a:3128", PROXY_OK, "1 ||a|3128" },
		{ "u:p@[::1]:1", PROXY_OK, "1 u|p|::1|1" },
		{ "socks5://a", PROXY_OK, "2 ||a|1080" },
		{ "socks5h://u@a:1", PROXY_OK, "2 u||a|1" },
		{ "https://a", PROXY_ERR_SCHEME, NULL },
		{ "socks4://a", PROXY_ERR_SCHEME, NULL },
		{ "socks://a", PROXY_ERR_SCHEME, NULL },
		{ "http://a/b", PROXY_ERR_PATH, NULL },
		{ "http://a?b", PROXY_ERR_PATH, NULL },
		{ "http://a#", PROXY_ERR_PATH, NULL },
		{ "", AUTHORITY_ERR_NO_HOST, NULL },
		{ "http://", AUTHORITY_ERR_NO_HOST, NULL },
		{ "http://a:0", AUTHORITY_ERR_PORT, NULL },
		{ "a b", AUTHORITY_ERR_HOST, NULL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct proxy p;
		char parts[1024];
		int rc = proxy_read(&p, cases[i].text);

		if (rc != cases[i].end)
			fail_msg("%s: %d", cases[i].text, rc);
		if (rc != PROXY_OK)
			continue;
		(void)snprintf(parts, sizeof(parts), "%d %s|%s|%s|%u",
		    (int)p.kind, p.at.user, p.at.password, p.at.host,
		    p.at.port);
		if (strcmp(parts, cases[i].parts) != 0)
			fail_msg("%s: %s", cases[i].text, parts);
	}
}

static void
exempts(void **state)
{
	static const struct {
		const char *list, *host;
		bool exempt;
	} cases[] = {
		{ "", "a", false },
		{ " ,,\t", "a", false },
		{ "a", "a", true },
		{ "A", "a", true },
		{ "a", "b.a", true },
		{ "a", "ba", false },
		{ "b.a", "a", false },
		{ ".a", "a", true },
		{ ".a", "b.a", true },
		{ ".", "a", false },
		{ "a.", "b.a", true },
		{ "a", "a.", true },
		{ "b,a", "a", true },
		{ "b a", "a", true },
		{ "*", "a", true },
		{ "b, *", "a", true },
		{ "*", "::1", true },
		{ "*.a", "b.a", false },
		{ "127.0.0.1", "127.0.0.1", true },
		{ "0.1", "127.0.0.1", false },
		{ "127.0.0.0/8", "127.1.2.3", true },
		{ "127.0.0.1/8", "127.1.2.3", true },
		{ "127.0.0.0/8", "128.0.0.1", false },
		{ "127.0.0.0/33", "127.0.0.1", false },
		{ "127.0.0.0/", "127.0.0.1", false },
		{ "127.0.0.0/8x", "127.0.0.1", false },
		{ "0.0.0.0/0", "192.0.2.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "10.0.0.0/8", "a", false },
		{ "::1", "::1", true },
		{ "[::1]", "0:0::1", true },
		{ "2001:db8::/32", "2001:db8:1::2", true },
		{ "[2001:db8::]/32", "2001:db8:1::2", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "fe80::/10", "fe80::1%eth0", true },
		{ "::1/129", "::1", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		if (proxy_is_exempt(cases[i].list, cases[i].host) !=
		    cases[i].exempt)
			fail_msg("'%s' and %s", cases[i].list, cases[i].host);
	}
}

static void
reads_the_environment(void **state)
{
	static const struct {
		const char *env[4];
		const char *plain, *tls; /* what is chosen */
	} cases[] = {
		{ { NULL }, NULL, NULL },
		{ { "http_proxy=a", NULL }, "a", NULL },
		{ { "HTTP_PROXY=a", NULL }, NULL, NULL },
		{ { "https_proxy=a", NULL }, NULL, "a" },
		{ { "HTTPS_PROXY=a", NULL }, NULL, "a" },
		{ { "HTTPS_PROXY=a", "https_proxy=b", NULL }, NULL, "b" },
		{ { "ALL_PROXY=a", "all_proxy=b", NULL }, "b", "b" },
		{ { "all_proxy=a", "http_proxy=b", NULL }, "b", "a" },
		{ { "all_proxy=a", "https_proxy=b", NULL }, "a", "b" },
		{ { "http_proxy=", "ALL_PROXY=a", NULL }, "a", "a" },
		{ { "http_proxyx=a", NULL }, NULL, NULL },
		{ { "all_proxy=a", "no_proxy=other", NULL }, "a", "a" },
		{ { "all_proxy=a", "no_proxy=host", NULL }, NULL, NULL },
		{ { "all_proxy=a", "NO_PROXY=*", NULL }, NULL, NULL },
		{ { "all_proxy=a", "NO_PROXY=*", "no_proxy=b", NULL }, "a",
		    "a" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		for (int tls = 0; tls < 2; tls++) {
			const char *want = tls ? cases[i].tls : cases[i].plain;
			const char *name, *got;
			char *env[4];

			memcpy(env, cases[i].env, sizeof(env));
			got = proxy_from_environment(env, "host", tls, &name);
			if ((got == NULL) != (want == NULL) ||
			    (got != NULL && strcmp(got, want) != 0))
				fail_msg("%zu: %s", i, got ? got : "none");
		}
	}
}

static void
every_result_has_words(void **state)
{
	(void)state;
	assert_string_not_equal(proxy_strresult(PROXY_ERR_PATH),
	    proxy_strresult(PROXY_ERR_SCHEME));
	assert_string_equal(proxy_strresult(
				(enum proxy_result)AUTHORITY_ERR_PORT),
	    authority_strresult(AUTHORITY_ERR_PORT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_urls),
		cmocka_unit_test(exempts),
		cmocka_unit_test(reads_the_environment),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
