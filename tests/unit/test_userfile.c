#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "conf/userfile.h"
#include "feed.h"

#define BCRYPT "$2y$05$1bdm7dsWVdWQx7dNz0LvHOZ1mkVPJ8TqPFv/k3vXpDQSWN9UhCBYm"
#define SHA512 "$6$rounds=5000$salt$abc/def.GHI"
#define X16 "0123456789abcdef"
#define HASH X16 X16 X16 X16
#define X51 X16 X16 X16 "abc"
#define X255 X51 X51 X51 X51 X51

static const struct test_case {
	const char *name;
	enum userfile_kind kind;
	const char *text;
	size_t len;
	size_t n;      /* entries */
	unsigned line; /* of the error; 0: none */
	const char *why;
} cases[] = {
#define PW(s) USERFILE_PASSWORDS, s, sizeof(s) - 1
#define TK(s) USERFILE_TOKENS, s, sizeof(s) - 1
	{ "empty", PW(""), 0, 0, NULL },
	{ "comments", PW("# a:b\n\n\r\n#"), 0, 0, NULL },
	{ "bcrypt", PW("a:" BCRYPT "\n"), 1, 0, NULL },
	{ "no newline", PW("a:" BCRYPT), 1, 0, NULL },
	{ "carriage return", PW("a:" BCRYPT "\r\nb:" BCRYPT "\r\n"), 2, 0,
	    NULL },
	{ "all kinds",
	    PW("a:" SHA512 "\nb:$5$s$h\nc:$1$s$h\nd:$y$j9T$s$h\n"
	       "e:$7$CU..../....s$h\nf:$gy$j9T$s$h\n"),
	    6, 0, NULL },
	{ "UTF-8 name", PW("\xc3\xbc:" BCRYPT "\n"), 1, 0, NULL },
	{ "UTF-8 mark (fault_W11)",
	    PW("\xef\xbb\xbf"
	       "a:" BCRYPT "\n"),
	    1, 0, NULL },
	{ "mark alone", PW("\xef\xbb\xbf"), 0, 0, NULL },
	{ "mark and comment", PW("\xef\xbb\xbf# x\nb:" BCRYPT), 1, 0, NULL },
	{ "longest name", PW(X255 ":" BCRYPT), 1, 0, NULL },

	{ "name too long", PW("\n" X255 "x:" BCRYPT), 0, 2, "255 bytes" },
	{ "empty name", PW(":" BCRYPT), 0, 1, "empty" },
	{ "control in a name", PW("a\tb:" BCRYPT), 0, 1, "control" },
	{ "NUL", PW("a:" BCRYPT "\nb\0:" BCRYPT), 0, 2, "NUL" },
	{ "no colon", PW("#\nsecret\n"), 0, 2, "NAME:HASH" },
	{ "plain text", PW("a:secret\n"), 0, 1, "htpasswd -B" },
	{ "empty hash", PW("a:\n"), 0, 1, "htpasswd -B" },
	{ "Apache's MD5", PW("a:$apr1$abc$def\n"), 0, 1, "Apache" },
	{ "Apache's SHA-1", PW("a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"), 0, 1,
	    "SHA-1" },
	{ "traditional DES", PW("a:rl0uE0fn9Lhcw\n"), 0, 1, "htpasswd -B" },
	{ "bcrypt cut short", PW("a:$2y$05$abc\n"), 0, 1, "htpasswd -B" },
	{ "bcrypt of no cost",
	    PW("a:$2y$03$1bdm7dsWVdWQx7dNz0LvHOZ1mkVPJ8TqPFv/"
	       "k3vXpDQSWN9UhCBYm"),
	    0, 1, "htpasswd -B" },
	{ "bcrypt of another letter",
	    PW("a:$2z$05$1bdm7dsWVdWQx7dNz0LvHOZ1mkVPJ8TqPFv/"
	       "k3vXpDQSWN9UhCBYm"),
	    0, 1, "htpasswd -B" },
	{ "salt alone", PW("a:$6$salt$\n"), 0, 1, "htpasswd -B" },
	{ "kind alone", PW("a:$6$\n"), 0, 1, "htpasswd -B" },
	{ "third field", PW("a:" BCRYPT ":x\n"), 0, 1, "htpasswd -B" },
	{ "blank behind it", PW("a:$6$s$h \n"), 0, 1, "htpasswd -B" },
	{ "hash too long", PW("a:$6$" X255), 0, 1, "255 characters" },
	{ "a name twice", PW("a:" BCRYPT "\nb:" BCRYPT "\na:$6$s$h\n"), 0, 3,
	    "already" },

	{ "tokens", TK("a:" HASH "\n"), 1, 0, NULL },
	{ "no name", TK(":" HASH "\n"), 1, 0, NULL },
	{ "one name, two hashes",
	    TK("a:" HASH "\na:" X16 X16 X16 "0123456789abcdee\n"), 2, 0, NULL },
	{ "a hash twice", TK("a:" HASH "\nb:" HASH "\n"), 0, 2, "already" },
	{ "twice but for the case",
	    TK("a:" HASH "\nb:" X16 X16 X16 "0123456789ABCDEF\n"), 0, 2,
	    "already" },
	{ "too short", TK("a:" X16 X16 X16 "0123456789abcde\n"), 0, 1,
	    "SHA-256" },
	{ "too long", TK("a:" HASH "0\n"), 0, 1, "SHA-256" },
	{ "no digit", TK("a:" X16 X16 X16 "0123456789abcdeg\n"), 0, 1,
	    "SHA-256" },
	{ "a password", TK("a:" BCRYPT "\n"), 0, 1, "SHA-256" },
#undef PW
#undef TK
};

