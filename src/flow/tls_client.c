#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/tls_client.h"
#include "flow/tls_words.h"

struct tls_client {
	SSL_CTX *ctx; /* owned */
	char **pin;   /* owned, as the texts */
	size_t npins;
	bool insecure;
	char *host;           /* owned: whose session it is; NULL: none yet */
	SSL_SESSION *session; /* owned */
};

/* What belongs to one connection. */
struct attached {
	struct tls_client *client; /* kept */
	char *host;                /* owned */
	char doubt[TLS_WORDS_SIZE];
};

static void
tls_client_on_ssl_free(void *ssl, void *ptr, CRYPTO_EX_DATA *ad, int index,
    long argl, void *argp)
{
	struct attached *a = ptr;

	(void)ssl;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	if (a != NULL)
		free(a->host);
	free(a);
}

static int
attached_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
		    tls_client_on_ssl_free);
	return index;
}

static struct attached *
attached_to(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, attached_index());
}

/* ------------------------------------------------- whom to believe */

static bool
is_pinned(const struct tls_client *t, const X509 *x)
{
	char cert[TLS_FINGERPRINT_SIZE], key[TLS_FINGERPRINT_SIZE];

	tls_fingerprint(x, cert);
	tls_key_fingerprint(x, key);
	for (size_t i = 0; i < t->npins; i++)
		if (strcmp(t->pin[i], cert) == 0 || strcmp(t->pin[i], key) == 0)
			return true;
	return false;
}

/* 1: go on with the handshake; 0: the server is not believed. */
static int
tls_client_on_certificate(X509_STORE_CTX *store, void *arg)
{
	struct tls_client *t = arg;
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct attached *a = attached_to(ssl);
	X509 *x = X509_STORE_CTX_get0_cert(store);

	if (t->insecure || (t->npins > 0 && is_pinned(t, x))) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (t->npins > 0) {
		X509_STORE_CTX_set_error(store,
		    X509_V_ERR_APPLICATION_VERIFICATION);
		tls_words_pin(x, a->doubt);
		return 0;
	}
	if (X509_verify_cert(store) == 1)
		return 1;
	tls_words_doubt(store, a->host, a->doubt);
	return 0;
}

static bool
set_authorities(SSL_CTX *ctx, const char *ca, char **why)
{
	if (ca == NULL) {
		(void)SSL_CTX_set_default_verify_paths(ctx);
		return true;
	}
	if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
		*why = mem_printf("%s: no certificate in PEM can be read", ca);
		return false;
	}
	/* one that is itself signed by another is believed no less */
	(void)X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx),
	    X509_V_FLAG_PARTIAL_CHAIN);
	return true;
}

/* ------------------------------------------------- who we are */

static int
tls_client_on_password(char *out, int room, int rwflag, void *asked)
{
	(void)out;
	(void)room;
	(void)rwflag;
	*(bool *)asked = true;
	return -1;
}

static bool
read_key(SSL_CTX *ctx, const char *file, char **why)
{
	bool asked = false, ok;

	SSL_CTX_set_default_passwd_cb(ctx, tls_client_on_password);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
	ok = SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM) == 1;
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, NULL);
	if (ok)
		return true;
	if (asked)
		*why = mem_printf("%s: the key is encrypted; openssl pkey "
				  "writes one that is not",
		    file);
	else if (ERR_GET_REASON(ERR_peek_last_error()) ==
	    X509_R_KEY_VALUES_MISMATCH)
		*why = mem_printf("%s: the key is not that of the certificate",
		    file);
	else
		*why =
		    mem_printf("%s: no private key in PEM can be read", file);
	return false;
}

static bool
set_identity(SSL_CTX *ctx, const struct tls_client_conf *conf, char **why)
{
	const char *cert = conf->cert;

	if (cert == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) == 1)
		return read_key(ctx, conf->key == NULL ? cert : conf->key, why);
	*why = mem_printf("%s: no certificate in PEM can be read", cert);
	return false;
}

