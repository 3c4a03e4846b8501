#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/framing.h"
#include "conf/listen_spec.h"
#include "conf/options.h"
#include "conf/value.h"

void
conf_init(struct conf *c)
{
	*c = (struct conf){ 0 };
	value_set_defaults(c, &daemon_table);
}

void
conf_clear(struct conf *c)
{
	value_clear_all(c, &daemon_table);
	for (char **arg = c->route.argv; arg != NULL && *arg != NULL; arg++)
		free(*arg);
	free(c->route.argv);
	*c = (struct conf){ .ready_fd = -1 };
}

void
conf_limits_of(const struct conf *c, const struct addr *a,
    struct conf_limits *out)
{
	bool local = addr_is_loopback(a) || addr_is_unix(a);

	*out = (struct conf_limits){ 0 };
	if (!local || c->max_per_address_given)
		out->connections = c->max_per_address;
	if (!local || c->rate_given)
		out->rate = c->rate;
	if (!local || c->max_failed_logins_given)
		out->failed_logins = c->max_failed_logins;
}

static bool
has_command(const struct conf_route *r)
{
	return r->argv != NULL && r->argv[0] != NULL;
}

static const char *
check_command(const struct conf_route *r)
{
	bool command = has_command(r);

	if (command && r->dir != NULL)
		return "a COMMAND and --dir exclude each other: both would"
		       " serve every WebSocket";
	if (!command && r->dir == NULL && r->cgidir == NULL &&
	    r->staticdir == NULL)
		return "no command given, and no --dir, --cgidir or"
		       " --staticdir (usage: standpiped [options] [--]"
		       " COMMAND [ARG...])";
	return NULL;
}

static const char *
check_folders(const struct conf_route *r)
{
	if (r->console && r->cgidir != NULL)
		return "--console and --cgidir exclude each other: both would"
		       " answer every plain request";
	if (r->console && r->staticdir != NULL)
		return "--console and --staticdir exclude each other: both"
		       " would answer every plain request";
	if (r->header.n + r->header_ws.n + r->header_http.n > CONF_HEADERS_MAX)
		return "--header, --header-ws and --header-http are more than"
		       " 48 in all";
	if (r->gate_vars.n > 0 && r->gate == NULL)
		return "--gate-vars needs a --gate=COMMAND that sets them";
	if (r->gate_timeout_given && r->gate == NULL)
		return "--gate-timeout needs a --gate=COMMAND to wait for";
	return NULL;
}

static const char *
check_once(const struct conf *c)
{
	if (c->once && !has_command(&c->route) && c->route.dir == NULL)
		return "--once needs a COMMAND or --dir: without them there is"
		       " no session to wait for";
	return NULL;
}

static const char *
check_listing(const struct conf *c)
{
	const struct conf_route *r = &c->route;

	if (r->list_directories && r->staticdir == NULL &&
	    c->compat == CONF_COMPAT_NONE)
		return "--list-directories needs a --staticdir to list";
	return NULL;
}

static const char *
check_ping(const struct conf_route *r)
{
	if (r->ping == 0 && r->ping_timeout != 0 && r->ping_timeout_given)
		return "--ping-timeout has no effect with --ping=0:"
		       " no ping is sent whose answer could be missed";
	if (r->ping != 0 && r->ping_timeout == 0)
		return "--ping-timeout=0 would send pings and never act on a"
		       " missing answer; --ping=0 turns them off";
	return NULL;
}

/* "none" is a list of nothing, not one of several. */
static const char *
check_signals(const struct conf_route *r)
{
	const struct conf_list *l = &r->client_signals;

	for (size_t i = 0; i < l->n; i++)
		if (l->n > 1 && strcmp(l->v[i], "none") == 0)
			return "--client-signals=none and names of signals"
			       " exclude each other";
	return NULL;
}

