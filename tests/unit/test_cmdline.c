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
#include "base/log.h"
#include "codec/framing.h"
#include "conf/cmdline.h"

enum { WORDS_MAX = 12 };

/* One command line, its words without our own name. */
struct line {
	struct conf conf;
	char *why;
	enum cmdline_result result;
};

static void
line_read(struct line *l, const char *const *words)
{
	char *argv[WORDS_MAX + 2] = { strdup("standpiped") };
	int argc = 1;

	while (argc <= WORDS_MAX && words[argc - 1] != NULL) {
		argv[argc] = strdup(words[argc - 1]);
		argc++;
	}
	l->why = NULL;
	conf_init(&l->conf);
	l->result = cmdline_read(&l->conf, argc, argv, &l->why);
	while (argc > 0)
		free(argv[--argc]); /* nothing in the conf may point there */
}

static void
line_clear(struct line *l)
{
	free(l->why);
	conf_clear(&l->conf);
}

/* What a row looks at, as one number. */
static uint64_t
port(const struct conf *c)
{
	return c->port;
}

static uint64_t
framing(const struct conf *c)
{
	return (uint64_t)c->route.framing;
}

static uint64_t
max_message(const struct conf *c)
{
	return c->route.max_message;
}

static uint64_t
console(const struct conf *c)
{
	return c->route.console;
}

static uint64_t
loglevel(const struct conf *c)
{
	return (uint64_t)c->loglevel;
}

static uint64_t
ping(const struct conf *c)
{
	return c->route.ping;
}

static uint64_t
ping_timeout(const struct conf *c)
{
	return c->route.ping_timeout;
}

static uint64_t
engines(const struct conf *c)
{
	return c->engines;
}

static uint64_t
mode(const struct conf *c)
{
	return c->unixsocket_mode;
}

static uint64_t
ready_fd(const struct conf *c)
{
	return (uint64_t)c->ready_fd;
}

static uint64_t
rungs(const struct conf *c)
{
	return c->route.kill.n;
}

static uint64_t
origins(const struct conf *c)
{
	return c->route.origins.n;
}

static uint64_t
subprotocols(const struct conf *c)
{
	return c->route.subprotocols.n;
}

static uint64_t
stderr_to(const struct conf *c)
{
	return (uint64_t)c->route.stderr_to;
}

static uint64_t
variables(const struct conf *c)
{
	return c->route.setenv.n;
}

static uint64_t
words(const struct conf *c)
{
	uint64_t n = 0;

	while (c->route.argv[n] != NULL)
		n++;
	return n;
}

static uint64_t
ssl(const struct conf *c)
{
	return (uint64_t)c->ssl;
}

