#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/forwarded.h"
#include "codec/http1.h"

#define XF "X-Forwarded-For: "
#define XP "X-Forwarded-Proto: "
#define XH "X-Forwarded-Host: "
#define FW "Forwarded: "
#define NL "\r\n"

/*
 * Trusted are 10.0.0.0/8 and 2001:db8::/32; the peer is 10.0.0.1:99 but where
 * the row says otherwise.
 */
static const struct test_case {
	const char *name;
	const char *fields;
	const char *client; /* NULL: refused */
	const char *more;   /* protocol and host; NULL: neither */
	const char *peer;
} cases[] = {
	{ "nothing", "", "10.0.0.1:99", NULL, NULL },
	{ "one", XF "192.0.2.7" NL, "192.0.2.7:0", NULL, NULL },
	{ "not from others (H25)", XF "192.0.2.7" NL XP "https" NL,
	    "8.8.8.8:99", NULL, "8.8.8.8" },
	{ "not from others, Forwarded (H25)",
	    FW "for=192.0.2.7;proto=https;host=a" NL, "8.8.8.8:99", NULL,
	    "8.8.8.8" },
	{ "right-most (H25)", XF "1.1.1.1, 192.0.2.7" NL, "192.0.2.7:0", NULL,
	    NULL },
	{ "right-most of several fields (H25)",
	    XF "1.1.1.1" NL "A: b" NL XF "192.0.2.7" NL, "192.0.2.7:0", NULL,
	    NULL },
	{ "right-most untrusted (H25)",
	    XF "1.1.1.1, 192.0.2.7,10.0.0.3 , 10.2.2.2" NL, "192.0.2.7:0", NULL,
	    NULL },
	{ "trusted ones in several fields",
	    XF "192.0.2.7, 10.0.0.3" NL "x-forwarded-for: 10.2.2.2" NL,
	    "192.0.2.7:0", NULL, NULL },
	{ "all trusted", XF "10.0.0.4, 10.0.0.3" NL, "10.0.0.4:0", NULL, NULL },
	{ "IPv6", XF "2002::1, 2001:DB8::1" NL, "2002::1:0", NULL, NULL },
	{ "IPv4 as IPv6", XF "192.0.2.7, ::ffff:10.0.0.3" NL, "192.0.2.7:0",
	    NULL, NULL },
	{ "port", XF "192.0.2.7:1234" NL, "192.0.2.7:1234", NULL, NULL },
	{ "IPv6 and port", XF "[2002::1]:1234" NL, "2002::1:1234", NULL, NULL },
	{ "brackets", XF "[2002::1]" NL, "2002::1:0", NULL, NULL },
	{ "through a Unix socket", XF "192.0.2.7" NL, "192.0.2.7:0", NULL,
	    "unix" },
	{ "empty", XF NL, "10.0.0.1:99", NULL, NULL },
	{ "empty elements", XF ", ,192.0.2.7,\t," NL XF " , " NL, "192.0.2.7:0",
	    NULL, NULL },
	{ "malformed", XF "192.0.2.7, rubbish" NL, "10.0.0.1:99", NULL, NULL },
	{ "malformed further left", XF "192.0.2.7, rubbish, 10.0.0.3" NL,
	    "10.0.0.3:0", NULL, NULL },
	{ "malformed beyond the client", XF "rubbish, 192.0.2.7" NL,
	    "192.0.2.7:0", NULL, NULL },
	{ "unknown", XF "192.0.2.7, unknown" NL, "10.0.0.1:99", NULL, NULL },
	{ "nobody", XF "192.0.2.7, ::" NL, "10.0.0.1:99", NULL, NULL },
	{ "unix", XF "192.0.2.7, unix" NL, "10.0.0.1:99", NULL, NULL },
	{ "blank inside", XF "192.0.2.7 192.0.2.8" NL, "10.0.0.1:99", NULL,
	    NULL },
	{ "port over", XF "192.0.2.7:65536" NL, "10.0.0.1:99", NULL, NULL },
	{ "port empty", XF "192.0.2.7:" NL, "10.0.0.1:99", NULL, NULL },
	{ "port of six", XF "192.0.2.7:000080" NL, "10.0.0.1:99", NULL, NULL },
	{ "brackets open", XF "[2002::1" NL, "10.0.0.1:99", NULL, NULL },
	{ "IPv4 in brackets", XF "[192.0.2.7]" NL, "10.0.0.1:99", NULL, NULL },
	{ "quotes", XF "\"192.0.2.7\"" NL, "10.0.0.1:99", NULL, NULL },
	{ "zone", XF "fe80::1%eth0" NL, "10.0.0.1:99", NULL, NULL },

	{ "https", XF "192.0.2.7" NL XP "https" NL, "192.0.2.7:0", "https",
	    NULL },
	{ "http", XF "192.0.2.7" NL XP "HTTP" NL, "192.0.2.7:0", "http", NULL },
	{ "wss", XP "wss" NL, "10.0.0.1:99", "https", NULL },
	{ "ws", XP "ws" NL, "10.0.0.1:99", "http", NULL },
	{ "another protocol", XP "gopher" NL, "10.0.0.1:99", NULL, NULL },
	{ "what the client wrote", XF "192.0.2.7" NL XP "https, http" NL,
	    "192.0.2.7:0", "http", NULL },
	{ "what the outer proxy wrote",
	    XF "192.0.2.7, 10.0.0.3" NL XP "https, http" NL, "192.0.2.7:0",
	    "https", NULL },
	{ "in front of what it wrote",
	    XF "192.0.2.7, 10.0.0.3" NL XP "http" NL XP "https, http" NL,
	    "192.0.2.7:0", "https", NULL },
	{ "left as it was", XF "192.0.2.7, 10.0.0.3" NL XP "https" NL,
	    "192.0.2.7:0", "https", NULL },
	{ "host", XF "192.0.2.7" NL XH "a.org" NL, "192.0.2.7:0", "a.org:0",
	    NULL },
	{ "host and port", XH "A.org:81" NL, "10.0.0.1:99", "A.org:81", NULL },
	{ "host that the client wrote", XF "192.0.2.7" NL XH "b.org, a.org" NL,
	    "192.0.2.7:0", "a.org:0", NULL },
	{ "host, malformed", XH "a/b" NL, "10.0.0.1:99", NULL, NULL },

	{ "Forwarded", FW "for=192.0.2.7" NL, "192.0.2.7:0", NULL, NULL },
	{ "Forwarded, everything",
	    FW "By=203.0.113.43;FOR=192.0.2.7;Proto=https;HOST=a.org" NL,
	    "192.0.2.7:0", "https a.org:0", NULL },
	{ "Forwarded, IPv6 and port", FW "for=\"[2002::1]:1234\"" NL,
	    "2002::1:1234", NULL, NULL },
	{ "Forwarded, quoted", FW "for=\"192.0.2.7:80\";host=\"a.org:81\"" NL,
	    "192.0.2.7:80", "a.org:81", NULL },
	{ "Forwarded, obfuscated port", FW "for=\"192.0.2.7:_x\"" NL,
	    "192.0.2.7:0", NULL, NULL },
	{ "Forwarded, blanks", FW "for=192.0.2.7 ; proto=https ;" NL,
	    "192.0.2.7:0", "https", NULL },
	{ "Forwarded, unknown parameter", FW "x=\"a;b\\\"\";for=192.0.2.7" NL,
	    "192.0.2.7:0", NULL, NULL },
	{ "Forwarded, right-most (H25)",
	    FW "for=1.1.1.1;proto=http, for=192.0.2.7;proto=https" NL FW
	       "for=10.0.0.3;proto=http" NL,
	    "192.0.2.7:0", "https", NULL },
	{ "Forwarded, unknown", FW "for=192.0.2.7, for=unknown;proto=https" NL,
	    "10.0.0.1:99", "https", NULL },
	{ "Forwarded, hidden", FW "for=192.0.2.7, for=_hidden, for=10.0.0.3" NL,
	    "10.0.0.3:0", NULL, NULL },
	{ "Forwarded, hidden with a port", FW "for=\"_hidden:80\"" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, nobody", FW "for=192.0.2.7, proto=https" NL,
	    "10.0.0.1:99", "https", NULL },
	{ "Forwarded, a quote left open", FW "for=\"1.1.1.1, for=192.0.2.7" NL,
	    "192.0.2.7:0", NULL, NULL },
	{ "Forwarded, a quote left open in a field",
	    FW "for=\"1.1.1.1" NL FW "for=192.0.2.7" NL, "192.0.2.7:0", NULL,
	    NULL },
	{ "Forwarded, the element itself open", FW "for=\"192.0.2.7" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, ends in a backslash", FW "for=\"192.0.2.7\\" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, escapes", FW "for=\"192.0.2.\\7\"" NL, "10.0.0.1:99",
	    NULL, NULL },
	{ "Forwarded, twice", FW "for=192.0.2.7;for=192.0.2.8" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, IPv6 bare", FW "for=\"2002::1\"" NL, "10.0.0.1:99", NULL,
	    NULL },
	{ "Forwarded, IPv6 unquoted", FW "for=[2002::1]" NL, "10.0.0.1:99",
	    NULL, NULL },
	{ "Forwarded, no value", FW "for=" NL, "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, no equals", FW "for" NL, "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, no name", FW "=192.0.2.7" NL, "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, blanks around equals", FW "for = 192.0.2.7" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, no semicolon", FW "for=192.0.2.7 proto=https" NL,
	    "10.0.0.1:99", NULL, NULL },
	{ "Forwarded, empty parameters", FW ";for=192.0.2.7;;proto=https;" NL,
	    "192.0.2.7:0", "https", NULL },

	{ "both agree", XF "192.0.2.7" NL FW "for=192.0.2.7;proto=https" NL,
	    "192.0.2.7:0", "https", NULL },
	{ "both agree on all",
	    XF "192.0.2.7" NL XP "https" NL XH "A.org" NL FW
	       "for=192.0.2.7;proto=https;host=a.org" NL,
	    "192.0.2.7:0", "https A.org:0", NULL },
	{ "both, another client (H25)", XF "192.0.2.7" NL FW "for=1.1.1.1" NL,
	    NULL, NULL, NULL },
	{ "both, one without (H25)", XF "192.0.2.7" NL FW "for=unknown" NL,
	    NULL, NULL, NULL },
	{ "both, another protocol",
	    XF "192.0.2.7" NL XP "http" NL FW "for=192.0.2.7;proto=https" NL,
	    NULL, NULL, NULL },
	{ "both, another host",
	    XF "192.0.2.7" NL XH "a.org" NL FW "for=192.0.2.7;host=b.org" NL,
	    NULL, NULL, NULL },
	{ "protocol alone beside Forwarded",
	    XP "https" NL FW "for=192.0.2.7" NL, "192.0.2.7:0", "https", NULL },
	{ "both of no concern", XF "192.0.2.7" NL FW "for=1.1.1.1" NL,
	    "8.8.8.8:99", NULL, "8.8.8.8" },
};

