#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/cmdline.h"
#include "conf/compat.h"
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

/* An option as it was written. */
struct written {
	const struct option *row;
	const char *value;
};

/* The next one, with the word that is its value where there is one. */
static bool
next_option(struct words *w, struct written *opt, char **why)
{
	const char *word = next_word(w);
	const char *text = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(text, "=");

	opt->row = option_find(text, len);
	if (opt->row == NULL)
		return refuse_unknown(text, len, why);
	if (text[len] == '=') {
		opt->value = text + len + 1;
	} else if (opt->row->type == OPT_BOOL) {
		opt->value = "true";
	} else if (opt->row->bare != NULL) {
		opt->value = opt->row->bare;
	} else if (w->n > 0) {
		opt->value = next_word(w);
	} else {
		*why = mem_printf("--%s: needs a value (--%s=%s)", text, text,
		    opt->row->metavar);
		return false;
	}
	return true;
}

/* Whether there is one; the word that ends them is taken. */
static bool
more_options(struct words *w)
{
	if (w->n == 0 || !is_option(w->v[0]))
		return false;
	if (strcmp(w->v[0], "--") != 0)
		return true;
	next_word(w);
	return false;
}

/*
 * Whose defaults hold must be known before the first option is read, but may
 * be written behind it. What is wrong is found when all of them are read.
 */
static void
find_compat(struct conf *c, struct words w)
{
	const struct option *compat = option_find("compat", 6);
	struct written opt;
	char *why = NULL;

	while (more_options(&w) && next_option(&w, &opt, &why) &&
	    (opt.row != compat || value_set(c, compat, opt.value, &why)))
		;
	free(why);
	if (c->compat == CONF_COMPAT_WEBSOCKETD)
		compat_preset(c);
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
	struct written opt;

	if (w.n > 0)
		next_word(&w); /* our own name */
	find_compat(c, w);
	while (more_options(&w)) {
		if (!next_option(&w, &opt, why) ||
		    !compat_set(c, opt.row, opt.value, why))
			return CMDLINE_ERROR;
		if (c->help)
			return CMDLINE_HELP;
		if (c->version)
			return CMDLINE_VERSION;
		if (c->license)
			return CMDLINE_LICENSE;
	}
	compat_finish(c);
	keep_command(c, &w);
	return conf_check(c, why) ? CMDLINE_RUN : CMDLINE_ERROR;
}
