/*
 * The client's table and its command line. That the manual agrees with --help
 * is tests/lint/check-options.
 */
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
#include "client/client_cmdline.h"
#include "client/client_options.h"
#include "client/client_value.h"

enum { WORDS_MAX = 8, TEXT_MAX = 256 };

/* One command line, its words without our own name. */
struct line {
	struct client_conf conf;
	char *why;
	char *told; /* what was printed */
	enum client_cmdline_result result;
};

static void
line_read(struct line *l, const char *const *words)
{
	char *argv[WORDS_MAX + 2] = { strdup("standpipe") };
	size_t len;
	FILE *out = open_memstream(&l->told, &len);
	int argc = 1;

	assert_non_null(out);
	while (argc <= WORDS_MAX && words[argc - 1] != NULL) {
		argv[argc] = strdup(words[argc - 1]);
		argc++;
	}
	l->why = NULL;
	client_conf_init(&l->conf);
	l->result = client_cmdline_read(&l->conf, argc, argv, out, &l->why);
	assert_int_equal(fclose(out), 0);
	while (argc > 0)
		free(argv[--argc]); /* nothing in the conf may point there */
}

static void
line_clear(struct line *l)
{
	free(l->why);
	free(l->told);
	client_conf_clear(&l->conf);
}

static void
rows_are_complete(void **state)
{
	const struct option *rows = client_options.rows, *o;

	(void)state;
	for (o = rows; o->name != NULL; o++) {
		bool item = o->item != NULL && o->wanted != NULL;
		bool text = o->type == OPT_STRING || o->type == OPT_LIST ||
		    o->type == OPT_COMMAS;

		if (option_find(&client_options, o->name, strlen(o->name)) != o)
			fail_msg("%s: there are two", o->name);
		if (o->letter != '\0' &&
		    option_find_letter(&client_options, o->letter) != o)
			fail_msg("-%c: there are two", o->letter);
		if (o->help == NULL || item != text ||
		    (o->words || o->word) != (o->type == OPT_ENUM) ||
		    (o->metavar == NULL) != (o->type == OPT_BOOL) ||
		    (o->field == 0) != (o->apply != NULL))
			fail_msg("%s: something is missing", o->name);
		if (o > rows && o->group < o[-1].group)
			fail_msg("%s: out of its group", o->name);
	}
}

