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
#include "codec/ws_terms.h"

#define X(value) "Sec-WebSocket-Extensions: " value "\r\n"
#define PMD "permessage-deflate"
#define SNT "; server_no_context_takeover"
#define CNT "; client_no_context_takeover"
#define SMW "; server_max_window_bits"
#define CMW "; client_max_window_bits"

enum { HEAD_SIZE = 2048 };

static const struct ws_terms frugal = { { false, 15 }, { false, 15 } };
static const struct ws_terms lavish = { { true, 15 }, { true, 15 } };
static const struct ws_terms narrow = { { true, 10 }, { true, 10 } };

/* The text must outlive the head. */
static void
make_head(struct http1_head *head, char text[HEAD_SIZE], const char *fields)
{
	size_t scanned = 0, used;
	int n = snprintf(text, HEAD_SIZE, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
	    fields);

	assert_in_range(n, 1, HEAD_SIZE - 1);
	if (http1_read_request(head, (const uint8_t *)text, (size_t)n, &scanned,
		&used) != HTTP1_HEAD)
		fail_msg("no head: %s", fields);
}

static void
assert_terms(const char *name, const struct ws_terms *got, bool server_takeover,
    unsigned server_bits, bool client_takeover, unsigned client_bits)
{
	if (got->server.takeover != server_takeover ||
	    got->server.bits != server_bits ||
	    got->client.takeover != client_takeover ||
	    got->client.bits != client_bits)
		fail_msg("%s: %d %u %d %u", name, got->server.takeover,
		    got->server.bits, got->client.takeover, got->client.bits);
}

/* ------------------------------------------------- the server's side */

