/*
 * The settings everybody reads, as plain structs.
 *
 * Filled by conf/cmdline.c from the one option table (conf/options.c); packed
 * for the engine and unpacked there by conf/wire.c, driven by the same table.
 *
 * Ownership: conf_init() sets the table's defaults, conf_clear() releases
 * everything; all texts inside are owned by the conf.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;

enum conf_refuse { CONF_REFUSE_STATUS = 0, CONF_REFUSE_CLOSE };
enum conf_utf8 { CONF_UTF8_REPLACE = 0, CONF_UTF8_CLOSE };
enum conf_multiline { CONF_MULTILINE_ALLOW = 0, CONF_MULTILINE_REFUSE };
enum conf_stderr {
	CONF_STDERR_LOG = 0,
	CONF_STDERR_CLIENT,
	CONF_STDERR_BOTH,
	CONF_STDERR_JSON, /* both, each message an object that names its stream */
};

/* Whose messages may refer to those before them. */
enum conf_takeover {
	CONF_TAKEOVER_NONE = 0,
	CONF_TAKEOVER_CLIENT,
	CONF_TAKEOVER_SERVER,
	CONF_TAKEOVER_BOTH,
};

/* Whose defaults and habits; see conf/compat.h. */
enum conf_compat { CONF_COMPAT_NONE = 0, CONF_COMPAT_WEBSOCKETD };

enum conf_ssl {
	CONF_SSL_OFF = 0,
	CONF_SSL_ON,
	CONF_SSL_AUTO, /* or plain, as the client's first byte has it */
};
enum conf_verify { CONF_VERIFY_REQUIRED = 0, CONF_VERIFY_OPTIONAL };
enum conf_tls { CONF_TLS_1_2 = 0, CONF_TLS_1_3 };

/* How far the engine is confined; each includes the one before it. */
enum conf_sandbox {
	CONF_SANDBOX_OFF = 0,
	CONF_SANDBOX_FILES, /* nothing but the descriptors that there are */
	CONF_SANDBOX_CALLS, /* only the system calls that serving takes */
};

/* A list of owned texts. */
struct conf_list {
	char **v;
	size_t n;
	bool preset; /* the default; the first item written replaces it */
};

/* One rung of the kill ladder: a signal (0 is "end of input") and a wait. */
struct conf_rung {
	int sig;
	uint64_t wait_ms; /* 0 after the last rung */
};

enum { CONF_LADDER_MAX = 8 };
enum { CONF_HEADERS_MAX = 48 };      /* of all three kinds together */
enum { CONF_SUBPROTOCOL_MAX = 255 }; /* bytes of the name of one */

/* No rungs: "none", no program is ever signalled. */
struct conf_ladder {
	struct conf_rung rung[CONF_LADDER_MAX];
	size_t n;
};

/* What applies to one route; what is given was written by the user. */
struct conf_route {
	int framing;          /* enum framing_number */
	uint64_t max_message; /* bytes; 0: no limit */
	bool accept_unmasked; /* frames of clients */
	bool whole_messages;  /* a message is a write to the program */
	int invalid_utf8;     /* enum conf_utf8 */
	int multiline;        /* enum conf_multiline */
	int stderr_to;        /* enum conf_stderr */
	int stderr_level;     /* enum log_level: of its lines in the log */
	uint64_t max_pipe;    /* bytes; 0: pipes are never grown */
	struct conf_ladder kill;
	uint64_t linger; /* all times in milliseconds; 0: none */
	uint64_t close_drain;
	uint64_t close_timeout;
	uint64_t ping;
	uint64_t ping_timeout;
	bool ping_timeout_given;
	uint64_t idle_timeout;
	uint64_t max_session;
	int compression;             /* 0: off, 1: on */
	int compression_takeover;    /* enum conf_takeover */
	uint64_t compression_window; /* bits: 8 to 15 */
	uint64_t compression_min;    /* bytes of a message */
	bool compression_given;      /* one of these three */
	struct conf_list subprotocols;
	bool subprotocol_required;
	bool no_standpipe_protocol;      /* standpipe.v1 is not spoken */
	struct conf_list client_signals; /* names without SIG, or "none" */
	struct conf_list origins; /* small letters; "*" among them: anybody */
	bool same_origin;
	bool console;
	char *staticdir; /* NULL: none; the engine gets a descriptor, too */
	bool list_directories;
	char *errordir;               /* likewise */
	struct conf_list header;      /* NAME: VALUE, of all answers */
	struct conf_list header_ws;   /* of the 101 */
	struct conf_list header_http; /* of all others */
	char *dir;    /* these three: NULL: none; an engine learns only that */
	char *cgidir; /* there is one */
	char *gate;   /* words_split() takes it apart */
	struct conf_list
	    gate_vars; /* NAME or PREFIX_*; empty: the usual ones */
	uint64_t cgi_timeout;
	uint64_t gate_timeout;
	bool gate_timeout_given;
	int refuse;      /* enum conf_refuse */
	char *auth_file; /* NULL: no passwords are asked for */
	char *realm;     /* what they are asked for under */
	bool realm_given;
	char *token_file;         /* NULL: nobody has a token */
	char *auth_cookie;        /* NULL: in no cookie */
	char *auth_query;         /* NULL: in no query */
	struct conf_list passenv; /* parent only, as all below */
	struct conf_list setenv;  /* NAME=VALUE */
	char *chdir;              /* NULL: stay */
	char *user;               /* NULL: stay */
	char *group;
	char **argv; /* the command, NULL-terminated; never packed */
};

