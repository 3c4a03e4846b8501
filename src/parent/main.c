/*
 * standpiped: the half of the daemon that has the privileges.
 */
#include <sys/resource.h>

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
#include "sock/listen_inherited.h"

enum { EXIT_USAGE = 2 };

/* Under inetd standard error is the client, who is not to be talked to. */
static bool to_syslog;

static void
open_log(const struct conf *conf)
{
	log_init(&(struct log_conf){
	    .program = "standpiped",
	    .level = (enum log_level)conf->loglevel,
	    .format = (enum log_format)conf->log_format,
	    .syslog = conf->syslog,
	});
}

static int
complain(const struct conf *conf, char *why, int status)
{
	if (to_syslog) {
		open_log(conf);
		log_error("%s", why);
	} else {
		(void)fprintf(stderr, "standpiped: %s\n", why);
	}
	free(why);
	return status;
}

static void
warn_root(const struct conf *conf)
{
	if (geteuid() == 0 && conf->route.user == NULL)
		log_warn("commands run as root; --user names somebody else");
}

/* The mask is there for proxies that take frames for requests. */
static void
warn_unmasked(const struct conf *conf)
{
	if (conf->route.accept_unmasked)
		log_warn("--accept-unmasked: clients need not mask what they "
			 "send (RFC 6455, section 10.3)");
}

/*
 * Engines take all that they may have, and do not accept without some room
 * besides the sockets that they listen on.
 */
static bool
has_descriptors(size_t listeners, char **why)
{
	enum { LEAST = 32, LISTENERS = 12 /* of those */ };
	size_t least =
	    LEAST + (listeners > LISTENERS ? listeners - LISTENERS : 0);
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_max >= least)
		return true;
	*why = mem_printf("the limit of %llu open descriptors (ulimit -Hn) is "
			  "too low: %zu are the least to serve anybody",
	    (unsigned long long)rl.rlim_max, least);
	return false;
}

/* False, with nothing left open and an owned sentence in *why. */
static bool
open_daemon(struct daemon *d, const struct conf *conf, char **why)
{
	if (!has_descriptors(0, why) || !daemon_open(d, conf, why))
		return false;
	if (has_descriptors(d->listeners.n, why))
		return true;
	daemon_close(d);
	return false;
}

static int
serve(const struct conf *conf)
{
	struct daemon d;
	char *why = NULL;
	int status;

	log_own_stderr();
	open_log(conf);
	if (conf->ready_fd != -1 && fcntl((int)conf->ready_fd, F_GETFD) == -1)
		return complain(conf,
		    mem_printf("--ready-fd=%d: not an open descriptor",
			(int)conf->ready_fd),
		    EXIT_USAGE);
	warn_root(conf);
	warn_unmasked(conf);
	if (!open_daemon(&d, conf, &why))
		return complain(conf, why, EXIT_FAILURE);
	status = daemon_run(&d);
	daemon_close(&d);
	return status;
}

int
main(int argc, char **argv)
{
	enum cmdline_result result;
	struct conf conf;
	char *why = NULL;
	int status = EXIT_SUCCESS;

	if (fd_open_standard() == -1)
		return EXIT_FAILURE;
	fd_cloexec_from(3);
	listen_inherited_read();
	to_syslog = listen_inherited_shows_log();
	conf_init(&conf);
	result = cmdline_read(&conf, argc, argv, &why);
	conf.syslog = conf.syslog || to_syslog;
	switch (result) {
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
		status = complain(&conf, why, EXIT_USAGE);
		break;
	}
	conf_clear(&conf);
	return status;
}