static const struct choice {
	const char *name;
	const char *fields;
	const struct ws_terms *wanted;
	const char *answer; /* NULL: none */
} choices[] = {
	{ "no offer", "", &frugal, NULL },
	{ "an empty one", X(""), &frugal, NULL },
	{ "only commas", X(", ,"), &frugal, NULL },
	{ "plain", X(PMD), &frugal, PMD SNT CNT },
	{ "plain, all is allowed", X(PMD), &lavish, PMD },
	{ "as browsers offer", X(PMD CMW), &frugal, PMD SNT CNT },
	{ "name of the field", "sec-websocket-EXTENSIONS: " PMD "\r\n", &lavish,
	    PMD },
	{ "name in capitals", X("Permessage-Deflate"), &lavish, NULL },
	{ "no blanks", X(PMD ";server_max_window_bits=9"), &lavish,
	    PMD SMW "=9" },
	{ "many blanks", X("  " PMD " \t;  server_max_window_bits = 9 ,"),
	    &lavish, PMD SMW "=9" },

	{ "server without takeover", X(PMD SNT), &lavish, PMD SNT },
	{ "client without takeover", X(PMD CNT), &lavish, PMD CNT },
	{ "both without", X(PMD CNT SNT), &lavish, PMD SNT CNT },
	{ "server's window 8", X(PMD SMW "=8"), &lavish, PMD SMW "=8" },
	{ "server's window 15 is answered", X(PMD SMW "=15"), &lavish,
	    PMD SMW "=15" },
	{ "server's window over ours", X(PMD SMW "=15"), &narrow,
	    PMD SMW "=10" },
	{ "server's window under ours", X(PMD SMW "=9"), &narrow,
	    PMD SMW "=9" },
	{ "client's window, hint", X(PMD CMW), &lavish, PMD },
	{ "client's window, hint, ours is less", X(PMD CMW), &narrow,
	    PMD SMW "=10" CMW "=10" },
	{ "client's window, a number", X(PMD CMW "=9"), &lavish, PMD CMW "=9" },
	{ "client's window 15", X(PMD CMW "=15"), &lavish, PMD },
	{ "client's window not offered", X(PMD), &narrow, PMD SMW "=10" },
	{ "everything", X(PMD SNT CNT SMW "=12" CMW "=11"), &lavish,
	    PMD SNT CNT SMW "=12" CMW "=11" },
	{ "quoted (RFC 6455, 9.1)",
	    X(PMD SMW "=\"10\"; client_max_window_bits=\"\\1\\2\""), &lavish,
	    PMD SMW "=10" CMW "=12" },

	{ "unknown extensions are passed over",
	    X("x-webkit-deflate-frame, foo; a=\"b\"; c, " PMD), &lavish, PMD },
	{ "alone", X("permessage-bzip2"), &lavish, NULL },
	{ "the second of two offers", X(PMD "; nonsense, " PMD SNT), &lavish,
	    PMD SNT },
	{ "the first of two offers", X(PMD SNT ", " PMD), &lavish, PMD SNT },
	{ "in two fields", X("foo") X(PMD SNT) X(PMD), &lavish, PMD SNT },
	{ "13.7", X(PMD SNT SMW "=9" CNT CMW ", " PMD SNT CNT CMW ", " PMD),
	    &frugal, PMD SNT CNT SMW "=9" },

	{ "unknown parameter", X(PMD "; foo"), &lavish, NULL },
	{ "server_no_context_takeover with a value", X(PMD SNT "=1"), &lavish,
	    NULL },
	{ "client_no_context_takeover with a value", X(PMD CNT "=true"),
	    &lavish, NULL },
	{ "server_max_window_bits without", X(PMD SMW), &lavish, NULL },
	{ "window 7", X(PMD SMW "=7"), &lavish, NULL },
	{ "window 16", X(PMD CMW "=16"), &lavish, NULL },
	{ "window 08", X(PMD SMW "=08"), &lavish, NULL },
	{ "window 0", X(PMD CMW "=0"), &lavish, NULL },
	{ "window -9", X(PMD CMW "=-9"), &lavish, NULL },
	{ "window 100", X(PMD SMW "=100"), &lavish, NULL },
	{ "window 1000000000000", X(PMD SMW "=1000000000000"), &lavish, NULL },
	{ "window 9x", X(PMD CMW "=9x"), &lavish, NULL },
	{ "twice", X(PMD SNT SNT), &lavish, NULL },
	{ "twice, client", X(PMD CNT CNT), &lavish, NULL },
	{ "two windows", X(PMD SMW "=9" SMW "=9"), &lavish, NULL },
	{ "two windows of the client", X(PMD CMW CMW "=9"), &lavish, NULL },
};

static void
chooses(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(choices); i++) {
		const struct choice *c = &choices[i];
		char text[HEAD_SIZE], answer[WS_TERMS_TEXT] = "";
		struct http1_head head;
		struct ws_terms terms;
		enum ws_terms_result rc;

		make_head(&head, text, c->fields);
		rc = ws_terms_choose(&head, c->wanted, &terms, answer);
		if (rc != (c->answer == NULL ? WS_TERMS_NONE : WS_TERMS_AGREED))
			fail_msg("%s: %s", c->name, ws_terms_strresult(rc));
		if (c->answer != NULL && strcmp(answer, c->answer) != 0)
			fail_msg("%s: %s", c->name, answer);
	}
}

static void
chooses_terms(void **state)
{
	char text[HEAD_SIZE], answer[WS_TERMS_TEXT];
	struct http1_head head;
	struct ws_terms terms;

	(void)state;
	make_head(&head, text, X(PMD SMW "=12" CMW "=11" CNT));
	(void)ws_terms_choose(&head, &lavish, &terms, answer);
	assert_terms("numbers", &terms, true, 12, false, 11);
	(void)ws_terms_choose(&head, &narrow, &terms, answer);
	assert_terms("narrow", &terms, true, 10, false, 10);
	make_head(&head, text, X(PMD));
	(void)ws_terms_choose(&head, &narrow, &terms, answer);
	assert_terms("nothing said", &terms, true, 10, true, 15);
	make_head(&head, text, X(PMD CMW));
	(void)ws_terms_choose(&head, &frugal, &terms, answer);
	assert_terms("hint", &terms, false, 15, false, 15);
}

