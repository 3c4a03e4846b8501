/*
 * standpipe: a WebSocket URL joined to standard input and output.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "client/call.h"
#include "client/client.h"
#include "client/cmdline.h"
#include "client/facts.h"
#include "client/full.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/secure.h"
#include "client/where.h"

/* The one call of this process, and how it ended. */
struct errand {
	struct client client;
	struct outcome outcome;
};

static void
errand_on_over(void *owner, struct call *call, const struct outcome *o,
    const struct facts *facts)
{
	struct errand *e = owner;

	(void)call;
	e->outcome = *o;
	report_over(&e->client.conf, facts, &e->outcome);
	(void)event_base_loopbreak(e->client.flow.base);
}

static const struct call_ops call_ops = {
	.on_over = errand_on_over,
};

static void
make_call(struct errand *e, struct local *local)
{
	struct call *call = call_new(&e->client, local, &call_ops, e);

	(void)event_base_dispatch(e->client.flow.base);
	call_free(call);
}

static int
run(struct errand *e)
{
	struct local *local = local_new_stdio(&e->client.flow, &e->outcome);

	if (local != NULL && secure_open(&e->client, &e->outcome))
		make_call(e, local);
	else
		report_over(&e->client.conf, &(struct facts){ 0 }, &e->outcome);
	secure_close(&e->client);
	local_free(local);
	return e->outcome.status;
}

static int
complain(char *why, int status)
{
	(void)fprintf(stderr, "standpipe: %s\n", why);
	free(why);
	return status;
}

static int
serve(struct errand *e)
{
	struct event_base *base;
	char *why = NULL;
	int status;

	if (!fields_open(&e->client.fields, &e->client.conf, &why))
		return complain(why, OUTCOME_USAGE);
	(void)signal(SIGPIPE, SIG_IGN);
	if ((base = event_base_new()) == NULL)
		bug("no event loop");
	flow_init(&e->client.flow, base);
	status = run(e);
	flow_clear(&e->client.flow);
	event_base_free(base);
	fields_close(&e->client.fields);
	return status;
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
	struct errand e = { 0 };
	struct client_conf *conf = &e.client.conf;
	char *why = NULL;
	int status = EXIT_SUCCESS;

	if (fd_open_standard() == -1)
		return EXIT_FAILURE;
	client_conf_init(conf);
	switch (client_cmdline_read(conf, argc, argv, stdout, &why)) {
	case CLIENT_CMDLINE_RUN:
		if (!where_read(conf, &why))
			status = complain(why, OUTCOME_USAGE);
		else if (secure_may_be_needed(conf) && !full_become(argv, &why))
			status = complain(why, OUTCOME_TLS);
		else
			status = serve(&e);
		break;
	case CLIENT_CMDLINE_TOLD:
		break;
	case CLIENT_CMDLINE_ERROR:
		status = complain(why, OUTCOME_USAGE);
		break;
	}
	client_conf_clear(conf);
	if (e.outcome.signal != 0)
		die_of(e.outcome.signal);
	return status;
}
