#include <limits.h>
#include <signal.h>
#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "conf/listen_spec.h"
#include "conf/names.h"
#include "conf/options.h"

#define FIELD(member) offsetof(struct conf, member)

/* Far from where sums of times could wrap. */
#define YEAR_MS (UINT64_C(365) * 24 * 60 * 60 * 1000)
#define SIZE_TOP (UINT64_C(1) << 50)

static const struct option_word framing_words[] = {
	{ .name = "lines", .value = CONF_LINES },
	{ .name = "binary", .value = CONF_BINARY },
	{ .name = "text", .value = CONF_TEXT },
	{ .name = "nul", .value = CONF_NUL },
	{ .name = "frames", .value = CONF_FRAMES },
	{ .name = NULL },
};

static const struct option_word utf8_words[] = {
	{ .name = "replace", .value = CONF_UTF8_REPLACE },
	{ .name = "close", .value = CONF_UTF8_CLOSE },
	{ .name = NULL },
};

static const struct option_word refuse_words[] = {
	{ .name = "status", .value = CONF_REFUSE_STATUS },
	{ .name = "close", .value = CONF_REFUSE_CLOSE },
	{ .name = NULL },
};

static const struct option_word multiline_words[] = {
	{ .name = "allow", .value = CONF_MULTILINE_ALLOW },
	{ .name = "refuse", .value = CONF_MULTILINE_REFUSE },
	{ .name = NULL },
};

/* A flag for most, so that words for yes and no are taken too. */
static const struct option_word ssl_words[] = {
	{ .name = "off", .value = CONF_SSL_OFF },
	{ .name = "on", .value = CONF_SSL_ON },
	{ .name = "auto", .value = CONF_SSL_AUTO },
	{ .name = "false", .value = CONF_SSL_OFF, .synonym = true },
	{ .name = "true", .value = CONF_SSL_ON, .synonym = true },
	{ .name = "0", .value = CONF_SSL_OFF, .synonym = true },
	{ .name = "1", .value = CONF_SSL_ON, .synonym = true },
	{ .name = NULL },
};

static const struct option_word verify_words[] = {
	{ .name = "required", .value = CONF_VERIFY_REQUIRED },
	{ .name = "optional", .value = CONF_VERIFY_OPTIONAL },
	{ .name = NULL },
};

static const struct option_word tls_words[] = {
	{ .name = "1.2", .value = CONF_TLS_1_2 },
	{ .name = "1.3", .value = CONF_TLS_1_3 },
	{ .name = NULL },
};

static const struct option_word sandbox_words[] = {
	{ "off", CONF_SANDBOX_OFF, false },
	{ "files", CONF_SANDBOX_FILES, false },
	{ "calls", CONF_SANDBOX_CALLS, false },
	{ NULL, 0, false },
};

static const struct option_word stderr_words[] = {
	{ .name = "log", .value = CONF_STDERR_LOG },
	{ .name = "client", .value = CONF_STDERR_CLIENT },
	{ .name = "both", .value = CONF_STDERR_BOTH },
	{ .name = "json", .value = CONF_STDERR_JSON },
	{ .name = NULL },
};

static const struct option_word compat_words[] = {
	{ .name = "none", .value = CONF_COMPAT_NONE },
	{ .name = "websocketd", .value = CONF_COMPAT_WEBSOCKETD },
	{ .name = NULL },
};

/* The synonyms are websocketd's. */
static const struct option_word level_words[] = {
	{ .name = "error", .value = LOG_LVL_ERROR },
	{ .name = "warn", .value = LOG_LVL_WARN },
	{ .name = "info", .value = LOG_LVL_INFO },
	{ .name = "debug", .value = LOG_LVL_DEBUG },
	{ .name = "trace", .value = LOG_LVL_DEBUG, .synonym = true },
	{ .name = "access", .value = LOG_LVL_INFO, .synonym = true },
	{ .name = "fatal", .value = LOG_LVL_ERROR, .synonym = true },
	{ .name = "none", .value = LOG_LVL_NONE, .synonym = true },
	{ .name = NULL },
};