/* No server may read on behind these (RFC 6455, section 9.1). */
static void
refuses_what_is_no_list(void **state)
{
	static const char *const rows[] = {
		X(";"),
		X("=9"),
		X("\"" PMD "\""),
		X(PMD ";"),
		X(PMD " " PMD),
		X(PMD "; =9"),
		X(PMD SMW "="),
		X(PMD SMW "= ,"),
		X(PMD SMW "=\"9"),
		X(PMD SMW "=\""),
		X(PMD SMW "=\"\""),
		X(PMD SMW "=\"9\\"),
		X(PMD SMW "=\"9 \""),
		X(PMD SMW "=\"9\"9"),
		X(PMD SMW "=9=9"),
		X(PMD ", foo/bar"),
		X(PMD) X("foo;"),
		X("foo; a=\"b,c\", " PMD),
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		char text[HEAD_SIZE], answer[WS_TERMS_TEXT];
		struct http1_head head;
		struct ws_terms terms;
		enum ws_terms_result rc;

		make_head(&head, text, rows[i]);
		rc = ws_terms_choose(&head, &lavish, &terms, answer);
		if (rc != WS_TERMS_ERR_SYNTAX)
			fail_msg("%s: %s", rows[i], ws_terms_strresult(rc));
	}
}

/* ------------------------------------------------- the client's side */

static void
offers(void **state)
{
	char offer[WS_TERMS_TEXT];

	(void)state;
	ws_terms_offer(&lavish, offer);
	assert_string_equal(offer, PMD CMW);
	ws_terms_offer(&frugal, offer);
	assert_string_equal(offer, PMD SNT CNT CMW);
	ws_terms_offer(&narrow, offer);
	assert_string_equal(offer, PMD SMW "=10" CMW "=10");
	ws_terms_offer(&(struct ws_terms){ { false, 8 }, { false, 14 } },
	    offer);
	assert_string_equal(offer, PMD SNT CNT SMW "=8" CMW "=14");
}

static const struct ws_terms small = { { false, 10 }, { true, 12 } };

static const struct answer {
	const char *name;
	const char *fields;
	const struct ws_terms *wanted;
	enum ws_terms_result rc;
	bool server_takeover;
	unsigned server_bits;
	bool client_takeover;
	unsigned client_bits;
} answers[] = {
#define NO(rc) WS_TERMS_##rc, false, 0, false, 0
#define YES(st, sb, ct, cb) WS_TERMS_AGREED, st, sb, ct, cb
	{ "none", "", &lavish, NO(NONE) },
	{ "none, and none was asked for", "", NULL, NO(NONE) },
	{ "plain", X(PMD), &lavish, YES(true, 15, true, 15) },
	{ "less than was offered", X(PMD SNT CNT SMW "=9" CMW "=8"), &lavish,
	    YES(false, 9, false, 8) },
	{ "we keep to what we offered", X(PMD SNT SMW "=10"), &small,
	    YES(false, 10, true, 12) },
	{ "and may be told less", X(PMD SNT SMW "=9" CMW "=12"), &small,
	    YES(false, 9, true, 12) },
	{ "we take nothing over, whatever is said", X(PMD SNT), &frugal,
	    YES(false, 15, false, 15) },
	{ "quoted", X(PMD SMW "=\"9\""), &lavish, YES(true, 9, true, 15) },

	{ "nothing was offered", X(PMD), NULL, NO(ERR_FOREIGN) },
	{ "another extension", X("foo"), &lavish, NO(ERR_FOREIGN) },
	{ "another besides", X(PMD ", foo"), &lavish, NO(ERR_FOREIGN) },
	{ "twice", X(PMD ", " PMD), &lavish, NO(ERR_FOREIGN) },
	{ "twice, in two fields", X(PMD) X(PMD), &lavish, NO(ERR_FOREIGN) },
	{ "malformed", X(PMD ";"), &lavish, NO(ERR_SYNTAX) },
	{ "unknown parameter", X(PMD "; foo"), &lavish, NO(ERR_ANSWER) },
	{ "a parameter twice", X(PMD SNT SNT), &lavish, NO(ERR_ANSWER) },
	{ "client's window without a value", X(PMD CMW), &lavish,
	    NO(ERR_ANSWER) },
	{ "window 7", X(PMD CMW "=7"), &lavish, NO(ERR_ANSWER) },
	{ "window 16", X(PMD SMW "=16"), &lavish, NO(ERR_ANSWER) },
	{ "takeover against our will", X(PMD), &frugal, NO(ERR_ANSWER) },
	{ "no word on the window we asked for", X(PMD SNT), &small,
	    NO(ERR_ANSWER) },
	{ "a larger one", X(PMD SNT SMW "=11"), &small, NO(ERR_ANSWER) },
	{ "a larger one than ours", X(PMD SNT SMW "=9" CMW "=13"), &small,
	    NO(ERR_ANSWER) },
#undef NO
#undef YES
};

