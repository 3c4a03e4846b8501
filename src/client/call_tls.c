#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "client/call_tls.h"
#include "client/client.h"
#include "client/facts.h"
#include "client/outcome.h"
#include "flow/stream.h"
#include "flow/tls_client.h"
#include "flow/tls_words.h"

/* A redirect may lead there. */
bool
call_tls_may_be_needed(const struct client_conf *conf)
{
	return conf->to.tls || conf->location;
}

bool
call_tls_open(struct client *client, struct outcome *o)
{
	const struct client_conf *conf = &client->conf;
	char *why = NULL;

	if (!call_tls_may_be_needed(conf))
		return true;
	client->tls = tls_client_new(
	    &(struct tls_client_conf){
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key,
		.pin = (const char *const *)conf->pin.v,
		.npins = conf->pin.n,
		.insecure = conf->insecure,
	    },
	    &why);
	if (client->tls != NULL)
		return true;
	outcome_set(o, OUTCOME_USAGE, "%s", why);
	free(why);
	return false;
}

void
call_tls_close(struct client *client)
{
	tls_client_free(client->tls);
	client->tls = NULL;
}

void
call_tls_start(struct client *client, struct stream *stream, const char *host)
{
	if (client->conf.insecure)
		(void)fprintf(stderr,
		    "standpipe: warning: --insecure: whoever answers is "
		    "believed to be %s\n",
		    host);
	stream_start_tls(stream, tls_client_open(client->tls, host));
}

bool
call_tls_is_shaking(const struct stream *stream)
{
	return stream_tls(stream) != NULL && !stream_tls_up(stream);
}

static void
set(char out[FACTS_TEXT], const char *text)
{
	facts_set_text(out, text, strlen(text));
}

void
call_tls_see(const struct stream *stream, struct facts *f)
{
	struct tls_seen seen;

	if (stream_tls(stream) == NULL)
		return;
	tls_words_seen(stream_tls(stream), &seen);
	set(f->tls, seen.version);
	set(f->subject, seen.subject);
	set(f->issuer, seen.issuer);
	set(f->expires, seen.expires);
	set(f->fingerprint, seen.fingerprint);
}

bool
call_tls_judge(const struct stream *stream, int err, struct outcome *o)
{
	const char *why;

	if (stream_tls(stream) == NULL ||
	    (!call_tls_is_shaking(stream) && err != EPROTO))
		return false;
	if ((why = tls_client_doubt(stream_tls(stream))) == NULL)
		why = stream_tls_fault(stream);
	o->lost = why == NULL;
	if (why != NULL)
		outcome_set(o, OUTCOME_TLS, "%s", why);
	else if (err == ECONNRESET)
		outcome_set(o, OUTCOME_TLS,
		    "the server closed the connection in the TLS handshake");
	else
		outcome_set(o, OUTCOME_TLS,
		    "the connection was lost in the TLS handshake: %s",
		    strerror(err));
	return true;
}
