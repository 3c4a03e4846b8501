#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "flow/tls.h"
#include "ipc/ipc_tls.h"

enum {
	NAME_MAX_LEN = 255,
	TICKET_NAME = 16,
	TICKET_AES = 32,
	TICKET_HMAC = 32,
	TICKET_LIFE_S = 3600, /* as often as the parent makes new keys */
	CLIENT_CHAIN_MAX = 32 * 1024, /* bytes; a connection keeps it */
};

static const char default_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* One certificate with its key, and what is said with it. */
struct cert {
	X509 *x509;             /* owned */
	STACK_OF(X509) * chain; /* owned */
	EVP_PKEY *key;          /* owned */
	uint8_t *ocsp;          /* owned; NULL: none */
	size_t ocsp_len;
	time_t ocsp_until;
};

/* It lives as long as its context, which connections share. */
struct tls_set {
	struct tls *tls; /* kept */
	SSL_CTX *ctx;    /* owned by whoever has the set */
	struct cert cert[IPC_TLS_FILES];
	size_t n;
};

struct tls {
	const struct conf *conf; /* kept */
	struct tls_set *set;     /* owned; NULL: none yet */
	uint8_t tickets[IPC_TICKET_KEYS][IPC_TICKET_KEY];
	size_t ntickets;
};

/* ------------------------------------------------- verdicts */

static bool
blame(struct ipc_verdict *v, enum ipc_file_kind kind, size_t index,
    const char *why)
{
	*v = (struct ipc_verdict){
		.kind = kind,
		.index = (uint32_t)index,
		.why = why,
		.why_len = strlen(why),
	};
	ERR_clear_error();
	return false;
}

/* The set stands; only the first such word is kept. */
static void
remark(struct ipc_verdict *v, enum ipc_file_kind kind, size_t index,
    const char *why)
{
	if (v->why_len > 0)
		return;
	(void)blame(v, kind, index, why);
	v->good = true;
}

/* What OpenSSL says of its latest trouble, or what we would. */
static const char *
openssl_says(const char *otherwise)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text == NULL ? otherwise : text;
}

/* ------------------------------------------------- reading files */

/* A key under a password is no use to a daemon. */
static int
tls_on_password(char *out, int room, int rwflag, void *asked)
{
	(void)out;
	(void)room;
	(void)rwflag;
	*(bool *)asked = true;
	return -1;
}

static BIO *
bio_of(const struct ipc_file *f)
{
	BIO *bio = BIO_new_mem_buf(f->data, (int)f->len);

	if (bio == NULL)
		mem_die();
	return bio;
}

static bool
read_key(struct cert *c, const struct ipc_file *f, struct ipc_verdict *v)
{
	BIO *bio = bio_of(f);
	bool asked = false;

	c->key = PEM_read_bio_PrivateKey(bio, NULL, tls_on_password, &asked);
	BIO_free(bio);
	if (c->key != NULL)
		return true;
	return blame(v, f->kind, f->index,
	    asked ? "the key is encrypted, and nobody is there to be asked for "
		    "its password"
		  : "no private key in PEM");
}

/* The certificate, then those that lead to its root. */
static bool
read_cert(struct cert *c, const struct ipc_file *f, struct ipc_verdict *v)
{
	BIO *bio = bio_of(f);
	bool asked = false;
	X509 *x;

	c->x509 = PEM_read_bio_X509(bio, NULL, tls_on_password, &asked);
	if ((c->chain = sk_X509_new_null()) == NULL)
		bug("no chain");
	while (c->x509 != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, tls_on_password, &asked)) != NULL)
		if (!sk_X509_push(c->chain, x))
			bug("no chain");
	BIO_free(bio);
	ERR_clear_error();
	if (c->x509 == NULL)
		return blame(v, f->kind, f->index, "no certificate in PEM");
	if (X509_cmp_current_time(X509_get0_notAfter(c->x509)) < 0)
		remark(v, f->kind, f->index, "the certificate has expired");
	else if (X509_cmp_current_time(X509_get0_notBefore(c->x509)) > 0)
		remark(v, f->kind, f->index,
		    "the certificate is not valid yet");
	return true;
}

/* ------------------------------------------------- OCSP */

