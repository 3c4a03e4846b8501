#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "flow/seal.h"

enum {
	RECORD = SSL3_RT_MAX_PLAIN_LENGTH,
	RECORDS_AT_ONCE = 4, /* of a large piece */
};

struct seal {
	struct flow *flow; /* kept */
	SSL *ssl;          /* owned */
	const uint8_t *in; /* borrowed: what OpenSSL may read now */
	size_t in_len;
	const char *fault;
	bool up;
	bool ended;
};

/* ------------------------------------------------- what OpenSSL sees */

static int
seal_on_bio_read(BIO *bio, char *out, int room)
{
	struct seal *c = BIO_get_data(bio);
	size_t n = room < 0 ? 0 : (size_t)room;

	BIO_clear_retry_flags(bio);
	if (c->in_len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > c->in_len)
		n = c->in_len;
	memcpy(out, c->in, n);
	c->in += n;
	c->in_len -= n;
	return (int)n;
}

static int
seal_on_bio_write(BIO *bio, const char *data, int len)
{
	struct seal *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return buf_add(&c->flow->wire, data, (size_t)len) ? len : -1;
}

static long
seal_on_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *
new_bio(struct seal *c)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL) {
		method =
		    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
			"seal");
		if (method == NULL ||
		    !BIO_meth_set_read(method, seal_on_bio_read) ||
		    !BIO_meth_set_write(method, seal_on_bio_write) ||
		    !BIO_meth_set_ctrl(method, seal_on_bio_ctrl))
			bug("no method for a BIO");
	}
	if ((bio = BIO_new(method)) == NULL)
		mem_die();
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	return bio;
}

/* ------------------------------------------------- life */

struct seal *
seal_new(struct flow *flow, struct ssl_st *ssl)
{
	struct seal *c = mem_new(1, sizeof(*c));
	BIO *bio;

	*c = (struct seal){ .flow = flow, .ssl = ssl };
	bio = new_bio(c);
	SSL_set_bio(ssl, bio, bio);
	if (SSL_is_server(ssl))
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return c;
}

void
seal_free(struct seal *c)
{
	if (c == NULL)
		return;
	/* A connection that was lost spoils no session (RFC 5246, 7.2.1). */
	if (c->fault == NULL)
		SSL_set_shutdown(c->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	free(c);
}

bool
seal_is_client(const struct seal *c)
{
	return !SSL_is_server(c->ssl);
}

/* What OpenSSL's words mean to one who called a server. */
static const struct meaning {
	int reason;
	const char *text;
} meanings[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS" },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, "the server does not speak TLS" },
	{ SSL_R_UNSUPPORTED_PROTOCOL,
	    "the server speaks no TLS newer than 1.1" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
	    "the server speaks no version of TLS that we do" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
	    "the server refused the handshake (it may want a certificate of "
	    "ours)" },
	{ SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
	    "the server wants a certificate of ours" },
	{ SSL_R_TLSV1_UNRECOGNIZED_NAME,
	    "the server has no certificate for that name" },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA,
	    "the server does not know who issued our certificate" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
	    "the server does not accept our certificate" },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
	    "the server says that our certificate has expired" },
};

static const char *
meaning_of(unsigned long e)
{
	for (size_t i = 0; i < nitems(meanings); i++)
		if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
		    ERR_GET_REASON(e) == meanings[i].reason)
			return meanings[i].text;
	return NULL;
}

/* The earliest error says most: later ones follow from it. */
static const char *
explain(const SSL *ssl)
{
	unsigned long e = ERR_peek_error();
	long verified = SSL_get_verify_result(ssl);
	const char *text = SSL_is_server(ssl) ? NULL : meaning_of(e);

	if (text != NULL)
		return text;
	if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return X509_verify_cert_error_string(verified);
	text = ERR_reason_error_string(e);
	return text == NULL ? "broken" : text;
}

