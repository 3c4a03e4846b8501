#include <limits.h>
#include <stddef.h>

#include "base/base.h"
#include "client/client_conf.h"
#include "client/client_options.h"
#include "client/client_value.h"
#include "conf/names.h"

#define FIELD(member) offsetof(struct client_conf, member)

/* Far from where sums of times could wrap. */
#define YEAR_MS (UINT64_C(365) * 24 * 60 * 60 * 1000)
#define SIZE_TOP (UINT64_C(1) << 50)

static const char *
framing_word(int value)
{
	return value == CLIENT_HEX ? "hex" : framing_name(value);
}

static const struct option_word switch_words[] = {
	{ .name = "on", .value = 1 },
	{ .name = "off", .value = 0 },
	{ .name = NULL },
};

static const struct option_word takeover_words[] = {
	{ .name = "none", .value = CONF_TAKEOVER_NONE },
	{ .name = "client", .value = CONF_TAKEOVER_CLIENT },
	{ .name = "server", .value = CONF_TAKEOVER_SERVER },
	{ .name = "both", .value = CONF_TAKEOVER_BOTH },
	{ .name = NULL },
};

static const struct option_word v1_words[] = {
	{ .name = "field", .value = V1_BY_FIELD },
	{ .name = "subprotocol", .value = V1_BY_SUBPROTOCOL },
	{ .name = "off", .value = V1_NOT_OFFERED },
	{ .name = NULL },
};

/* --binary=false is about --binary alone: any other framing stays. */
static void
apply_framing(struct client_conf *c, int framing, uint64_t on)
{
	c->framing_given = true;
	if (on)
		c->framing = framing;
	else if (c->framing == framing)
		c->framing = FRAMING_LINES;
}

static void
apply_text(void *settings, uint64_t on)
{
	apply_framing(settings, FRAMING_TEXT, on);
}

static void
apply_binary(void *settings, uint64_t on)
{
	apply_framing(settings, FRAMING_BINARY, on);
}

static void
apply_hex(void *settings, uint64_t on)
{
	apply_framing(settings, CLIENT_HEX, on);
}

/* What is no longer "off" is what it is by default. */
static void
apply_no_v1(void *settings, uint64_t on)
{
	struct client_conf *c = settings;

	if (on)
		c->standpipe_protocol = V1_NOT_OFFERED;
	else if (c->standpipe_protocol == V1_NOT_OFFERED)
		c->standpipe_protocol = V1_BY_FIELD;
}