static bool
resolve(struct forwarded *f, const char *fields, const char *peer)
{
	static const char *const texts[] = { "10.0.0.0/8", "2001:db8::/32",
		"unix" };
	struct addr_net trusted[nitems(texts)];
	static char in[8192];
	struct http1_head head;
	struct addr from = { 0 };
	size_t scanned = 0, used = 0;

	for (size_t i = 0; i < nitems(texts); i++)
		assert_true(addr_net_read(&trusted[i], texts[i]));
	if (strcmp(peer, "unix") != 0)
		assert_true(addr_read(&from, peer, strlen(peer)));
	snprintf(in, sizeof(in), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
	assert_int_equal(http1_read_request(&head, (const uint8_t *)in,
			     strlen(in), &scanned, &used),
	    HTTP1_HEAD);
	return forwarded_read(f, &head, trusted, nitems(trusted), &from, 99);
}

static void
put_more(const struct forwarded *f, char *out, size_t size)
{
	static const char *const protos[] = { "", "http", "https" };

	(void)snprintf(out, size, "%s", protos[f->proto]);
	if (f->host != NULL)
		(void)snprintf(out + strlen(out), size - strlen(out),
		    "%s%.*s:%u", out[0] == '\0' ? "" : " ", (int)f->host_len,
		    f->host, f->host_port);
}

static void
finds_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *c = &cases[i];
		const char *peer = c->peer == NULL ? "10.0.0.1" : c->peer;
		char client[ADDR_TEXT + 8] = "", more[64] = "";
		struct forwarded f;
		bool ok = resolve(&f, c->fields, peer);

		if (ok) {
			addr_put(&f.client, client);
			(void)snprintf(client + strlen(client), 8, ":%u",
			    f.port);
			put_more(&f, more, sizeof(more));
		}
		if (ok != (c->client != NULL) ||
		    (ok &&
			(strcmp(client, c->client) != 0 ||
			    strcmp(more, c->more == NULL ? "" : c->more) != 0)))
			fail_msg("%s: %s %s", c->name, client, more);
	}
}

static void
tells_who_is_trusted(void **state)
{
	struct forwarded f;

	(void)state;
	assert_true(resolve(&f, "", "10.0.0.1") && f.trusted);
	assert_true(resolve(&f, "", "11.0.0.1") && !f.trusted);
	assert_true(resolve(&f, "", "unix") && f.trusted);
}

/* A row of trusted addresses is not walked for ever. */
static void
has_an_end(void **state)
{
	char fields[4096] = XF "192.0.2.7";
	struct forwarded f;
	char text[ADDR_TEXT];

	(void)state;
	for (int i = 1; i < FORWARDED_HOPS; i++)
		strcat(fields, ", 10.0.0.2");
	strcat(fields, NL);
	assert_true(resolve(&f, fields, "10.0.0.1"));
	addr_put(&f.client, text);
	assert_string_equal(text, "192.0.2.7");
	fields[strlen(fields) - 2] = '\0';
	strcat(fields, ", 10.0.0.3" NL);
	assert_true(resolve(&f, fields, "10.0.0.1"));
	addr_put(&f.client, text);
	assert_string_equal(text, "10.0.0.2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_clients),
		cmocka_unit_test(tells_who_is_trusted),
		cmocka_unit_test(has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