static time_t
time_of(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	if (t == NULL || !ASN1_TIME_to_tm(t, &tm))
		return 0;
	return timegm(&tm);
}

/*
 * Whether it speaks of the certificate, and until when that counts. Without such
 * a time something newer is always to be had (RFC 6960, section 4.2.2.1), which
 * is not in a file.
 */
static bool
find_answer(OCSP_BASICRESP *basic, X509 *x509, time_t *ends)
{
	ASN1_GENERALIZEDTIME *until = NULL;
	ASN1_INTEGER *serial;

	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);

		(void)OCSP_id_get0_info(NULL, NULL, NULL, &serial,
		    (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one));
		if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(x509)) != 0)
			continue;
		(void)OCSP_single_get0_status(one, NULL, NULL, NULL, &until);
		*ends = time_of(until);
		return true;
	}
	return false;
}

static void
keep_answer(struct cert *c, const struct ipc_file *f, time_t until)
{
	free(c->ocsp);
	c->ocsp = mem_new(1, f->len);
	memcpy(c->ocsp, f->data, f->len);
	c->ocsp_len = f->len;
	c->ocsp_until = until;
}

/* A response belongs to the certificate that it speaks of. */
static bool
take_ocsp(struct tls_set *set, const struct ipc_file *f, struct ipc_verdict *v)
{
	const uint8_t *p = f->data;
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &p, (long)f->len);
	OCSP_BASICRESP *basic = NULL;
	const char *wrong = "no OCSP response in DER";
	struct cert *of = NULL;
	time_t until = 0;

	if (resp != NULL &&
	    OCSP_response_status(resp) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(resp);
	if (basic != NULL)
		wrong = "it speaks of none of the certificates";
	for (size_t i = 0; basic != NULL && of == NULL && i < set->n; i++)
		if (set->cert[i].x509 != NULL &&
		    find_answer(basic, set->cert[i].x509, &until))
			of = &set->cert[i];
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	if (of == NULL)
		return blame(v, f->kind, f->index, wrong);
	keep_answer(of, f, until);
	if (until <= time(NULL))
		remark(v, f->kind, f->index,
		    "the response has expired and is not used");
	return true;
}

static struct cert *
cert_in_use(struct tls_set *set, const X509 *x509)
{
	for (size_t i = 0; i < set->n; i++)
		if (X509_cmp(set->cert[i].x509, x509) == 0)
			return &set->cert[i];
	return NULL;
}

static int
tls_on_status(SSL *ssl, void *arg)
{
	const X509 *x509 = SSL_get_certificate(ssl);
	const struct cert *c = x509 == NULL ? NULL : cert_in_use(arg, x509);
	void *copy;

	if (c == NULL || c->ocsp == NULL || c->ocsp_until <= time(NULL) ||
	    (copy = OPENSSL_memdup(c->ocsp, c->ocsp_len)) == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->ocsp_len);
	return SSL_TLSEXT_ERR_OK;
}

/* ------------------------------------------------- server names */

/*
 * How well a certificate's names fit: the name itself, one for a whole label of
 * it, or not at all.
 */
enum fit { FIT_NONE, FIT_WILD, FIT_EXACT };

static enum fit
fit_of(X509 *x509, const char *name)
{
	unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

	if (X509_check_host(x509, name, 0, flags | X509_CHECK_FLAG_NO_WILDCARDS,
		NULL) == 1)
		return FIT_EXACT;
	return X509_check_host(x509, name, 0, flags, NULL) == 1 ? FIT_WILD
								: FIT_NONE;
}

static bool
use_cert(SSL *ssl, const struct cert *c)
{
	return SSL_use_cert_and_key(ssl, c->x509, c->key, c->chain, 1) == 1;
}

/*
 * All certificates that fit best, the first of each kind of key: the client's
 * algorithms decide between the kinds. Nothing fits: the context has the first.
 */
