#include <stdlib.h>

#include "conf/cmdline.h"
#include "conf/compat.h"
#include "conf/help.h"
#include "conf/options.h"
#include "conf/reader.h"
#include "conf/value.h"

/*
 * Whose defaults hold must be known before the first option is read, but may
 * be written after it. What is wrong is found when all of them are read.
 */
static void
find_compat(struct conf *c, struct reader r)
{
	const struct option *compat = option_find(&daemon_table, "compat", 6);
	struct written opt;
	char *why = NULL;

	while (reader_next(&r, &opt, &why) == READER_OPTION &&
	    (opt.row != compat || value_set(c, compat, opt.value, &why)))
		;
	free(why);
	if (c->compat == CONF_COMPAT_WEBSOCKETD)
		compat_preset(c);
}

enum cmdline_result
cmdline_read(struct conf *c, int argc, char **argv, char **why)
{
	enum reader_result result;
	struct written opt;
	struct reader r;

	reader_init(&r, &daemon_table, argc, argv);
	find_compat(c, r);
	while ((result = reader_next(&r, &opt, why)) == READER_OPTION) {
		if (!compat_set(c, opt.row, opt.value, why))
			return CMDLINE_ERROR;
		if (c->help)
			return CMDLINE_HELP;
		if (c->version)
			return CMDLINE_VERSION;
		if (c->license)
			return CMDLINE_LICENSE;
	}
	if (result == READER_ERROR)
		return CMDLINE_ERROR;
	compat_finish(c);
	c->route.argv = reader_rest(&r);
	return conf_check(c, why) ? CMDLINE_RUN : CMDLINE_ERROR;
}

void
cmdline_help(FILE *f)
{
	help_print(f, &daemon_table);
}

void
cmdline_version(FILE *f)
{
	help_version(f, "standpiped");
}

void
cmdline_license(FILE *f)
{
	help_license(f, "standpiped");
}
