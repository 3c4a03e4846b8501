#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "codec/http1.h"
#include "codec/ws_terms.h"

static const char field_name[] = "Sec-WebSocket-Extensions";
static const char extension_name[] = "permessage-deflate";

enum { VALUE_SIZE = 4 }; /* all values that mean something are shorter */

/* What is left of a field's value. */
struct offer {
	const char *p, *end;
};

struct word {
	const char *s;
	size_t len;
};

/* One extension of a list, with what ours may have. */
struct extension {
	bool ours;
	bool bad; /* ours, but something in it cannot be taken */
	bool server_no_takeover, client_no_takeover;
	bool has_server_bits, has_client_bits;
	uint8_t server_bits, client_bits; /* 0: without a value */
};

/* ------------------------------------------------- words of a list */

static void
skip_blanks(struct offer *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

/* Whether that comes next, blanks aside; then it has been read. */
static bool
take_char(struct offer *s, char c)
{
	skip_blanks(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool
take_token(struct offer *s, struct word *w)
{
	skip_blanks(s);
	w->s = s->p;
	while (s->p < s->end && http1_is_token(s->p, 1))
		s->p++;
	w->len = (size_t)(s->p - w->s);
	return w->len > 0;
}

/* A long value is none that we know: what does not fit is left out. */
static void
add_char(char value[VALUE_SIZE], size_t n, char c)
{
	if (n < VALUE_SIZE - 1)
		value[n] = c;
	else
		value[0] = '\0';
}

/* Inside the quotes, too, there must be a token (RFC 6455, section 9.1). */
static bool
take_quoted(struct offer *s, char value[VALUE_SIZE])
{
	size_t n = 0;

	for (; s->p < s->end && *s->p != '"'; s->p++, n++) {
		if (*s->p == '\\' && ++s->p == s->end)
			return false;
		if (!http1_is_token(s->p, 1))
			return false;
		add_char(value, n, *s->p);
	}
	return take_char(s, '"') && n > 0;
}

static bool
take_value(struct offer *s, char value[VALUE_SIZE])
{
	struct word w;

	memset(value, 0, VALUE_SIZE);
	if (take_char(s, '"'))
		return take_quoted(s, value);
	if (!take_token(s, &w))
		return false;
	for (size_t i = 0; i < w.len; i++)
		add_char(value, i, w.s[i]);
	return true;
}

static bool
word_is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->s, text, w->len) == 0;
}

/* ------------------------------------------------- one extension */

/* 8 to 15 in decimal, without a zero before it; otherwise 0. */
static uint8_t
read_bits(const char *value)
{
	if ((value[0] == '8' || value[0] == '9') && value[1] == '\0')
		return (uint8_t)(value[0] - '0');
	if (value[0] == '1' && value[1] >= '0' && value[1] <= '5' &&
	    value[2] == '\0')
		return (uint8_t)(10 + value[1] - '0');
	return 0;
}

/* What may not be said twice. */
static void
set_once(struct extension *x, bool *said)
{
	x->bad |= *said;
	*said = true;
}

/* A parameter of ours; value is NULL if it has none. */
static void
set_param(struct extension *x, const struct word *name, const char *value)
{
	uint8_t bits = value == NULL ? 0 : read_bits(value);

	if (word_is(name, "server_no_context_takeover")) {
		set_once(x, &x->server_no_takeover);
		x->bad |= value != NULL;
	} else if (word_is(name, "client_no_context_takeover")) {
		set_once(x, &x->client_no_takeover);
		x->bad |= value != NULL;
	} else if (word_is(name, "server_max_window_bits")) {
		set_once(x, &x->has_server_bits);
		x->server_bits = bits;
		x->bad |= bits == 0;
	} else if (word_is(name, "client_max_window_bits")) {
		set_once(x, &x->has_client_bits);
		x->client_bits = bits;
		x->bad |= bits == 0 && value != NULL;
	} else {
		x->bad = true;
	}
}

/*
 * The next of a list: WS_TERMS_AGREED if there is one, WS_TERMS_NONE at the
 * end. Empty elements are skipped, as in every list of HTTP.
 */
static enum ws_terms_result
next_extension(struct offer *s, struct extension *x)
{
	struct word name;
	char value[VALUE_SIZE];
	bool has_value;

	*x = (struct extension){ 0 };
	while (take_char(s, ','))
		continue;
	if (s->p == s->end)
		return WS_TERMS_NONE;
	if (!take_token(s, &name))
		return WS_TERMS_ERR_SYNTAX;
	x->ours = word_is(&name, extension_name);
	while (take_char(s, ';')) {
		if (!take_token(s, &name))
			return WS_TERMS_ERR_SYNTAX;
		has_value = take_char(s, '=');
		if (has_value && !take_value(s, value))
			return WS_TERMS_ERR_SYNTAX;
		if (x->ours)
			set_param(x, &name, has_value ? value : NULL);
	}
	skip_blanks(s);
	return s->p == s->end || *s->p == ',' ? WS_TERMS_AGREED
					      : WS_TERMS_ERR_SYNTAX;
}

/* ------------------------------------------------- what is written */

static void
add_text(char out[WS_TERMS_TEXT], const char *text)
{
	size_t at = strlen(out);

	(void)snprintf(out + at, WS_TERMS_TEXT - at, "%s", text);
}

static void
add_bits(char out[WS_TERMS_TEXT], const char *name, unsigned bits)
{
	size_t at = strlen(out);

	(void)snprintf(out + at, WS_TERMS_TEXT - at, "; %s=%u", name, bits);
}

/* The name and the two parameters that are the same in offer and answer. */
static void
begin_text(char out[WS_TERMS_TEXT], const struct ws_terms *t)
{
	out[0] = '\0';
	add_text(out, extension_name);
	if (!t->server.takeover)
		add_text(out, "; server_no_context_takeover");
	if (!t->client.takeover)
		add_text(out, "; client_no_context_takeover");
}

/* ------------------------------------------------- the server */

static uint8_t
least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static uint8_t
bits_or_most(uint8_t bits)
{
	return bits == 0 ? WS_TERMS_BITS_MAX : bits;
}

/*
 * The commonest library, zlib, cannot deflate with a window of 8 bits: no client
 * is held to that, be it that it has offered it.
 */
static uint8_t
client_window(const struct extension *x, uint8_t wanted)
{
	uint8_t bits = bits_or_most(x->client_bits);

	if (!x->has_client_bits || bits < WS_TERMS_ASK_MIN)
		return WS_TERMS_BITS_MAX;
	return wanted < WS_TERMS_ASK_MIN ? WS_TERMS_ASK_MIN
					 : least(wanted, bits);
}

/* A window that is not mentioned is the largest (section 7.1.2). */
static void
take_offer(const struct extension *x, const struct ws_terms *wanted,
    struct ws_terms *terms)
{
	*terms = (struct ws_terms){
		.server = {
			.takeover = wanted->server.takeover &&
			    !x->server_no_takeover,
			.bits = least(wanted->server.bits,
			    bits_or_most(x->server_bits)),
		},
		.client = {
			.takeover = wanted->client.takeover &&
			    !x->client_no_takeover,
			.bits = client_window(x, wanted->client.bits),
		},
	};
}

/* The server's window is told whenever it was asked for, to accept that. */
static void
put_answer(char out[WS_TERMS_TEXT], const struct extension *x,
    const struct ws_terms *t)
{
	begin_text(out, t);
	if (x->has_server_bits || t->server.bits < WS_TERMS_BITS_MAX)
		add_bits(out, "server_max_window_bits", t->server.bits);
	if (t->client.bits < WS_TERMS_BITS_MAX)
		add_bits(out, "client_max_window_bits", t->client.bits);
}

enum ws_terms_result
ws_terms_choose(const struct http1_head *head, const struct ws_terms *wanted,
    struct ws_terms *terms, char answer[WS_TERMS_TEXT])
{
	const struct http1_field *f = NULL;
	enum ws_terms_result rc, found = WS_TERMS_NONE;
	struct extension x;

	while ((f = http1_find(head, field_name, f)) != NULL) {
		struct offer s = { f->value, f->value + f->value_len };

		while ((rc = next_extension(&s, &x)) == WS_TERMS_AGREED) {
			if (found == WS_TERMS_AGREED || !x.ours || x.bad)
				continue;
			found = WS_TERMS_AGREED;
			take_offer(&x, wanted, terms);
			put_answer(answer, &x, terms);
		}
		if (rc < 0)
			return rc;
	}
	return found;
}

/* ------------------------------------------------- the client */

/* That we can be told a window of our own is always offered. */
void
ws_terms_offer(const struct ws_terms *wanted, char offer[WS_TERMS_TEXT])
{
	begin_text(offer, wanted);
	if (wanted->server.bits < WS_TERMS_BITS_MAX)
		add_bits(offer, "server_max_window_bits", wanted->server.bits);
	if (wanted->client.bits < WS_TERMS_BITS_MAX)
		add_bits(offer, "client_max_window_bits", wanted->client.bits);
	else
		add_text(offer, "; client_max_window_bits");
}

/* Whether the server may answer that to what was wanted (section 7.1). */
static bool
fits(const struct extension *x, const struct ws_terms *wanted)
{
	if (x->bad || (x->has_client_bits && x->client_bits == 0))
		return false;
	if (!wanted->server.takeover && !x->server_no_takeover)
		return false;
	if (wanted->server.bits < WS_TERMS_BITS_MAX && !x->has_server_bits)
		return false;
	return x->server_bits <= wanted->server.bits &&
	    x->client_bits <= wanted->client.bits;
}

/* The one extension of an answer; none is WS_TERMS_NONE. */
static enum ws_terms_result
read_answer(const struct http1_head *head, struct extension *x)
{
	const struct http1_field *f = NULL;
	enum ws_terms_result rc, found = WS_TERMS_NONE;
	struct extension one;

	*x = (struct extension){ 0 };
	while ((f = http1_find(head, field_name, f)) != NULL) {
		struct offer s = { f->value, f->value + f->value_len };

		while ((rc = next_extension(&s, &one)) == WS_TERMS_AGREED) {
			if (found == WS_TERMS_AGREED || !one.ours)
				return WS_TERMS_ERR_FOREIGN;
			found = WS_TERMS_AGREED;
			*x = one;
		}
		if (rc < 0)
			return rc;
	}
	return found;
}

enum ws_terms_result
ws_terms_judge(const struct http1_head *head, const struct ws_terms *wanted,
    struct ws_terms *terms)
{
	struct extension x;
	enum ws_terms_result rc = read_answer(head, &x);

	if (rc != WS_TERMS_AGREED)
		return rc;
	if (wanted == NULL)
		return WS_TERMS_ERR_FOREIGN;
	if (!fits(&x, wanted))
		return WS_TERMS_ERR_ANSWER;
	*terms = (struct ws_terms){
		.server = {
			.takeover = !x.server_no_takeover,
			.bits = bits_or_most(x.server_bits),
		},
		.client = {
			.takeover =
			    wanted->client.takeover && !x.client_no_takeover,
			.bits = x.has_client_bits ? x.client_bits
						  : wanted->client.bits,
		},
	};
	return WS_TERMS_AGREED;
}

const char *
ws_terms_strresult(enum ws_terms_result rc)
{
	switch (rc) {
	case WS_TERMS_NONE:
		return "no compression";
	case WS_TERMS_AGREED:
		return "compression is agreed on";
	case WS_TERMS_ERR_SYNTAX:
		return "Sec-WebSocket-Extensions is malformed";
	case WS_TERMS_ERR_FOREIGN:
		return "an extension that was not offered";
	case WS_TERMS_ERR_ANSWER:
		return "an answer to permessage-deflate that does not fit the"
		       " offer";
	}
	return "unknown result";
}