static const struct good_case {
	const char *name;
	const char *words[WORDS_MAX];
	uint64_t (*look)(const struct conf *);
	uint64_t want;
} good[] = {
	{ "command alone", { "cat" }, words, 1 },
	{ "--x=v", { "--port=1", "cat" }, port, 1 },
	{ "--x v", { "--port", "2", "cat" }, port, 2 },
	{ "-x=v", { "-port=3", "cat" }, port, 3 },
	{ "-x v", { "-port", "4", "cat" }, port, 4 },
	{ "the last wins", { "--port=1", "--port=5", "cat" }, port, 5 },
	{ "options end at a word", { "cat", "--port=1" }, port, 8080 },
	{ "and the rest is the command", { "cat", "-x", "--" }, words, 3 },
	{ "options end at --", { "--", "--port=1" }, words, 1 },
	{ "the second -- is a word", { "--", "--", "x" }, words, 2 },
	{ "a single - is a word", { "-", "--port=1" }, words, 2 },
	{ "an empty word is a word", { "", "--port=1" }, words, 2 },
	{ "bool", { "--console", "cat" }, console, 1 },
	{ "bool takes no word", { "--console", "false" }, console, 1 },
	{ "bool true", { "--console=true", "cat" }, console, 1 },
	{ "bool yes", { "--console=yes", "cat" }, console, 1 },
	{ "bool 1", { "--console=1", "cat" }, console, 1 },
	{ "bool false", { "--console", "--console=false", "cat" }, console, 0 },
	{ "bool no", { "--console", "--console=no", "cat" }, console, 0 },
	{ "bool 0", { "--console", "--console=0", "cat" }, console, 0 },
	{ "help=false goes on", { "--help=false", "cat" }, words, 1 },
	{ "engines", { "--engines=4", "cat" }, engines, 4 },
	{ "engines auto", { "--engines=4", "--engines=auto", "x" }, engines,
	    0 },
	{ "a value may be left out",
	    { "--ssl", "--sslcert=c", "--sslkey=k", "cat" }, ssl, CONF_SSL_ON },
	{ "and is no word then",
	    { "--sslcert=c", "--sslkey=k", "--ssl", "auto" }, words, 1 },
	{ "or given", { "--ssl=off", "cat" }, ssl, CONF_SSL_OFF },
	{ "as a flag's", { "--ssl=false", "cat" }, ssl, CONF_SSL_OFF },
	{ "mode", { "--unixsocket=x", "--unixsocket-mode=0660", "x" }, mode,
	    0660 },
	{ "mode of a listener",
	    { "--listen=unix:x", "--unixsocket-mode=0660", "x" }, mode, 0660 },
	{ "mode without 0", { "--unixsocket=x", "--unixsocket-mode=777", "x" },
	    mode, 0777 },
	{ "ready-fd", { "--ready-fd=3", "cat" }, ready_fd, 3 },
	{ "size", { "--max-message=64K", "cat" }, max_message, 65536 },
	{ "size none", { "--max-message=0", "cat" }, max_message, 0 },
	{ "duration", { "--ping=1.5m", "cat" }, ping, 90000 },
	{ "ladder", { "--kill=TERM:1s,KILL", "cat" }, rungs, 2 },
	{ "no ladder", { "--kill=none", "cat" }, rungs, 0 },
	{ "list with commas", { "--origin=a,b:1", "--origin=null", "x" },
	    origins, 3 },
	{ "subprotocols", { "--subprotocol=a,b", "--subprotocol=c", "x" },
	    subprotocols, 3 },
	{ "setenv keeps commas", { "--setenv=A=1,B=2", "x" }, variables, 1 },
	{ "a value may look like an option", { "--setenv", "A=-x", "x" },
	    variables, 1 },
	{ "sameorigin with a list", { "--sameorigin=true", "--origin=a", "x" },
	    origins, 1 },
	{ "pings off", { "--ping=0", "cat" }, ping, 0 },
	{ "pings off, timeout off", { "--ping=0", "--ping-timeout=0", "cat" },
	    ping_timeout, 0 },
	{ "--maxframesize", { "--maxframesize=100", "cat" }, max_message, 100 },
	{ "--devconsole", { "--devconsole", "cat" }, console, 1 },
	{ "--devconsole=false", { "--console", "--devconsole=false", "cat" },
	    console, 0 },
	{ "--binary", { "--binary", "cat" }, framing, FRAMING_BINARY },
	{ "--binary=false", { "--binary=false", "cat" }, framing,
	    FRAMING_LINES },
	{ "--binary=false undoes", { "--binary", "--binary=false", "cat" },
	    framing, FRAMING_LINES },
	{ "--binary=false keeps others",
	    { "--framing=nul", "--binary=false", "cat" }, framing,
	    FRAMING_NUL },
	{ "--pingms", { "--pingms=1500", "cat" }, ping, 1500 },
	{ "--pingms, timeout", { "--pingms=1500", "cat" }, ping_timeout, 1500 },
	{ "--pingms=0", { "--pingms=0", "cat" }, ping, 0 },
	{ "--loglevel=debug", { "--loglevel=debug", "cat" }, loglevel,
	    LOG_LVL_DEBUG },
	{ "--loglevel=trace", { "--loglevel=trace", "cat" }, loglevel,
	    LOG_LVL_DEBUG },
	{ "--loglevel=access", { "--loglevel=access", "cat" }, loglevel,
	    LOG_LVL_INFO },
	{ "--loglevel=warn", { "--loglevel=warn", "cat" }, loglevel,
	    LOG_LVL_WARN },
	{ "--loglevel=fatal", { "--loglevel=fatal", "cat" }, loglevel,
	    LOG_LVL_ERROR },
	{ "--loglevel=none", { "--loglevel=none", "cat" }, loglevel,
	    (uint64_t)LOG_LVL_NONE },
	{ "--passstderr", { "--passstderr", "cat" }, stderr_to,
	    CONF_STDERR_JSON },
	{ "--passstderr=false", { "--passstderr", "--passstderr=false", "cat" },
	    stderr_to, CONF_STDERR_LOG },
	{ "--passstderr=false keeps others",
	    { "--stderr=both", "--passstderr=false", "cat" }, stderr_to,
	    CONF_STDERR_BOTH },
	{ "stderr to a client of text",
	    { "--framing=text", "--stderr=both", "cat" }, framing,
	    FRAMING_TEXT },
};

