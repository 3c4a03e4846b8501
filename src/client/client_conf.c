#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/client_options.h"
#include "conf/value.h"

void
client_conf_init(struct client_conf *c)
{
	*c = (struct client_conf){ 0 };
	value_set_defaults(c, &client_options);
}

static void
free_words(char **words)
{
	for (char **w = words; w != NULL && *w != NULL; w++)
		free(*w);
	free(words);
}

void
client_conf_clear(struct client_conf *c)
{
	value_clear_all(c, &client_options);
	free_words(c->files);
	free_words(c->command);
	free(c->url);
	ws_url_wipe(&c->to);
	*c = (struct client_conf){ .json = -1 };
}

enum v1_offer
client_conf_v1_offer(const struct client_conf *c)
{
	if (c->ping || c->framing == CLIENT_HEX || c->framing == FRAMING_FRAMES)
		return V1_NOT_OFFERED;
	return (enum v1_offer)c->standpipe_protocol;
}

uint64_t
client_conf_max_message(const struct client_conf *c)
{
	enum { GATHERED = 16 * 1024 * 1024 };

	return c->max_message == 0 && client_conf_framing(c->framing)->whole
	    ? GATHERED
	    : c->max_message;
}

static bool
has_words(char *const *words)
{
	return words != NULL && words[0] != NULL;
}

bool
client_conf_has_command(const struct client_conf *c)
{
	return c->exec != NULL || has_words(c->command);
}

static const char *
check_url(const struct client_conf *c)
{
	if (c->url == NULL)
		return "no URL given (usage: standpipe [options] URL"
		       " [FILE...], or URL -- COMMAND [ARG...])";
	return NULL;
}

/* Who is joined: at most one of those who could be. */
static const char *
check_local(const struct client_conf *c)
{
	bool command = has_words(c->command), files = has_words(c->files);
	int n = command + (c->exec != NULL) + (c->listen.n > 0) + c->ping;

	if (command && c->exec != NULL)
		return "--exec and a command behind -- exclude each other:"
		       " both would be joined to the URL";
	if (n > 1)
		return "a command, --listen and --ping exclude each other:"
		       " each stands in place of standard input and output";
	if (files && n > 0)
		return "a FILE to send excludes a command, --listen and"
		       " --ping, which have messages of their own";
	if (c->no_input && (files || n > 0))
		return "--no-input excludes a FILE, a command, --listen and"
		       " --ping: it would leave them nothing to do";
	if (c->interval_given && !c->ping)
		return "--interval needs --ping: it is the time between those"
		       " pings (--keepalive=TIME is for all connections)";
	if (c->max_connections_given && c->listen.n == 0)
		return "--max-connections needs --listen: it is about those"
		       " who connect to us";
	if (c->count > 0 && c->listen.n > 0)
		return "--count excludes --listen: it is about one connection";
	return NULL;
}

static const char *
check_messages(const struct client_conf *c)
{
	if (c->compression_given && !c->compression)
		return "--compression-level and --compression-takeover need"
		       " --compression";
	if (c->send_first.n > 0 && (c->ping || c->listen.n > 0))
		return "--send-first excludes --ping and --listen: nobody would"
		       " read the answers";
	return NULL;
}

static const char *
check_connection(const struct client_conf *c)
{
	bool times = c->reconnect_min_given || c->reconnect_max_given ||
	    c->reconnect_tries_given;

	if (c->ipv4 && c->ipv6)
		return "--ipv4 and --ipv6 exclude each other: no address would"
		       " be left";
	if (c->keepalive == 0 && c->keepalive_timeout_given)
		return "--keepalive-timeout has no effect with --keepalive=0:"
		       " no ping is sent whose answer could be missed";
	if (c->max_redirects_given && !c->location)
		return "--max-redirects needs --location: without it no"
		       " redirect is followed";
	if (times && !c->reconnect)
		return "--reconnect-min, --reconnect-max and --reconnect-tries"
		       " need --reconnect";
	if (c->reconnect_min > c->reconnect_max)
		return "--reconnect-min is longer than --reconnect-max";
	if (c->reconnect && c->listen.n > 0)
		return "--reconnect excludes --listen: each local connection"
		       " has one of its own, and ends with it";
	return NULL;
}

static const char *
check_tls(const struct client_conf *c)
{
	if (c->key != NULL && c->cert == NULL)
		return "--key needs --cert: a key alone cannot be shown";
	if (c->pin.n > 0 && c->ca != NULL)
		return "--pin excludes --ca: it believes who has the key,"
		       " whoever issued the certificate";
	if (c->insecure && (c->ca != NULL || c->pin.n > 0))
		return "--insecure excludes --ca and --pin: it believes"
		       " anybody";
	return NULL;
}

static const char *
check_request(const struct client_conf *c)
{
	bool netrc = c->netrc || c->netrc_file != NULL;

	if ((c->user_file != NULL) + (c->bearer_file != NULL) + netrc > 1)
		return "--user-file, --bearer-file and --netrc exclude each"
		       " other: a request has one Authorization";
	return NULL;
}

static const char *
check_report(const struct client_conf *c)
{
	if (c->verbose && c->quiet)
		return "--verbose and --quiet exclude each other";
	return NULL;
}

bool
client_conf_check(const struct client_conf *c, char **why)
{
	static const char *(*const checks[])(const struct client_conf *) = {
		check_url,
		check_local,
		check_messages,
		check_connection,
		check_tls,
		check_request,
		check_report,
	};
	const char *wrong;

	for (size_t i = 0; i < nitems(checks); i++) {
		if ((wrong = checks[i](c)) != NULL) {
			*why = mem_strdup(wrong);
			return false;
		}
	}
	return true;
}
