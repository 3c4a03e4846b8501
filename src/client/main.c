/*
 * standpipe: a WebSocket URL joined to standard input and output.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/call_tls.h"
#include "client/client.h"
#include "client/client_cmdline.h"
#include "client/client_url.h"
#include "client/facts.h"
#include "client/full.h"
#include "client/hello_compression.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/run.h"
#include "client/run_listen.h"

/* run_calls() reports by itself; nothing is known of a call otherwise. */
static void
run(struct client *c, struct outcome *o)
{
	const struct facts none = { 0 };
	bool ready = call_tls_open(c, o);

	if (ready && c->conf.listen.n == 0) {
		run_calls(c, o);
	} else {
		if (ready)
			run_listen(c, o);
		report_over(&c->conf, &none, o);
	}
	call_tls_close(c);
}

static int
complain(char *why, int status)
{
	(void)fprintf(stderr, "standpipe: %s\n", why);
	free(why);
	return status;
}

/*
 * The descriptor of --json becomes one of our own: standard output is let go of
 * as soon as it has ended, and what is told comes after it.
 */
static bool
keep_json(struct client_conf *conf, char **why)
{
	int own;

	if (conf->json == -1)
		return true;
	own = fcntl((int)conf->json, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (own == -1) {
		*why = mem_printf("--json=%d: %s", (int)conf->json,
		    errno == EBADF ? "not an open descriptor"
				   : strerror(errno));
	} else if ((fcntl(own, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		*why = mem_printf("--json=%d: not open for writing",
		    (int)conf->json);
		fd_close(&own);
	} else {
		conf->json = own;
	}
	return own != -1;
}

static int
serve(struct client *c, struct outcome *o)
{
	struct event_base *base;
	char *why = NULL;

	if (!keep_json(&c->conf, &why) ||
	    !dial_proxy_open(&c->proxy, &c->conf, &why) ||
	    !hello_fields_open(&c->fields, &c->conf, &why))
		return complain(why, OUTCOME_USAGE);
	if (!talk_first_open(&c->first, &c->conf, &why)) {
		hello_fields_close(&c->fields);
		return complain(why, OUTCOME_USAGE);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if ((base = event_base_new()) == NULL)
		mem_die(); /* libevent lacks nothing else */
	flow_init(&c->flow, base);
	hello_compression_init(c);
	run(c, o);
	flow_clear(&c->flow);
	event_base_free(base);
	talk_first_close(&c->first);
	hello_fields_close(&c->fields);
	dial_proxy_close(&c->proxy);
	return o->status;
}

/* TLS cannot be done without; editing a line can. */
static bool
become_who_is_needed(const struct client_conf *conf, char **argv, char **why)
{
	if (call_tls_may_be_needed(conf))
		return full_become(argv, why);
	if (local_is_at_terminal(conf) && !full_become(argv, why)) {
		free(*why);
		*why = NULL;
	}
	return true;
}

static void
die_of(int sig)
{
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

int
main(int argc, char **argv)
{
	struct client client = { 0 };
	struct client_conf *conf = &client.conf;
	struct outcome outcome = { 0 };
	char *why = NULL;
	int status = EXIT_SUCCESS;

	if (fd_open_standard_for_reading() == -1)
		return EXIT_FAILURE;
	client_conf_init(conf);
	switch (client_cmdline_read(conf, argc, argv, stdout, &why)) {
	case CLIENT_CMDLINE_RUN:
		if (!client_url_read(conf, &why))
			status = complain(why, OUTCOME_USAGE);
		else if (!become_who_is_needed(conf, argv, &why))
			status = complain(why, OUTCOME_TLS);
		else
			status = serve(&client, &outcome);
		break;
	case CLIENT_CMDLINE_TOLD:
		if (fflush(stdout) != 0)
			status = complain(mem_printf("standard output: %s",
					      strerror(errno)),
			    OUTCOME_LOCAL);
		break;
	case CLIENT_CMDLINE_ERROR:
		status = complain(why, OUTCOME_USAGE);
		break;
	}
	client_conf_clear(conf);
	if (outcome.signal != 0)
		die_of(outcome.signal);
	return status;
}
