/*
 * The client's table of options, into a struct client_conf.
 */
#ifndef CLIENT_CLIENT_OPTIONS_H
#define CLIENT_CLIENT_OPTIONS_H

#include "conf/option.h"

/* Headings of --help, in its order; the table's rows stand in this order too. */
enum help_group {
	HELP_MESSAGES,
	HELP_LOCAL,
	HELP_CONNECTION,
	HELP_TLS,
	HELP_REQUEST,
	HELP_REPORT,
};

extern const struct option_table client_options;

#endif
