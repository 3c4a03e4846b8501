/*
 * The client's command line: options, a URL, and files or a command.
 *
 *      standpipe [options] URL [options] [FILE...]
 *      standpipe [options] URL [options] [--] COMMAND [ARG...]
 *
 * Options may come after the URL as well as before it; what follows a `--`
 * after the URL is the command and holds none of ours. A `--` before the URL
 * ends the options, so that a file may begin with `-`.
 */
#ifndef CLIENT_CLIENT_CMDLINE_H
#define CLIENT_CLIENT_CMDLINE_H

#include <stdio.h>

#include "client/client_conf.h"

enum client_cmdline_result {
	CLIENT_CMDLINE_ERROR = -1, /* *why is an owned sentence */
	CLIENT_CMDLINE_RUN = 0, /* complete, and client_conf_check() agrees */
	CLIENT_CMDLINE_TOLD,    /* something was asked for and printed */
};

/*
 * Read argv[1..argc) (borrowed) into a conf that client_conf_init() has
 * prepared; whatever the result, the caller client_conf_clear()s it. What
 * --help and its like print goes to `out`. *why is NULL before, and after
 * anything but CLIENT_CMDLINE_ERROR.
 */
enum client_cmdline_result client_cmdline_read(struct client_conf *, int argc,
    char **argv, FILE *out, char **why);

#endif
