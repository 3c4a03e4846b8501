/*
 * A line typed at a terminal. What is accepted lies in the line and fits into
 * a frame, what is refused has a sentence; a line with its slash doubled is
 * text whatever it holds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/term_typed.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_close(const struct term_typed *t)
{
	size_t len = strnlen(t->reason, sizeof(t->reason));
	struct utf8 u;

	check(len <= WS_REASON_MAX);
	check(t->code >= 1000 && t->code <= 4999);
	utf8_init(&u);
	check(utf8_check(&u, (const uint8_t *)t->reason, len) == len);
	check(utf8_complete(&u));
}

static void
read_line(const char *line, size_t len)
{
	struct term_typed t = { 0 };
	char *why = NULL;

	if (!term_typed_read(&t, line, len, &why)) {
		check(why != NULL && *why != '\0');
		free(why);
		return;
	}
	check(why == NULL);
	if (t.kind == TERM_TYPED_CLOSE)
		check_close(&t);
	if (t.kind == TERM_TYPED_PING)
		check(t.len <= WS_CONTROL_MAX);
	if (t.kind == TERM_TYPED_LINE || t.kind == TERM_TYPED_PING)
		check(t.len == 0 ||
		    (t.text >= line && t.text + t.len == line + len));
}

/* The same behind two slashes: it is text, and has one of them. */
static void
read_doubled(const char *line, size_t len)
{
	char *twice = malloc(len + 2), *why = NULL;
	struct term_typed t;

	check(twice != NULL);
	memcpy(twice, "//", 2);
	if (len > 0)
		memcpy(twice + 2, line, len);
	check(term_typed_read(&t, twice, len + 2, &why));
	check(t.kind == TERM_TYPED_LINE && t.text == twice + 1 &&
	    t.len == len + 1);
	free(twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *line = malloc(len > 0 ? len : 1);

	check(line != NULL);
	if (len > 0)
		memcpy(line, in, len);
	read_line(line, len);
	read_doubled(line, len);
	free(line);
	return 0;
}
