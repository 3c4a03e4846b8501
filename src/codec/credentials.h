/*
 * What a request says about who sends it: HTTP Basic (RFC 7617) and bearer
 * tokens (RFC 6750).
 *
 * Pure. Browsers cannot set header fields for a WebSocket, so a token has
 * more than one way to travel:
 *
 *   Authorization: Bearer TOKEN
 *   Cookie: NAME=TOKEN                   under the name that was configured
 *   Sec-WebSocket-Protocol: bearer.TOKEN, app
 *   /path?NAME=TOKEN                     only where a name was configured
 *
 * A token is a token68 (RFC 9110, section 11.2): letters, digits and
 * "-._~+/", then any number of "=". User and password are UTF-8 or any other
 * bytes but control characters; the first colon parts them. Base64 is read
 * strictly: whole groups, their padding, no stray bits.
 *
 * Several ways may be used at once if they all say the same. A cookie is there
 * whether its page wants it or not: it counts only where nothing else is said,
 * percent-encoded as some frameworks write it, or in quotes. One that cannot be
 * a token is passed over, and of several any may be the right one.
 */
#ifndef CODEC_CREDENTIALS_H
#define CODEC_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

struct http1_head;

enum {
	CREDENTIALS_USER_MAX = 255,
	CREDENTIALS_PASSWORD_MAX = 511, /* crypt(3) takes no more */
	CREDENTIALS_TOKEN_MAX = 1023,
	CREDENTIALS_TOKENS = 4, /* of cookies; more are not looked at */
};

/* Zero: no credentials. Positive: some. Negative: answer with 400. */
enum credentials_result {
	CREDENTIALS_NONE = 0,         /* or in a scheme that nobody asked for */
	CREDENTIALS_BASIC = 1,        /* user and password are set */
	CREDENTIALS_BEARER = 2,       /* the tokens are set */
	CREDENTIALS_ERR_SEVERAL = -1, /* more than one Authorization */
	CREDENTIALS_ERR_MALFORMED =
	    -2,                        /* Authorization is not SCHEME TOKEN68 */
	CREDENTIALS_ERR_BASIC = -3,    /* not USER:PASSWORD in base64 */
	CREDENTIALS_ERR_TOKEN = -4,    /* not a token68, or too long */
	CREDENTIALS_ERR_CONFLICT = -5, /* two that differ */
};

/* Where to look. Texts are borrowed, NULL: not there. */
struct credentials_ways {
	bool basic;
	bool bearer; /* the three below are of no meaning without it */
	const char *cookie;
	const char *query;
};

/* Texts with their NUL. Secret: credentials_wipe() when done. */
struct credentials {
	char user[CREDENTIALS_USER_MAX + 1];
	char password[CREDENTIALS_PASSWORD_MAX + 1];
	char token[CREDENTIALS_TOKENS][CREDENTIALS_TOKEN_MAX + 1];
	size_t ntokens;     /* one, but for cookies */
	bool lone_protocol; /* the subprotocols offered are bearer.* alone */
};

/* Read the head (borrowed) and the query of its target. */
enum credentials_result credentials_read(struct credentials *,
    const struct credentials_ways *, const struct http1_head *,
    const char *query, size_t query_len);

void credentials_wipe(struct credentials *);

/* A sentence for the client that sent what is malformed. */
const char *credentials_strresult(enum credentials_result);

/*
 * Without the secret: copy a query, the value of a Cookie field or an offer of
 * subprotocols without what carries a token. `out` has room for len bytes and
 * may be where the text is; the result is how many it got, 0 if nothing is
 * left.
 */
size_t credentials_cut_query(const char *query, size_t len, const char *name,
    char *out);
size_t credentials_cut_cookie(const char *value, size_t len, const char *name,
    char *out);
size_t credentials_cut_protocols(const char *value, size_t len, char *out);

#endif
