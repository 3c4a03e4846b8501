#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/userfile.h"

#define DIGITS "0123456789"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { BCRYPT_LEN = 60 };

/* ------------------------------------------------- hashes */

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool
consists_of(const char *s, const char *set)
{
	return s[strspn(s, set)] == '\0';
}

/* $2y$12$ and 53 characters; the number is 4 to 31. */
static bool
is_bcrypt(const char *s)
{
	int cost;

	if (strlen(s) != BCRYPT_LEN || !begins(s, "$2") ||
	    strchr("aby", s[2]) == NULL || s[3] != '$' || s[6] != '$' ||
	    strspn(s + 4, DIGITS) != 2)
		return false;
	cost = (s[4] - '0') * 10 + s[5] - '0';
	return cost >= 4 && cost <= 31 &&
	    consists_of(s + 7, DIGITS SMALL CAPITALS "./");
}

/* A kind, and after it salt and hash: how these look is crypt(3)'s affair. */
static bool
is_crypt(const char *s)
{
	static const char *const kinds[] = { "$y$", "$gy$", "$7$", "$6$", "$5$",
		"$1$" };
	const char *last = strrchr(s, '$');

	if (!consists_of(s, DIGITS SMALL CAPITALS "./$=,-_"))
		return false;
	for (size_t i = 0; i < nitems(kinds); i++) {
		if (begins(s, kinds[i]))
			return last[1] != '\0' && last >= s + strlen(kinds[i]);
	}
	return false;
}

static const char *
judge_password(const char *hash)
{
	if (is_bcrypt(hash) || is_crypt(hash))
		return NULL;
	if (begins(hash, "$apr1$"))
		return "a hash that only Apache knows ($apr1$);"
		       " htpasswd -B makes one that we do";
	if (begins(hash, "{SHA}"))
		return "a SHA-1 without a salt ({SHA});"
		       " htpasswd -B makes a better hash";
	return "not a hash of bcrypt, yescrypt, scrypt, SHA-512, SHA-256 or"
	       " MD5 as crypt(3) writes it; htpasswd -B makes one";
}

static const char *
judge_token(char *hash)
{
	for (char *c = hash; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	}
	if (strlen(hash) == USERFILE_TOKEN_LEN &&
	    consists_of(hash, DIGITS "abcdef"))
		return NULL;
	return "not NAME:HASH where the hash is the SHA-256 of a token in 64"
	       " hexadecimal digits";
}

/* ------------------------------------------------- lines */

static bool
is_clean(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

static const char *
judge_name(const char *name, enum userfile_kind kind)
{
	if (kind == USERFILE_PASSWORDS && name[0] == '\0')
		return "the name is empty";
	if (strlen(name) > USERFILE_NAME_MAX)
		return "the name is longer than 255 bytes";
	if (!is_clean(name))
		return "the name holds a control character";
	return NULL;
}

static void
add(struct userfile *f, const char *name, const char *hash, unsigned line)
{
	f->v = mem_grow(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct userfile_entry){ name, hash, line };
}

/* A line without its end (a text); what is wrong with it, or NULL. */
static const char *
read_line(struct userfile *f, enum userfile_kind kind, char *s, unsigned line)
{
	char *colon;
	const char *why;

	if (s[0] == '\0' || s[0] == '#')
		return NULL;
	if ((colon = strchr(s, ':')) == NULL)
		return "not NAME:HASH";
	*colon = '\0';
	if (strlen(colon + 1) > USERFILE_HASH_MAX)
		return "the hash is longer than 255 characters";
	why = judge_name(s, kind);
	if (why == NULL)
		why = kind == USERFILE_TOKENS ? judge_token(colon + 1)
					      : judge_password(colon + 1);
	if (why == NULL)
		add(f, s, colon + 1, line);
	return why;
}

static bool
read_lines(struct userfile *f, enum userfile_kind kind,
    struct userfile_error *e)
{
	char *at = f->text, *end = f->text + f->len, *eol;
	size_t len;

	at += str_mark(at, f->len);
	for (e->line = 1; at < end; e->line++, at = eol + 1) {
		if ((eol = memchr(at, '\n', (size_t)(end - at))) == NULL)
			eol = end; /* the NUL after the text */
		*eol = '\0';
		len = (size_t)(eol - at);
		if (memchr(at, '\0', len) != NULL)
			e->why = "a NUL";
		else {
			if (len > 0 && at[len - 1] == '\r')
				at[len - 1] = '\0';
			e->why = read_line(f, kind, at, e->line);
		}
		if (e->why != NULL)
			return false;
	}
	return true;
}

/* ------------------------------------------------- the whole */

static int
by_name(const void *a, const void *b)
{
	const struct userfile_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
by_hash(const void *a, const void *b)
{
	const struct userfile_entry *x = a, *y = b;

	return strcmp(x->hash, y->hash);
}

/* Sort, so that equals are neighbours. */
static bool
are_unique(struct userfile *f, enum userfile_kind kind,
    struct userfile_error *e)
{
	int (*order)(const void *, const void *) =
	    kind == USERFILE_TOKENS ? by_hash : by_name;

	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), order);
	for (size_t i = 1; i < f->n; i++) {
		const struct userfile_entry *a = &f->v[i - 1], *b = &f->v[i];

		if (order(a, b) != 0)
			continue;
		e->line = a->line > b->line ? a->line : b->line;
		e->why = kind == USERFILE_TOKENS ? "the hash is there already"
						 : "the name is there already";
		return false;
	}
	return true;
}

bool
userfile_read(struct userfile *f, enum userfile_kind kind, const char *text,
    size_t len, struct userfile_error *e)
{
	*f = (struct userfile){ .text = mem_strndup(text, len), .len = len };
	*e = (struct userfile_error){ 0 };
	if (read_lines(f, kind, e) && are_unique(f, kind, e))
		return true;
	userfile_clear(f);
	return false;
}

const struct userfile_entry *
userfile_find(const struct userfile *f, const char *name)
{
	const struct userfile_entry key = { .name = name };

	if (f->n == 0)
		return NULL;
	return bsearch(&key, f->v, f->n, sizeof(*f->v), by_name);
}

void
userfile_clear(struct userfile *f)
{
	if (f->text != NULL)
		explicit_bzero(f->text, f->len);
	free(f->text);
	free(f->v);
	*f = (struct userfile){ 0 };
}
