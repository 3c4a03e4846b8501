#include <string.h>

#include "base/mem.h"
#include "conf/reader.h"

void
reader_init(struct reader *r, const struct option_table *t, int argc,
    char **argv)
{
	*r = (struct reader){ .table = t, .v = argv, .n = argc, .letters = "" };
	if (argc > 0)
		reader_take(r);
}

char *
reader_take(struct reader *r)
{
	r->n--;
	return *r->v++;
}

char **
reader_rest(const struct reader *r)
{
	char **all = mem_new((size_t)r->n + 1, sizeof(*all));

	for (int i = 0; i < r->n; i++)
		all[i] = mem_strdup(r->v[i]);
	return all;
}

static enum reader_result
refuse_unknown(const struct reader *r, const char *word, char **why)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	const char *like = option_nearest(r->table, name, strcspn(name, "="));

	if (like == NULL)
		*why = mem_printf("%s: unknown option (see --help)", word);
	else
		*why = mem_printf("%s: unknown option (did you mean --%s?)",
		    word, like);
	return READER_ERROR;
}

/* Whether its value is another word, if it has none of its own. */
static bool
eats_word(const struct option *o)
{
	return o->type != OPT_BOOL && o->bare == NULL;
}

/* The value of an option that came without: a word, or what it then means. */
static enum reader_result
find_value(struct reader *r, struct written *opt, char **why)
{
	const struct option *o = opt->row;

	if (!eats_word(o)) {
		opt->value = o->type == OPT_BOOL ? "true" : o->bare;
	} else if (r->n > 0) {
		opt->value = reader_take(r);
	} else {
		*why = mem_printf("--%s: needs a value (--%s=%s)", o->name,
		    o->name, o->metavar);
		return READER_ERROR;
	}
	return READER_OPTION;
}

/* The next letter, of a word that holds nothing else. */
static enum reader_result
next_letter(struct reader *r, struct written *opt, char **why)
{
	opt->row = option_find_letter(r->table, *r->letters);
	if (opt->row == NULL)
		return refuse_unknown(r, r->v[-1], why);
	r->letters++;
	if (*r->letters == '\0' || !eats_word(opt->row))
		return find_value(r, opt, why);
	opt->value = r->letters;
	r->letters = "";
	return READER_OPTION;
}

static enum reader_result
next_name(struct reader *r, struct written *opt, char **why)
{
	const char *word = reader_take(r);
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");

	opt->row = option_find(r->table, name, len);
	if (opt->row == NULL)
		return refuse_unknown(r, word, why);
	if (name[len] == '\0')
		return find_value(r, opt, why);
	opt->value = name + len + 1;
	return READER_OPTION;
}

enum reader_result
reader_next(struct reader *r, struct written *opt, char **why)
{
	if (*r->letters != '\0')
		return next_letter(r, opt, why);
	if (r->n == 0)
		return READER_NONE;
	if (r->v[0][0] != '-' || r->v[0][1] == '\0')
		return READER_WORD;
	if (strcmp(r->v[0], "--") == 0) {
		reader_take(r);
		return READER_END;
	}
	if (!r->table->letters || r->v[0][1] == '-')
		return next_name(r, opt, why);
	r->letters = reader_take(r) + 1;
	return next_letter(r, opt, why);
}
