/*
 * What is said of a certificate that is not believed. The first byte is the
 * reason, the second how long the subject is; the issuer follows in a part as
 * long, and then come the alternative names, in DER. A name is entries of a
 * type, a length and bytes. The words are printable, and end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/base.h"
#include "flow/tls_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
put_entries(X509_NAME *name, const uint8_t *in, size_t len)
{
	static const int fields[] = { NID_commonName, NID_organizationName,
		NID_countryName, NID_domainComponent, NID_pkcs9_emailAddress };
	static const int kinds[] = { V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING,
		V_ASN1_BMPSTRING, V_ASN1_T61STRING, V_ASN1_UNIVERSALSTRING };
	size_t n;

	for (; len > 2; in += n + 2, len -= n + 2) {
		n = in[1] < len - 2 ? in[1] : len - 2;
		(void)X509_NAME_add_entry_by_NID(name,
		    fields[(in[0] & 15) % nitems(fields)],
		    kinds[(in[0] >> 4) % nitems(kinds)], in + 2, (int)n, -1, 0);
	}
}

static void
put_alternatives(X509 *x, const uint8_t *in, size_t len)
{
	GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &in, (long)len);

	if (names == NULL)
		return;
	(void)X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0,
	    X509V3_ADD_DEFAULT);
	GENERAL_NAMES_free(names);
}

static void
check_words(X509 *x, int err)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	char out[TLS_WORDS_SIZE];
	size_t len;

	check(store != NULL);
	X509_STORE_CTX_set_error(store, err);
	X509_STORE_CTX_set_current_cert(store, x);
	memset(out, 1, sizeof(out));
	tls_words_doubt(store, "host", out);
	len = strnlen(out, sizeof(out));
	check(len > 0 && len < sizeof(out));
	for (size_t i = 0; i < len; i++)
		check(out[i] >= ' ' && out[i] <= '~');
	X509_STORE_CTX_free(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	X509 *x;
	size_t n;

	if (len < 2)
		return 0;
	n = in[1] < (len - 2) / 2 ? in[1] : (len - 2) / 2;
	x = X509_new();
	check(x != NULL);
	put_entries(X509_get_subject_name(x), in + 2, n);
	put_entries(X509_get_issuer_name(x), in + 2 + n, n);
	put_alternatives(x, in + 2 + 2 * n, len - 2 - 2 * n);
	check_words(x, in[0]);
	X509_free(x);
	return 0;
}