static void
reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct test_case *t = &cases[i];
		struct guarded g = guarded_new(t->text, t->len);
		struct userfile_error e;
		struct userfile f;
		bool ok;

		ok = userfile_read(&f, t->kind, (char *)g.data, t->len, &e);
		if (ok != (t->line == 0))
			fail_msg("%s: line %u: %s", t->name, e.line,
			    ok ? "" : e.why);
		if (ok && f.n != t->n)
			fail_msg("%s: %zu entries", t->name, f.n);
		if (!ok && (e.line != t->line || !strstr(e.why, t->why)))
			fail_msg("%s: line %u: %s", t->name, e.line, e.why);
		if (ok)
			userfile_clear(&f);
		guarded_free(&g);
	}
}

static void
finds(void **state)
{
	static const char text[] =
	    "\xef\xbb\xbfzoe:$6$s$1\n\nadam:$6$s$2\neve:$6$s$3\n"
	    "even:$6$s$4\n";
	static const struct {
		const char *name, *hash;
		unsigned line;
	} rows[] = { { "zoe", "$6$s$1", 1 }, { "adam", "$6$s$2", 3 },
		{ "eve", "$6$s$3", 4 }, { "even", "$6$s$4", 5 } };
	static const char *const nobody[] = { "", "a", "Adam", "adam:", "zoey",
		"ev" };
	struct userfile_error e;
	struct userfile f;

	(void)state;
	assert_true(
	    userfile_read(&f, USERFILE_PASSWORDS, text, sizeof(text) - 1, &e));
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct userfile_entry *u;

		u = userfile_find(&f, rows[i].name);
		assert_non_null(u);
		assert_string_equal(u->hash, rows[i].hash);
		assert_int_equal(u->line, rows[i].line);
	}
	for (size_t i = 0; i < nitems(nobody); i++)
		assert_null(userfile_find(&f, nobody[i]));
	userfile_clear(&f);
	assert_null(userfile_find(&f, "adam"));
}

static void
lowers_tokens(void **state)
{
	static const char text[] = "a:0123456789ABCDEF0123456789ABCDEF"
				   "0123456789ABCDEF0123456789ABCDEF";
	struct userfile_error e;
	struct userfile f;

	(void)state;
	assert_true(
	    userfile_read(&f, USERFILE_TOKENS, text, sizeof(text) - 1, &e));
	assert_string_equal(f.v[0].hash, HASH);
	assert_string_equal(f.v[0].name, "a");
	userfile_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(finds),
		cmocka_unit_test(lowers_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
