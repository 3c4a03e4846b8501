/*
 * Why a server is not believed, in a sentence that names what is wrong.
 *
 * What comes out of certificates is made printable, and cut.
 *
 * Used by: flow/tls_client.c.
 */
#ifndef FLOW_TLS_DOUBT_H
#define FLOW_TLS_DOUBT_H

struct x509_st;
struct x509_store_ctx_st;

enum {
	TLS_DOUBT_SIZE = 384,
	TLS_FINGERPRINT_SIZE = 65, /* SHA-256 in hexadecimal, and a NUL */
};

/* X509_verify_cert() failed for a server called by that name or address. */
void tls_doubt_explain(const struct x509_store_ctx_st *, const char *host,
    char out[TLS_DOUBT_SIZE]);

/* It is none of those that were pinned. */
void tls_doubt_pin(const struct x509_st *, char out[TLS_DOUBT_SIZE]);

/* Of the whole certificate, and of the public key in it. */
void tls_fingerprint(const struct x509_st *, char out[TLS_FINGERPRINT_SIZE]);
void tls_key_fingerprint(const struct x509_st *,
    char out[TLS_FINGERPRINT_SIZE]);

#endif