/* ------------------------------------------------- sessions */

/* Ours from here on: 1. */
static int
tls_client_on_session(SSL *ssl, SSL_SESSION *session)
{
	const struct attached *a = attached_to(ssl);
	struct tls_client *t = a->client;

	SSL_SESSION_free(t->session);
	t->session = session;
	free(t->host);
	t->host = mem_strdup(a->host);
	return 1;
}

/* A session goes no further than the certificate that it began with. */
static bool
is_good(SSL_SESSION *session)
{
	const X509 *x = SSL_SESSION_get0_peer(session);

	return SSL_SESSION_is_resumable(session) && x != NULL &&
	    X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
}

static void
resume(const struct tls_client *t, SSL *ssl, const char *host)
{
	if (t->session != NULL && strcmp(t->host, host) == 0 &&
	    is_good(t->session))
		(void)SSL_set_session(ssl, t->session);
}

/* ------------------------------------------------- life */

static void
keep_pins(struct tls_client *t, const struct tls_client_conf *conf)
{
	t->npins = conf->npins;
	t->pin = mem_new(conf->npins + 1, sizeof(*t->pin));
	for (size_t i = 0; i < conf->npins; i++)
		t->pin[i] = mem_strdup(conf->pin[i]);
}

static void
set_up_context(struct tls_client *t)
{
	static const uint8_t alpn[] = "\x08http/1.1";
	SSL_CTX *ctx = t->ctx;

	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_client_on_certificate, t);
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, tls_client_on_session);
	if (SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) != 0)
		bug("no ALPN");
}

/* What OpenSSL is told from outside may leave nothing to work with. */
static bool
make_context(struct tls_client *t, char **why)
{
	const char *reason;

	if ((t->ctx = SSL_CTX_new(TLS_client_method())) != NULL)
		return true;
	reason = ERR_reason_error_string(ERR_peek_error());
	*why = mem_printf("OpenSSL cannot be used: %s",
	    reason == NULL ? "it does not say why" : reason);
	return false;
}

struct tls_client *
tls_client_new(const struct tls_client_conf *conf, char **why)
{
	struct tls_client *t = mem_new(1, sizeof(*t));
	bool ok = make_context(t, why);

	t->insecure = conf->insecure;
	keep_pins(t, conf);
	if (ok) {
		set_up_context(t);
		ok = set_authorities(t->ctx, conf->ca, why) &&
		    set_identity(t->ctx, conf, why);
	}
	ERR_clear_error();
	if (ok)
		return t;
	tls_client_free(t);
	return NULL;
}

void
tls_client_free(struct tls_client *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->npins; i++)
		free(t->pin[i]);
	free(t->pin);
	SSL_SESSION_free(t->session);
	free(t->host);
	SSL_CTX_free(t->ctx);
	free(t);
}

/* The name or address as certificates have it: no zone, no dot at the end. */
static char *
plain_name(const char *host)
{
	size_t len = strcspn(host, "%");

	if (len > 1 && host[len - 1] == '.')
		len--;
	return mem_strndup(host, len);
}

static void
set_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
		bug("no name to verify");
	(void)SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)host);
}

struct ssl_st *
tls_client_open(struct tls_client *t, const char *host)
{
	SSL *ssl = SSL_new(t->ctx);
	struct attached *a = mem_new(1, sizeof(*a));

	a->client = t;
	a->host = plain_name(host);
	if (ssl == NULL || SSL_set_ex_data(ssl, attached_index(), a) != 1)
		mem_die();
	set_host(ssl, a->host);
	resume(t, ssl, a->host);
	return ssl;
}

const char *
tls_client_doubt(const struct ssl_st *ssl)
{
	const char *doubt = attached_to(ssl)->doubt;

	return doubt[0] == '\0' ? NULL : doubt;
}