static int
tls_on_cert(SSL *ssl, void *arg)
{
	struct tls_set *set = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	enum fit fit[IPC_TLS_FILES], best = FIT_NONE;

	if (name == NULL || set->n == 1 || strlen(name) > NAME_MAX_LEN)
		return 1;
	for (size_t i = 0; i < set->n; i++) {
		fit[i] = fit_of(set->cert[i].x509, name);
		if (fit[i] > best)
			best = fit[i];
	}
	if (best == FIT_NONE)
		return 1;
	SSL_certs_clear(ssl);
	for (size_t i = set->n; i-- > 0;)
		if (fit[i] == best && !use_cert(ssl, &set->cert[i]))
			return 0;
	return 1;
}

/* Without it a client is not told that its name was understood; harmless. */
static int
tls_on_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

/* ------------------------------------------------- protocols */

static int
tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, outlen, ours, sizeof(ours) - 1, in,
		inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* ------------------------------------------------- session tickets */

static bool
start_ticket(const uint8_t *key, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    const uint8_t *iv, int encrypt)
{
	static char digest[] = "SHA256";
	uint8_t secret[TICKET_HMAC];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret,
		    sizeof(secret)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	bool ok;

	memcpy(secret, key + TICKET_NAME + TICKET_AES, sizeof(secret));
	ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL,
		 key + TICKET_NAME, iv, encrypt) == 1 &&
	    EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

static const uint8_t *
find_ticket_key(const struct tls *t, const uint8_t *name)
{
	for (size_t i = 0; i < t->ntickets; i++)
		if (memcmp(t->tickets[i], name, TICKET_NAME) == 0)
			return t->tickets[i];
	return NULL;
}

/*
 * A ticket of TLS 1.3 is for one connection (RFC 8446, appendix C.4): without a
 * new one each time a chain of resumptions would end.
 */
static bool
may_use_again(const SSL *ssl, const struct tls *t, const uint8_t *key)
{
	return SSL_version(ssl) < TLS1_3_VERSION && key == t->tickets[0];
}

