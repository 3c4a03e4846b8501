/*
 * What a program is told of the TLS connection that its client came over.
 */
#ifndef FLOW_TLS_VARS_H
#define FLOW_TLS_VARS_H

#include <stdbool.h>

struct buf;
struct ssl_st;

/*
 * Append, "NAME=value" and NUL each:
 *
 *   SSL_PROTOCOL SSL_CIPHER
 *   SSL_CLIENT_VERIFY (NONE, SUCCESS or FAILED:reason), if clients are asked
 *   SSL_CLIENT_FINGERPRINT (SHA-256 in hexadecimal), if there is a certificate
 *   SSL_CLIENT_S_DN SSL_CLIENT_I_DN (RFC 2253) SSL_CLIENT_M_SERIAL, if it was
 *   also found good: of others these could say anything
 *
 * False if they do not fit.
 */
bool tls_put_vars(struct ssl_st *, struct buf *);

#endif
