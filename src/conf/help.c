#include <string.h>

#include "base/base.h"
#include "conf/cmdline.h"
#include "conf/options.h"

enum { COLUMN = 29, WIDTH = 79 };

static const char *const headings[] = {
	[GROUP_LISTEN] = "Where to listen",
	[GROUP_TLS] = "TLS",
	[GROUP_SESSION] = "Messages",
	[GROUP_PAGES] = "Pages",
	[GROUP_TIMES] = "Times",
	[GROUP_COMMAND] = "Commands",
	[GROUP_ACCESS] = "Who may connect",
	[GROUP_DAEMON] = "The daemon",
	[GROUP_SYNONYM] = "For users of websocketd",
};

/* A default worth showing: flags are off unless it says otherwise. */
static bool
shows_default(const struct option *o)
{
	return o->dflt != NULL &&
	    (o->type != OPT_BOOL || strcmp(o->dflt, "false") != 0);
}

/* Print a word of len bytes behind column `at`; the column after it. */
static int
put_word(FILE *f, int at, const char *word, int len)
{
	if (at > COLUMN && at + 1 + len > WIDTH) {
		fprintf(f, "\n%*s", COLUMN, "");
		at = COLUMN;
	}
	if (at > COLUMN)
		at += fprintf(f, " ");
	return at + fprintf(f, "%.*s", len, word);
}

static void
put_option(FILE *f, const struct option *o)
{
	int at, len;

	at = fprintf(f, "  --%s", o->name);
	if (o->metavar != NULL)
		at += fprintf(f, o->bare == NULL ? "=%s" : "[=%s]", o->metavar);
	at += fprintf(f, "%*s", COLUMN - at, "");
	for (const char *p = o->help; *p != '\0'; p += len, p += *p == ' ') {
		len = (int)strcspn(p, " ");
		at = put_word(f, at, p, len);
	}
	if (shows_default(o)) {
		char dflt[64];

		len = snprintf(dflt, sizeof(dflt), "[%s]", o->dflt);
		put_word(f, at, dflt, len);
	}
	fprintf(f, "\n");
}

void
cmdline_help(FILE *f)
{
	const struct option *o = options;

	fprintf(f,
	    "Usage: standpiped [options] [--] COMMAND [ARG...]\n"
	    "Put a WebSocket in front of any program."
	    " See standpiped(8).\n");
	for (size_t g = 0; g < nitems(headings); g++) {
		fprintf(f, "\n%s:\n", headings[g]);
		for (; o->name != NULL && o->group == g; o++)
			put_option(f, o);
	}
	fprintf(f,
	    "\nDefaults are in brackets. TIME: 500ms, 2s, 1m, 1h;"
	    " SIZE: 4096, 64K, 16M, 1G.\n");
}

void
cmdline_version(FILE *f)
{
	fprintf(f, "standpiped %s\n", PACKAGE_VERSION);
}

void
cmdline_license(FILE *f)
{
	cmdline_version(f);
	fputs(cmdline_license_text, f);
}