static const char *
check_framing(const struct conf_route *r)
{
	const struct framing_kind *kind = &framing_kinds[r->framing];

	if (r->stderr_to == CONF_STDERR_JSON && !kind->text)
		return r->framing == FRAMING_BINARY
		    ? "--stderr=json (--passstderr) and --framing=binary"
		      " (--binary) exclude each other: its objects are text"
		    : "--stderr=json (--passstderr) needs a framing of text"
		      " messages, such as lines: its objects are text";
	if (r->stderr_to != CONF_STDERR_LOG && !kind->text &&
	    r->no_standpipe_protocol)
		return "--stderr=client and both need a framing of text"
		       " messages, such as lines, or clients of standpipe.v1:"
		       " nobody else has a place for it";
	if (kind->whole && r->max_message == 0)
		return "--framing=content-length needs a --max-message other"
		       " than 0: messages are gathered whole";
	if (r->multiline == CONF_MULTILINE_REFUSE && kind->delimiter == -1)
		return "--multiline=refuse needs --framing=lines or nul:"
		       " the others do not end messages with a character";
	return NULL;
}

static bool
has_unix_socket(const struct conf *c)
{
	struct listen_spec s;

	for (size_t i = 0; i < c->listen.n; i++) {
		if (listen_spec_read(&s, c->listen.v[i]) &&
		    s.kind == LISTEN_UNIX)
			return true;
	}
	return c->unixsocket != NULL;
}

/* Whether one of them, --port and the like or a --listen, speaks like that. */
static bool
speaks(const struct conf *c, enum conf_ssl ssl, enum listen_tls tls)
{
	struct listen_spec s;

	for (size_t i = 0; i < c->listen.n; i++) {
		if (listen_spec_read(&s, c->listen.v[i]) && s.tls == tls)
			return true;
	}
	return c->ssl == (int)ssl;
}

bool
conf_has_tls(const struct conf *c)
{
	return speaks(c, CONF_SSL_ON, LISTEN_TLS) ||
	    speaks(c, CONF_SSL_AUTO, LISTEN_AUTO);
}

static const char *
check_listeners(const struct conf *c)
{
	bool addresses = c->addresses.n > 0 && !c->addresses.preset;
	bool some = c->port_given || addresses || c->listen.n > 0 ||
	    c->unixsocket != NULL || c->redirport_given;

	if (c->inetd && some)
		return "--inetd serves standard input and nothing else: no"
		       " --port, --address, --listen, --unixsocket or"
		       " --redirport beside it";
	if (c->redirect_plain && !speaks(c, CONF_SSL_AUTO, LISTEN_AUTO))
		return "--redirect-plain needs --ssl=auto or --listen=auto:...:"
		       " elsewhere nobody could come by TLS instead";
	if (c->unixsocket_mode_given && !has_unix_socket(c))
		return "--unixsocket-mode needs --unixsocket=PATH or"
		       " --listen=unix:PATH";
	if (c->unixsocket_owner != NULL && !has_unix_socket(c))
		return "--unixsocket-owner needs --unixsocket=PATH or"
		       " --listen=unix:PATH";
	return NULL;
}

static const char *
check_tokens(const struct conf_route *r)
{
	if (r->token_file == NULL && r->auth_cookie != NULL)
		return "--auth-cookie needs --token-file: nothing else is"
		       " looked for in a cookie";
	if (r->token_file == NULL && r->auth_query != NULL)
		return "--auth-query needs --token-file: nothing else is"
		       " looked for in a query";
	for (size_t i = 0; r->token_file != NULL && i < r->subprotocols.n; i++)
		if (strncmp(r->subprotocols.v[i], "bearer.", 7) == 0)
			return "--subprotocol=bearer.*: with --token-file that"
			       " is the form of a token";
	return NULL;
}

/* Whether there is a listener that --ssl is about; see parent/listen.c. */
static bool
has_use_for_ssl(const struct conf *c)
{
	return c->inetd || c->port_given ||
	    (c->addresses.n > 0 && !c->addresses.preset) ||
	    (c->listen.n == 0 && c->unixsocket == NULL) ||
	    c->compat == CONF_COMPAT_WEBSOCKETD;
}

