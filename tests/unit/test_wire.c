#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/log.h"
#include "codec/framing.h"
#include "conf/options.h"
#include "conf/value.h"
#include "conf/wire.h"
#include "feed.h"

enum { WIRE_MAX = 65536 };

static void
set(struct conf *c, const char *name, const char *value)
{
	const struct option *o = option_find(&daemon_table, name, strlen(name));
	char *why = NULL;

	assert_non_null(o);
	if (!value_set(option_about(&daemon_table, c, o), o, value, &why))
		fail_msg("%s", why);
}

/* Settings none of which is the default. */
static void
fill(struct conf *c)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "framing", "frames" },
		{ "max-message", "5" },
		{ "invalid-utf8", "close" },
		{ "multiline", "refuse" },
		{ "stderr", "both" },
		{ "max-pipe", "1M" },
		{ "subprotocol", "a,b" },
		{ "subprotocol", "c" },
		{ "subprotocol-required", "true" },
		{ "console", "true" },
		{ "kill", "EOF:5s,HUP:1ms,KILL" },
		{ "linger", "1ms" },
		{ "close-drain", "2ms" },
		{ "close-timeout", "3ms" },
		{ "ping", "4ms" },
		{ "ping-timeout", "5ms" },
		{ "idle-timeout", "6ms" },
		{ "max-session", "7ms" },
		{ "handshake-timeout", "8760h" },
		{ "cgi-timeout", "9ms" },
		{ "ssl", "auto" },
		{ "sslkey", "/SECRET_KEY" },
		{ "ssl-verify", "optional" },
		{ "tls-ciphers", "TLS_A:B" },
		{ "dir", "/SECRET_DIR" },
		{ "gate", "/SECRET_GATE -x" },
		{ "gate-vars", "TEAM_*" },
		{ "staticdir", "/files" },
		{ "errordir", "/SECRET_PAGES" },
		{ "list-directories", "true" },
		{ "header", "A: b" },
		{ "header-ws", "C: d=e, f" },
		{ "maxforks", "8" },
		{ "origin", "https://a:1,*.b" },
		{ "sameorigin", "true" },
		{ "server-name", "*" },
		{ "reverselookup", "true" },
		{ "resolver", "[::1]:53" },
		{ "allow", "10.0.0.0/8,unix" },
		{ "deny", "::1" },
		{ "trusted-proxy", "2001:db8::/32" },
		{ "max-connections", "9" },
		{ "rate", "100" },
		{ "max-failed-logins", "11" },
		{ "once", "true" },
		{ "loglevel", "debug" },
		{ "log-format", "json" },
		{ "syslog", "true" },
		{ "passenv", "SECRET_NAME" },
		{ "setenv", "TOKEN=SECRET_VALUE" },
		{ "chdir", "/SECRET_PLACE" },
		{ "user", "SECRET_USER" },
		{ "group", "SECRET_GROUP" },
		{ "unixsocket", "/SECRET_SOCKET" },
	};

	conf_init(c);
	for (size_t i = 0; i < nitems(rows); i++)
		set(c, rows[i].name, rows[i].value);
}

