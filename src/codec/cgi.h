/*
 * The variables that a program gets about its request: CGI/1.1 (RFC 3875,
 * section 4.1), what scripts written for websocketd expect, and our own.
 *
 * Pure: a request in, a block of "NAME=value" texts out, each with its NUL, as
 * the parent's spawn message carries them. ipc_var_allowed() is the parent's
 * own idea of what may be in it; a test holds the two together.
 */
#ifndef CODEC_CGI_H
#define CODEC_CGI_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct http1_head;
struct url;

/* Most bytes of one variable with its name and NUL: what Linux execs. */
enum { CGI_MAX_VAR = 131072 };

/* Everything is borrowed for the call. Texts may be NULL where it says so. */
struct cgi_request {
	const struct http1_head *head;
	const struct url *url;       /* of the head's target */
	const char *server_software; /* "standpipe/1.0" */
	const char *server_name;     /* if the request names no host */
	unsigned server_port; /* the port that the listener is bound to */
	/* Empty for a single command; NULL: left out, with the three below. */
	const char *script_name;
	const char *path_info; /* percent-decoded, without NUL */
	size_t path_info_len;
	const char *path_translated; /* NULL: there is no root */
	const char *remote_addr;     /* numeric, without brackets */
	const char *remote_host;     /* NULL: the address */
	unsigned remote_port;
	const char *remote_user; /* NULL: nobody was authenticated */
	const char *auth_type;   /* NULL as well then */
	const char *unique_id;
	bool https;
	const char *subprotocol; /* NULL: none was chosen */
	const char *framing;     /* NULL: it is for no session */
	bool body;               /* the program gets the request's body */

	/* Where a token may have travelled; see codec/credentials.h. */
	const char *token_cookie; /* NULL: in no cookie */
	const char *token_query;  /* NULL: in no query */
	bool token_protocol;
	bool websocketd; /* empty variables, as it sets them */
};

/*
 * Append the block, in this order:
 *
 *   SERVER_SOFTWARE SERVER_NAME SERVER_PORT SERVER_PROTOCOL GATEWAY_INTERFACE
 *   REQUEST_METHOD REQUEST_URI [SCRIPT_NAME PATH_INFO] [PATH_TRANSLATED]
 *   QUERY_STRING REMOTE_ADDR REMOTE_HOST REMOTE_PORT [REMOTE_USER] [AUTH_TYPE]
 *   [REMOTE_IDENT] [CONTENT_LENGTH] [CONTENT_TYPE]
 *   UNIQUE_ID [HTTPS=on] [STANDPIPE_PROTOCOL] [STANDPIPE_FRAMING] HTTP_*...
 *
 * For scripts that were written for websocketd, REMOTE_USER, AUTH_TYPE,
 * REMOTE_IDENT, CONTENT_LENGTH and CONTENT_TYPE are empty where there is nothing
 * to say, and so is the REMOTE_PORT of a Unix socket, which is 0 otherwise.
 *
 * SERVER_NAME and HTTP_HOST are the target's authority if it has one, else
 * Host. REMOTE_HOST is REMOTE_ADDR: names are not looked up. REQUEST_URI and
 * QUERY_STRING are as they were sent. PATH_INFO may hold any byte but NUL.
 * CONTENT_LENGTH and CONTENT_TYPE are those of a body that the program gets; one
 * in chunks has no length.
 *
 * A header field becomes HTTP_NAME if its name is made of letters, digits and
 * '-' alone (so X_Foo cannot pose as X-Foo). Fields of one name are joined by
 * ", ", Cookie by "; ". Never exported: Proxy (it would be HTTP_PROXY),
 * Proxy-Authorization, Content-Length and Content-Type (CGI has other names
 * for them), and Authorization where we have checked
 * it ourselves (auth_type is set). Tokens are cut out of HTTP_COOKIE,
 * HTTP_SEC_WEBSOCKET_PROTOCOL, REQUEST_URI, QUERY_STRING and HTTP_REFERER, where
 * they may be in them; a header that holds nothing else is left out.
 *
 * False, with the buffer as it was, if a variable is over CGI_MAX_VAR or the
 * block is over the buffer's ceiling (answer 431).
 */
bool cgi_put(struct buf *, const struct cgi_request *);

#endif