struct conf {
	int compat; /* enum conf_compat */
	/* listeners */
	uint64_t port;              /* 0: any */
	struct conf_list addresses; /* no brackets; empty: loopback v4 and v6 */
	struct conf_list listen;    /* each for listen_spec_read() */
	char *unixsocket;           /* NULL: none */
	uint64_t unixsocket_mode;
	char *unixsocket_owner; /* USER, USER:GROUP or :GROUP; NULL: ours */
	uint64_t redirport;     /* 0: any; see redirport_given */
	bool redirect_plain;    /* a client without TLS at a port for both */
	bool inetd;             /* one connection, which is standard input */
	bool port_given;        /* these: written by the user */
	bool unixsocket_mode_given;
	bool redirport_given;
	/* TLS */
	int ssl;                   /* enum conf_ssl: what TCP listeners speak */
	struct conf_list ssl_cert; /* files; the i-th key belongs to the i-th */
	struct conf_list ssl_key;
	struct conf_list ssl_ocsp;
	char *ssl_ca;   /* NULL: clients are not asked for certificates */
	int ssl_verify; /* enum conf_verify */
	bool ssl_verify_given;
	int tls_min;       /* enum conf_tls */
	char *tls_ciphers; /* NULL: our choice */
	/* the daemon */
	uint64_t engines;         /* 0: auto */
	uint64_t maxforks;        /* 0: no limit */
	uint64_t max_connections; /* 0: no limit */
	uint64_t handshake_timeout;
	uint64_t keepalive_timeout;    /* 0: one request a connection */
	uint64_t stall_timeout;        /* 0: none */
	uint64_t compression_level;    /* 1 to 9 */
	uint64_t compression_memory;   /* bytes, of each engine */
	bool compression_given;        /* one of these two */
	struct conf_list server_names; /* small letters; IPv6 in brackets */
	bool reverselookup;
	char *resolver; /* ADDRESS or ADDRESS:PORT; NULL: as resolv.conf says */
	struct conf_list allow; /* networks; empty: everybody */
	struct conf_list deny;
	struct conf_list trusted_proxies;
	uint64_t max_per_address;   /* 0: no limit, for these three */
	uint64_t rate;              /* requests a second */
	uint64_t max_failed_logins; /* a minute */
	bool max_per_address_given; /* then loopback is counted as well */
	bool rate_given;
	bool max_failed_logins_given;
	int loglevel;   /* enum log_level, base/log.h */
	int log_format; /* enum log_format */
	bool syslog;
	int sandbox;      /* enum conf_sandbox */
	int64_t ready_fd; /* -1: none */
	bool once;
	bool version, license, help;
	/* one route, until a configuration file brings more */
	struct conf_route route;
};

/* Whether any listener speaks TLS; not for engines, which know them all. */
bool conf_has_tls(const struct conf *);

/* What applies to the clients of one address; 0: no limit. */
struct conf_limits {
	uint64_t connections;
	uint64_t rate;
	uint64_t failed_logins;
};

/*
 * Local clients, which may well be a proxy's, are limited by what somebody has
 * written and not by defaults.
 */
void conf_limits_of(const struct conf *, const struct addr *,
    struct conf_limits *);

void conf_init(struct conf *);
void conf_clear(struct conf *);

/*
 * What cannot be right together, however it was written (ping timeout without
 * ping, stderr to a client whose framing cannot carry it, no command ...).
 * False and an owned sentence in *why.
 */
bool conf_check(const struct conf *, char **why);

#endif
