/*
 * What --help, --version and --license print.
 */
#ifndef CONF_HELP_H
#define CONF_HELP_H

#include <stdio.h>

#include "conf/option.h"

/* The table's usage, and its rows under their headings. */
void help_print(FILE *, const struct option_table *);

void help_version(FILE *, const char *program);
void help_license(FILE *, const char *program);

extern const char help_license_text[]; /* COPYING, put in by the build */

#endif
