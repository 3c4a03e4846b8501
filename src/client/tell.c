#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/client_conf.h"
#include "client/tell.h"
#include "client/term_charset.h"
#include "codec/escape.h"

enum { SENTENCE_MAX = 2048 };

static tell_fn *through;
static void *through_owner;

void
tell_through(tell_fn *fn, void *owner)
{
	through = fn;
	through_owner = owner;
}

static void
put(const char *text, size_t len)
{
	ssize_t n;

	if (through != NULL) {
		through(through_owner, text, len);
		return;
	}
	while (len > 0) {
		n = write(STDERR_FILENO, text, len);
		if (n == -1 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

/* A line in one write, its text escaped. */
static void
put_line(const char *before, const char *text, size_t len)
{
	size_t at = strlen(before);
	size_t most = at + ESCAPE_GROWTH * len + 2 * (size_t)ESCAPE_EXTRA + 1;
	char *line = mem_new(most, 1);
	struct escape e = { .ascii = !term_charset_is_utf8() };

	memcpy(line, before, at);
	at += escape_put(&e, (const uint8_t *)text, len, (uint8_t *)line + at);
	at += escape_end(&e, (uint8_t *)line + at);
	line[at++] = '\n';
	put(line, at);
	free(line);
}

static void attr_printf(1, 0) put_sentence(const char *fmt, va_list ap)
{
	char text[SENTENCE_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	put_line("standpipe: ", text, strlen(text));
}

void
tell(const struct client_conf *conf, const char *fmt, ...)
{
	va_list ap;

	if (conf->quiet)
		return;
	va_start(ap, fmt);
	put_sentence(fmt, ap);
	va_end(ap);
}

void
tell_more(const struct client_conf *conf, const char *fmt, ...)
{
	va_list ap;

	if (!conf->verbose)
		return;
	va_start(ap, fmt);
	put_sentence(fmt, ap);
	va_end(ap);
}

void
tell_lines(const struct client_conf *conf, const char *text, size_t len)
{
	const char *end = text + len, *eol;

	for (; !conf->quiet && text < end; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			eol = end;
		len = (size_t)(eol - text);
		put_line("  ", text,
		    len > 0 && text[len - 1] == '\r' ? len - 1 : len);
	}
}
