/*
 * URLs that a client is given:
 *
 *      ws://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY]     and http://
 *      wss://...                                             and https://
 *      ws+unix:[//]PATH[:TARGET]                             and wss+unix
 *
 * A Unix socket's path goes as far as the first colon; one that has a colon
 * itself writes it %3A. Percent-encoding is kept as it is in path and query and
 * undone everywhere else. What cannot be sent is refused, never repaired.
 *
 * Pure: a value of fixed size, nothing of it points elsewhere. It may hold a
 * password, so what holds one wipes it.
 */
#ifndef CODEC_WS_URL_H
#define CODEC_WS_URL_H

#include <stdbool.h>

#include "codec/authority.h"

enum {
	WS_URL_TARGET = 8176, /* "GET TARGET HTTP/1.1" fits HTTP1_MAX_LINE */
	WS_URL_PATH = 108,    /* of a Unix socket, as the system takes it */
};

enum ws_url_result {
	WS_URL_OK = 0,
	/* -1 to -7 are those of enum authority_result. */
	WS_URL_ERR_SCHEME = -20,    /* another one */
	WS_URL_ERR_NO_SCHEME = -21, /* perhaps HOST:PORT/PATH */
	WS_URL_ERR_SLASHES = -22,   /* a scheme without its "//" */
	WS_URL_ERR_FRAGMENT = -23,
	WS_URL_ERR_CHAR = -24,   /* a blank, a control, a byte beyond ASCII */
	WS_URL_ERR_TARGET = -25, /* longer than WS_URL_TARGET allows */
	WS_URL_ERR_PATH = -26,   /* of a Unix socket: none, or too long */
};

struct ws_url {
	bool tls;
	struct authority at; /* the port is always set; "localhost" for Unix */
	char path[WS_URL_PATH];     /* of a Unix socket; empty: none */
	char target[WS_URL_TARGET]; /* path and query, from '/' */
};

/* Read all of a text (borrowed). Undefined unless WS_URL_OK. */
enum ws_url_result ws_url_read(struct ws_url *, const char *text);

/*
 * Where a redirect from `base` leads: a Location as RFC 9110, section 10.2.2
 * has it, location[0..len) (borrowed), which may be relative and whose
 * fragment is dropped. `to` is not `base`.
 */
enum ws_url_result ws_url_follow(struct ws_url *to, const struct ws_url *base,
    const char *location, size_t len);

/* What the Host field says: the port is left out where it goes without saying. */
void ws_url_put_host(const struct ws_url *, char out[AUTHORITY_FIELD]);

/* Whether both lead to the same server over the same protocols. */
bool ws_url_same_server(const struct ws_url *, const struct ws_url *);

void ws_url_wipe(struct ws_url *);

/* A clause for a sentence, never NULL. */
const char *ws_url_strresult(enum ws_url_result);

#endif
