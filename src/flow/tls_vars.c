#include <stdint.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "flow/tls_vars.h"

static bool
put_var(struct buf *vars, const char *name, const char *value)
{
	return buf_add_str(vars, name) && buf_add_byte(vars, '=') &&
	    buf_add_str(vars, value) && buf_add_byte(vars, '\0');
}

/* One line: what is not printable ASCII is escaped, a NUL too. */
static bool
put_name(struct buf *vars, const char *var, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool ok;

	ok = bio != NULL &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0 &&
	    BIO_write(bio, "", 1) == 1 && BIO_get_mem_data(bio, &text) > 0 &&
	    put_var(vars, var, text);
	BIO_free(bio);
	return ok;
}

static bool
put_serial(struct buf *vars, const X509 *x)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *text = n == NULL ? NULL : BN_bn2hex(n);
	bool ok = text != NULL && put_var(vars, "SSL_CLIENT_M_SERIAL", text);

	OPENSSL_free(text);
	BN_free(n);
	return ok;
}

static bool
put_fingerprint(struct buf *vars, const X509 *x)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	char text[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;

	if (X509_digest(x, EVP_sha256(), md, &n) != 1)
		return false;
	str_put_hex(text, md, n);
	text[2 * n] = '\0';
	return put_var(vars, "SSL_CLIENT_FINGERPRINT", text);
}

static bool
put_client(struct buf *vars, const SSL *ssl, const X509 *x)
{
	long result = SSL_get_verify_result(ssl);
	char failed[128] = "FAILED:";

	if (!put_fingerprint(vars, x))
		return false;
	if (result == X509_V_OK)
		return put_var(vars, "SSL_CLIENT_VERIFY", "SUCCESS") &&
		    put_name(vars, "SSL_CLIENT_S_DN",
			X509_get_subject_name(x)) &&
		    put_name(vars, "SSL_CLIENT_I_DN",
			X509_get_issuer_name(x)) &&
		    put_serial(vars, x);
	(void)str_copy(failed + strlen(failed), sizeof(failed) - strlen(failed),
	    X509_verify_cert_error_string(result));
	return put_var(vars, "SSL_CLIENT_VERIFY", failed);
}

bool
tls_put_vars(struct ssl_st *ssl, struct buf *vars)
{
	const X509 *x = SSL_get0_peer_certificate(ssl);

	if (!put_var(vars, "SSL_PROTOCOL", SSL_get_version(ssl)) ||
	    !put_var(vars, "SSL_CIPHER", SSL_get_cipher_name(ssl)))
		return false;
	if (x != NULL)
		return put_client(vars, ssl, x);
	return !(SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) ||
	    put_var(vars, "SSL_CLIENT_VERIFY", "NONE");
}