static const struct option rows[] = {
	{
	    .name = "no-input",
	    .letter = 'n',
	    .type = OPT_BOOL,
	    .group = HELP_MESSAGES,
	    .field = FIELD(no_input),
	    .dflt = "false",
	    .help = "send nothing and read no standard input",
	},
	{
	    .name = "wait",
	    .letter = 'w',
	    .type = OPT_DURATION,
	    .group = HELP_MESSAGES,
	    .field = FIELD(wait),
	    .given = FIELD(waits),
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "after the end of input, end when nothing came for so "
		    "long; without it: when the server closes",
	},
	{
	    .name = "count",
	    .letter = 'c',
	    .type = OPT_UINT,
	    .group = HELP_MESSAGES,
	    .field = FIELD(count),
	    .dflt = "0",
	    .max = UINT32_MAX,
	    .metavar = "N",
	    .help = "end after so many messages received; 0: never",
	},
	{
	    .name = "framing",
	    .letter = 'f',
	    .type = OPT_ENUM,
	    .group = HELP_MESSAGES,
	    .field = FIELD(framing),
	    .given = FIELD(framing_given),
	    .dflt = "lines",
	    .word = framing_word,
	    .metavar = "NAME",
	    .help = "what a message is here: lines, binary, text, nul, frames, "
		    "content-length or hex",
	},
	{
	    .name = "text",
	    .letter = 't',
	    .type = OPT_BOOL,
	    .group = HELP_MESSAGES,
	    .apply = apply_text,
	    .help = "the same as --framing=text",
	},
	{
	    .name = "binary",
	    .letter = 'b',
	    .type = OPT_BOOL,
	    .group = HELP_MESSAGES,
	    .apply = apply_binary,
	    .help = "the same as --framing=binary",
	},
	{
	    .name = "hex",
	    .type = OPT_BOOL,
	    .group = HELP_MESSAGES,
	    .apply = apply_hex,
	    .help = "the same as --framing=hex",
	},
	{
	    .name = "send-first",
	    .type = OPT_LIST,
	    .group = HELP_MESSAGES,
	    .field = FIELD(send_first),
	    .item = name_text,
	    .wanted = "a text or @FILE is needed",
	    .metavar = "TEXT",
	    .help = "a message to begin every connection with, or @FILE; "
		    "repeatable",
	},
	{
	    .name = "max-message",
	    .type = OPT_SIZE,
	    .group = HELP_MESSAGES,
	    .field = FIELD(max_message),
	    .dflt = "0",
	    .max = SIZE_TOP,
	    .metavar = "SIZE",
	    .help = "largest message accepted; 0: any",
	},
	{
	    .name = "standpipe-protocol",
	    .type = OPT_ENUM,
	    .group = HELP_MESSAGES,
	    .field = FIELD(standpipe_protocol),
	    .dflt = "field",
	    .words = v1_words,
	    .metavar = "HOW",
	    .help = "how to offer standpipe.v1, which knows an end of input "
		    "and exit statuses: by a field, a subprotocol or not (off)",
	},
	{
	    .name = "no-standpipe-protocol",
	    .type = OPT_BOOL,
	    .group = HELP_MESSAGES,
	    .apply = apply_no_v1,
	    .help = "the same as --standpipe-protocol=off",
	},
	{
	    .name = "compression",
	    .letter = 'z',
	    .type = OPT_ENUM,
	    .group = HELP_MESSAGES,
	    .field = FIELD(compression),
	    .dflt = "off",
	    .bare = "on",
	    .words = switch_words,
	    .metavar = "off",
	    .help = "compress messages both ways, if the server can",
	},
	{
	    .name = "compression-level",
	    .type = OPT_UINT,
	    .group = HELP_MESSAGES,
	    .field = FIELD(compression_level),
	    .given = FIELD(compression_given),
	    .dflt = "6",
	    .min = 1,
	    .max = 9,
	    .metavar = "N",
	    .help = "1 (fast) to 9 (small)",
	},
	{
	    .name = "compression-takeover",
	    .type = OPT_ENUM,
	    .group = HELP_MESSAGES,
	    .field = FIELD(compression_takeover),
	    .given = FIELD(compression_given),
	    .dflt = "both",
	    .words = takeover_words,
	    .metavar = "WHOSE",
	    .help = "whose messages may refer to earlier ones: none, client, "
		    "server or both",
	},
	{
	    .name = "exec",
	    .letter = 'e',
	    .type = OPT_STRING,
	    .group = HELP_LOCAL,
	    .field = FIELD(exec),
	    .item = client_value_script,
	    .wanted = "not a command (it is empty)",
	    .metavar = "COMMAND",
	    .help = "join a command that /bin/sh -c runs; behind -- it is one "
		    "without a shell",
	},
	{
	    .name = "listen",
	    .letter = 'l',
	    .type = OPT_LIST,
	    .group = HELP_LOCAL,
	    .field = FIELD(listen),
	    .item = client_value_listen,
	    .wanted = "not a listener (examples: 127.0.0.1:5432, *:80, "
		      "unix:/run/x.sock, fd:3)",
	    .metavar = "WHERE",
	    .help = "join each connection to ADDRESS:PORT, unix:PATH or "
		    "fd:NAME with one of its own to URL; repeatable",
	},
	{
	    .name = "max-connections",
	    .type = OPT_UINT,
	    .group = HELP_LOCAL,
	    .field = FIELD(max_connections),
	    .given = FIELD(max_connections_given),
	    .dflt = "256",
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "with --listen: so many at a time, others wait; 0: as "
		    "many as there are descriptors for",
	},
	{
	    .name = "ping",
	    .letter = 'p',
	    .type = OPT_BOOL,
	    .group = HELP_LOCAL,
	    .field = FIELD(ping),
	    .dflt = "false",
	    .help = "send pings and print their times, as ping(8) does",
	},
	{
	    .name = "interval",
	    .letter = 'i',
	    .type = OPT_DURATION,
	    .group = HELP_LOCAL,
	    .field = FIELD(interval),
	    .given = FIELD(interval_given),
	    .dflt = "1s",
	    .min = 10,
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time between them",
	},
	{
	    .name = "ipv4",
	    .letter = '4',
	    .type = OPT_BOOL,
	    .group = HELP_CONNECTION,
	    .field = FIELD(ipv4),
	    .dflt = "false",
	    .help = "use IPv4 addresses alone",
	},
	{
	    .name = "ipv6",
	    .letter = '6',
	    .type = OPT_BOOL,
	    .group = HELP_CONNECTION,
	    .field = FIELD(ipv6),
	    .dflt = "false",
	    .help = "use IPv6 addresses alone",
	},
	{
	    .name = "connect-timeout",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(connect_timeout),
	    .dflt = "30s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time to find and reach the server; 0: any",
	},
	{
	    .name = "handshake-timeout",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(handshake_timeout),
	    .dflt = "10s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "time for TLS and its answer to our request; 0: any",
	},
	{
	    .name = "close-timeout",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(close_timeout),
	    .dflt = "2s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "wait for the answer to our Close",
	},
	{
	    .name = "no-close-expected",
	    .type = OPT_BOOL,
	    .group = HELP_CONNECTION,
	    .field = FIELD(no_close_expected),
	    .dflt = "false",
	    .help = "the server ends without a Close, as some do",
	},
	{
	    .name = "keepalive",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(keepalive),
	    .dflt = "30s",
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "send a ping so often; 0: never",
	},
	{
	    .name = "keepalive-timeout",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(keepalive_timeout),
	    .given = FIELD(keepalive_timeout_given),
	    .dflt = "20s",
	    .min = 1,
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "give up if nothing at all follows one for so long",
	},
	{
	    .name = "proxy",
	    .letter = 'x',
	    .type = OPT_STRING,
	    .group = HELP_CONNECTION,
	    .field = FIELD(proxy),
	    .item = name_text,
	    .wanted = "a URL or none is needed",
	    .metavar = "URL",
	    .help =
		"go through http://HOST:PORT or socks5://HOST:PORT; none: not "
		"even through those of the environment",
	},
	{
	    .name = "proxy-user-file",
	    .type = OPT_STRING,
	    .group = HELP_CONNECTION,
	    .field = FIELD(proxy_user),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "USER:PASSWORD for the proxy",
	},
	{
	    .name = "location",
	    .letter = 'L',
	    .type = OPT_BOOL,
	    .group = HELP_CONNECTION,
	    .field = FIELD(location),
	    .dflt = "false",
	    .help = "follow redirects",
	},
	{
	    .name = "max-redirects",
	    .type = OPT_UINT,
	    .group = HELP_CONNECTION,
	    .field = FIELD(max_redirects),
	    .given = FIELD(max_redirects_given),
	    .dflt = "10",
	    .min = 1,
	    .max = 100,
	    .metavar = "N",
	    .help = "so many of them in a row",
	},
	{
	    .name = "reconnect",
	    .letter = 'r',
	    .type = OPT_BOOL,
	    .group = HELP_CONNECTION,
	    .field = FIELD(reconnect),
	    .dflt = "false",
	    .help = "connect again when the connection fails or is lost",
	},
	{
	    .name = "reconnect-min",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(reconnect_min),
	    .given = FIELD(reconnect_min_given),
	    .dflt = "500ms",
	    .min = 1,
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "wait about so long before the second attempt, longer "
		    "before each one after it",
	},
	{
	    .name = "reconnect-max",
	    .type = OPT_DURATION,
	    .group = HELP_CONNECTION,
	    .field = FIELD(reconnect_max),
	    .given = FIELD(reconnect_max_given),
	    .dflt = "30s",
	    .min = 1,
	    .max = YEAR_MS,
	    .metavar = "TIME",
	    .help = "but never longer than that",
	},
	{
	    .name = "reconnect-tries",
	    .type = OPT_UINT,
	    .group = HELP_CONNECTION,
	    .field = FIELD(reconnect_tries),
	    .given = FIELD(reconnect_tries_given),
	    .dflt = "0",
	    .max = INT_MAX,
	    .metavar = "N",
	    .help = "give up after so many in a row that fail; 0: never",
	},
	{
	    .name = "cert",
	    .type = OPT_STRING,
	    .group = HELP_TLS,
	    .field = FIELD(cert),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "show this certificate, PEM",
	},
	{
	    .name = "key",
	    .type = OPT_STRING,
	    .group = HELP_TLS,
	    .field = FIELD(key),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "its private key, PEM; without it: in the same file",
	},
	{
	    .name = "ca",
	    .type = OPT_STRING,
	    .group = HELP_TLS,
	    .field = FIELD(ca),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "believe who has a certificate of one of these, PEM, and "
		    "nobody else",
	},
	{
	    .name = "pin",
	    .type = OPT_LIST,
	    .group = HELP_TLS,
	    .field = FIELD(pin),
	    .item = client_value_pin,
	    .wanted = "not the SHA-256 of a certificate or its key (64 "
		      "hexadecimal digits, colons between them or not; or "
		      "sha256// and base64)",
	    .metavar = "SHA256",
	    .help = "believe who has the certificate or the key of this "
		    "fingerprint, and nobody else; repeatable",
	},
	{
	    .name = "insecure",
	    .letter = 'k',
	    .type = OPT_BOOL,
	    .group = HELP_TLS,
	    .field = FIELD(insecure),
	    .dflt = "false",
	    .help = "believe anybody, and say so",
	},
	{
	    .name = "header",
	    .letter = 'H',
	    .type = OPT_LIST,
	    .group = HELP_REQUEST,
	    .field = FIELD(header),
	    .item = client_value_header,
	    .wanted = "not NAME: VALUE or @FILE, or a field that only we may "
		      "set (a subprotocol is --subprotocol=NAME)",
	    .metavar = "NAME:VALUE",
	    .help = "a header field, or @FILE with one a line; repeatable",
	},
	{
	    .name = "user-file",
	    .letter = 'u',
	    .type = OPT_STRING,
	    .group = HELP_REQUEST,
	    .field = FIELD(user_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "USER:PASSWORD for the server",
	},
	{
	    .name = "bearer-file",
	    .type = OPT_STRING,
	    .group = HELP_REQUEST,
	    .field = FIELD(bearer_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "a token for the server",
	},
	{
	    .name = "netrc",
	    .letter = 'N',
	    .type = OPT_BOOL,
	    .group = HELP_REQUEST,
	    .field = FIELD(netrc),
	    .dflt = "false",
	    .help = "look up user and password in ~/.netrc",
	},
	{
	    .name = "netrc-file",
	    .type = OPT_STRING,
	    .group = HELP_REQUEST,
	    .field = FIELD(netrc_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "look them up there",
	},
	{
	    .name = "cookie",
	    .type = OPT_LIST,
	    .group = HELP_REQUEST,
	    .field = FIELD(cookie),
	    .item = client_value_cookie,
	    .wanted = "not NAME=VALUE",
	    .metavar = "NAME=VALUE",
	    .help = "a cookie; repeatable",
	},
	{
	    .name = "cookie-file",
	    .type = OPT_STRING,
	    .group = HELP_REQUEST,
	    .field = FIELD(cookie_file),
	    .item = name_text,
	    .wanted = "a file is needed",
	    .metavar = "FILE",
	    .help = "cookies, NAME=VALUE, one a line",
	},
	{
	    .name = "origin",
	    .letter = 'o',
	    .type = OPT_STRING,
	    .group = HELP_REQUEST,
	    .field = FIELD(origin),
	    .item = client_value_origin,
	    .wanted = "not an origin (examples: https://example.org, "
		      "http://localhost:8080, null)",
	    .metavar = "ORIGIN",
	    .help = "the origin to say we are of; without it: none",
	},
	{
	    .name = "subprotocol",
	    .letter = 's',
	    .type = OPT_COMMAS,
	    .group = HELP_REQUEST,
	    .field = FIELD(subprotocol),
	    .item = name_token,
	    .wanted = "not the name of a subprotocol (an RFC 9110 token)",
	    .metavar = "NAME,...",
	    .help = "subprotocols to offer, best first",
	},
	{
	    .name = "verbose",
	    .letter = 'v',
	    .type = OPT_BOOL,
	    .group = HELP_REPORT,
	    .field = FIELD(verbose),
	    .dflt = "false",
	    .help = "tell on standard error what happens",
	},
	{
	    .name = "quiet",
	    .letter = 'q',
	    .type = OPT_BOOL,
	    .group = HELP_REPORT,
	    .field = FIELD(quiet),
	    .dflt = "false",
	    .help = "tell nothing: there is the exit status",
	},
	{
	    .name = "json",
	    .letter = 'j',
	    .type = OPT_FD,
	    .group = HELP_REPORT,
	    .field = FIELD(json),
	    .min = 1,
	    .max = INT_MAX,
	    .bare = "2",
	    .metavar = "FD",
	    .help = "tell everything at the end in one line of JSON, on "
		    "standard error or descriptor FD",
	},
	{
	    .name = "version",
	    .letter = 'V',
	    .type = OPT_BOOL,
	    .group = HELP_REPORT,
	    .field = FIELD(version),
	    .dflt = "false",
	    .help = "print the version and exit",
	},
	{
	    .name = "license",
	    .type = OPT_BOOL,
	    .group = HELP_REPORT,
	    .field = FIELD(license),
	    .dflt = "false",
	    .help = "print the license and exit",
	},
	{
	    .name = "help",
	    .letter = 'h',
	    .type = OPT_BOOL,
	    .group = HELP_REPORT,
	    .field = FIELD(help),
	    .dflt = "false",
	    .help = "print this and exit",
	},
	{ .name = NULL },
};

static const char *const headings[] = {
	[HELP_MESSAGES] = "Messages",
	[HELP_LOCAL] = "In place of standard input and output",
	[HELP_CONNECTION] = "The connection",
	[HELP_TLS] = "TLS",
	[HELP_REQUEST] = "The request",
	[HELP_REPORT] = "What is told",
};

const struct option_table client_options = {
	.rows = rows,
	.headings = headings,
	.groups = nitems(headings),
	.usage = "Usage: standpipe [options] URL [FILE...]\n"
		 "       standpipe [options] URL -- COMMAND [ARG...]\n"
		 "Join standard input and output, or a command, to a WebSocket."
		 " See standpipe(1).\n",
	.letters = true,
};
