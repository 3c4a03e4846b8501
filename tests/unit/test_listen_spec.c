/* Every form of --listen, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "conf/listen_spec.h"

static const struct good_case {
	const char *in;
	struct listen_spec want;
	const char *canonical; /* NULL: as it is */
} good[] = {
	{ "127.0.0.1:80", { .where = "127.0.0.1", .port = 80 }, NULL },
	{ "[::1]:443", { .where = "::1", .port = 443 }, NULL },
	{ "[fe80::1%eth0]:1", { .where = "fe80::1%eth0", .port = 1 }, NULL },
	{ "*:0", { .where = "*" }, NULL },
	{ "localhost:65535", { .where = "localhost", .port = 65535 }, NULL },
	{ "a-b.example:080", { .where = "a-b.example", .port = 80 },
	    "a-b.example:80" },
	{ "tls:*:443", { .tls = LISTEN_TLS, .where = "*", .port = 443 }, NULL },
	{ "auto:[::]:1", { .tls = LISTEN_AUTO, .where = "::", .port = 1 },
	    NULL },
	{ "proxy:*:1", { .proxy = true, .where = "*", .port = 1 }, NULL },
	{ "tls:proxy:*:1",
	    { .tls = LISTEN_TLS, .proxy = true, .where = "*", .port = 1 },
	    "proxy:tls:*:1" },
	{ "unix:x", { .kind = LISTEN_UNIX, .where = "x" }, NULL },
	{ "unix:/a b:c", { .kind = LISTEN_UNIX, .where = "/a b:c" }, NULL },
	{ "auto:proxy:unix:/x",
	    { .kind = LISTEN_UNIX,
		.tls = LISTEN_AUTO,
		.proxy = true,
		.where = "/x" },
	    "proxy:auto:unix:/x" },
	{ "fd:web", { .kind = LISTEN_FD, .where = "web" }, NULL },
	{ "fd:a.socket", { .kind = LISTEN_FD, .where = "a.socket" }, NULL },
	{ "tls:fd:3", { .kind = LISTEN_FD, .tls = LISTEN_TLS, .where = "3" },
	    NULL },
	{ "ftp:21", { .where = "ftp", .port = 21 }, NULL },
};

static void
assert_spec(const char *text, const struct listen_spec *want)
{
	struct listen_spec got;

	if (!listen_spec_read(&got, text))
		fail_msg("%s: refused", text);
	assert_int_equal(got.kind, want->kind);
	assert_int_equal(got.tls, want->tls);
	assert_int_equal(got.proxy, want->proxy);
	assert_int_equal(got.port, want->port);
	assert_int_equal(got.where_len, strlen(want->where));
	assert_memory_equal(got.where, want->where, got.where_len);
}

static void
reads_every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		const struct good_case *c = &good[i];
		char *item = listen_spec_item(c->in), *again;

		assert_spec(c->in, &c->want);
		assert_non_null(item);
		assert_string_equal(item, c->canonical ? c->canonical : c->in);
		assert_spec(item, &c->want);
		again = listen_spec_item(item);
		assert_string_equal(again, item);
		free(again);
		free(item);
	}
}

static const char *const bad[] = {
	"",
	"80",
	":80",
	"*",
	"*:",
	"*:65536",
	"*:-1",
	"*:+1",
	"*: 1",
	"*:1 ",
	"127.0.0.1",
	"127.0.0.1:",
	"127.1:80",
	"1.2.3.4.5:80",
	"::1:80",
	"[::1]",
	"[::1]80",
	"[::1]:",
	"[]:80",
	"[*]:80",
	"[127.0.0.1]:80",
	"a b:80",
	"a/b:80",
	"tls:",
	"tls:80",
	"tls:tls:*:1",
	"tls:auto:*:1",
	"auto:auto:*:1",
	"proxy:proxy:*:1",
	"TLS:*:1",
	"unix:",
	"fd:",
	"fd:a b",
	"fd:a:b",
	"fd:\x7f",
	"fd:\xc3\xa4",
	"unix:"
	"0123456789012345678901234567890123456789012345678901234567890123456789"
	"012345678901234567890123456789012345678901234567890123456789012345678"
	"9",
};

static void
refuses_everything_else(void **state)
{
	struct listen_spec s;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		if (listen_spec_read(&s, bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_null(listen_spec_item(bad[i]));
	}
}

static void
bounds_names(void **state)
{
	char text[3 + 256 + 1];
	struct listen_spec s;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "fd:", 3);
	text[sizeof(text) - 1] = '\0';
	assert_false(listen_spec_read(&s, text));
	text[sizeof(text) - 2] = '\0';
	assert_true(listen_spec_read(&s, text));
	assert_int_equal(s.where_len, 255);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(bounds_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