static void
judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(answers); i++) {
		const struct answer *a = &answers[i];
		char text[HEAD_SIZE];
		struct http1_head head;
		struct ws_terms terms;
		enum ws_terms_result rc;

		make_head(&head, text, a->fields);
		rc = ws_terms_judge(&head, a->wanted, &terms);
		if (rc != a->rc)
			fail_msg("%s: %s", a->name, ws_terms_strresult(rc));
		if (rc == WS_TERMS_AGREED)
			assert_terms(a->name, &terms, a->server_takeover,
			    a->server_bits, a->client_takeover, a->client_bits);
	}
}

/*
 * Whatever either side wants, they come to the same terms; a client that is not
 * held to a window (fault_G1) may stay below the largest.
 */
static void
both_sides_agree(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4 * 4 * 64 * 64; i++) {
		struct ws_terms s = { { i & 1, (uint8_t)(8 + (i >> 4 & 7)) },
			{ i & 2, (uint8_t)(8 + (i >> 7 & 7)) } };
		struct ws_terms c = { { i & 4, (uint8_t)(8 + (i >> 10 & 7)) },
			{ i & 8, (uint8_t)(8 + (i >> 13 & 7)) } };
		char offer[WS_TERMS_TEXT], answer[WS_TERMS_TEXT];
		char fields[HEAD_SIZE / 2], text[HEAD_SIZE];
		struct ws_terms ours, theirs;
		struct http1_head head;

		ws_terms_offer(&c, offer);
		(void)snprintf(fields, sizeof(fields), X("%s"), offer);
		make_head(&head, text, fields);
		assert_int_equal(ws_terms_choose(&head, &s, &ours, answer),
		    WS_TERMS_AGREED);
		(void)snprintf(fields, sizeof(fields), X("%s"), answer);
		make_head(&head, text, fields);
		assert_int_equal(ws_terms_judge(&head, &c, &theirs),
		    WS_TERMS_AGREED);
		assert_in_range(theirs.client.bits, 8, ours.client.bits);
		if (ours.client.bits == 15)
			ours.client.bits = theirs.client.bits;
		assert_terms(offer, &theirs, ours.server.takeover,
		    ours.server.bits, ours.client.takeover, ours.client.bits);
	}
}

static void
has_words_for_results(void **state)
{
	(void)state;
	for (int rc = WS_TERMS_ERR_ANSWER - 1; rc <= WS_TERMS_AGREED; rc++)
		assert_non_null(ws_terms_strresult((enum ws_terms_result)rc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses),
		cmocka_unit_test(chooses_terms),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(offers),
		cmocka_unit_test(judges),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(has_words_for_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
