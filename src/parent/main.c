/*
 * standpiped: the half of the daemon that has the privileges.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/cmdline.h"
#include "conf/conf.h"
#include "parent/daemon.h"

enum { EXIT_USAGE = 2 };

static int
complain(char *why, int status)
{
	(void)fprintf(stderr, "standpiped: %s\n", why);
	free(why);
	return status;
}

static void
warn_root(const struct conf *conf)
{
	if (geteuid() == 0 && conf->route.user == NULL)
		log_warn("commands run as root; --user names somebody else");
}

static int
serve(const struct conf *conf)
{
	struct daemon d;
	char *why = NULL;
	int status;

	log_init(&(struct log_conf){
	    .program = "standpiped",
	    .level = (enum log_level)conf->loglevel,
	    .format = (enum log_format)conf->log_format,
	    .syslog = conf->syslog,
	});
	if (conf->ready_fd != -1 && fcntl((int)conf->ready_fd, F_GETFD) == -1)
		return complain(mem_printf("--ready-fd=%d: not an open "
					   "descriptor",
				    (int)conf->ready_fd),
		    EXIT_USAGE);
	warn_root(conf);
	if (!daemon_open(&d, conf, &why))
		return complain(why, EXIT_FAILURE);
	status = daemon_run(&d);
	daemon_close(&d);
	return status;
}

int
main(int argc, char **argv)
{
	struct conf conf;
	char *why = NULL;
	int status = EXIT_SUCCESS;

	if (fd_open_standard() == -1)
		return EXIT_FAILURE;
	fd_cloexec_from(3);
	conf_init(&conf);
	switch (cmdline_read(&conf, argc, argv, &why)) {
	case CMDLINE_RUN:
		status = serve(&conf);
		break;
	case CMDLINE_HELP:
		cmdline_help(stdout);
		break;
	case CMDLINE_VERSION:
		cmdline_version(stdout);
		break;
	case CMDLINE_LICENSE:
		cmdline_license(stdout);
		break;
	case CMDLINE_ERROR:
		status = complain(why, EXIT_USAGE);
		break;
	}
	conf_clear(&conf);
	return status;
}
