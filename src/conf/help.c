#include <string.h>

#include "conf/help.h"

enum { WIDTH = 79 };

/* Where the text begins; in front of it stand letters, or none. */
static int
column_of(const struct option_table *t)
{
	return t->letters ? 32 : 29;
}

/* A default worth showing: flags are off unless it says otherwise. */
static bool
shows_default(const struct option *o)
{
	return o->dflt != NULL &&
	    (o->type != OPT_BOOL || strcmp(o->dflt, "false") != 0);
}

/* Print a word of len bytes after column `at`; the column after it. */
static int
put_word(FILE *f, int column, int at, const char *word, int len)
{
	if (at > column && at + 1 + len > WIDTH) {
		fprintf(f, "\n%*s", column, "");
		at = column;
	}
	if (at > column)
		at += fprintf(f, " ");
	return at + fprintf(f, "%.*s", len, word);
}

/* "  --name", or with letters "  -n, --name"; the column after it. */
static int
put_name(FILE *f, const struct option_table *t, const struct option *o)
{
	int at;

	if (o->letter != '\0')
		at = fprintf(f, "  -%c, ", o->letter);
	else
		at = fprintf(f, "%*s", t->letters ? 6 : 2, "");
	at += fprintf(f, "--%s", o->name);
	if (o->metavar != NULL)
		at += fprintf(f, o->bare == NULL ? "=%s" : "[=%s]", o->metavar);
	return at;
}

static void
put_option(FILE *f, const struct option_table *t, const struct option *o)
{
	int column = column_of(t), at, len;

	at = put_name(f, t, o);
	at += fprintf(f, "%*s", at < column ? column - at : 1, "");
	for (const char *p = o->help; *p != '\0'; p += len, p += *p == ' ') {
		len = (int)strcspn(p, " ");
		at = put_word(f, column, at, p, len);
	}
	if (shows_default(o)) {
		char dflt[64];

		len = snprintf(dflt, sizeof(dflt), "[%s]", o->dflt);
		put_word(f, column, at, dflt, len);
	}
	fprintf(f, "\n");
}

void
help_print(FILE *f, const struct option_table *t)
{
	const struct option *o = t->rows;

	fputs(t->usage, f);
	for (size_t g = 0; g < t->groups; g++) {
		fprintf(f, "\n%s:\n", t->headings[g]);
		for (; o->name != NULL && o->group == g; o++)
			put_option(f, t, o);
	}
	fprintf(f,
	    "\nDefaults are in brackets. TIME: 500ms, 2s, 1m, 1h;"
	    " SIZE: 4096, 64K, 16M, 1G.\n");
}

void
help_version(FILE *f, const char *program)
{
	fprintf(f, "%s %s\n", program, PACKAGE_VERSION);
}

void
help_license(FILE *f, const char *program)
{
	help_version(f, program);
	fputs(help_license_text, f);
}