static const struct option_word line_level_words[] = {
	{ .name = "error", .value = LOG_LVL_ERROR },
	{ .name = "warn", .value = LOG_LVL_WARN },
	{ .name = "info", .value = LOG_LVL_INFO },
	{ .name = "debug", .value = LOG_LVL_DEBUG },
	{ .name = NULL },
};

static const struct option_word format_words[] = {
	{ .name = "text", .value = LOG_TEXT },
	{ .name = "json", .value = LOG_JSON },
	{ .name = NULL },
};

/* --binary=false is about --binary alone: any other framing stays. */
static void
apply_binary(struct conf *c, uint64_t on)
{
	if (on)
		c->route.framing = CONF_BINARY;
	else if (c->route.framing == CONF_BINARY)
		c->route.framing = CONF_LINES;
}

static void
apply_passstderr(struct conf *c, uint64_t on)
{
	if (on)
		c->route.stderr_to = CONF_STDERR_JSON;
	else if (c->route.stderr_to == CONF_STDERR_JSON)
		c->route.stderr_to = CONF_STDERR_LOG;
}

/* websocketd's own ladder, each step longer by that much. */
static void
apply_closems(struct conf *c, uint64_t ms)
{
	c->route.kill = (struct conf_ladder){
		.rung = {
			{ .sig = 0, .wait_ms = 100 + ms },
			{ .sig = SIGINT, .wait_ms = 250 + ms },
			{ .sig = SIGTERM, .wait_ms = 500 + ms },
			{ .sig = SIGKILL },
		},
		.n = 4,
	};
}

/* websocketd gives up after two intervals: the ping's, then as long again. */
static void
apply_pingms(struct conf *c, uint64_t ms)
{
	c->route.ping = ms;
	if (ms != 0)
		c->route.ping_timeout = ms;
}

