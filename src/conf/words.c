#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/words.h"

static const char blanks[] = " \t\n";

/* Within double quotes a backslash is one, but before these. */
static bool
is_escape(char next)
{
	return next == '$' || next == '`' || next == '"' || next == '\\' ||
	    next == '\n';
}

/* From after the opening quote to after the closing one, or NULL. */
static const char *
read_quoted(const char *p, char quote, char **out)
{
	for (; *p != quote; p++) {
		if (*p == '\0')
			return NULL;
		if (quote == '"' && *p == '\\' && is_escape(p[1]) &&
		    *++p == '\n')
			continue;
		*(*out)++ = *p;
	}
	return p + 1;
}

/* One word to *out with its NUL; where it ends, or NULL. */
static const char *
read_word(const char *p, char **out)
{
	while (p != NULL && *p != '\0' && strchr(blanks, *p) == NULL) {
		if (*p == '\'' || *p == '"') {
			p = read_quoted(p + 1, *p, out);
			continue;
		}
		if (*p == '\\') {
			if (*++p == '\0')
				return NULL;
			if (*p == '\n') {
				p++;
				continue;
			}
		}
		*(*out)++ = *p++;
	}
	*(*out)++ = '\0';
	return p;
}

/* Blanks, and newlines that a backslash takes back. */
static const char *
skip_blanks(const char *p)
{
	for (;;) {
		p += strspn(p, blanks);
		if (p[0] != '\\' || p[1] != '\n')
			return p;
		p += 2;
	}
}

char **
words_split(const char *text)
{
	char *room = mem_new(1, strlen(text) + 2), *at = room, *word;
	char **words = mem_new(1, sizeof(*words));
	size_t n = 0;

	for (;;) {
		text = skip_blanks(text);
		if (*text == '\0')
			break;
		word = at;
		if ((text = read_word(text, &at)) == NULL) {
			n = 0;
			break;
		}
		words = mem_grow(words, n + 2, sizeof(*words));
		words[n++] = mem_strdup(word);
		words[n] = NULL;
	}
	free(room);
	if (n > 0)
		return words;
	words_free(words);
	return NULL;
}

void
words_free(char **words)
{
	for (char **w = words; w != NULL && *w != NULL; w++)
		free(*w);
	free(words);
}
