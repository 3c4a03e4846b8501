/*
 * Credentials of a request: a query in the first line, header fields behind
 * it. What is found keeps to its limits and its alphabet, and is found no more
 * in what is left after cutting it out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/credentials.h"
#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* name:value lines, each a field. */
static void
split(struct http1_head *head, const char *s, size_t len)
{
	while (len > 0 && head->nfields < HTTP1_MAX_FIELDS) {
		const char *eol = memchr(s, '\n', len);
		size_t n = eol == NULL ? len : (size_t)(eol - s);
		const char *colon = memchr(s, ':', n);

		if (colon != NULL)
			head->field[head->nfields++] = (struct http1_field){
				.name = s,
				.name_len = (size_t)(colon - s),
				.value = colon + 1,
				.value_len = n - (size_t)(colon - s) - 1,
			};
		if (eol == NULL)
			return;
		len -= n + 1;
		s = eol + 1;
	}
}

static void
check_found(const struct credentials *c, enum credentials_result rc)
{
	check(credentials_strresult(rc) != NULL);
	if (rc == CREDENTIALS_BASIC)
		check(strlen(c->user) <= CREDENTIALS_USER_MAX &&
		    strlen(c->password) <= CREDENTIALS_PASSWORD_MAX &&
		    strchr(c->user, ':') == NULL && c->ntokens == 0);
	if (rc == CREDENTIALS_BEARER)
		check(c->ntokens > 0 && c->ntokens <= CREDENTIALS_TOKENS);
	for (size_t i = 0; rc == CREDENTIALS_BEARER && i < c->ntokens; i++)
		check(c->token[i][0] != '\0' &&
		    strchr(c->token[i], ' ') == NULL &&
		    strlen(c->token[i]) <= CREDENTIALS_TOKEN_MAX);
}

/* The query and the fields once more, without the secrets. */
static void
check_cut(const struct http1_head *head, const struct credentials_ways *w,
    const char *query, size_t len)
{
	struct http1_head rest = { 0 };
	struct credentials c;
	char *out = malloc(len + 1), *value;
	size_t n;

	if (out == NULL)
		return;
	n = credentials_cut_query(query, len, "k", out);
	check(n <= len);
	check(credentials_read(&c, w, &rest, out, n) == CREDENTIALS_NONE);
	free(out);
	for (size_t i = 0; i < head->nfields; i++) {
		struct http1_field *f = &rest.field[0];

		*f = head->field[i];
		if ((value = malloc(f->value_len + 1)) == NULL)
			return;
		n = credentials_cut_cookie(f->value, f->value_len, "t", value);
		check(n <= f->value_len);
		*f = (struct http1_field){ "Cookie", 6, value, n };
		rest.nfields = 1;
		check(
		    credentials_read(&c, w, &rest, "", 0) == CREDENTIALS_NONE);
		free(value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	const struct credentials_ways all = { true, true, "t", "k" };
	struct http1_head head = { 0 };
	struct credentials c;
	const char *query = (const char *)in, *eol;
	size_t n = len;

	if (len == 0)
		return 0;
	if ((eol = memchr(in, '\n', len)) != NULL) {
		n = (size_t)(eol - query);
		split(&head, eol + 1, len - n - 1);
	}
	check_found(&c, credentials_read(&c, &all, &head, query, n));
	check_cut(&head, &all, query, n);
	return 0;
}
