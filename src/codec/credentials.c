#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/credentials.h"
#include "codec/http1.h"
#include "codec/url.h"

/* For user, colon and password, in groups of three. */
enum { BASIC_ROOM = 768 };

static const char bearer_prefix[] = "bearer.";

/* A part of a text: name=value pieces, items of a list. */
struct part {
	const char *s;
	size_t len;
};

/* ------------------------------------------------- token68 */

static bool
is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9');
}

static bool
is_token68(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len &&
	    (is_alnum(s[i]) || (s[i] != '\0' && strchr("-._~+/", s[i]))))
		i++;
	if (i == 0)
		return false;
	while (i < len && s[i] == '=')
		i++;
	return i == len;
}

/* ------------------------------------------------- one credential */

void
credentials_wipe(struct credentials *c)
{
	explicit_bzero(c, sizeof(*c));
}

static bool
is_clean(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	}
	return true;
}

static enum credentials_result
split_basic(struct credentials *c, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t user, password;

	if (colon == NULL || !is_clean(s, len))
		return CREDENTIALS_ERR_BASIC;
	user = (size_t)(colon - s);
	password = len - user - 1;
	if (user > CREDENTIALS_USER_MAX || password > CREDENTIALS_PASSWORD_MAX)
		return CREDENTIALS_ERR_BASIC;
	memcpy(c->user, s, user);
	c->user[user] = '\0';
	memcpy(c->password, colon + 1, password);
	c->password[password] = '\0';
	return CREDENTIALS_BASIC;
}

