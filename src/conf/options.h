/*
 * The daemon's table of options, into a struct conf.
 *
 * The command line (conf/cmdline.c), the defaults (conf/conf.c) and the bytes
 * for the engine (conf/wire.c) all come from it.
 */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include "conf/option.h"

/* Headings of --help, in its order; the table's rows stand in this order too. */
enum option_group {
	GROUP_LISTEN,
	GROUP_TLS,
	GROUP_SESSION,
	GROUP_COMPRESSION,
	GROUP_PAGES,
	GROUP_TIMES,
	GROUP_COMMAND,
	GROUP_ACCESS,
	GROUP_DAEMON,
	GROUP_SYNONYM,
};

extern const struct option options[]; /* a row without a name ends it */
extern const struct option_table daemon_table;

#endif