/* 0: go on without a ticket; 1: do; 2: take it, and give a newer one. */
static int
tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const uint8_t *key;

	if (t->ntickets == 0)
		return 0;
	if (encrypt) {
		key = t->tickets[0];
		memcpy(name, key, TICKET_NAME);
		if (RAND_bytes(iv,
			EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
	} else if ((key = find_ticket_key(t, name)) == NULL) {
		return 0;
	}
	if (!start_ticket(key, cipher, mac, iv, encrypt))
		return -1;
	return encrypt || may_use_again(ssl, t, key) ? 1 : 2;
}

/*
 * A session goes no further than the certificate that its client showed: then
 * that is shown, and judged, again.
 */
static SSL_TICKET_RETURN
tls_on_session(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t len, SSL_TICKET_STATUS status, void *arg)
{
	const X509 *x = session == NULL ? NULL : SSL_SESSION_get0_peer(session);

	(void)ssl;
	(void)name;
	(void)len;
	(void)arg;
	if (x != NULL && X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	switch (status) {
	case SSL_TICKET_SUCCESS:
		return SSL_TICKET_RETURN_USE;
	case SSL_TICKET_SUCCESS_RENEW:
		return SSL_TICKET_RETURN_USE_RENEW;
	default:
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
}

void
tls_set_tickets(struct tls *t, const uint8_t *keys, size_t len)
{
	t->ntickets = len / IPC_TICKET_KEY;
	if (t->ntickets > IPC_TICKET_KEYS)
		t->ntickets = IPC_TICKET_KEYS;
	OPENSSL_cleanse(t->tickets, sizeof(t->tickets));
	memcpy(t->tickets, keys, t->ntickets * IPC_TICKET_KEY);
}

/* ------------------------------------------------- clients' certificates */

/* The handshake goes on; the result stays, for SSL_CLIENT_VERIFY. */
static int
tls_on_verify(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* A session may only be resumed where the same authorities are asked. */
static bool
set_session_context(SSL_CTX *ctx, const struct ipc_file *ca, bool optional)
{
	uint8_t id[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool ok;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(md, PACKAGE_NAME, sizeof(PACKAGE_NAME)) == 1 &&
	    EVP_DigestUpdate(md, &optional, sizeof(optional)) == 1 &&
	    (ca == NULL || EVP_DigestUpdate(md, ca->data, ca->len) == 1) &&
	    EVP_DigestFinal_ex(md, id, &n) == 1;
	EVP_MD_CTX_free(md);
	return ok && SSL_CTX_set_session_id_context(ctx, id, n) == 1;
}

/* Every certificate of the file is trusted, and named to the clients. */
static size_t
add_authorities(SSL_CTX *ctx, const struct ipc_file *f)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = bio_of(f);
	bool asked = false;
	size_t n = 0;
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, tls_on_password, &asked)) !=
	    NULL) {
		n += X509_STORE_add_cert(store, x) == 1 &&
		    SSL_CTX_add_client_CA(ctx, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	/* one that is itself signed by another is trusted no less */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return n;
}

static bool
ask_clients(struct tls_set *set, const struct ipc_file *ca,
    struct ipc_verdict *v)
{
	bool optional = set->tls->conf->ssl_verify == CONF_VERIFY_OPTIONAL;

	if (!set_session_context(set->ctx, ca, optional))
		return blame(v, IPC_FILE_NONE, 0, "no session context");
	if (ca == NULL)
		return true;
	if (add_authorities(set->ctx, ca) == 0)
		return blame(v, IPC_FILE_CA, 0, "no certificate in PEM");
	SSL_CTX_set_max_cert_list(set->ctx, CLIENT_CHAIN_MAX);
	SSL_CTX_set_verify(set->ctx,
	    SSL_VERIFY_PEER | (optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
	    optional ? tls_on_verify : NULL);
	return true;
}

/* ------------------------------------------------- a set */

/* Names of TLS 1.3 begin with TLS_, those of 1.2 do not. */
static char *
pick_ciphers(const char *list, bool of13)
{
	char *out = mem_new(1, strlen(list) + 1);
	size_t len, n = 0;

	for (; *list != '\0'; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		if (len == 0 || (strncmp(list, "TLS_", 4) == 0) != of13)
			continue;
		if (n > 0)
			out[n++] = ':';
		memcpy(out + n, list, len);
		n += len;
	}
	return out;
}

/* A version that has none in the list keeps its own. */
static bool
set_ciphers(SSL_CTX *ctx, const char *list)
{
	char *of12, *of13;
	bool ok;

	if (list == NULL)
		return SSL_CTX_set_cipher_list(ctx, default_ciphers) == 1;
	of12 = pick_ciphers(list, false);
	of13 = pick_ciphers(list, true);
	ok = SSL_CTX_set_cipher_list(ctx,
		 of12[0] == '\0' ? default_ciphers : of12) == 1 &&
	    (of13[0] == '\0' || SSL_CTX_set_ciphersuites(ctx, of13) == 1);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	free(of12);
	free(of13);
	return ok;
}

static bool
set_up_context(struct tls_set *set, struct ipc_verdict *v)
{
	const struct conf *conf = set->tls->conf;
	SSL_CTX *ctx = set->ctx;

	if (SSL_CTX_set_min_proto_version(ctx,
		conf->tls_min == CONF_TLS_1_3 ? TLS1_3_VERSION
					      : TLS1_2_VERSION) != 1)
		return blame(v, IPC_FILE_NONE, 0, "no such version of TLS");
	if (!set_ciphers(ctx, conf->tls_ciphers))
		return blame(v, IPC_FILE_NONE, 0,
		    "--tls-ciphers names no cipher that can be used");
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	SSL_CTX_set_app_data(ctx, set->tls);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_on_ticket);
	(void)SSL_CTX_set_session_ticket_cb(ctx, NULL, tls_on_session, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, tls_on_name);
	(void)SSL_CTX_set_tlsext_status_cb(ctx, tls_on_status);
	(void)SSL_CTX_set_tlsext_status_arg(ctx, set);
	SSL_CTX_set_alpn_select_cb(ctx, tls_on_alpn, NULL);
	SSL_CTX_set_cert_cb(ctx, tls_on_cert, set);
	return true;
}

/* Whether the context takes it is what matters: levels of security too. */
static bool
check_cert(struct tls_set *set, size_t i, struct ipc_verdict *v)
{
	struct cert *c = &set->cert[i];
	SSL *ssl;
	bool ok;

	if (X509_check_private_key(c->x509, c->key) != 1)
		return blame(v, IPC_FILE_KEY, i,
		    "the key is not that of the certificate");
	if ((ssl = SSL_new(set->ctx)) == NULL)
		mem_die();
	ok = use_cert(ssl, c);
	SSL_free(ssl);
	if (!ok)
		return blame(v, IPC_FILE_CERT, i,
		    openssl_says("the certificate cannot be used"));
	return i > 0 ||
	    SSL_CTX_use_cert_and_key(set->ctx, c->x509, c->key, c->chain, 1) ==
	    1;
}

static bool
take_file(struct tls_set *set, const struct ipc_file *f, struct ipc_verdict *v)
{
	switch (f->kind) {
	case IPC_FILE_CERT:
		if (f->index >= set->n)
			set->n = f->index + 1;
		return read_cert(&set->cert[f->index], f, v);
	case IPC_FILE_KEY:
		return read_key(&set->cert[f->index], f, v);
	case IPC_FILE_OCSP:
		return take_ocsp(set, f, v);
	default:
		return true;
	}
}

/* Certificates come before the responses that speak of them. */
static bool
take_files(struct tls_set *set, const uint8_t *bytes, size_t len,
    struct ipc_verdict *v)
{
	struct ipc_file f, ca = { .kind = IPC_FILE_NONE };
	size_t at = 0;

	while (ipc_next_file(bytes, len, &at, &f)) {
		if (!take_file(set, &f, v))
			return false;
		if (f.kind == IPC_FILE_CA)
			ca = f;
	}
	if (at != len || set->n == 0)
		return blame(v, IPC_FILE_NONE, 0, "no set of files");
	for (size_t i = 0; i < set->n; i++)
		if (set->cert[i].x509 == NULL || set->cert[i].key == NULL)
			return blame(v, IPC_FILE_NONE, 0, "no set of files");
	return ask_clients(set, ca.kind == IPC_FILE_NONE ? NULL : &ca, v);
}

static bool
check_certs(struct tls_set *set, struct ipc_verdict *v)
{
	for (size_t i = 0; i < set->n; i++)
		if (!check_cert(set, i, v))
			return false;
	return true;
}

/* Nobody uses the context any more. */
static void
tls_on_context_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index,
    long argl, void *argp)
{
	struct tls_set *set = ptr;

	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		struct cert *c = &set->cert[i];

		X509_free(c->x509);
		sk_X509_pop_free(c->chain, X509_free);
		EVP_PKEY_free(c->key);
		free(c->ocsp);
	}
	free(set);
}

static struct tls_set *
new_set(struct tls *t)
{
	static int index = -1;
	struct tls_set *set = mem_new(1, sizeof(*set));

	set->tls = t;
	if (index == -1)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL,
		    tls_on_context_free);
	if ((set->ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
	    SSL_CTX_set_ex_data(set->ctx, index, set) != 1)
		bug("no SSL_CTX");
	return set;
}

struct tls_set *
tls_set_new(struct tls *t, const uint8_t *bytes, size_t len,
    struct ipc_verdict *v)
{
	struct tls_set *set = new_set(t);

	*v = (struct ipc_verdict){ .good = true };
	ERR_clear_error();
	if (set_up_context(set, v) && take_files(set, bytes, len, v) &&
	    check_certs(set, v))
		return set;
	tls_set_free(set);
	return NULL;
}

void
tls_set_free(struct tls_set *set)
{
	if (set != NULL)
		SSL_CTX_free(set->ctx);
}

/* ------------------------------------------------- what is in use */

struct tls *
tls_new(const struct conf *conf)
{
	struct tls *t = mem_new(1, sizeof(*t));

	t->conf = conf;
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	tls_set_free(t->set);
	OPENSSL_cleanse(t->tickets, sizeof(t->tickets));
	free(t);
}

void
tls_use(struct tls *t, struct tls_set *set)
{
	tls_set_free(t->set);
	t->set = set;
}

struct ssl_st *
tls_accept(struct tls *t)
{
	SSL *ssl = t->set == NULL ? NULL : SSL_new(t->set->ctx);

	if (ssl == NULL)
		bug("TLS without a set");
	(void)SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
	return ssl;
}

void
tls_end_wiping(struct ssl_st *ssl)
{
	if (ssl != NULL)
		(void)SSL_clear_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
}
