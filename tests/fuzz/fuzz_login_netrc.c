/*
 * A netrc file: no text is read beyond its end, and what is found for a login
 * has that login. The first line of the input is the host.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/login_netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
look(const char *text, const char *host)
{
	struct login_netrc first, same;
	unsigned line;

	if (login_netrc_find(text, host, NULL, &first, &line) !=
	    LOGIN_NETRC_FOUND)
		return;
	check(line > 0);
	check(strlen(first.login) <= LOGIN_NETRC_WORD_MAX);
	check(strlen(first.password) <= LOGIN_NETRC_WORD_MAX);
	check(login_netrc_find(text, host, first.login, &same, &line) ==
	    LOGIN_NETRC_FOUND);
	check(strcmp(first.login, same.login) == 0);
	check(strcmp(first.password, same.password) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *text = malloc(len + 2), *file;

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, in, len);
	text[len] = text[len + 1] = '\0';
	file = text + strcspn(text, "\n");
	*file++ = '\0';
	look(file, text);
	free(text);
	return 0;
}
