/*
 * What there is to say of a server's certificate and of a connection to it.
 *
 * What comes out of certificates is made printable, and cut.
 */
#ifndef FLOW_TLS_WORDS_H
#define FLOW_TLS_WORDS_H

struct ssl_st;
struct x509_st;
struct x509_store_ctx_st;

enum {
	TLS_WORDS_SIZE = 384,
	TLS_FINGERPRINT_SIZE = 65, /* SHA-256 in hexadecimal, and a NUL */
};

/* X509_verify_cert() failed for a server called by that name or address. */
void tls_words_doubt(const struct x509_store_ctx_st *, const char *host,
    char out[TLS_WORDS_SIZE]);

/* It is none of those that were pinned. */
void tls_words_pin(const struct x509_st *, char out[TLS_WORDS_SIZE]);

/* Of the whole certificate, and of the public key in it. */
void tls_fingerprint(const struct x509_st *, char out[TLS_FINGERPRINT_SIZE]);
void tls_key_fingerprint(const struct x509_st *,
    char out[TLS_FINGERPRINT_SIZE]);

/* What can be seen of a connection whose handshake is over. */
struct tls_seen {
	char version[TLS_WORDS_SIZE]; /* and cipher, and whether resumed */
	char subject[TLS_WORDS_SIZE]; /* of the certificate, as the next */
	char issuer[TLS_WORDS_SIZE];
	char expires[TLS_WORDS_SIZE];
	char fingerprint[TLS_FINGERPRINT_SIZE];
};

void tls_words_seen(const struct ssl_st *, struct tls_seen *);

#endif
