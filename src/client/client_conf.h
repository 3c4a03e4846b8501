/*
 * What the client was asked to do.
 *
 * Filled by client/client_cmdline.c from the client's table
 * (client/client_options.c). All times are in milliseconds, and 0 is none.
 *
 * Ownership: client_conf_init() sets the table's defaults, client_conf_clear()
 * releases everything; all texts inside are owned by the conf.
 */
#ifndef CLIENT_CLIENT_CONF_H
#define CLIENT_CLIENT_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/framing.h"
#include "codec/ws_url.h"
#include "conf/conf.h"
#include "dialect/standpipe_v1.h"

/* enum framing_number and, after its last: */
enum { CLIENT_HEX = FRAMING_COUNT };

/* The framing of one of these; digits stand for binary messages. */
static inline const struct framing_kind *
client_conf_framing(int how)
{
	return &framing_kinds[how == CLIENT_HEX ? FRAMING_BINARY : how];
}

struct client_conf {
	char *url;
	char **files;   /* each is one message; NULL-terminated, empty: none */
	char **command; /* after `--`; NULL-terminated, empty: none */

	/* messages */
	bool no_input;
	uint64_t wait;  /* of silence after our end of input */
	bool waits;     /* `wait` was given; otherwise for ever */
	uint64_t count; /* messages to receive; 0: all */
	int framing;    /* enum framing_number, or CLIENT_HEX */
	bool framing_given;
	struct conf_list send_first; /* TEXT or @FILE, each a message */
	uint64_t max_message;        /* bytes; 0: any */
	int standpipe_protocol;      /* enum v1_offer: how, if at all */
	int compression;             /* offer it: 0 or 1 */
	uint64_t compression_level;
	int compression_takeover; /* enum conf_takeover */
	bool compression_given;   /* one of those two */

	/* in place of standard input and output */
	char *exec;               /* for /bin/sh -c; NULL: none */
	struct conf_list listen;  /* each for listen_spec_read() */
	uint64_t max_connections; /* of --listen; 0: as descriptors allow */
	bool max_connections_given;
	bool ping;         /* show round-trip times as ping(8) does */
	uint64_t interval; /* between those pings */
	bool interval_given;

	/* the connection */
	bool ipv4, ipv6;            /* alone */
	uint64_t connect_timeout;   /* from the name to what a proxy says */
	uint64_t handshake_timeout; /* from TLS to the answer */
	uint64_t close_timeout;
	bool no_close_expected; /* an end without one is a good one */
	uint64_t keepalive;     /* a ping so often */
	uint64_t keepalive_timeout;
	bool keepalive_timeout_given;
	char *proxy;      /* a URL, or "none"; NULL: as the environment says */
	char *proxy_user; /* login_secret_read(): USER:PASSWORD; NULL: none */
	bool location;    /* follow redirects */
	uint64_t max_redirects;
	bool max_redirects_given;
	bool reconnect;
	uint64_t reconnect_min;
	uint64_t reconnect_max;
	uint64_t reconnect_tries; /* in a row that fail; 0: any number */
	bool reconnect_min_given;
	bool reconnect_max_given;
	bool reconnect_tries_given;

	/* TLS */
	char *cert; /* PEM files; NULL: none */
	char *key;  /* NULL: in the file of the certificate */
	char *ca;   /* NULL: those of the system */
	struct conf_list
	    pin; /* SHA-256 of a certificate, 64 small hex digits */
	bool insecure;

	/* the request */
	struct conf_list
	    header; /* NAME: VALUE, or @FILE for login_secret_read() */
	struct conf_list cookie; /* NAME=VALUE */
	char
	    *cookie_file; /* login_secret_read(), as the next two; NULL: none */
	char *user_file;  /* USER:PASSWORD */
	char *bearer_file; /* a token */
	bool netrc;
	char *netrc_file; /* NULL: $NETRC or ~/.netrc */
	char *origin;     /* NULL: none is sent */
	struct conf_list subprotocol;

	/* what is said */
	bool verbose;
	bool quiet;
	int64_t json; /* descriptor; -1: none */
	bool version, license, help;

	struct ws_url to; /* what the URL says, see client/client_url.h */
};

void client_conf_init(struct client_conf *);
void client_conf_clear(struct client_conf *);

/* Whether it is a command that is joined to the URL. */
bool client_conf_has_command(const struct client_conf *);

/* How standpipe.v1 is offered: not where messages are shown as they are. */
enum v1_offer client_conf_v1_offer(const struct client_conf *);

/* The most bytes of a message; 0: any, of which none has to be gathered. */
uint64_t client_conf_max_message(const struct client_conf *);

/*
 * What cannot be right together, however it was written. False and an owned
 * sentence in *why.
 */
bool client_conf_check(const struct client_conf *, char **why);

#endif
