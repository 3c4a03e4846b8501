#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/cmdline.h"
#include "conf/options.h"
#include "conf/value.h"

/* The words not looked at yet. */
struct words {
	char **v;
	int n;
};

static char *
next_word(struct words *w)
{
	w->n--;
	return *w->v++;
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static bool
refuse_unknown(const char *text, size_t len, char **why)
{
	const char *like = option_nearest(text, len);

	if (like == NULL)
		*why = mem_printf("--%s: unknown option (see --help)", text);
	else
		*why = mem_printf("--%s: unknown option (did you mean --%s?)",
		    text, like);
	return false;
}

/* One option, with the word that is its value where there is one. */
static bool
read_option(struct conf *c, const char *word, struct words *w, char **why)
{
	const char *text = word + (word[1] == '-' ? 2 : 1), *value;
	size_t len = strcspn(text, "=");
	const struct option *o = option_find(text, len);

	if (o == NULL)
		return refuse_unknown(text, len, why);
	if (text[len] == '=') {
		value = text + len + 1;
	} else if (o->type == OPT_BOOL) {
		value = "true";
	} else if (w->n > 0) {
		value = next_word(w);
	} else {
		*why = mem_printf("--%s: needs a value (--%s=%s)", text, text,
		    o->metavar);
		return false;
	}
	return value_set(c, o, value, why);
}

static void
keep_command(struct conf *c, const struct words *w)
{
	char **argv = mem_new((size_t)w->n + 1, sizeof(*argv));

	for (int i = 0; i < w->n; i++)
		argv[i] = mem_strdup(w->v[i]);
	c->route.argv = argv;
}

enum cmdline_result
cmdline_read(struct conf *c, int argc, char **argv, char **why)
{
	struct words w = { .v = argv, .n = argc };

	if (w.n > 0)
		next_word(&w); /* our own name */
	while (w.n > 0 && is_option(w.v[0])) {
		const char *word = next_word(&w);

		if (strcmp(word, "--") == 0)
			break;
		if (!read_option(c, word, &w, why))
			return CMDLINE_ERROR;
		if (c->help)
			return CMDLINE_HELP;
		if (c->version)
			return CMDLINE_VERSION;
	}
	keep_command(c, &w);
	return conf_check(c, why) ? CMDLINE_RUN : CMDLINE_ERROR;
}