static enum seal_result
broken(struct seal *c)
{
	if (c->fault == NULL)
		c->fault = explain(c->ssl);
	ERR_clear_error();
	return SEAL_BROKEN;
}

static void
lend(struct seal *c, const uint8_t *in, size_t len)
{
	ERR_clear_error();
	c->in = in;
	c->in_len = len;
}

static void
take_back(struct seal *c)
{
	c->in = NULL;
	c->in_len = 0;
}

bool
seal_is_text(const struct seal *c, const uint8_t *in, size_t len)
{
	return len > 0 && SSL_is_server(c->ssl) && SSL_in_before(c->ssl) &&
	    ((in[0] >= ' ' && in[0] <= '~') || in[0] == '\r' || in[0] == '\n');
}

enum seal_result
seal_shake(struct seal *c, const uint8_t *in, size_t len, size_t *used)
{
	int rc;

	lend(c, in, len);
	rc = SSL_do_handshake(c->ssl);
	*used = len - c->in_len;
	take_back(c);
	c->up = rc == 1;
	if (c->up)
		return SEAL_UP;
	if (SSL_get_error(c->ssl, rc) == SSL_ERROR_WANT_READ)
		return SEAL_MORE;
	return broken(c);
}

bool
seal_is_up(const struct seal *c)
{
	return c->up;
}

enum seal_result
seal_read(struct seal *c, const uint8_t *in, size_t len, uint8_t *out,
    size_t *n)
{
	size_t room = len + SEAL_ROOM;
	int got;

	lend(c, in, len);
	*n = 0;
	while ((got = SSL_read(c->ssl, out + *n, (int)(room - *n))) > 0)
		*n += (size_t)got;
	take_back(c);
	switch (SSL_get_error(c->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		return SEAL_MORE;
	case SSL_ERROR_ZERO_RETURN:
		c->ended = true;
		return SEAL_END;
	default:
		return broken(c);
	}
}

bool
seal_has_ended(const struct seal *c)
{
	return c->ended;
}

/* ------------------------------------------------- writing */

static void
skip_pieces(struct seal_pieces *p, size_t len)
{
	p->off += len;
	while (p->n > 0 && p->off == p->iov->iov_len) {
		p->iov++;
		p->n--;
		p->off = 0;
	}
}

/* As many as make one record, copied. */
static size_t
join_pieces(struct seal_pieces *p, uint8_t *record)
{
	size_t len = 0;

	while (p->n > 0 && len < RECORD) {
		size_t n = p->iov->iov_len - p->off;

		if (n > RECORD - len)
			n = RECORD - len;
		memcpy(record + len, (uint8_t *)p->iov->iov_base + p->off, n);
		len += n;
		skip_pieces(p, n);
	}
	return len;
}

enum seal_result
seal_write(struct seal *c, struct seal_pieces *p)
{
	uint8_t record[RECORD];
	const uint8_t *data = record;
	size_t len;

	skip_pieces(p, 0);
	if (p->n == 0)
		return SEAL_END;
	len = p->iov->iov_len - p->off;
	if (len >= RECORD || p->n == 1) {
		data = (uint8_t *)p->iov->iov_base + p->off;
		if (len > RECORDS_AT_ONCE * RECORD)
			len = RECORDS_AT_ONCE * RECORD;
		if (len > RECORD && p->n > 1)
			len -= len % RECORD;
		skip_pieces(p, len);
	} else {
		len = join_pieces(p, record);
	}
	ERR_clear_error();
	return SSL_write(c->ssl, data, (int)len) == (int)len ? SEAL_MORE
							     : broken(c);
}

void
seal_end(struct seal *c)
{
	if (!c->up || c->fault != NULL ||
	    SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN)
		return;
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const char *
seal_fault(const struct seal *c)
{
	return c->fault;
}

struct ssl_st *
seal_ssl(const struct seal *c)
{
	return c->ssl;
}