static void
takes_good_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		struct line l;

		line_read(&l, good[i].words);
		if (l.result != CMDLINE_RUN)
			fail_msg("%s: %s", good[i].name, l.why);
		if (good[i].look(&l.conf) != good[i].want)
			fail_msg("%s: %ju", good[i].name,
			    (uintmax_t)good[i].look(&l.conf));
		line_clear(&l);
	}
}

static const struct bad_case {
	const char *words[WORDS_MAX];
	const char *why;
} bad[] = {
	{ { "--ping=banana", "x" },
	    "--ping=banana: not a duration (examples: 30s, 500ms, 2m)" },
	{ { "-ping", "banana", "x" },
	    "--ping=banana: not a duration (examples: 30s, 500ms, 2m)" },
	{ { "--prot=80", "x" },
	    "--prot=80: unknown option (did you mean --port?)" },
	{ { "--nonsense", "x" }, "--nonsense: unknown option (see --help)" },
	{ { "-p", "x" }, "-p: unknown option (see --help)" },
	{ { "--por=1", "x" },
	    "--por=1: unknown option (did you mean --port?)" },
	{ { "--max", "x" }, "--max: unknown option (see --help)" },
	{ { "--no-console", "x" },
	    "--no-console: unknown option (see --help)" },
	{ { "--=x" }, "--=x: unknown option (see --help)" },
	{ { "---port=1" }, "---port=1: unknown option (did you mean --port?)" },
	{ { "--port" }, "--port: needs a value (--port=N)" },
	{ { "--port=65536", "x" }, "--port=65536: at most 65535" },
	{ { "--port=", "x" }, "--port=: not a whole number" },
	{ { "--engines=0", "x" },
	    "--engines=0: neither a number from 1 nor auto" },
	{ { "--engines=1000", "x" }, "--engines=1000: at most 256" },
	{ { "--ready-fd=0", "x" }, "--ready-fd=0: at least 1" },
	{ { "--max-message=1X", "x" },
	    "--max-message=1X: not a size (examples: 64K, 16M, 4096)" },
	{ { "--max-pipe=4G", "x" }, "--max-pipe=4G: at most 2147483647" },
	{ { "--linger=9000h", "x" }, "--linger=9000h: at most 8760h" },
	{ { "--unixsocket-mode=8", "x" },
	    "--unixsocket-mode=8: not an octal mode (example: 0660)" },
	{ { "--unixsocket-mode=01777777777777777777777777", "x" },
	    "--unixsocket-mode=01777777777777777777777777:"
	    " not an octal mode (example: 0660)" },
	{ { "--unixsocket-mode=1777", "x" },
	    "--unixsocket-mode=1777: at most 0777" },
	{ { "--framing=LINES", "x" },
	    "--framing=LINES: not one of lines, binary, text, nul, frames,"
	    " content-length" },
	{ { "--loglevel=loud", "x" },
	    "--loglevel=loud: not one of error, warn, info, debug" },
	{ { "--console=maybe", "x" },
	    "--console=maybe: neither true nor false" },
	{ { "--kill=KILL:1s,TERM", "x" },
	    "--kill=KILL:1s,TERM: KILL can only be the last rung" },
	{ { "--origin=a,,b", "x" },
	    "--origin=: not an origin (examples: https://example.org,"
	    " *.example.org:8443, file://, null, *)" },
	{ { "--setenv=X", "x" },
	    "--setenv=X: not NAME=VALUE (a name is letters, digits and _)" },
	{ { "--chdir=", "x" }, "--chdir=: a directory is needed" },
	{ { "--pingms=1s", "x" }, "--pingms=1s: not a whole number" },
	{ { NULL },
	    "no command given, and no --dir, --cgidir or --staticdir (usage:"
	    " standpiped [options] [--] COMMAND [ARG...])" },
	{ { "--port=1" },
	    "no command given, and no --dir, --cgidir or --staticdir (usage:"
	    " standpiped [options] [--] COMMAND [ARG...])" },
	{ { "--" },
	    "no command given, and no --dir, --cgidir or --staticdir (usage:"
	    " standpiped [options] [--] COMMAND [ARG...])" },
	{ { "--ping=0", "--ping-timeout=5s", "x" },
	    "--ping-timeout has no effect with --ping=0:"
	    " no ping is sent whose answer could be missed" },
	{ { "--ping-timeout=0", "x" },
	    "--ping-timeout=0 would send pings and never act on a missing"
	    " answer; --ping=0 turns them off" },
	{ { "--subprotocol-required", "x" },
	    "--subprotocol-required needs a --subprotocol to require" },
	{ { "--unixsocket-mode=0600", "x" },
	    "--unixsocket-mode needs --unixsocket=PATH or"
	    " --listen=unix:PATH" },
	{ { "--unixsocket-owner=me", "--listen=*:80", "x" },
	    "--unixsocket-owner needs --unixsocket=PATH or"
	    " --listen=unix:PATH" },
	{ { "--inetd", "--port=80", "x" },
	    "--inetd serves standard input and nothing else: no --port,"
	    " --address, --listen, --unixsocket or --redirport beside it" },
	{ { "--stderr=client", "--binary", "--no-standpipe-protocol", "x" },
	    "--stderr=client and both need a framing of text messages, such as"
	    " lines, or clients of standpipe.v1: nobody else has a place for"
	    " it" },
	{ { "--framing=content-length", "--max-message=0", "x" },
	    "--framing=content-length needs a --max-message other than 0:"
	    " messages are gathered whole" },
	{ { "--passstderr", "--framing=frames", "x" },
	    "--stderr=json (--passstderr) needs a framing of text messages,"
	    " such as lines: its objects are text" },
	{ { "--address=1.2.3", "x" },
	    "--address=1.2.3: not an address (examples: 127.0.0.1, ::1,"
	    " localhost, *)" },
	{ { "--address=127.0.0.1:80", "x" },
	    "--address=127.0.0.1:80: not an address (examples: 127.0.0.1,"
	    " ::1, localhost, *)" },
	{ { "--maxforks=-1", "x" }, "--maxforks=-1: not a whole number" },
	{ { "--compat=apache", "x" },
	    "--compat=apache: not one of none, websocketd" },
	{ { "--multiline=refuse", "--framing=text", "x" },
	    "--multiline=refuse needs --framing=lines or nul: the others do"
	    " not end messages with a character" },
};

