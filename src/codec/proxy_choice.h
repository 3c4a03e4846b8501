/*
 * Proxies that a client goes through: their URLs, and which one the environment
 * names for a connection.
 *
 *      http://[USER[:PASSWORD]@]HOST[:PORT]          HTTP's CONNECT
 *      socks5://... and socks5h://...                SOCKS5
 *
 * Either looks names up itself. As with curl, http is what a scheme that was
 * left out stands for, and 1080 the port.
 *
 * Pure.
 */
#ifndef CODEC_PROXY_CHOICE_H
#define CODEC_PROXY_CHOICE_H

#include <stdbool.h>

#include "codec/authority.h"

enum proxy_kind {
	PROXY_NONE,
	PROXY_HTTP,
	PROXY_SOCKS5,
};

struct proxy {
	enum proxy_kind kind;
	struct authority at; /* secret; the port is set */
};

enum proxy_result {
	PROXY_OK = 0,
	/* -1 to -7 are those of enum authority_result. */
	PROXY_ERR_SCHEME = -20,
	PROXY_ERR_PATH = -21, /* something after host and port */
};

/* Read a URL, or a HOST:PORT (borrowed). Undefined unless PROXY_OK. */
enum proxy_result proxy_read(struct proxy *, const char *text);

/* A clause for a sentence, never NULL. */
const char *proxy_strresult(enum proxy_result);

/*
 * What the environment (NULL-terminated, borrowed) says about a connection to
 * that host, with TLS or without: the value of the variable that names a proxy,
 * and the variable's name in *name; NULL: there is none, or no_proxy exempts
 * the host. Variables are read in small letters first; HTTP_PROXY is not read
 * at all, because to a CGI program it is the field Proxy of a request.
 */
const char *proxy_from_environment(char *const *env, const char *host, bool tls,
    const char **name);

/*
 * Whether a list as in no_proxy has the host: names stand for themselves and
 * all under them, networks (10.0.0.0/8) for their addresses, and `*` for all.
 */
bool proxy_is_exempt(const char *list, const char *host);

#endif
