#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/http1.h"
#include "codec/origin.h"

/* Lists are NULL-terminated here; NULL is the empty one. */
typedef const char *const list[4];

static size_t
count(const char *const *names)
{
	size_t n = 0;

	while (n < nitems((list){ 0 }) && names[n] != NULL)
		n++;
	return n;
}

enum way { OUTSIDE, LOOPBACK, TLS };

static const struct test_case {
	const char *name;
	const char *fields; /* of the request, Host included */
	enum way way;
	list origins;
	bool same_origin;
	list server_names;
	enum origin_verdict verdict;
} cases[] = {
#define H(host) "Host: " host "\r\n"
#define O(origin) "Origin: " origin "\r\n"
	{ "no origin (H13)", H("a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "no origin, a list", H("a"), OUTSIDE, { "b" }, true, { 0 },
	    ORIGIN_ALLOWED },
	{ "null (H13)", H("a") O("null"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "null, another list", H("a") O("null"), OUTSIDE, { "a" }, false,
	    { 0 }, ORIGIN_ERR_UNLISTED },
	{ "null listed", H("a") O("null"), OUTSIDE, { "b", "null" }, false,
	    { 0 }, ORIGIN_ALLOWED },
	{ "null listed, same origin", H("a") O("null"), OUTSIDE, { "null" },
	    true, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "null under *", H("a") O("null"), OUTSIDE, { "*" }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "NULL is null", H("a") O("NULL"), OUTSIDE, { "null" }, false, { 0 },
	    ORIGIN_ALLOWED },

	{ "two origins", H("a") O("http://a") O("http://a"), OUTSIDE, { "*" },
	    false, { 0 }, ORIGIN_ERR_SEVERAL },
	{ "two in one", H("a") O("http://a http://a"), OUTSIDE, { 0 }, false,
	    { 0 }, ORIGIN_ERR_FOREIGN },
	{ "empty", H("a") O(""), OUTSIDE, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "no scheme", H("a") O("a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "empty scheme", H("a") O("://a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "bad scheme", H("a") O("1http://a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "slash", H("a") O("http://a/"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "user", H("a") O("http://u@a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "empty port", H("a") O("http://a:"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "local file", H("a") O("file://"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "local file under *", H("a") O("file://"), OUTSIDE, { "*" }, false,
	    { 0 }, ORIGIN_ALLOWED },

	{ "same", H("a") O("http://a"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "same, case (H11)", H("Example.COM") O("HTTP://eXAMPLE.com"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "same, port", H("a:81") O("http://a:81"), OUTSIDE, { 0 }, false,
	    { 0 }, ORIGIN_ALLOWED },
	{ "same, default port in Host (H11)", H("a:80") O("http://a"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "same, default port in Origin (H11)", H("a") O("http://a:80"),
	    OUTSIDE, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "same, 443 over TLS (H11)", H("a:443") O("https://a"), TLS, { 0 },
	    false, { 0 }, ORIGIN_ALLOWED },
	{ "same, IPv6 (H11)",
	    H("[2001:db8::1]:81") O("http://[2001:DB8:0::1]:81"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "https page behind a proxy (H11)", H("a") O("https://a"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "https page behind a proxy, port", H("a:444") O("https://a:444"),
	    OUTSIDE, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "http page over TLS", H("a") O("http://a"), TLS, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "http page over TLS, same port", H("a:81") O("http://a:81"), TLS,
	    { 0 }, false, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "other host", H("a") O("http://b"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "other port", H("a:81") O("http://a:82"), OUTSIDE, { 0 }, false,
	    { 0 }, ORIGIN_ERR_FOREIGN },
	{ "port against default", H("a:81") O("http://a"), OUTSIDE, { 0 },
	    false, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "default of the other scheme", H("a:80") O("https://a"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "subdomain", H("a.b") O("http://c.a.b"), OUTSIDE, { 0 }, false, { 0 },
	    ORIGIN_ERR_FOREIGN },
	{ "other IPv6", H("[2001:db8::1]") O("http://[2001:db8::2]"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "other scheme", H("a") O("chrome-extension://a"), OUTSIDE, { 0 },
	    false, { 0 }, ORIGIN_ERR_FOREIGN },

	{ "listed", H("a") O("https://b.org"), OUTSIDE, { "x", "b.org" }, false,
	    { 0 }, ORIGIN_ALLOWED },
	{ "listed, any port", H("a") O("https://b.org:99"), OUTSIDE,
	    { "b.org" }, false, { 0 }, ORIGIN_ALLOWED },
	{ "listed, case", H("a") O("http://b.org"), OUTSIDE, { "HTTP://B.ORG" },
	    false, { 0 }, ORIGIN_ALLOWED },
	{ "listed, port", H("a") O("http://b.org:99"), OUTSIDE, { "b.org:99" },
	    false, { 0 }, ORIGIN_ALLOWED },
	{ "listed, default port", H("a") O("https://b.org"), OUTSIDE,
	    { "b.org:443" }, false, { 0 }, ORIGIN_ALLOWED },
	{ "listed, IPv6", H("a") O("http://[::2]:9"), OUTSIDE,
	    { "http://[0::2]:9" }, false, { 0 }, ORIGIN_ALLOWED },
	{ "not listed", H("a") O("http://b.org"), OUTSIDE, { "c.org" }, false,
	    { 0 }, ORIGIN_ERR_UNLISTED },
	{ "the same, not listed", H("a") O("http://a"), OUTSIDE, { "c.org" },
	    false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "other port than listed", H("a") O("http://b.org:98"), OUTSIDE,
	    { "b.org:99" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "default port of the other scheme", H("a") O("http://b.org"), OUTSIDE,
	    { "b.org:443" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "other scheme than listed", H("a") O("http://b.org"), OUTSIDE,
	    { "https://b.org" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "odd scheme without one in the list", H("a") O("app://b.org"),
	    OUTSIDE, { "b.org" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "odd scheme listed", H("a") O("app://b.org"), OUTSIDE,
	    { "app://b.org" }, false, { 0 }, ORIGIN_ALLOWED },
	{ "suffix (H12)", H("a") O("http://evil-example.com"), OUTSIDE,
	    { "example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "prefix (H12)", H("a") O("http://example.com.evil.org"), OUTSIDE,
	    { "example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "dots are dots (H12)", H("a") O("http://exampleXcom"), OUTSIDE,
	    { "example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },

	{ "one label", H("a") O("http://x.example.com"), OUTSIDE,
	    { "*.example.com" }, false, { 0 }, ORIGIN_ALLOWED },
	{ "two labels, scheme and port", H("a") O("https://x.Y.example.com"),
	    OUTSIDE, { "https://*.example.COM:443" }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "bare domain (H12)", H("a") O("http://example.com"), OUTSIDE,
	    { "*.example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "empty label (H12)", H("a") O("http://.example.com"), OUTSIDE,
	    { "*.example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "no label boundary (H12)", H("a") O("http://evil-example.com"),
	    OUTSIDE, { "*.example.com" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "a star elsewhere is none", H("a") O("http://x.b"), OUTSIDE,
	    { "x.*", "*b", "http://*" }, false, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "malformed patterns match nothing", H("a") O("http://b"), OUTSIDE,
	    { "", "http://", "http://b/" }, false, { 0 }, ORIGIN_ERR_UNLISTED },

	{ "both rules, both kept", H("a") O("http://a"), OUTSIDE, { "a" }, true,
	    { 0 }, ORIGIN_ALLOWED },
	{ "both rules, not the same", H("a") O("http://b"), OUTSIDE, { "b" },
	    true, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "both rules, not listed", H("a") O("http://a"), OUTSIDE, { "b" },
	    true, { 0 }, ORIGIN_ERR_UNLISTED },
	{ "both rules, *", H("a") O("http://a"), OUTSIDE, { "*" }, true, { 0 },
	    ORIGIN_ALLOWED },

	{ "rebinding", H("evil.org:81") O("http://evil.org:81"), LOOPBACK,
	    { 0 }, false, { 0 }, ORIGIN_ERR_HOST },
	{ "rebinding, any origin", H("evil.org") O("http://evil.org"), LOOPBACK,
	    { "*" }, false, { 0 }, ORIGIN_ERR_HOST },
	{ "rebinding, no Origin sent",
	    H("evil.org") "Sec-Fetch-Site: same-origin\r\n", LOOPBACK, { 0 },
	    false, { 0 }, ORIGIN_ERR_HOST },
	{ "no browser", H("evil.org"), LOOPBACK, { 0 }, false, { 0 },
	    ORIGIN_ALLOWED },
	{ "loopback, localhost", H("LocalHost:81") O("http://localhost:81"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "loopback, below localhost", H("a.localhost") O("http://a.localhost"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "loopback, 127/8", H("127.1.2.3:81") O("http://127.1.2.3:81"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "loopback, ::1", H("[::1]:81") O("http://[::1]:81"), LOOPBACK, { 0 },
	    false, { 0 }, ORIGIN_ALLOWED },
	{ "loopback, foreign page", H("localhost") O("http://evil.org"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ERR_FOREIGN },
	{ "127. as a name",
	    H("127.0.0.1.evil.org") O("http://127.0.0.1.evil.org"), LOOPBACK,
	    { 0 }, false, { 0 }, ORIGIN_ERR_HOST },
	{ "localhost as a suffix", H("evillocalhost") O("http://evillocalhost"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ERR_HOST },
	{ "server name", H("my.org:81") O("http://my.org:81"), LOOPBACK, { 0 },
	    false, { "x", "MY.org" }, ORIGIN_ALLOWED },
	{ "server name below", H("x.my.org") O("http://x.my.org"), LOOPBACK,
	    { 0 }, false, { "*.my.org" }, ORIGIN_ALLOWED },
	{ "server name *", H("evil.org") O("http://evil.org"), LOOPBACK, { 0 },
	    false, { "*" }, ORIGIN_ALLOWED },
	{ "another server name", H("evil.org") O("http://evil.org"), LOOPBACK,
	    { 0 }, false, { "my.org" }, ORIGIN_ERR_HOST },
	{ "server name with scheme is none", H("my.org") O("http://my.org"),
	    LOOPBACK, { 0 }, false, { "http://my.org" }, ORIGIN_ERR_HOST },
	{ "server name with port is none", H("my.org:81") O("http://my.org:81"),
	    LOOPBACK, { 0 }, false, { "my.org:81" }, ORIGIN_ERR_HOST },
	{ "another address", H("128.0.0.1") O("http://128.0.0.1"), LOOPBACK,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 all addresses", H("0.0.0.0:81") O("http://0.0.0.0:81"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 forwarded port", H("192.0.2.7:81") O("http://192.0.2.7:81"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 IPv6", H("[2001:db8::1]") O("http://[2001:db8::1]"),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 any address", H("[::]:81") O("http://[::]:81"), LOOPBACK,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 dot of the root",
	    H("localhost.:81") O("http://localhost.:81"), LOOPBACK, { 0 },
	    false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 dot below", H("a.localhost.") O("http://a.localhost."),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "fault_W8 dot of a server name", H("my.org.") O("http://my.org."),
	    LOOPBACK, { 0 }, false, { "my.org" }, ORIGIN_ALLOWED },
	{ "fault_W8 an address with names",
	    H("192.0.2.7") O("http://192.0.2.7"), OUTSIDE, { 0 }, false,
	    { "my.org" }, ORIGIN_ALLOWED },
	{ "fault_W8 a page at another address",
	    H("0.0.0.0:81") O("http://192.0.2.7:81"), LOOPBACK, { 0 }, false,
	    { 0 }, ORIGIN_ERR_FOREIGN },
	{ "fault_W8 only like an address",
	    H("1.2.3.4.evil.org") O("http://1.2.3.4.evil.org"), LOOPBACK, { 0 },
	    false, { 0 }, ORIGIN_ERR_HOST },
	{ "fault_W8 a name with a dot", H("evil.org.") O("http://evil.org."),
	    LOOPBACK, { 0 }, false, { 0 }, ORIGIN_ERR_HOST },
	{ "outside without names", H("evil.org") O("http://evil.org"), OUTSIDE,
	    { 0 }, false, { 0 }, ORIGIN_ALLOWED },
	{ "outside with names", H("evil.org") O("http://evil.org"), OUTSIDE,
	    { 0 }, false, { "my.org" }, ORIGIN_ERR_HOST },
	{ "outside with names, ours", H("my.org") O("http://my.org"), OUTSIDE,
	    { 0 }, false, { "my.org" }, ORIGIN_ALLOWED },
	{ "outside with names, no browser", H("evil.org"), OUTSIDE, { 0 },
	    false, { "my.org" }, ORIGIN_ALLOWED },
#undef H
#undef O
};

/* Fill *rq from a request of those fields; `in` holds its bytes. */
static void
read_request(struct origin_request *rq, char *in, size_t insz,
    const char *version, const char *fields)
{
	struct http1_head head;
	size_t scanned = 0, used = 0;
	enum http1_result rc;

	snprintf(in, insz, "GET / HTTP/%s\r\n%s\r\n", version, fields);
	rc = http1_read_request(&head, (const uint8_t *)in, strlen(in),
	    &scanned, &used);
	if (rc != HTTP1_HEAD)
		fail_msg("%s: %s", in, http1_strresult(rc));
	origin_read(rq, &head);
}

static enum origin_verdict
judge(const struct test_case *c)
{
	const struct origin_policy policy = {
		.origins = c->origins,
		.norigins = count(c->origins),
		.same_origin = c->same_origin,
		.server_names = c->server_names,
		.nserver_names = count(c->server_names),
	};
	struct origin_request rq;
	char in[512];

	read_request(&rq, in, sizeof(in), "1.1", c->fields);
	rq.loopback = c->way == LOOPBACK;
	rq.https = c->way == TLS;
	return origin_check(&policy, &rq);
}

static void
judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		enum origin_verdict got = judge(&cases[i]);

		if (got != cases[i].verdict)
			fail_msg("%s: %s", cases[i].name, origin_strrule(got));
	}
}

/* A trusted proxy says a.org:PORT, and perhaps that its client spoke TLS. */
static void
judges_behind_proxies(void **state)
{
	static const struct {
		const char *name;
		const char *host, *origin;
		unsigned port; /* 0: none given */
		bool https, loopback;
		list server_names;
		enum origin_verdict verdict;
	} rows[] = {
		{ "Host rewritten (H11)", "10.0.0.1:81", "https://a.org", 0,
		    true, false, { 0 }, ORIGIN_ALLOWED },
		{ "Host rewritten, case (H11)", "10.0.0.1", "http://A.ORG:80",
		    0, false, false, { 0 }, ORIGIN_ALLOWED },
		{ "its port (H11)", "10.0.0.1:81", "https://a.org:444", 444,
		    true, false, { 0 }, ORIGIN_ALLOWED },
		{ "its port, not ours (H11)", "a.org:81", "https://a.org:81",
		    444, true, false, { 0 }, ORIGIN_ERR_FOREIGN },
		{ "Host does not count", "b.org", "https://b.org", 0, true,
		    false, { 0 }, ORIGIN_ERR_FOREIGN },
		{ "http page, https at the proxy", "a.org", "http://a.org", 0,
		    true, false, { 0 }, ORIGIN_ERR_FOREIGN },
		{ "suffix (H12)", "10.0.0.1", "http://evil-a.org", 0, false,
		    false, { 0 }, ORIGIN_ERR_FOREIGN },
		{ "loopback", "localhost:81", "https://a.org", 0, true, true,
		    { 0 }, ORIGIN_ALLOWED },
		{ "rebinding", "evil.org", "http://a.org", 0, false, true,
		    { 0 }, ORIGIN_ERR_HOST },
		{ "server name", "127.0.0.1:81", "https://a.org", 0, true, true,
		    { "a.org" }, ORIGIN_ALLOWED },
		{ "another server name", "127.0.0.1:81", "https://a.org", 0,
		    true, true, { "b.org" }, ORIGIN_ERR_HOST },
		{ "server name, another Host", "evil.org", "https://a.org", 0,
		    true, false, { "a.org" }, ORIGIN_ERR_HOST },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct origin_policy policy = {
			.server_names = rows[i].server_names,
			.nserver_names = count(rows[i].server_names),
		};
		struct origin_request rq;
		char in[256], fields[128];
		enum origin_verdict got;

		snprintf(fields, sizeof(fields), "Host: %s\r\nOrigin: %s\r\n",
		    rows[i].host, rows[i].origin);
		read_request(&rq, in, sizeof(in), "1.1", fields);
		rq.proxy_host = "a.org";
		rq.proxy_host_len = 5;
		rq.proxy_port = rows[i].port;
		rq.https = rows[i].https;
		rq.loopback = rows[i].loopback;
		got = origin_check(&policy, &rq);
		if (got != rows[i].verdict)
			fail_msg("%s: %s", rows[i].name, origin_strrule(got));
	}
}

/* HTTP/1.0 may name no host: then nothing is of the same origin. */
static void
judges_without_host(void **state)
{
	const struct origin_policy policy = { 0 };
	struct origin_request rq;
	char in[128];

	(void)state;
	read_request(&rq, in, sizeof(in), "1.0", "Origin: http://a\r\n");
	assert_null(rq.host);
	assert_int_equal(origin_check(&policy, &rq), ORIGIN_ERR_FOREIGN);
	rq.loopback = true;
	assert_int_equal(origin_check(&policy, &rq), ORIGIN_ERR_HOST);
}

/* A page of ours is that under a name that somebody else cannot have made. */
static void
fault_A7_own_page_and_its_host(void **state)
{
	static const struct {
		const char *host;
		enum origin_verdict verdict;
	} rows[] = {
		{ "192.0.2.2:81", ORIGIN_ALLOWED },
		{ "[2001:db8::2]:81", ORIGIN_ALLOWED },
		{ "localhost:81", ORIGIN_ALLOWED },
		{ "ours.example:81", ORIGIN_ALLOWED },
		{ "evil.example:81", ORIGIN_ERR_UNLISTED },
		{ "192.0.2.2.evil.example", ORIGIN_ERR_UNLISTED },
		{ "2130706433", ORIGIN_ERR_UNLISTED },
	};
	static const char *const origins[] = { "https://app.example" };
	static const char *const names[] = { "ours.example" };
	struct origin_policy policy = {
		.origins = origins,
		.norigins = nitems(origins),
		.own_page = true,
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct origin_request rq;
		char in[256], fields[128];
		bool named = strncmp(rows[i].host, "ours", 4) == 0;

		policy.server_names = names;
		policy.nserver_names = named;
		snprintf(fields, sizeof(fields),
		    "Host: %s\r\nOrigin: http://%s\r\n", rows[i].host,
		    rows[i].host);
		read_request(&rq, in, sizeof(in), "1.1", fields);
		if (origin_check(&policy, &rq) != rows[i].verdict)
			fail_msg("%s", rows[i].host);
	}
}

/* What clients of all kinds say, and what the log says would let them in. */
static void
fault_F5_origins(void **state)
{
	static const struct {
		const char *origin, *option;
	} rows[] = {
		{ "http://localhost:3000", "http://localhost:3000" },
		{ "https://b.org/", "https://b.org" },
		{ "null", "null" },
		{ "file://", "file://" },
		{ "file:///", "file://" },
		{ "file:///android_asset/www", "file:///android_asset/www" },
		{ "app://.", "app://." },
		{ "app://obsidian.md", "app://obsidian.md" },
		{ "capacitor://localhost", "capacitor://localhost" },
		{ "ionic://localhost", "ionic://localhost" },
		{ "tauri://localhost", "tauri://localhost" },
		{ "qrc://", "qrc://" },
		{ "moz-extension://6c9b1d5e-1c2b-4a1f-8a55-0123456789ab",
		    "moz-extension://6c9b1d5e-1c2b-4a1f-8a55-0123456789ab" },
		{ "chrome-extension://abcdefghijklmnop/",
		    "chrome-extension://abcdefghijklmnop" },
		{ "safari-web-extension://AB-12",
		    "safari-web-extension://AB-12" },
		{ "vscode-webview://0f3k2", "vscode-webview://0f3k2" },
		{ "vscode-file://vscode-app", "vscode-file://vscode-app" },
		{ "x://u@a/b?c", "x://u@a/b?c" },
		{ "b.org", "b.org" },
		{ "b.org:81", "b.org:81" },
		{ "http://u@a", "*" },
		{ "http://a http://a", "*" },
		{ "http://", "*" },
		{ "http://b:", "*" },
		{ "1http://b", "*" },
		{ "://b", "*" },
		{ "about:blank#", "*" },
		{ "x://a,b", "*" },
		{ "x://*", "*" },
		{ "*", "*" },
		{ "x://$(reboot)", "*" },
		{ "x://`reboot`", "*" },
		{ "x://a;reboot", "*" },
		{ "x://a&reboot", "*" },
		{ "x://a|reboot", "*" },
		{ "x://a>b", "*" },
		{ "x://a<b", "*" },
		{ "x://'a", "*" },
		{ "x://\"a", "*" },
		{ "x://\\a", "*" },
		{ "x://{a}", "*" },
		{ "x://(a)", "*" },
		{ "x://$HOME", "*" },
		{ "x://!a", "*" },
		{ "x://%h", "*" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *pattern = rows[i].option;
		const struct origin_policy none = { 0 },
					   some = {
						   .origins = &pattern,
						   .norigins = 1,
					   };
		struct origin_option o;
		struct origin_request rq;
		char in[256], fields[128];

		snprintf(fields, sizeof(fields), "Host: h\r\nOrigin: %s\r\n",
		    rows[i].origin);
		read_request(&rq, in, sizeof(in), "1.1", fields);
		assert_int_equal(origin_check(&none, &rq), ORIGIN_ERR_FOREIGN);
		origin_option(&none, &rq, ORIGIN_ERR_FOREIGN, &o);
		assert_string_equal(o.name, "--origin");
		/* everybody is let in by nothing that a stranger says */
		if (strcmp(pattern, "*") == 0)
			assert_null(o.value);
		else if (o.len != strlen(pattern) ||
		    memcmp(o.value, pattern, o.len) != 0)
			fail_msg("%s: %.*s", rows[i].origin, (int)o.len,
			    o.value);
		if (origin_check(&some, &rq) != ORIGIN_ALLOWED)
			fail_msg("%s is not let in by it", rows[i].origin);
	}
}

/* A scheme of applications may be let in as a whole, and not more. */
static void
fault_F5_patterns(void **state)
{
	static const struct {
		const char *pattern, *origin;
		bool allowed;
	} rows[] = {
		{ "moz-extension://*", "moz-extension://6c9b-1d", true },
		{ "vscode-webview://*", "vscode-webview://0f3k2", true },
		{ "file://*", "file:///a/b", true },
		{ "file://", "file:///a", false },
		{ "FILE://", "file://", true },
		{ "app://.", "app://..", false },
		{ "moz-extension://*", "chrome-extension://6c9b", false },
		{ "moz-extension://*", "https://moz-extension", false },
		{ "x://*", "null", false },
		{ "x://*", "x", false },
		{ "file://", "null", false },
		{ "b.org", "file://b.org", false },
		{ "a", "1http://a", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct origin_policy policy = {
			.origins = &rows[i].pattern,
			.norigins = 1,
		};
		struct origin_request rq;
		char in[256], fields[128];

		snprintf(fields, sizeof(fields), "Host: h\r\nOrigin: %s\r\n",
		    rows[i].origin);
		read_request(&rq, in, sizeof(in), "1.1", fields);
		if ((origin_check(&policy, &rq) == ORIGIN_ALLOWED) !=
		    rows[i].allowed)
			fail_msg("%s, %s", rows[i].pattern, rows[i].origin);
	}
}

/* What browsers send without Origin: images, scripts, frames, links. */
static void
fault_A7_pages_without_origin(void **state)
{
	static const struct {
		const char *method, *site, *mode, *dest, *referer, *pattern;
		enum origin_verdict verdict;
	} rows[] = {
#define OK ORIGIN_ALLOWED
#define NO ORIGIN_ERR_FOREIGN
#define NOT_LISTED ORIGIN_ERR_UNLISTED
		{ "GET", "cross-site", "no-cors", "image", "", NULL, NO },
		{ "GET", "cross-site", "no-cors", "script", "", NULL, NO },
		{ "GET", "cross-site", "no-cors", "style", "", NULL, NO },
		{ "GET", "same-site", "no-cors", "image", "", NULL, NO },
		{ "GET", "cross-site", "navigate", "iframe", "", NULL, NO },
		{ "GET", "cross-site", "navigate", "object", "", NULL, NO },
		{ "GET", "cross-site", "navigate", "embed", "", NULL, NO },
		{ "GET", "same-site", "navigate", "iframe", "", NULL, NO },
		{ "GET", "cross-site", "no-cors", "document", "", NULL, NO },
		{ "GET", "cross-site", "", "", "", NULL, NO },
		{ "GET", "Cross-Site", "no-cors", "empty", "", NULL, NO },
		{ "GET", "cross-site", "navigate", "document", "", NULL, OK },
		{ "HEAD", "cross-site", "navigate", "document", "", NULL, OK },
		{ "GET", "same-site", "navigate", "document", "", NULL, OK },
		{ "POST", "cross-site", "navigate", "document", "", NULL, NO },
		{ "POST", "same-site", "no-cors", "empty", "", NULL, NO },
		{ "GET", "same-origin", "no-cors", "image", "", NULL, OK },
		{ "POST", "same-origin", "cors", "empty", "", NULL, OK },
		{ "GET", "none", "navigate", "document", "", NULL, OK },
		{ "GET", "none", "no-cors", "image", "", NULL, OK },
		{ "GET", "", "", "", "", NULL, OK },
		{ "GET", "", "", "", "http://b.org/", NULL, OK },
		{ "GET", "cross-site", "no-cors", "image", "", "*", OK },
		{ "GET", "cross-site", "no-cors", "image", "", "b.org",
		    NOT_LISTED },
		{ "GET", "cross-site", "no-cors", "image", "http://b.org/",
		    "b.org", OK },
		{ "GET", "same-site", "navigate", "iframe",
		    "http://b.org:81/x?y", "http://b.org:81", OK },
		{ "GET", "cross-site", "no-cors", "image",
		    "http://c.org/http://b.org/", "b.org", NOT_LISTED },
		{ "GET", "cross-site", "no-cors", "image", "http://c.org/",
		    NULL, NO },
#undef OK
#undef NO
#undef NOT_LISTED
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct origin_policy policy = {
			.origins = &rows[i].pattern,
			.norigins = rows[i].pattern != NULL,
		};
		const char *const field[] = { "Sec-Fetch-Site", rows[i].site,
			"Sec-Fetch-Mode", rows[i].mode, "Sec-Fetch-Dest",
			rows[i].dest, "Referer", rows[i].referer };
		char in[512];
		struct http1_head head;
		struct origin_request rq;
		size_t n, scanned = 0, used;

		n = (size_t)snprintf(in, sizeof(in),
		    "%s / HTTP/1.1\r\nHost: localhost\r\n", rows[i].method);
		for (size_t k = 0; k < nitems(field); k += 2)
			if (field[k + 1][0] != '\0')
				n += (size_t)snprintf(in + n, sizeof(in) - n,
				    "%s: %s\r\n", field[k], field[k + 1]);
		n += (size_t)snprintf(in + n, sizeof(in) - n, "\r\n");
		assert_int_equal(http1_read_request(&head, (const uint8_t *)in,
				     n, &scanned, &used),
		    HTTP1_HEAD);
		origin_read(&rq, &head);
		rq.loopback = true;
		if (origin_check(&policy, &rq) != rows[i].verdict)
			fail_msg("row %zu: %s", i, in);
	}
}

/* Whoever reads the log learns what would let the request in. */
static void
names_rules(void **state)
{
	static const char *const names[] = { "a.org" };
	const struct origin_policy policy = {
		.server_names = names,
		.nserver_names = 1,
	};
	struct origin_request rq = {
		.host = "h",
		.host_len = 1,
		.proxy_host = "p",
		.proxy_host_len = 1,
	};
	struct origin_option o;

	(void)state;
	for (int v = ORIGIN_ERR_HOST; v < ORIGIN_ALLOWED; v++)
		assert_string_not_equal(origin_strrule((enum origin_verdict)v),
		    origin_strrule((enum origin_verdict)(v + 1)));
	origin_option(&policy, &rq, ORIGIN_ERR_HOST, &o);
	assert_string_equal(o.name, "--server-name");
	assert_string_equal(o.value, "p");
	rq.proxy_host = NULL;
	origin_option(&policy, &rq, ORIGIN_ERR_HOST, &o);
	assert_string_equal(o.value, "h");
	origin_option(&policy, &rq, ORIGIN_ERR_SEVERAL, &o);
	assert_null(o.name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(judges_behind_proxies),
		cmocka_unit_test(judges_without_host),
		cmocka_unit_test(fault_A7_own_page_and_its_host),
		cmocka_unit_test(fault_F5_origins),
		cmocka_unit_test(fault_F5_patterns),
		cmocka_unit_test(fault_A7_pages_without_origin),
		cmocka_unit_test(names_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