static void
refuses_bad_lines_in_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		struct line l;

		line_read(&l, bad[i].words);
		if (l.result != CMDLINE_ERROR)
			fail_msg("taken: %s", bad[i].why);
		assert_string_equal(l.why, bad[i].why);
		line_clear(&l);
	}
}

static void
stops_at_help_and_version(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		enum cmdline_result want;
	} rows[] = {
		{ { "--help" }, CMDLINE_HELP },
		{ { "-help", "--nonsense" }, CMDLINE_HELP },
		{ { "--port=1", "--version", "--help" }, CMDLINE_VERSION },
		{ { "-version=true", "x" }, CMDLINE_VERSION },
		{ { "--license", "--version" }, CMDLINE_LICENSE },
		{ { "--nonsense", "--help" }, CMDLINE_ERROR },
		{ { "x", "--help" }, CMDLINE_RUN },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct line l;

		line_read(&l, rows[i].words);
		assert_int_equal(l.result, rows[i].want);
		line_clear(&l);
	}
}

static void
remembers_what_was_given(void **state)
{
	static const char *const words_given[] = { "--port=8080",
		"--unixsocket=/s", "--unixsocket-mode=0600",
		"--ping-timeout=20s", "x", NULL };
	static const char *const words_none[] = { "--linger=2s", "x", NULL };
	struct line l;

	(void)state;
	line_read(&l, words_given);
	assert_true(l.conf.port_given && l.conf.route.ping_timeout_given &&
	    l.conf.unixsocket_mode_given);
	line_clear(&l);
	line_read(&l, words_none);
	assert_false(l.conf.port_given || l.conf.route.ping_timeout_given ||
	    l.conf.unixsocket_mode_given);
	line_clear(&l);
}

