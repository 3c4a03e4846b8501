#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdint.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/base.h"
#include "base/log.h"
#include "base/str.h"
#include "flow/tls_words.h"

enum {
	NAMES_SHOWN = 4,
	PRINTABLE = ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB,
};

/* ------------------------------------------------- fingerprints */

static void
put_hex(const uint8_t *md, unsigned n, char *out)
{
	str_put_hex(out, md, n);
	out[2 * n] = '\0';
}

void
tls_fingerprint(const struct x509_st *x, char out[TLS_FINGERPRINT_SIZE])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_digest(x, EVP_sha256(), md, &n) != 1)
		bug("no fingerprint");
	put_hex(md, n, out);
}

void
tls_key_fingerprint(const struct x509_st *x, char out[TLS_FINGERPRINT_SIZE])
{
	uint8_t *der = NULL, md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (len <= 0 ||
	    EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(), NULL) != 1)
		bug("no fingerprint of a key");
	OPENSSL_free(der);
	put_hex(md, n, out);
}

/* ------------------------------------------------- words */

/* A common name, or whatever else there is. */
static void
put_name(BIO *say, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at >= 0)
		(void)ASN1_STRING_print_ex(say,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)),
		    PRINTABLE);
	else
		(void)X509_NAME_print_ex(say, name, 0, XN_FLAG_ONELINE);
}

static void
put_time(BIO *say, const ASN1_TIME *t)
{
	char text[64];
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) == 1 &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		(void)BIO_puts(say, text);
	else
		(void)BIO_puts(say, "an unknown time");
}

static void
put_address(BIO *say, const ASN1_OCTET_STRING *s)
{
	int len = ASN1_STRING_length(s);
	char text[INET6_ADDRSTRLEN] = "a malformed address";

	if (len == 4 || len == 16)
		(void)inet_ntop(len == 4 ? AF_INET : AF_INET6,
		    ASN1_STRING_get0_data(s), text, sizeof(text));
	(void)BIO_puts(say, text);
}

/* False: this says nothing of where the server is. */
static bool
put_alternative(BIO *say, const GENERAL_NAME *name, int before)
{
	const char *between = before > 0 ? ", " : "";

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return false;
	if (before >= NAMES_SHOWN)
		return true;
	(void)BIO_puts(say, between);
	if (name->type == GEN_DNS)
		(void)ASN1_STRING_print_ex(say, name->d.dNSName, PRINTABLE);
	else
		put_address(say, name->d.iPAddress);
	return true;
}

static void
put_names(BIO *say, const X509 *x)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		n += put_alternative(say, sk_GENERAL_NAME_value(names, i), n);
	GENERAL_NAMES_free(names);
	if (n == 0)
		(void)BIO_puts(say, "no name of a host");
	if (n > NAMES_SHOWN)
		(void)BIO_printf(say, " and %d more", n - NAMES_SHOWN);
}

static BIO *
begin(void)
{
	BIO *say = BIO_new(BIO_s_mem());

	if (say == NULL)
		bug("no BIO");
	return say;
}

static void
finish(BIO *say, char out[TLS_WORDS_SIZE])
{
	int n = BIO_read(say, out, TLS_WORDS_SIZE - 1);

	out[n < 0 ? 0 : n] = '\0';
	BIO_free(say);
}

/* ------------------------------------------------- sentences */

/* Whose certificate it is. */
static void
put_subject(BIO *say, const X509 *x, int depth)
{
	(void)BIO_puts(say, "the server's certificate");
	if (depth == 0)
		return;
	(void)BIO_puts(say, " comes from ");
	put_name(say, X509_get_subject_name(x));
	(void)BIO_puts(say, ", whose certificate");
}

static void
put_reason(BIO *say, int err, const X509 *x, int depth, const char *host)
{
	put_subject(say, x, depth);
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		(void)BIO_puts(say, " has expired: it was good until ");
		put_time(say, X509_get0_notAfter(x));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		(void)BIO_puts(say,
		    " is not good yet (or our clock is wrong): "
		    "it will be from ");
		put_time(say, X509_get0_notBefore(x));
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		(void)BIO_puts(say, " is for ");
		put_names(say, x);
		(void)BIO_printf(say, ", not for %s", host);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		(void)BIO_puts(say, " is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		(void)BIO_puts(say, " is self-signed and not trusted here");
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		(void)BIO_puts(say, " was issued by ");
		put_name(say, X509_get_issuer_name(x));
		(void)BIO_puts(say, ", which is not known here");
		break;
	default:
		(void)BIO_printf(say, ": %s",
		    X509_verify_cert_error_string(err));
		break;
	}
}

void
tls_words_doubt(const struct x509_store_ctx_st *store, const char *host,
    char out[TLS_WORDS_SIZE])
{
	BIO *say = begin();
	const X509 *x = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (x == NULL) {
		x = X509_STORE_CTX_get0_cert(store);
		depth = 0;
	}
	put_reason(say, X509_STORE_CTX_get_error(store), x, depth, host);
	finish(say, out);
}

void
tls_words_pin(const struct x509_st *x, char out[TLS_WORDS_SIZE])
{
	BIO *say = begin();
	char cert[TLS_FINGERPRINT_SIZE], key[TLS_FINGERPRINT_SIZE];

	tls_fingerprint(x, cert);
	tls_key_fingerprint(x, key);
	(void)BIO_printf(say,
	    "the server's certificate is not the pinned one; its fingerprint "
	    "is %s, that of its key %s",
	    cert, key);
	finish(say, out);
}

/* ------------------------------------------------- what is seen */

static void
see_name(const X509_NAME *name, char out[TLS_WORDS_SIZE])
{
	BIO *say = begin();

	(void)X509_NAME_print_ex(say, name, 0, XN_FLAG_ONELINE);
	finish(say, out);
}

static void
see_certificate(const X509 *x, struct tls_seen *seen)
{
	BIO *say = begin();

	put_time(say, X509_get0_notAfter(x));
	finish(say, seen->expires);
	see_name(X509_get_subject_name(x), seen->subject);
	see_name(X509_get_issuer_name(x), seen->issuer);
	tls_fingerprint(x, seen->fingerprint);
}

void
tls_words_seen(const struct ssl_st *ssl, struct tls_seen *seen)
{
	const X509 *x = SSL_get0_peer_certificate(ssl);
	BIO *say = begin();

	*seen = (struct tls_seen){ .subject = "" };
	(void)BIO_printf(say, "%s, %s%s", SSL_get_version(ssl),
	    SSL_get_cipher_name(ssl),
	    SSL_session_reused(ssl) ? ", resumed" : "");
	finish(say, seen->version);
	if (x != NULL)
		see_certificate(x, seen);
}