const struct option options[] = {
	{
	    .name = "port",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(port),
	    .given = FIELD(port_given),
	    .dflt = "8080",
	    .websocketd = "80",
	    .max = 65535,
	    .metavar = "N",
	    .help = "TCP port; 0 takes a free one",
	},
	{
	    .name = "address",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(addresses),
	    .websocketd = "*",
	    .item = name_address,
	    .wanted = "not an address (examples: 127.0.0.1, ::1, localhost, *)",
	    .metavar = "ADDRESS",
	    .help = "address to listen on instead of loopback; repeatable",
	},
	{
	    .name = "listen",
	    .type = OPT_LIST,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(listen),
	    .item = listen_spec_item,
	    .wanted = "not a listener (examples: 127.0.0.1:80, [::1]:80, *:80,"
		      " tls:*:443, unix:/run/x.sock, fd:web)",
	    .metavar = "WHERE",
	    .help = "[proxy:][tls:|auto:] and ADDRESS:PORT, unix:PATH or "
		    "fd:NAME; repeatable",
	},
	{
	    .name = "unixsocket",
	    .type = OPT_STRING,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(unixsocket),
	    .item = name_socket,
	    .wanted = "not a path that fits into a socket's address",
	    .metavar = "PATH",
	    .help = "listen on a Unix socket; alone: on nothing else",
	},
	{
	    .name = "unixsocket-mode",
	    .type = OPT_MODE,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(unixsocket_mode),
	    .given = FIELD(unixsocket_mode_given),
	    .dflt = "0600",
	    .max = 0777,
	    .metavar = "MODE",
	    .help = "permissions of Unix sockets, octal",
	},
	{
	    .name = "unixsocket-owner",
	    .type = OPT_STRING,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(unixsocket_owner),
	    .item = name_owner,
	    .wanted = "not an owner (examples: www-data, me:www-data, :users)",
	    .metavar = "USER[:GROUP]",
	    .help = "who they belong to",
	},
	{
	    .name = "redirport",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(redirport),
	    .given = FIELD(redirport_given),
	    .max = 65535,
	    .metavar = "N",
	    .help = "port that sends browsers on to the real one",
	},
	{
	    .name = "inetd",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_LISTEN,
	    .field = FIELD(inetd),
	    .dflt = "false",
	    .help = "serve the one connection that is standard input",
	},
	{
	    .name = "ssl",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .engine = true,
	    .field = FIELD(ssl),
	    .dflt = "off",
	    .bare = "on",
	    .words = ssl_words,
	    .metavar = "auto",
	    .help = "clients come by TLS; auto: or not, on the same port",
	},
	{
	    .name = "redirect-plain",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .field = FIELD(redirect_plain),
	    .dflt = "false",
	    .help = "under auto: send who comes without TLS on to https",
	},
	{
	    .name = "sslcert",
	    .type = OPT_LIST,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .field = FIELD(ssl_cert),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "certificate and those above it, PEM; repeatable",
	},
	{
	    .name = "sslkey",
	    .type = OPT_LIST,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .field = FIELD(ssl_key),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "its private key, PEM; in the order of --sslcert",
	},
	{
	    .name = "sslocsp",
	    .type = OPT_LIST,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .field = FIELD(ssl_ocsp),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "OCSP response to staple, DER; repeatable",
	},
	{
	    .name = "sslca",
	    .type = OPT_STRING,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .field = FIELD(ssl_ca),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "clients need a certificate of one of these, PEM",
	},
	{
	    .name = "ssl-verify",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .engine = true,
	    .field = FIELD(ssl_verify),
	    .given = FIELD(ssl_verify_given),
	    .dflt = "required",
	    .words = verify_words,
	    .metavar = "HOW",
	    .help = "clients without a good one: refused, or optional",
	},
	{
	    .name = "tls-min",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .engine = true,
	    .field = FIELD(tls_min),
	    .dflt = "1.2",
	    .words = tls_words,
	    .metavar = "VERSION",
	    .help = "oldest version of TLS: 1.2 or 1.3",
	},
	{
	    .name = "tls-ciphers",
	    .type = OPT_STRING,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TLS,
	    .engine = true,
	    .field = FIELD(tls_ciphers),
	    .item = name_ciphers,
	    .wanted = "not names of ciphers with : between them",
	    .metavar = "LIST",
	    .help = "ciphers of 1.2, suites of 1.3 (TLS_...), best first",
	},
	{
	    .name = "framing",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.framing),
	    .dflt = "lines",
	    .words = framing_words,
	    .metavar = "NAME",
	    .help = "what a message is to the program: lines, binary, text, "
		    "nul or frames",
	},
	{
	    .name = "max-message",
	    .type = OPT_SIZE,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.max_message),
	    .dflt = "16M",
	    .websocketd = "1M",
	    .max = SIZE_TOP,
	    .metavar = "SIZE",
	    .help = "largest message accepted from a client; 0: any",
	},
	{
	    .name = "invalid-utf8",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.invalid_utf8),
	    .dflt = "replace",
	    .words = utf8_words,
	    .metavar = "POLICY",
	    .help = "output that is no UTF-8: replace it, or close the session",
	},
	{
	    .name = "multiline",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.multiline),
	    .dflt = "allow",
	    .words = multiline_words,
	    .metavar = "POLICY",
	    .help = "a message that holds the character which ends messages: "
		    "allow or refuse",
	},
	{
	    .name = "stderr",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.stderr_to),
	    .dflt = "log",
	    .words = stderr_words,
	    .metavar = "WHERE",
	    .help = "where the program's errors go: log, client, both or json",
	},
	{
	    .name = "stderr-level",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.stderr_level),
	    .dflt = "info",
	    .websocketd = "error",
	    .words = line_level_words,
	    .metavar = "LEVEL",
	    .help = "how important they are in the log",
	},
	{
	    .name = "max-pipe",
	    .type = OPT_SIZE,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.max_pipe),
	    .dflt = "256K",
	    .max = INT_MAX,
	    .metavar = "SIZE",
	    .help = "how far a busy command's pipe may grow; 0: never",
	},
	{
	    .name = "subprotocol",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.subprotocols),
	    .item = name_token,
	    .wanted = "not the name of a subprotocol (an RFC 9110 token)",
	    .metavar = "NAME",
	    .help = "subprotocol the program speaks; repeatable",
	},
	{
	    .name = "subprotocol-required",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SESSION,
	    .engine = true,
	    .field = FIELD(route.subprotocol_required),
	    .dflt = "false",
	    .help = "refuse clients that offer none of them",
	},
	{
	    .name = "console",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .engine = true,
	    .field = FIELD(route.console),
	    .dflt = "false",
	    .help = "answer browsers with a page to try the program",
	},
	{
	    .name = "staticdir",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .field = FIELD(route.staticdir),
	    .item = name_text,
	    .wanted = "a directory is needed",
	    .metavar = "DIR",
	    .help = "answer plain requests with the files in it",
	},
	{
	    .name = "list-directories",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .engine = true,
	    .field = FIELD(route.list_directories),
	    .dflt = "false",
	    .websocketd = "true",
	    .help = "and with a list where a folder has no index.html",
	},
	{
	    .name = "errordir",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .field = FIELD(route.errordir),
	    .item = name_text,
	    .wanted = "a directory is needed",
	    .metavar = "DIR",
	    .help = "answer errors with the pages in it: 404.html and so on",
	},
	{
	    .name = "header",
	    .type = OPT_LIST,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .engine = true,
	    .field = FIELD(route.header),
	    .item = name_field,
	    .wanted = "not NAME: VALUE, or a field that only we may set (a "
		      "subprotocol is --subprotocol=NAME)",
	    .metavar = "NAME:VALUE",
	    .help = "add this field to every answer; repeatable",
	},
	{
	    .name = "header-ws",
	    .type = OPT_LIST,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .engine = true,
	    .field = FIELD(route.header_ws),
	    .item = name_field,
	    .wanted = "not NAME: VALUE, or a field that only we may set (a "
		      "subprotocol is --subprotocol=NAME)",
	    .metavar = "NAME:VALUE",
	    .help = "add it to answers that begin a WebSocket",
	},
	{
	    .name = "header-http",
	    .type = OPT_LIST,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_PAGES,
	    .engine = true,
	    .field = FIELD(route.header_http),
	    .item = name_field,
	    .wanted = "not NAME: VALUE, or a field that only we may set (a "
		      "subprotocol is --subprotocol=NAME)",
	    .metavar = "NAME:VALUE",
	    .help = "add it to all other answers",
	},
	{
	    .name = "kill",
	    .type = OPT_LADDER,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.kill),
	    .dflt = "EOF:2s,TERM:3s,KILL",
	    .websocketd = "EOF:100ms,INT:250ms,TERM:500ms,KILL",
	    .metavar = "LADDER",
	    .help = "what a command gets when its client has gone, or none",
	},
	{
	    .name = "linger",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.linger),
	    .dflt = "1s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "wait for output that others hold open after the command "
		    "has ended",
	},
	{
	    .name = "close-drain",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.close_drain),
	    .dflt = "500ms",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "send output on for so long after the client's Close",
	},
	{
	    .name = "close-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.close_timeout),
	    .dflt = "2s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "wait for the answer to our Close",
	},
	{
	    .name = "ping",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.ping),
	    .dflt = "30s",
	    .websocketd = "0",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "send a ping so often; 0: never",
	},
	{
	    .name = "ping-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.ping_timeout),
	    .given = FIELD(ping_timeout_given),
	    .dflt = "20s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "close if nothing at all follows a ping for so long",
	},
	{
	    .name = "idle-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.idle_timeout),
	    .dflt = "0",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "close a session without messages; 0: never",
	},
	{
	    .name = "max-session",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.max_session),
	    .dflt = "0",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "close a session that lasts longer; 0: never",
	},
	{
	    .name = "handshake-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(handshake_timeout),
	    .dflt = "10s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time a client has for its request; 0: any",
	},
	{
	    .name = "keepalive-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(keepalive_timeout),
	    .dflt = "15s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "idle time before the next request; 0: one request each",
	},
	{
	    .name = "stall-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(stall_timeout),
	    .dflt = "1m",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time without a byte of a request or answer; 0: any",
	},
	{
	    .name = "cgi-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_TIMES,
	    .engine = true,
	    .field = FIELD(route.cgi_timeout),
	    .dflt = "30s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time a CGI program has for its answer's head; 0: any",
	},
	{
	    .name = "dir",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .engine = true,
	    .secret = true,
	    .field = FIELD(route.dir),
	    .item = name_text,
	    .wanted = "a directory is needed",
	    .metavar = "DIR",
	    .help = "serve the programs in it, instead of one COMMAND",
	},
	{
	    .name = "cgidir",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .engine = true,
	    .secret = true,
	    .field = FIELD(route.cgidir),
	    .item = name_text,
	    .wanted = "a directory is needed",
	    .metavar = "DIR",
	    .help = "answer plain requests with the CGI programs in it",
	},
	{
	    .name = "passenv",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .field = FIELD(route.passenv),
	    .websocketd = "LD_LIBRARY_PATH",
	    .item = name_variable,
	    .wanted = "not a list of names (example: HOME,LANG)",
	    .metavar = "NAME,...",
	    .help = "variables of ours that commands get besides PATH",
	},
	{
	    .name = "setenv",
	    .type = OPT_LIST,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .field = FIELD(route.setenv),
	    .item = name_assignment,
	    .wanted = "not NAME=VALUE (a name is letters, digits and _)",
	    .metavar = "NAME=VALUE",
	    .help = "a variable for commands; repeatable",
	},
	{
	    .name = "chdir",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .field = FIELD(route.chdir),
	    .item = name_text,
	    .wanted = "a directory is needed",
	    .metavar = "PATH",
	    .help = "directory to run commands in",
	},
	{
	    .name = "user",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .field = FIELD(route.user),
	    .item = name_text,
	    .wanted = "a user is needed",
	    .metavar = "USER",
	    .help = "user that engines and commands run as",
	},
	{
	    .name = "group",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_COMMAND,
	    .field = FIELD(route.group),
	    .item = name_text,
	    .wanted = "a group is needed",
	    .metavar = "GROUP",
	    .help = "group that engines and commands run as",
	},
	{
	    .name = "reverselookup",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_COMMAND,
	    .engine = true,
	    .field = FIELD(reverselookup),
	    .dflt = "false",
	    .help = "tell commands the client's name, from DNS",
	},
	{
	    .name = "resolver",
	    .type = OPT_STRING,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_COMMAND,
	    .engine = true,
	    .field = FIELD(resolver),
	    .item = name_resolver,
	    .wanted = "not a numeric address with or without a port",
	    .metavar = "ADDRESS[:PORT]",
	    .help = "name server to ask instead of those of the system",
	},
	{
	    .name = "maxforks",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_COMMAND,
	    .engine = true,
	    .field = FIELD(maxforks),
	    .dflt = "1024",
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "commands at a time; 0: any number",
	},
	{
	    .name = "origin",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.origins),
	    .websocketd = "*",
	    .item = name_origin,
	    .wanted = "not an origin (examples: https://example.org, "
		      "*.example.org:8443, null, *)",
	    .metavar = "ORIGIN,...",
	    .help = "pages of which other origins may connect; *: all",
	},
	{
	    .name = "sameorigin",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.same_origin),
	    .dflt = "false",
	    .help = "compare Origin with Host, as without --origin",
	},
	{
	    .name = "server-name",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(server_names),
	    .websocketd = "*",
	    .item = name_host,
	    .wanted = "not a host name (examples: example.org, *.example.org)",
	    .metavar = "NAME",
	    .help = "name that browsers may know us by; repeatable",
	},
	{
	    .name = "allow",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(allow),
	    .item = name_network,
	    .wanted = "not a network (examples: 10.0.0.0/8, 2001:db8::/32, "
		      "192.0.2.7, unix)",
	    .metavar = "NETWORK,...",
	    .help = "addresses that may connect; without it all may",
	},
	{
	    .name = "deny",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(deny),
	    .item = name_network,
	    .wanted = "not a network (examples: 10.0.0.0/8, 2001:db8::/32, "
		      "192.0.2.7, unix)",
	    .metavar = "NETWORK,...",
	    .help = "addresses that may not connect",
	},
	{
	    .name = "trusted-proxy",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(trusted_proxies),
	    .item = name_network,
	    .wanted = "not a network (examples: 10.0.0.0/8, 2001:db8::/32, "
		      "192.0.2.7, unix)",
	    .metavar = "NETWORK,...",
	    .help = "proxies whose word about clients is believed",
	},
	{
	    .name = "gate",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .secret = true,
	    .field = FIELD(route.gate),
	    .item = name_command,
	    .wanted = "not a command (check its quotes)",
	    .metavar = "COMMAND",
	    .help = "ask it about every request: exit 0 lets in",
	},
	{
	    .name = "gate-vars",
	    .type = OPT_COMMAS,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.gate_vars),
	    .item = name_pattern,
	    .wanted = "not a list of names (example: REMOTE_USER,TEAM_*)",
	    .metavar = "NAME,...",
	    .help = "variables it may set instead of REMOTE_USER and GATE_*",
	},
	{
	    .name = "gate-timeout",
	    .type = OPT_DURATION,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.gate_timeout),
	    .given = FIELD(gate_timeout_given),
	    .dflt = "5s",
	    .min = 1,
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time it has to say yes or no",
	},
	{
	    .name = "refuse",
	    .type = OPT_ENUM,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.refuse),
	    .dflt = "status",
	    .words = refuse_words,
	    .metavar = "HOW",
	    .help = "how WebSockets are refused: by HTTP status, or accept and "
		    "close with 44xx",
	},
	{
	    .name = "auth-file",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .secret = true,
	    .field = FIELD(route.auth_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "ask for a name and a password of this htpasswd file",
	},
	{
	    .name = "realm",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.realm),
	    .given = FIELD(realm_given),
	    .dflt = "standpipe",
	    .item = name_realm,
	    .wanted = "printable ASCII without \" and \\ is needed",
	    .metavar = "TEXT",
	    .help = "what browsers show when they ask for a password",
	},
	{
	    .name = "token-file",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .secret = true,
	    .field = FIELD(route.token_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "let in who has a token whose SHA-256 is in this file",
	},
	{
	    .name = "auth-cookie",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.auth_cookie),
	    .item = name_token,
	    .wanted = "not the name of a cookie (an RFC 9110 token)",
	    .metavar = "NAME",
	    .help = "cookie that may carry the token",
	},
	{
	    .name = "auth-query",
	    .type = OPT_STRING,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(route.auth_query),
	    .item = name_parameter,
	    .wanted = "not the name of a parameter (letters, digits, - . _)",
	    .metavar = "NAME",
	    .help = "parameter of the query that may carry the token",
	},
	{
	    .name = "max-connections",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(max_connections),
	    .dflt = "0",
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "connections at a time; 0: any number",
	},
	{
	    .name = "max-per-address",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(max_per_address),
	    .given = FIELD(max_per_address_given),
	    .dflt = "256",
	    .websocketd = "0",
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "connections of one address at a time; 0: any number",
	},
	{
	    .name = "rate",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(rate),
	    .given = FIELD(rate_given),
	    .dflt = "100",
	    .websocketd = "0",
	    .max = 1000000,
	    .metavar = "N",
	    .help = "requests of one address a second; 0: any number",
	},
	{
	    .name = "max-failed-logins",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_ACCESS,
	    .engine = true,
	    .field = FIELD(max_failed_logins),
	    .given = FIELD(max_failed_logins_given),
	    .dflt = "10",
	    .max = 1000000,
	    .metavar = "N",
	    .help = "failed logins of one address a minute; 0: any number",
	},
	{
	    .name = "engines",
	    .type = OPT_UINT,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .field = FIELD(engines),
	    .dflt = "auto",
	    .max = 256,
	    .zero = "auto",
	    .metavar = "N",
	    .help = "processes that talk to clients; auto: one a CPU",
	},
	{
	    .name = "sandbox",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(sandbox),
	    .dflt = "files",
	    .words = sandbox_words,
	    .metavar = "HOW",
	    .help = "what engines give up: off, files or calls",
	},
	{
	    .name = "once",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(once),
	    .dflt = "false",
	    .help = "exit after one session with its command's status",
	},
	{
	    .name = "loglevel",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(loglevel),
	    .dflt = "info",
	    .words = level_words,
	    .metavar = "LEVEL",
	    .help = "log that and what is worse: error, warn, info or debug",
	},
	{
	    .name = "log-format",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(log_format),
	    .dflt = "text",
	    .words = format_words,
	    .metavar = "FORMAT",
	    .help = "text, or json: an object a line",
	},
	{
	    .name = "syslog",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(syslog),
	    .dflt = "false",
	    .help = "log to syslog(3) instead of standard error",
	},
	{
	    .name = "ready-fd",
	    .type = OPT_FD,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .field = FIELD(ready_fd),
	    .min = 1,
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "write the addresses there too once clients can connect",
	},
	{
	    .name = "compat",
	    .type = OPT_ENUM,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .engine = true,
	    .field = FIELD(compat),
	    .dflt = "none",
	    .words = compat_words,
	    .metavar = "WHOM",
	    .help = "websocketd: take over its defaults and habits, or none",
	},
	{
	    .name = "version",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .field = FIELD(version),
	    .dflt = "false",
	    .help = "print the version and exit",
	},
	{
	    .name = "license",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .field = FIELD(license),
	    .dflt = "false",
	    .help = "print the license and exit",
	},
	{
	    .name = "help",
	    .type = OPT_BOOL,
	    .scope = SCOPE_DAEMON,
	    .group = GROUP_DAEMON,
	    .field = FIELD(help),
	    .dflt = "false",
	    .help = "print this and exit",
	},
	{
	    .name = "binary",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .apply = apply_binary,
	    .help = "the same as --framing=binary",
	},
	{
	    .name = "maxframesize",
	    .type = OPT_SIZE,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .field = FIELD(route.max_message),
	    .max = SIZE_TOP,
	    .metavar = "SIZE",
	    .help = "the same as --max-message",
	},
	{
	    .name = "passstderr",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .apply = apply_passstderr,
	    .help = "the same as --stderr=json",
	},
	{
	    .name = "closems",
	    .type = OPT_UINT,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .max = YEAR_MS,
	    .apply = apply_closems,
	    .metavar = "MS",
	    .help = "--kill=EOF:100ms,INT:250ms,TERM:500ms,KILL with every "
		    "wait longer by MS milliseconds",
	},
	{
	    .name = "pingms",
	    .type = OPT_UINT,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .max = YEAR_MS,
	    .apply = apply_pingms,
	    .metavar = "MS",
	    .help = "--ping and --ping-timeout of MS milliseconds; 0: no pings",
	},
	{
	    .name = "devconsole",
	    .type = OPT_BOOL,
	    .scope = SCOPE_ROUTE,
	    .group = GROUP_SYNONYM,
	    .field = FIELD(route.console),
	    .help = "the same as --console",
	},
	{ .name = NULL },
};

const struct option *
option_find(const char *name, size_t len)
{
	const struct option *o;

	for (o = options; o->name != NULL; o++) {
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

enum { NAME_MAX_LEN = 31 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to put in, leave out or change to make one name of the other. */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[NAME_MAX_LEN + 1], left_above, above;

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		left_above = row[0];
		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1,
			    left_above + (a[i - 1] != b[j - 1]));
			left_above = above;
		}
	}
	return row[blen];
}

const char *
option_nearest(const char *name, size_t len)
{
	const struct option *o;
	const char *best = NULL;
	size_t best_distance = 2 < len / 2 ? 2 : len / 2, d;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (o = options; o->name != NULL; o++) {
		d = distance(o->name, strlen(o->name), name, len);
		if (d < best_distance || (d == best_distance && best == NULL)) {
			best = o->name;
			best_distance = d;
		}
	}
	return best;
}