static void
assert_filled(const struct conf *c)
{
	const struct conf_route *r = &c->route;

	assert_int_equal(r->framing, FRAMING_FRAMES);
	assert_int_equal(r->max_message, 5);
	assert_int_equal(r->invalid_utf8, CONF_UTF8_CLOSE);
	assert_int_equal(r->multiline, CONF_MULTILINE_REFUSE);
	assert_int_equal(r->stderr_to, CONF_STDERR_BOTH);
	assert_int_equal(r->max_pipe, 1 << 20);
	assert_int_equal(r->subprotocols.n, 3);
	assert_string_equal(r->subprotocols.v[0], "a");
	assert_string_equal(r->subprotocols.v[2], "c");
	assert_true(r->subprotocol_required && r->console && r->same_origin);
	assert_int_equal(r->kill.n, 3);
	assert_int_equal(r->kill.rung[0].sig, 0);
	assert_int_equal(r->kill.rung[0].wait_ms, 5000);
	assert_int_equal(r->kill.rung[1].sig, SIGHUP);
	assert_int_equal(r->kill.rung[1].wait_ms, 1);
	assert_int_equal(r->kill.rung[2].sig, SIGKILL);
	assert_int_equal(r->linger, 1);
	assert_int_equal(r->close_drain, 2);
	assert_int_equal(r->close_timeout, 3);
	assert_int_equal(r->ping, 4);
	assert_int_equal(r->ping_timeout, 5);
	assert_int_equal(r->idle_timeout, 6);
	assert_int_equal(r->max_session, 7);
	assert_int_equal(r->cgi_timeout, 9);
	assert_int_equal(c->ssl, CONF_SSL_AUTO);
	assert_int_equal(c->ssl_verify, CONF_VERIFY_OPTIONAL);
	assert_int_equal(c->tls_min, CONF_TLS_1_2);
	assert_string_equal(c->tls_ciphers, "TLS_A:B");
	assert_string_equal(r->dir, "set");
	assert_null(r->cgidir);
	assert_string_equal(r->gate, "set");
	assert_int_equal(r->gate_vars.n, 1);
	assert_string_equal(r->staticdir, "/files");
	assert_null(r->errordir);
	assert_true(r->list_directories);
	assert_string_equal(r->header.v[0], "A: b");
	assert_string_equal(r->header_ws.v[0], "C: d=e, f");
	assert_int_equal(r->header_http.n, 0);
	assert_true(c->handshake_timeout == UINT64_C(8760) * 3600 * 1000);
	assert_int_equal(c->maxforks, 8);
	assert_int_equal(r->origins.n, 2);
	assert_string_equal(r->origins.v[1], "*.b");
	assert_int_equal(c->server_names.n, 1);
	assert_true(c->reverselookup);
	assert_string_equal(c->resolver, "[::1]:53");
	assert_int_equal(c->allow.n, 2);
	assert_string_equal(c->allow.v[0], "10.0.0.0/8");
	assert_int_equal(c->deny.n, 1);
	assert_string_equal(c->trusted_proxies.v[0], "2001:db8::/32");
	assert_int_equal(c->max_connections, 9);
	assert_true(c->max_per_address == 256 && !c->max_per_address_given);
	assert_true(c->rate == 100 && c->rate_given);
	assert_true(c->max_failed_logins == 11 && c->max_failed_logins_given);
	assert_true(c->once && c->syslog);
	assert_int_equal(c->loglevel, LOG_LVL_DEBUG);
	assert_int_equal(c->log_format, LOG_JSON);
}

