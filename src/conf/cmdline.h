/*
 * The daemon's command line: options into a struct conf, the rest is the command.
 *
 * Options end at `--` or at the first word that is none; conf/reader.h says how
 * they are written.
 */
#ifndef CONF_CMDLINE_H
#define CONF_CMDLINE_H

#include <stdio.h>

#include "conf/conf.h"

enum cmdline_result {
	CMDLINE_ERROR = -1, /* *why is an owned sentence */
	CMDLINE_RUN = 0,    /* complete, and conf_check() agrees */
	CMDLINE_HELP,       /* --help was met: print it and exit 0 */
	CMDLINE_VERSION,    /* so for --version */
	CMDLINE_LICENSE,    /* and for --license */
};

/*
 * Read argv[1..argc) (borrowed) into a conf that conf_init() has prepared;
 * whatever the result, the caller conf_clear()s it.
 */
enum cmdline_result cmdline_read(struct conf *, int argc, char **argv,
    char **why);

/* What --help, --version and --license print. */
void cmdline_help(FILE *);
void cmdline_version(FILE *);
void cmdline_license(FILE *);

#endif