/* 80 columns, and every row once at the start of a line. */
static void
help_fits_and_names_all(void **state)
{
	static const char *const words[] = { "--help", NULL };
	char *line, *rest, needle[64];
	struct line l;
	size_t len;

	(void)state;
	line_read(&l, words);
	for (const struct option *o = client_options.rows; o->name != NULL;
	     o++) {
		if (o->letter != '\0')
			snprintf(needle, sizeof(needle), "\n  -%c, --%s",
			    o->letter, o->name);
		else
			snprintf(needle, sizeof(needle), "\n      --%s",
			    o->name);
		if (strstr(l.told, needle) == NULL)
			fail_msg("%s: not in --help", o->name);
	}
	for (line = strtok_r(l.told, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		len = strlen(line);
		if (len >= 80 || line[len - 1] == ' ')
			fail_msg("%s", line);
	}
	line_clear(&l);
}

/* What was understood, as "url|file file|command word|". */
static void
show(const struct client_conf *c, char *out)
{
	strcpy(out, c->url);
	strcat(out, "|");
	for (char **f = c->files; *f != NULL; f++) {
		strcat(out, f == c->files ? "" : " ");
		strcat(out, *f);
	}
	strcat(out, "|");
	for (char **w = c->command; w != NULL && *w != NULL; w++) {
		strcat(out, w == c->command ? "" : " ");
		strcat(out, *w);
	}
	strcat(out, c->verbose ? "|v" : "|");
}

static const struct good_case {
	const char *words[WORDS_MAX];
	const char *want;
} good[] = {
	{ { "ws://a" }, "ws://a|||" },
	{ { "-v", "ws://a" }, "ws://a|||v" },
	{ { "ws://a", "-v" }, "ws://a|||v" },
	{ { "-w", "5s", "ws://a", "-v" }, "ws://a|||v" },
	{ { "-vn", "ws://a" }, "ws://a|||v" },
	{ { "-nvw5", "ws://a" }, "ws://a|||v" },
	{ { "-HX: y", "ws://a", "f" }, "ws://a|f||" },
	{ { "-H", "X: y", "ws://a", "f" }, "ws://a|f||" },
	{ { "--json", "ws://a", "f" }, "ws://a|f||" },
	{ { "ws://a", "f", "-v", "g" }, "ws://a|f g||v" },
	{ { "ws://a", "-" }, "ws://a|-||" },
	{ { "ws://a", "--", "cat", "-v" }, "ws://a||cat -v|" },
	{ { "ws://a", "--", "-v", "--", "-x" }, "ws://a||-v -- -x|" },
	{ { "ws://a", "-v", "--", "cat" }, "ws://a||cat|v" },
	{ { "--", "ws://a", "-v" }, "ws://a|-v||" },
	{ { "-v", "--", "ws://a", "--", "-v" }, "ws://a||-v|v" },
	{ { "--", "ws://a", "--", "--" }, "ws://a||--|" },
	{ { "--", "--" }, "--|||" },
	{ { "ws://a", "--" }, "ws://a|||" },
};

static void
finds_url_files_and_command(void **state)
{
	char got[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		struct line l;

		line_read(&l, good[i].words);
		if (l.result != CLIENT_CMDLINE_RUN)
			fail_msg("%s: %s", good[i].want, l.why);
		show(&l.conf, got);
		assert_string_equal(got, good[i].want);
		line_clear(&l);
	}
}

#define EACH_STANDS                                               \
	"a command, --listen and --ping exclude each other: each" \
	" stands in place of standard input and output"

static const struct bad_case {
	const char *words[WORDS_MAX];
	const char *why; /* its beginning */
} bad[] = {
	{ { NULL }, "no URL given (usage: standpipe " },
	{ { "-v" }, "no URL given" },
	{ { "--", NULL }, "no URL given" },
	{ { "a", "-H" }, "--header: needs a value (--header=NAME:VALUE)" },
	{ { "a", "-y" }, "-y: unknown option (see --help)" },
	{ { "a", "--wait=x" }, "--wait=x: not a duration" },
	{ { "a", "--heder=x" },
	    "--heder=x: unknown option (did you mean"
	    " --header?)" },
	{ { "a", "-e", "cat", "--", "cat" }, "--exec and a command behind --" },
	{ { "a", "--ping", "--", "cat" }, EACH_STANDS },
	{ { "a", "--ping", "-l", "*:1" }, EACH_STANDS },
	{ { "a", "-e", "cat", "--listen=*:1" }, EACH_STANDS },
	{ { "a", "f", "--ping" }, "a FILE to send excludes" },
	{ { "a", "f", "--", "cat" }, "a FILE to send excludes" },
	{ { "a", "f", "-n" }, "--no-input excludes" },
	{ { "a", "-n", "--", "cat" }, "--no-input excludes" },
	{ { "a", "-i1s" }, "--interval needs --ping" },
	{ { "a", "-l", "*:1", "-c", "3" }, "--count excludes --listen" },
	{ { "a", "-p", "--send-first=x" }, "--send-first excludes" },
	{ { "a", "-46" }, "--ipv4 and --ipv6 exclude each other" },
	{ { "a", "--keepalive=0", "--keepalive-timeout=1" },
	    "--keepalive-timeout has no effect" },
	{ { "a", "--max-redirects=3" }, "--max-redirects needs --location" },
	{ { "a", "--reconnect-min=3" },
	    "--reconnect-min, --reconnect-max and" },
	{ { "a", "-r", "--reconnect-min=3", "--reconnect-max=2" },
	    "--reconnect-min is longer" },
	{ { "a", "-r", "-l*:1" }, "--reconnect excludes --listen" },
	{ { "a", "--key=k" }, "--key needs --cert" },
	{ { "a", "-k", "--ca=k" }, "--insecure excludes" },
	{ { "a", "-u", "f", "--netrc" }, "--user-file, --bearer-file and" },
	{ { "a", "--netrc-file=f", "--bearer-file=x" },
	    "--user-file, --bearer-file and" },
	{ { "a", "-qv" }, "--verbose and --quiet" },
	{ { "a", "--json=0" }, "--json=0: at least 1" },
	{ { "a", "--header=Upgrade: x" }, "--header=Upgrade: x: not NAME: V" },
	{ { "a", "--listen=tls:*:1" }, "--listen=tls:*:1: not a listener" },
};

static void
refuses_bad_lines_in_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		struct line l;

		line_read(&l, bad[i].words);
		if (l.result != CLIENT_CMDLINE_ERROR)
			fail_msg("taken: %s", bad[i].why);
		if (strncmp(l.why, bad[i].why, strlen(bad[i].why)) != 0)
			fail_msg("%s: %s", bad[i].why, l.why);
		line_clear(&l);
	}
}