static void
what_is_packed_is_unpacked(void **state)
{
	struct conf c, got;
	struct buf b;

	(void)state;
	fill(&c);
	buf_init(&b, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	assert_true(wire_unpack(&got, b.data, b.len));
	assert_filled(&got);
	conf_clear(&got);
	conf_clear(&c);
	buf_clear(&b);
}

static void
defaults_travel_too(void **state)
{
	struct conf c, got;
	struct buf b, again;

	(void)state;
	conf_init(&c);
	buf_init(&b, WIRE_MAX);
	buf_init(&again, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	assert_true(wire_unpack(&got, b.data, b.len));
	assert_true(wire_pack(&got, &again));
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	conf_clear(&got);
	conf_clear(&c);
	buf_clear(&b);
	buf_clear(&again);
}

static void
secrets_stay_in_the_parent(void **state)
{
	struct conf c, got;
	struct buf b;

	(void)state;
	fill(&c);
	c.route.argv = calloc(2, sizeof(*c.route.argv));
	assert_non_null(c.route.argv);
	c.route.argv[0] = strdup("SECRET_COMMAND");
	buf_init(&b, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	assert_null(memmem(b.data, b.len, "SECRET", 6));
	assert_true(wire_unpack(&got, b.data, b.len));
	assert_null(got.route.argv);
	assert_null(got.route.user);
	assert_null(got.unixsocket);
	assert_int_equal(got.route.setenv.n, 0);
	assert_int_equal(got.route.passenv.n, 0);
	conf_clear(&got);
	conf_clear(&c);
	buf_clear(&b);
}

static void
a_full_buffer_is_refused(void **state)
{
	struct conf c;
	struct buf b;
	size_t len;

	(void)state;
	fill(&c);
	buf_init(&b, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	len = b.len;
	buf_clear(&b);
	buf_init(&b, len - 1);
	assert_false(wire_pack(&c, &b));
	buf_clear(&b);
	buf_init(&b, len);
	assert_true(wire_pack(&c, &b));
	buf_clear(&b);
	conf_clear(&c);
}

/* Every beginning but the whole, from memory that ends where it ends. */
static void
a_part_is_malformed(void **state)
{
	struct conf c, got;
	struct buf b;

	(void)state;
	fill(&c);
	buf_init(&b, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	for (size_t len = 0; len < b.len; len++) {
		struct guarded g = guarded_new(b.data, len);

		if (wire_unpack(&got, g.data, len))
			fail_msg("%zu of %zu bytes were taken", len, b.len);
		guarded_free(&g);
	}
	conf_clear(&c);
	buf_clear(&b);
}

/* The default settings with one row replaced. */
static bool
takes_with(const char *row, const char *other)
{
	struct conf c, got;
	struct buf b, changed;
	char needle[64];
	const char *p;
	bool ok;

	conf_init(&c);
	buf_init(&b, WIRE_MAX);
	buf_init(&changed, WIRE_MAX);
	assert_true(wire_pack(&c, &b));
	snprintf(needle, sizeof(needle), "%s", row);
	p = memmem(b.data, b.len, needle, strlen(needle) + 1);
	assert_non_null(p);
	assert_true(buf_add(&changed, b.data, (size_t)(p - (char *)b.data)));
	assert_true(buf_add_str(&changed, other));
	p += strlen(needle);
	assert_true(
	    buf_add(&changed, p, b.len - (size_t)(p - (const char *)b.data)));
	ok = wire_unpack(&got, changed.data, changed.len);
	if (ok)
		conf_clear(&got);
	conf_clear(&c);
	buf_clear(&b);
	buf_clear(&changed);
	return ok;
}

static void
values_are_checked(void **state)
{
	static const struct {
		const char *row, *other;
		bool ok;
	} rows[] = {
		{ "framing=lines", "framing=nul", true },
		{ "framing=lines", "framing=", false },
		{ "framing=lines", "framing=7", false },
		{ "framing=lines", "framing", false },
		{ "framing=lines", "frame=lines", false },
		{ "framing=lines", "kill=none", false },
		{ "framing=lines", "", false },
		{ "max-message=16777216", "max-message=-1", false },
		{ "max-message=16777216", "max-message=99999999G", false },
		{ "ping=30000ms", "ping=30001ms", true },
		{ "ping=30000ms", "ping=9999999999h", false },
		{ "console=false", "console=2", false },
		{ "console=false", "subprotocol=a", false },
		{ "kill=EOF:2000ms,TERM:3000ms,KILL:0ms", "kill=none", true },
		{ "kill=EOF:2000ms,TERM:3000ms,KILL:0ms", "kill=", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		if (takes_with(rows[i].row, rows[i].other) != rows[i].ok)
			fail_msg("%s", rows[i].other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(defaults_travel_too),
		cmocka_unit_test(secrets_stay_in_the_parent),
		cmocka_unit_test(a_full_buffer_is_refused),
		cmocka_unit_test(a_part_is_malformed),
		cmocka_unit_test(values_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
