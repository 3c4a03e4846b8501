/*
 * The client's command line: words, each ended by NUL or newline. What is
 * refused must have a reason; what is accepted names a URL, and all texts that
 * can reach a request are free of line ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { WORDS_MAX = 64 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_lines(const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		check(list->v[i][0] == '@' ||
		    strpbrk(list->v[i], "\r\n") == NULL);
}

static void
check_conf(const struct client_conf *c)
{
	check(c->url != NULL && c->files != NULL);
	check(c->origin == NULL || strpbrk(c->origin, "\r\n") == NULL);
	check_lines(&c->header);
	check_lines(&c->cookie);
	check_lines(&c->subprotocol);
	for (size_t i = 0; i < c->pin.n; i++)
		check(strlen(c->pin.v[i]) == 64);
}

/* Cut text (which ends with a NUL) into words in place; how many. */
static int
split(char *text, size_t len, char **argv)
{
	int argc = 0;

	for (size_t at = 0; at < len && argc < WORDS_MAX; argc++) {
		size_t n = strcspn(text + at, "\n");

		argv[argc] = text + at;
		text[at + n] = '\0';
		at += n + 1;
	}
	return argc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *argv[WORDS_MAX + 1] = { NULL }, *text, *why = NULL;
	enum client_cmdline_result result;
	struct client_conf c;
	static FILE *out;

	if (out == NULL && (out = fopen("/dev/null", "w")) == NULL)
		return 0;
	if ((text = malloc(len + 1)) == NULL)
		return 0;
	if (len > 0)
		memcpy(text, in, len);
	text[len] = '\0';
	client_conf_init(&c);
	result =
	    client_cmdline_read(&c, split(text, len, argv), argv, out, &why);
	check((why != NULL) == (result == CLIENT_CMDLINE_ERROR));
	if (result == CLIENT_CMDLINE_RUN)
		check_conf(&c);
	free(why);
	client_conf_clear(&c);
	free(text);
	return 0;
}