static enum credentials_result
take_basic(struct credentials *c, const char *s, size_t len)
{
	char text[BASIC_ROOM];
	enum credentials_result rc = CREDENTIALS_ERR_BASIC;
	size_t n;

	if (BASE64_BYTES(len) <= sizeof(text) &&
	    base64_read(s, len, (uint8_t *)text, &n))
		rc = split_basic(c, text, n);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static bool
is_token(const char *s, size_t len)
{
	return is_token68(s, len) && len <= CREDENTIALS_TOKEN_MAX;
}

static void
add_token(struct credentials *c, const char *s, size_t len)
{
	char *token = c->token[c->ntokens++];

	memcpy(token, s, len);
	token[len] = '\0';
}

static bool
has_token(const struct credentials *c, const char *s, size_t len)
{
	for (size_t i = 0; i < c->ntokens; i++) {
		if (strlen(c->token[i]) == len &&
		    memcmp(c->token[i], s, len) == 0)
			return true;
	}
	return false;
}

/* What is known so far and one token more. */
static enum credentials_result
take_token(struct credentials *c, enum credentials_result so_far, const char *s,
    size_t len)
{
	if (!is_token(s, len))
		return CREDENTIALS_ERR_TOKEN;
	if (so_far == CREDENTIALS_BASIC)
		return CREDENTIALS_ERR_CONFLICT;
	if (so_far == CREDENTIALS_BEARER)
		return has_token(c, s, len) ? so_far : CREDENTIALS_ERR_CONFLICT;
	add_token(c, s, len);
	return CREDENTIALS_BEARER;
}

/* ------------------------------------------------- where it may be */

/* A scheme that nobody asked for may have any form: it is not looked at. */
static enum credentials_result
read_authorization(struct credentials *c, const struct credentials_ways *w,
    const struct http1_head *head)
{
	static const char name[] = "Authorization";
	const struct http1_field *f = http1_find(head, name, NULL);
	size_t scheme, at;
	bool basic, bearer;

	if (f == NULL)
		return CREDENTIALS_NONE;
	if (http1_find(head, name, f) != NULL)
		return CREDENTIALS_ERR_SEVERAL;
	for (scheme = 0; scheme < f->value_len; scheme++)
		if (f->value[scheme] == ' ')
			break;
	if (!http1_is_token(f->value, scheme))
		return CREDENTIALS_ERR_MALFORMED;
	basic = w->basic && str_ieqn(f->value, scheme, "Basic", 5);
	bearer = w->bearer && str_ieqn(f->value, scheme, "Bearer", 6);
	if (!basic && !bearer)
		return CREDENTIALS_NONE;
	for (at = scheme; at < f->value_len && f->value[at] == ' ';)
		at++;
	if (!is_token68(f->value + at, f->value_len - at))
		return CREDENTIALS_ERR_MALFORMED;
	if (basic)
		return take_basic(c, f->value + at, f->value_len - at);
	return take_token(c, CREDENTIALS_NONE, f->value + at,
	    f->value_len - at);
}

/* The next piece of a text that `sep` divides. */
static bool
next_piece(struct part *rest, char sep, struct part *p)
{
	const char *end;

	if (rest->s == NULL)
		return false;
	*p = *rest;
	if ((end = memchr(rest->s, sep, rest->len)) == NULL) {
		rest->s = NULL;
		return true;
	}
	p->len = (size_t)(end - rest->s);
	rest->s += p->len + 1;
	rest->len -= p->len + 1;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
trim(struct part *p)
{
	while (p->len > 0 && is_blank(*p->s)) {
		p->s++;
		p->len--;
	}
	while (p->len > 0 && is_blank(p->s[p->len - 1]))
		p->len--;
}

/* Whether it is NAME=VALUE of that name; then *p is the value. */
static bool
is_named(struct part *p, const char *name)
{
	size_t len = strlen(name);

	if (p->len <= len || memcmp(p->s, name, len) != 0 || p->s[len] != '=')
		return false;
	p->s += len + 1;
	p->len -= len + 1;
	return true;
}

/* A value that is no token was not made by us. */
static void
take_cookie(struct credentials *c, struct part p)
{
	char text[3 * CREDENTIALS_TOKEN_MAX];
	size_t n;

	if (p.len > 1 && p.s[0] == '"' && p.s[p.len - 1] == '"') {
		p.s++;
		p.len -= 2;
	}
	if (p.len <= sizeof(text) && url_decode(p.s, p.len, text, &n) &&
	    is_token(text, n) && c->ntokens < CREDENTIALS_TOKENS &&
	    !has_token(c, text, n))
		add_token(c, text, n);
	explicit_bzero(text, sizeof(text));
}

static enum credentials_result
read_cookies(struct credentials *c, const char *name,
    const struct http1_head *head)
{
	const struct http1_field *f = NULL;

	while ((f = http1_find(head, "Cookie", f)) != NULL) {
		struct part rest = { f->value, f->value_len }, p;

		while (next_piece(&rest, ';', &p)) {
			trim(&p);
			if (is_named(&p, name))
				take_cookie(c, p);
		}
	}
	return c->ntokens > 0 ? CREDENTIALS_BEARER : CREDENTIALS_NONE;
}

/* Whether it is bearer.TOKEN; then *p is the token. */
static bool
is_bearer(struct part *p, const char *name)
{
	size_t len = sizeof(bearer_prefix) - 1;

	(void)name;
	if (p->len < len || memcmp(p->s, bearer_prefix, len) != 0)
		return false;
	p->s += len;
	p->len -= len;
	return true;
}

static enum credentials_result
read_protocols(struct credentials *c, enum credentials_result rc,
    const struct http1_head *head)
{
	const struct http1_field *f = NULL;
	size_t tokens = 0, others = 0;

	while (rc >= 0 &&
	    (f = http1_find(head, "Sec-WebSocket-Protocol", f)) != NULL) {
		const char *rest = f->value;
		size_t left = f->value_len;
		struct part p;

		while (rc >= 0 && http1_next_item(&rest, &left, &p.s, &p.len)) {
			if (!is_bearer(&p, NULL)) {
				others++;
				continue;
			}
			tokens++;
			rc = take_token(c, rc, p.s, p.len);
		}
	}
	c->lone_protocol = tokens > 0 && others == 0;
	return rc;
}

static enum credentials_result
read_query(struct credentials *c, enum credentials_result rc, const char *name,
    const char *query, size_t len)
{
	char text[3 * CREDENTIALS_TOKEN_MAX];
	struct part rest = { query, len }, p;
	size_t n;

	while (rc >= 0 && next_piece(&rest, '&', &p)) {
		if (!is_named(&p, name))
			continue;
		if (p.len > sizeof(text) || !url_decode(p.s, p.len, text, &n))
			rc = CREDENTIALS_ERR_TOKEN;
		else
			rc = take_token(c, rc, text, n);
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

enum credentials_result
credentials_read(struct credentials *c, const struct credentials_ways *w,
    const struct http1_head *head, const char *query, size_t query_len)
{
	enum credentials_result rc;

	c->user[0] = c->password[0] = '\0';
	c->ntokens = 0;
	c->lone_protocol = false;
	rc = read_authorization(c, w, head);
	if (w->bearer)
		rc = read_protocols(c, rc, head);
	if (w->bearer && w->query != NULL)
		rc = read_query(c, rc, w->query, query, query_len);
	if (w->bearer && w->cookie != NULL && rc == CREDENTIALS_NONE)
		rc = read_cookies(c, w->cookie, head);
	return rc;
}

const char *
credentials_strresult(enum credentials_result rc)
{
	switch (rc) {
	case CREDENTIALS_NONE:
		return "nobody";
	case CREDENTIALS_BASIC:
		return "a user and a password";
	case CREDENTIALS_BEARER:
		return "a token";
	case CREDENTIALS_ERR_SEVERAL:
		return "There is more than one Authorization field.";
	case CREDENTIALS_ERR_MALFORMED:
		return "The Authorization field is malformed.";
	case CREDENTIALS_ERR_BASIC:
		return "The Authorization field does not hold a user and a "
		       "password.";
	case CREDENTIALS_ERR_TOKEN:
		return "That is not the form of a token.";
	case CREDENTIALS_ERR_CONFLICT:
		return "The request carries credentials that differ.";
	}
	return "unknown result";
}

/* ------------------------------------------------- leaving it out */

/* What is kept stays as it is; the blanks before the first of it go. */
static size_t
cut(struct part rest, char sep, bool (*is_secret)(struct part *, const char *),
    const char *name, char *out)
{
	struct part p, inner;
	size_t n = 0;
	bool first = true;

	while (next_piece(&rest, sep, &p)) {
		inner = p;
		trim(&inner);
		if (is_secret(&inner, name))
			continue;
		if (!first)
			out[n++] = sep;
		for (; first && p.len > 0 && is_blank(*p.s); p.len--)
			p.s++;
		first = false;
		memmove(out + n, p.s, p.len);
		n += p.len;
	}
	return n;
}

size_t
credentials_cut_query(const char *query, size_t len, const char *name,
    char *out)
{
	return cut((struct part){ query, len }, '&', is_named, name, out);
}

size_t
credentials_cut_cookie(const char *value, size_t len, const char *name,
    char *out)
{
	return cut((struct part){ value, len }, ';', is_named, name, out);
}

size_t
credentials_cut_protocols(const char *value, size_t len, char *out)
{
	return cut((struct part){ value, len }, ',', is_bearer, NULL, out);
}
