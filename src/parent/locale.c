#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "base/mem.h"
#include "parent/locale.h"

static const char lang[] = "LANG", fallback[] = "C.UTF-8";

/* LANG is a variable of its own. */
static const char *const names[LOCALE_VARS - 1] = { "LC_ALL", "LC_CTYPE",
	"LC_COLLATE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME",
	"LC_ADDRESS", "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_NAME",
	"LC_PAPER", "LC_TELEPHONE" };

/* de_DE.UTF-8, de_DE.utf8@euro. */
static bool
is_utf8(const char *locale)
{
	static const char *const charsets[] = { "UTF-8", "utf8" };
	const char *charset = strchr(locale, '.');
	size_t len;

	if (charset == NULL)
		return false;
	len = strcspn(++charset, "@");
	for (size_t i = 0; i < nitems(charsets); i++)
		if (strlen(charsets[i]) == len &&
		    strncasecmp(charset, charsets[i], len) == 0)
			return true;
	return false;
}

/* Sorting by bytes, say, is nothing that UTF-8 would mind. */
static bool
is_plain(const char *name, const char *locale)
{
	return strcmp(name, "LC_ALL") != 0 && strcmp(name, "LC_CTYPE") != 0 &&
	    (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0);
}

size_t
locale_make(char *vars[LOCALE_VARS])
{
	const char *v = getenv(lang);
	size_t n = 0;

	vars[n++] =
	    mem_printf("%s=%s", lang, v != NULL && is_utf8(v) ? v : fallback);
	for (size_t i = 0; i < nitems(names); i++)
		if ((v = getenv(names[i])) != NULL &&
		    (is_utf8(v) || is_plain(names[i], v)))
			vars[n++] = mem_printf("%s=%s", names[i], v);
	return n;
}