static const char *
check_tls(const struct conf *c)
{
	bool files = c->ssl_cert.n > 0 || c->ssl_key.n > 0 ||
	    c->ssl_ocsp.n > 0 || c->ssl_ca != NULL;

	if (!conf_has_tls(c) && files)
		return "--sslcert, --sslkey, --sslocsp and --sslca need --ssl"
		       " or --listen=tls:...: nobody would be shown a"
		       " certificate";
	if (conf_has_tls(c) && (c->ssl_cert.n == 0 || c->ssl_key.n == 0))
		return "--ssl and --listen=tls:... need --sslcert=FILE and"
		       " --sslkey=FILE";
	if (c->ssl != CONF_SSL_OFF && !has_use_for_ssl(c))
		return "--ssl is about --port and --address, which are not"
		       " used; --listen=tls:... says it for one listener";
	if (c->ssl_cert.n != c->ssl_key.n)
		return "--sslcert and --sslkey go in pairs, in the same order";
	if (c->ssl_ca != NULL && c->ssl_verify == CONF_VERIFY_REQUIRED &&
	    speaks(c, CONF_SSL_AUTO, LISTEN_AUTO))
		return "--sslca and --ssl=auto or --listen=auto:...: who comes"
		       " without TLS has no certificate;"
		       " --ssl-verify=optional says that this is meant";
	if (c->ssl_verify_given && c->ssl_ca == NULL)
		return "--ssl-verify needs --sslca=FILE: without it clients"
		       " are not asked for certificates";
	return NULL;
}

static const char *
check_compression(const struct conf *c)
{
	const struct conf_route *r = &c->route;

	if (!r->compression && (c->compression_given || r->compression_given))
		return "--compression-level and its like have no effect with"
		       " --compression=off";
	return NULL;
}

static const char *
check_subprotocols(const struct conf_route *r)
{
	if (r->subprotocol_required && r->subprotocols.n == 0)
		return "--subprotocol-required needs a --subprotocol to "
		       "require";
	for (size_t i = 0; i < r->subprotocols.n; i++)
		if (strlen(r->subprotocols.v[i]) > CONF_SUBPROTOCOL_MAX)
			return "--subprotocol: a name of more than 255 bytes";
	return NULL;
}

static const char *
check_resolver(const struct conf *c)
{
	if (c->resolver != NULL && !c->reverselookup)
		return "--resolver needs --reverselookup: nothing else asks a"
		       " name server";
	return NULL;
}

static const char *
check_realm(const struct conf_route *r)
{
	if (r->realm_given && r->auth_file == NULL && r->token_file == NULL)
		return "--realm needs --auth-file or --token-file: it is what"
		       " they are asked for under";
	return NULL;
}

/* In the order in which a person is told: one of a route, or of the daemon. */
static const struct check {
	const char *(*route)(const struct conf_route *);
	const char *(*daemon)(const struct conf *);
} checks[] = {
	{ .route = check_ping },
	{ .route = check_framing },
	{ .route = check_signals },
	{ .daemon = check_compression },
	{ .daemon = check_listeners },
	{ .route = check_tokens },
	{ .daemon = check_tls },
	{ .route = check_subprotocols },
	{ .daemon = check_resolver },
	{ .route = check_realm },
	{ .route = check_folders },
	{ .daemon = check_listing },
	{ .route = check_command },
	{ .daemon = check_once },
};

bool
conf_check(const struct conf *c, char **why)
{
	const char *wrong;

	for (size_t i = 0; i < nitems(checks); i++) {
		wrong = checks[i].route != NULL ? checks[i].route(&c->route)
						: checks[i].daemon(c);
		if (wrong != NULL) {
			*why = mem_strdup(wrong);
			return false;
		}
	}
	return true;
}