static void
copies_texts(void **state)
{
	static const char *const words_in[] = { "--address=[::1],127.0.0.1",
		"--setenv=A=1", "--setenv", "B=2,3", "--passenv=HOME,LANG",
		"--chdir=/a", "--chdir=/b", "--server-name=EXAMPLE.org", "ls",
		"-l", "", NULL };
	struct line l;
	const struct conf_route *r = &l.conf.route;

	(void)state;
	line_read(&l, words_in);
	assert_int_equal(l.result, CMDLINE_RUN);
	assert_int_equal(l.conf.addresses.n, 2);
	assert_string_equal(l.conf.addresses.v[0], "::1");
	assert_string_equal(l.conf.addresses.v[1], "127.0.0.1");
	assert_int_equal(r->setenv.n, 2);
	assert_string_equal(r->setenv.v[1], "B=2,3");
	assert_int_equal(r->passenv.n, 2);
	assert_string_equal(r->passenv.v[1], "LANG");
	assert_string_equal(r->chdir, "/b");
	assert_int_equal(l.conf.server_names.n, 1);
	assert_string_equal(l.conf.server_names.v[0], "example.org");
	assert_string_equal(r->argv[0], "ls");
	assert_string_equal(r->argv[1], "-l");
	assert_string_equal(r->argv[2], "");
	assert_null(r->argv[3]);
	line_clear(&l);
}

static void
stretches_the_ladder_as_websocketd_does(void **state)
{
	static const char *const words_in[] = { "--closems=300", "x", NULL };
	static const struct conf_rung want[] = { { 0, 400 }, { SIGINT, 550 },
		{ SIGTERM, 800 }, { SIGKILL, 0 } };
	struct line l;

	(void)state;
	line_read(&l, words_in);
	assert_int_equal(l.result, CMDLINE_RUN);
	assert_int_equal(l.conf.route.kill.n, nitems(want));
	for (size_t i = 0; i < nitems(want); i++) {
		assert_int_equal(l.conf.route.kill.rung[i].sig, want[i].sig);
		assert_int_equal(l.conf.route.kill.rung[i].wait_ms,
		    want[i].wait_ms);
	}
	line_clear(&l);
}

static void
an_empty_argv_is_no_crash(void **state)
{
	char *argv[] = { NULL }, *why = NULL;
	struct conf c;

	(void)state;
	conf_init(&c);
	assert_int_equal(cmdline_read(&c, 0, argv, &why), CMDLINE_ERROR);
	free(why);
	conf_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_good_lines),
		cmocka_unit_test(refuses_bad_lines_in_a_sentence),
		cmocka_unit_test(stops_at_help_and_version),
		cmocka_unit_test(remembers_what_was_given),
		cmocka_unit_test(copies_texts),
		cmocka_unit_test(stretches_the_ladder_as_websocketd_does),
		cmocka_unit_test(an_empty_argv_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
