#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "client/login_netrc.h"

static const char blanks[] = " \t\r\n";

/* Where the reading is. */
struct place {
	const char *p;
	unsigned line;
};

/* The machine being read of. */
struct machine {
	struct login_netrc who;
	bool begun; /* there was a machine, or default */
	bool fits;  /* and it is the one looked for */
};

static void
skip(struct place *at, size_t n)
{
	for (; n > 0; n--)
		at->line += *at->p++ == '\n';
}

/* Quoted up to its other quote; the result, as login_netrc_find() has it. */
static enum login_netrc_result
read_quoted(struct place *at, char word[LOGIN_NETRC_WORD_MAX + 1])
{
	size_t n = 0;

	for (skip(at, 1); *at->p != '"'; skip(at, 1)) {
		if (*at->p == '\\')
			skip(at, 1);
		if (*at->p == '\0')
			return LOGIN_NETRC_ERR_END;
		if (n == LOGIN_NETRC_WORD_MAX)
			return LOGIN_NETRC_ERR_LONG;
		word[n++] = *at->p;
	}
	word[n] = '\0';
	skip(at, 1);
	return LOGIN_NETRC_FOUND;
}

/* The next word; LOGIN_NETRC_NONE at the end. */
static enum login_netrc_result
read_word(struct place *at, char word[LOGIN_NETRC_WORD_MAX + 1])
{
	size_t n;

	skip(at, strspn(at->p, blanks));
	if (*at->p == '\0')
		return LOGIN_NETRC_NONE;
	if (*at->p == '"')
		return read_quoted(at, word);
	n = strcspn(at->p, blanks);
	if (n > LOGIN_NETRC_WORD_MAX)
		return LOGIN_NETRC_ERR_LONG;
	memcpy(word, at->p, n);
	word[n] = '\0';
	skip(at, n);
	return LOGIN_NETRC_FOUND;
}

/* What belongs to the name that was read. */
static enum login_netrc_result
read_argument(struct place *at, char word[LOGIN_NETRC_WORD_MAX + 1])
{
	enum login_netrc_result rc = read_word(at, word);

	return rc == LOGIN_NETRC_NONE ? LOGIN_NETRC_ERR_END : rc;
}

static void
skip_macro(struct place *at)
{
	const char *end = strstr(at->p, "\n\n");

	skip(at, end == NULL ? strlen(at->p) : (size_t)(end - at->p));
}

/* The next name, and no comment. */
static enum login_netrc_result
read_name(struct place *at, char word[LOGIN_NETRC_WORD_MAX + 1])
{
	for (;;) {
		skip(at, strspn(at->p, blanks));
		if (*at->p != '#')
			return read_word(at, word);
		skip(at, strcspn(at->p, "\n"));
	}
}

static void
begin(struct machine *e, bool fits)
{
	login_netrc_wipe(&e->who);
	e->begun = true;
	e->fits = fits;
}

static bool
is_found(const struct machine *e, const char *login)
{
	return e->begun && e->fits &&
	    (login == NULL || strcmp(e->who.login, login) == 0);
}

/* One word of an entry and what belongs to it. */
static enum login_netrc_result
read_part(struct place *at, const char *name, struct machine *e)
{
	char skipped[LOGIN_NETRC_WORD_MAX + 1];
	enum login_netrc_result rc;

	if (!e->begun)
		return LOGIN_NETRC_ERR_ENTRY;
	if (strcmp(name, "login") == 0)
		return read_argument(at, e->who.login);
	if (strcmp(name, "password") == 0)
		return read_argument(at, e->who.password);
	rc = read_argument(at, skipped);
	explicit_bzero(skipped, sizeof(skipped));
	if (strcmp(name, "macdef") == 0)
		skip_macro(at);
	else if (strcmp(name, "account") != 0)
		return LOGIN_NETRC_ERR_WORD;
	return rc;
}

static enum login_netrc_result
find(struct place *at, const char *host, const char *login, struct machine *e)
{
	char word[LOGIN_NETRC_WORD_MAX + 1];
	enum login_netrc_result rc;
	bool machine;

	while ((rc = read_name(at, word)) == LOGIN_NETRC_FOUND) {
		machine = strcmp(word, "machine") == 0;
		if (!machine && strcmp(word, "default") != 0) {
			if ((rc = read_part(at, word, e)) < 0)
				return rc;
			continue;
		}
		if (is_found(e, login))
			return LOGIN_NETRC_FOUND;
		if (machine && (rc = read_argument(at, word)) < 0)
			return rc;
		begin(e, !machine || str_ieq(word, host));
	}
	if (rc == LOGIN_NETRC_NONE && is_found(e, login))
		return LOGIN_NETRC_FOUND;
	return rc;
}

enum login_netrc_result
login_netrc_find(const char *text, const char *host, const char *login,
    struct login_netrc *out, unsigned *line)
{
	struct place at = { .p = text, .line = 1 };
	struct machine e = { .begun = false };
	enum login_netrc_result rc = find(&at, host, login, &e);

	*line = at.line;
	if (rc == LOGIN_NETRC_FOUND)
		*out = e.who;
	login_netrc_wipe(&e.who);
	return rc;
}

const char *
login_netrc_strresult(enum login_netrc_result rc)
{
	switch (rc) {
	case LOGIN_NETRC_ERR_WORD:
		return "neither machine, default, login, password, account nor"
		       " macdef";
	case LOGIN_NETRC_ERR_END:
		return "a word is missing at the end";
	case LOGIN_NETRC_ERR_LONG:
		return "a word is too long";
	case LOGIN_NETRC_ERR_ENTRY:
		return "it belongs to no machine";
	default:
		return "all is well";
	}
}

void
login_netrc_wipe(struct login_netrc *n)
{
	explicit_bzero(n, sizeof(*n));
}