static const struct item_case {
	char *(*read)(const char *);
	const char *in;
	const char *want; /* NULL: refused */
} items[] = {
	{ client_value_header, "X: y", "X: y" },
	{ client_value_header, "X:", "X:" },
	{ client_value_header, "Host: example.org", "Host: example.org" },
	{ client_value_header, "Authorization: Basic x",
	    "Authorization: Basic x" },
	{ client_value_header, "X: a\tb", "X: a\tb" },
	{ client_value_header, "@/etc/fields", "@/etc/fields" },
	{ client_value_header, "@", NULL },
	{ client_value_header, "X", NULL },
	{ client_value_header, ": y", NULL },
	{ client_value_header, "X : y", NULL },
	{ client_value_header, "X: a\r\nY: b", NULL },
	{ client_value_header, "X: a\nY: b", NULL },
	{ client_value_header, "X\n: a", NULL },
	{ client_value_header, "X: \x7f", NULL },
	{ client_value_header, "upgrade: h2c", NULL },
	{ client_value_header, "Connection: close", NULL },
	{ client_value_header, "sec-websocket-key: x", NULL },
	{ client_value_header, "Sec-WebSocket-Extensions: x", NULL },
	{ client_value_header, "Content-Length: 3", NULL },
	{ client_value_header, "Transfer-Encoding: chunked", NULL },
	{ client_value_header, "", NULL },
	{ client_value_cookie, "a=b", "a=b" },
	{ client_value_cookie, "a=", "a=" },
	{ client_value_cookie, "a=b; c=d", NULL },
	{ client_value_cookie, "a", NULL },
	{ client_value_cookie, "=b", NULL },
	{ client_value_cookie, "a b=c", NULL },
	{ client_value_cookie, "a=b\r\nX: y", NULL },
	{ client_value_origin, "https://Example.org", "https://example.org" },
	{ client_value_origin, "null", "null" },
	{ client_value_origin, "example.org", NULL },
	{ client_value_origin, "*", NULL },
	{ client_value_origin, "http://*.a", NULL },
	{ client_value_origin, "http://a/b", NULL },
	{ client_value_listen, "127.0.0.1:5432", "127.0.0.1:5432" },
	{ client_value_listen, "unix:/run/x", "unix:/run/x" },
	{ client_value_listen, "fd:3", "fd:3" },
	{ client_value_listen, "5432", NULL },
	{ client_value_listen, "tls:*:1", NULL },
	{ client_value_listen, "auto:*:1", NULL },
	{ client_value_listen, "proxy:*:1", NULL },
#define ABCD "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	{ client_value_pin, ABCD, ABCD },
	{ client_value_pin, "sha256:" ABCD, ABCD },
	{ client_value_pin,
	    "SHA256:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"
	    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF",
	    ABCD },
	{ client_value_pin,
	    "sha256//ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=", ABCD },
	{ client_value_pin,
	    "sha256//ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrzQ==", NULL },
	{ client_value_pin,
	    "sha256//ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8", NULL },
	{ client_value_pin, ABCD "0", NULL },
	{ client_value_pin, ABCD ":", NULL },
	{ client_value_pin, ":" ABCD, NULL },
	{ client_value_pin, "0::123456789abcdef", NULL },
	{ client_value_pin, "sha1:" ABCD, NULL },
	{ client_value_pin, "", NULL },
#undef ABCD
};

static void
reads_items(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(items); i++) {
		const struct item_case *n = &items[i];
		char *got = n->read(n->in), *again;

		if ((got == NULL) != (n->want == NULL) ||
		    (got != NULL && strcmp(got, n->want) != 0))
			fail_msg("%s: %s", n->in, got ? got : "refused");
		if (got != NULL) {
			again = n->read(got);
			assert_non_null(again);
			assert_string_equal(again, got);
			free(again);
		}
		free(got);
	}
}

static void
sets_defaults(void **state)
{
	struct client_conf c;

	(void)state;
	client_conf_init(&c);
	assert_false(c.no_input || c.waits || c.framing_given || c.ping);
	assert_false(c.reconnect || c.location || c.insecure || c.netrc);
	assert_false(c.verbose || c.quiet);
	assert_int_equal(c.json, -1);
	assert_int_equal(c.framing, FRAMING_LINES);
	assert_int_equal(c.handshake_timeout, 10000);
	assert_int_equal(c.close_timeout, 2000);
	assert_int_equal(c.max_message, 0);
	assert_int_equal(c.count, 0);
	client_conf_clear(&c);
}

static void
a_framing_has_short_names(void **state)
{
	static const struct {
		const char *word;
		int framing;
	} names[] = {
		{ "--text", FRAMING_TEXT },
		{ "-t", FRAMING_TEXT },
		{ "-b", FRAMING_BINARY },
		{ "--binary=false", FRAMING_LINES },
		{ "--hex", CLIENT_HEX },
		{ "--framing=hex", CLIENT_HEX },
		{ "-fnul", FRAMING_NUL },
	};

	(void)state;
	for (size_t i = 0; i < nitems(names); i++) {
		const char *const words[] = { "ws://a", names[i].word, NULL };
		struct line l;

		line_read(&l, words);
		assert_int_equal(l.result, CLIENT_CMDLINE_RUN);
		assert_int_equal(l.conf.framing, names[i].framing);
		assert_true(l.conf.framing_given);
		line_clear(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(help_fits_and_names_all),
		cmocka_unit_test(finds_url_files_and_command),
		cmocka_unit_test(refuses_bad_lines_in_a_sentence),
		cmocka_unit_test(reads_items),
		cmocka_unit_test(sets_defaults),
		cmocka_unit_test(a_framing_has_short_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
