/*
 * TLS as standpiped speaks it: flow/tls.c makes the contexts, flow/stream.c
 * moves the bytes, and the client is OpenSSL's own over the other end of a
 * socketpair. Keys and certificates are made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/base.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/stream.h"
#include "flow/tls.h"
#include "flow/tls_vars.h"
#include "ipc/ipc_tls.h"

enum { BIG = 1024 * 1024, TURNS = 200000, DAY = 24 * 3600 };

/* ------------------------------------------------- certificates */

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

struct wanted {
	const char *name;  /* of the subject */
	const char *names; /* as "DNS:a,DNS:b"; NULL: a CA */
	X509 *issuer;      /* NULL: itself */
	EVP_PKEY *issuer_key;
	long from, until; /* seconds from now */
};

static X509 *
new_cert(EVP_PKEY *key, const struct wanted *w)
{
	static long serial = 0x1000;
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	assert_non_null(x);
	assert_non_null(name);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const uint8_t *)w->name, -1, -1, 0),
	    1);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x,
	    w->issuer == NULL ? name : X509_get_subject_name(w->issuer));
	X509_gmtime_adj(X509_getm_notBefore(x), w->from);
	X509_gmtime_adj(X509_getm_notAfter(x), w->until);
	X509_set_pubkey(x, key);
	if (w->names == NULL)
		add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_extension(x, NID_subject_alt_name, w->names);
	assert_true(X509_sign(x, w->issuer == NULL ? key : w->issuer_key,
			EVP_sha256()) > 0);
	X509_NAME_free(name);
	return x;
}

static X509 *
cert_for(EVP_PKEY *key, const char *names)
{
	return new_cert(key,
	    &(struct wanted){ .name = "server",
		.names = names,
		.from = -DAY,
		.until = DAY });
}

/* A set of files, as the parent would send it. */
struct files {
	struct buf bytes;
};

static void
add_file(struct files *f, enum ipc_file_kind kind, unsigned index,
    const void *data, size_t len)
{
	uint8_t head[IPC_FILE_HEAD];

	ipc_put_file_head(head,
	    &(struct ipc_file){ .kind = kind, .index = index, .len = len });
	assert_true(buf_add(&f->bytes, head, sizeof(head)));
	assert_true(buf_add(&f->bytes, data, len));
}

static void
add_bio(struct files *f, enum ipc_file_kind kind, unsigned index, BIO *bio)
{
	char *p;
	long len = BIO_get_mem_data(bio, &p);

	add_file(f, kind, index, p, (size_t)len);
	BIO_free(bio);
}

static void
add_cert(struct files *f, enum ipc_file_kind kind, unsigned index, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	add_bio(f, kind, index, bio);
}

static void
add_key(struct files *f, unsigned index, EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
			     password == NULL ? NULL : EVP_aes_128_cbc(), NULL,
			     0, NULL, (char *)(uintptr_t)password),
	    1);
	add_bio(f, IPC_FILE_KEY, index, bio);
}

static void
files_init(struct files *f)
{
	buf_init(&f->bytes, IPC_TLS_MAX);
}

/* Certificate and key number `index`, for these names. */
static void
add_pair(struct files *f, unsigned index, const char *names)
{
	EVP_PKEY *key = new_key();
	X509 *x = cert_for(key, names);

	add_cert(f, IPC_FILE_CERT, index, x);
	add_key(f, index, key, NULL);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* ------------------------------------------------- both sides */

struct world {
	struct event_base *base;
	struct flow flow;
	struct conf conf;
	struct tls *tls;
	SSL_CTX *client;
	SSL_SESSION *session; /* owned; that the client would resume */

	struct stream *stream;
	SSL *ssl;       /* the client's */
	int fd;         /* its socket */
	struct buf got; /* by the stream's owner */
	size_t drained;
	bool ended, hung_up;
	int lost;
};

static void
on_read(void *owner, uint8_t *data, size_t len)
{
	struct world *w = owner;

	assert_false(w->ended);
	assert_true(buf_add(&w->got, data, len));
}

static void
on_end(void *owner)
{
	struct world *w = owner;

	assert_false(w->ended);
	w->ended = true;
}

static void
on_hangup(void *owner)
{
	struct world *w = owner;

	w->hung_up = true;
}

static void
on_lost(void *owner, int err)
{
	struct world *w = owner;

	w->lost = err;
}

static void
on_drain(void *owner)
{
	struct world *w = owner;

	w->drained++;
}

static const struct stream_ops ops = {
	.on_read = on_read,
	.on_end = on_end,
	.on_hangup = on_hangup,
	.on_lost = on_lost,
	.on_drain = on_drain,
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct event_config *cfg = event_config_new();

	if (w == NULL || cfg == NULL ||
	    event_config_require_features(cfg,
		EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE) != 0 ||
	    (w->base = event_base_new_with_config(cfg)) == NULL)
		return -1;
	event_config_free(cfg);
	(void)signal(SIGPIPE, SIG_IGN);
	flow_init(&w->flow, w->base);
	w->tls = tls_new(&w->conf);
	w->client = SSL_CTX_new(TLS_client_method());
	w->fd = -1;
	buf_init(&w->got, 8 * BIG);
	*state = w;
	return 0;
}

static void
hang_up(struct world *w)
{
	stream_free(w->stream);
	w->stream = NULL;
	SSL_free(w->ssl);
	w->ssl = NULL;
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	buf_clear(&w->got);
	w->ended = w->hung_up = false;
	w->lost = 0;
	w->drained = 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	hang_up(w);
	SSL_SESSION_free(w->session);
	SSL_CTX_free(w->client);
	tls_free(w->tls);
	flow_clear(&w->flow);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* Use a set; takes the files. */
static void
use(struct world *w, struct files *f)
{
	struct ipc_verdict v;
	struct tls_set *set =
	    tls_set_new(w->tls, f->bytes.data, f->bytes.len, &v);

	if (set == NULL)
		fail_msg("%.*s", (int)v.why_len, v.why);
	assert_true(v.good);
	tls_use(w->tls, set);
	buf_clear(&f->bytes);
}

static void
use_one(struct world *w, const char *names)
{
	struct files f;

	files_init(&f);
	add_pair(&f, 0, names);
	use(w, &f);
}

/* Both ends; nothing said yet. */
static void
meet(struct world *w, const char *name)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	w->stream = stream_new(&w->flow, STREAM_SOCKET, fd[0], 0);
	stream_start_tls(w->stream, tls_accept(w->tls));
	stream_set_owner(w->stream, &ops, w);
	w->fd = fd[1];
	w->ssl = SSL_new(w->client);
	assert_int_equal(SSL_set_fd(w->ssl, fd[1]), 1);
	if (name != NULL)
		assert_int_equal(SSL_set_tlsext_host_name(w->ssl,
				     (char *)(uintptr_t)name),
		    1);
	SSL_set_connect_state(w->ssl);
}

static void
turn(struct world *w)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* Whether the client's call only has to wait. */
static bool
waits(const struct world *w, int rc)
{
	int err = SSL_get_error(w->ssl, rc);

	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE;
}

static bool
shake(struct world *w)
{
	int rc;

	for (int i = 0; i < TURNS; i++) {
		if ((rc = SSL_do_handshake(w->ssl)) == 1)
			return true;
		if (!waits(w, rc))
			return false;
		turn(w);
	}
	fail_msg("no end of the handshake");
	return false;
}

static void
send_all(struct world *w, const void *data, size_t len)
{
	const uint8_t *p = data;
	int rc;

	for (int i = 0; len > 0 && i < TURNS; i++) {
		if ((rc = SSL_write(w->ssl, p, (int)len)) > 0) {
			p += rc;
			len -= (size_t)rc;
		} else {
			assert_true(waits(w, rc));
		}
		turn(w);
	}
	assert_int_equal(len, 0);
}

/* Read len bytes, or to the end if that comes first; how many. */
static size_t
receive(struct world *w, uint8_t *out, size_t len, int *end)
{
	size_t n = 0;
	int rc;

	*end = 0;
	for (int i = 0; n < len && i < TURNS; i++) {
		if ((rc = SSL_read(w->ssl, out + n, (int)(len - n))) > 0)
			n += (size_t)rc;
		else if (!waits(w, rc)) {
			*end = SSL_get_error(w->ssl, rc);
			return n;
		}
		turn(w);
	}
	return n;
}

static void
await_bytes(struct world *w, size_t len)
{
	for (int i = 0; w->got.len < len && i < TURNS; i++)
		turn(w);
	assert_int_equal(w->got.len, len);
}

static uint8_t *
pattern(size_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8));
	return p;
}

/* ------------------------------------------------- the stream */

static void
carries_bytes_both_ways(void **state)
{
	struct world *w = *state;
	uint8_t *data = pattern(BIG), *back = malloc(BIG);
	struct iovec iov[4];
	int end;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	send_all(w, data, BIG);
	await_bytes(w, BIG);
	assert_memory_equal(w->got.data, data, BIG);

	/* a head, a large piece, nothing, a tail */
	iov[0] = (struct iovec){ data, 10 };
	iov[1] = (struct iovec){ data + 10, BIG - 1000 };
	iov[2] = (struct iovec){ data, 0 };
	iov[3] = (struct iovec){ data + BIG - 990, 990 };
	stream_writev(w->stream, iov, 4);
	assert_true(stream_queued(w->stream) > 0);
	assert_int_equal(receive(w, back, BIG, &end), BIG);
	assert_memory_equal(back, data, BIG);
	assert_int_equal(stream_queued(w->stream), 0);
	assert_int_equal(w->drained, 1);

	stream_writev_last(w->stream, iov, 1);
	assert_true(stream_ended(w->stream));
	assert_int_equal(receive(w, back, BIG, &end), 10);
	assert_int_equal(end, SSL_ERROR_ZERO_RETURN);

	/* we said our end; the peer may still speak, and then end too */
	send_all(w, data, 100);
	await_bytes(w, BIG + 100);
	(void)SSL_shutdown(w->ssl);
	turn(w);
	assert_true(w->ended);
	assert_int_equal(w->lost, 0);
	free(data);
	free(back);
}

/* Carry what the client has made to the socket, `cut` bytes in each turn. */
static void
carry(struct world *w, size_t cut)
{
	uint8_t piece[64], back[BIG / 16];
	ssize_t n;
	int len;

	while ((len = BIO_read(SSL_get_wbio(w->ssl), piece, (int)cut)) > 0) {
		assert_int_equal(write(w->fd, piece, (size_t)len), len);
		turn(w);
	}
	turn(w);
	while ((n = read(w->fd, back, sizeof(back))) > 0)
		assert_int_equal(BIO_write(SSL_get_rbio(w->ssl), back, (int)n),
		    n);
}

static void
takes_records_in_any_pieces(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 5, 7, 64 };
	struct world *w = *state;
	uint8_t *data = pattern(40000), *back = malloc(40000);

	use_one(w, "DNS:localhost");
	for (size_t i = 0; i < nitems(cuts); i++) {
		meet(w, NULL);
		SSL_set_bio(w->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		while (SSL_do_handshake(w->ssl) != 1)
			carry(w, cuts[i]);
		assert_int_equal(SSL_write(w->ssl, data, 40000), 40000);
		carry(w, cuts[i]);
		await_bytes(w, 40000);
		assert_memory_equal(w->got.data, data, 40000);
		stream_write(w->stream, data, 1000);
		stream_end(w->stream);
		carry(w, cuts[i]);
		assert_int_equal(SSL_read(w->ssl, back, 40000), 1000);
		assert_memory_equal(back, data, 1000);
		assert_int_equal(SSL_read(w->ssl, back, 1), 0);
		assert_int_equal(SSL_get_shutdown(w->ssl),
		    SSL_RECEIVED_SHUTDOWN);
		(void)SSL_shutdown(w->ssl);
		carry(w, cuts[i]);
		assert_true(w->ended);
		hang_up(w);
	}
	free(data);
	free(back);
}

static void
joins_small_pieces_into_few_records(void **state)
{
	struct world *w = *state;
	uint8_t *data = pattern(64 * 1024), *back = malloc(BIG);
	struct iovec iov[64];
	ssize_t n;
	size_t heads = 0;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	turn(w);
	while (read(w->fd, back, BIG) > 0)
		; /* tickets */
	for (size_t i = 0; i < nitems(iov); i++)
		iov[i] = (struct iovec){ data + i * 1000, 1000 };
	stream_writev(w->stream, iov, nitems(iov));
	n = read(w->fd, back, BIG);
	assert_true(n > 64000);
	for (ssize_t at = 0; at < n; heads++)
		at += 5 + (back[at + 3] << 8 | back[at + 4]);
	assert_int_equal(heads, 4);
	free(data);
	free(back);
}

/* The client's first bytes come together with the end of its handshake. */
static void
keeps_what_comes_while_paused(void **state)
{
	struct world *w = *state;
	uint8_t *data = pattern(40000);
	int rc;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	stream_pause(w->stream);
	for (int i = 0; i < TURNS; i++) {
		/* until its last flight can be written, and with it the rest */
		if ((rc = SSL_write(w->ssl, data, 40000)) > 0)
			break;
		turn(w);
	}
	assert_int_equal(rc, 40000);
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->got.len, 0);
	stream_resume(w->stream);
	await_bytes(w, 40000);
	assert_memory_equal(w->got.data, data, 40000);

	/* the end as well waits for a resume, but is announced */
	stream_pause(w->stream);
	send_all(w, data, 10);
	(void)SSL_shutdown(w->ssl);
	close(w->fd);
	w->fd = -1;
	turn(w);
	assert_true(w->hung_up);
	assert_false(w->ended);
	stream_resume(w->stream);
	turn(w);
	assert_int_equal(w->got.len, 40010);
	assert_true(w->ended);
	free(data);
}

static void
writes_early_bytes_behind_the_handshake(void **state)
{
	struct world *w = *state;
	uint8_t back[16];
	int end;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	stream_pause(w->stream);
	stream_write(w->stream, "too many", 8);
	stream_end(w->stream);
	assert_int_equal(stream_queued(w->stream), 8);
	assert_false(stream_ended(w->stream));
	assert_true(shake(w));
	assert_int_equal(receive(w, back, sizeof(back), &end), 8);
	assert_memory_equal(back, "too many", 8);
	assert_int_equal(end, SSL_ERROR_ZERO_RETURN);
	assert_true(stream_ended(w->stream));
}

static void
takes_an_end_without_a_word_for_a_hang_up(void **state)
{
	struct world *w = *state;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	send_all(w, "last", 4);
	close(w->fd);
	w->fd = -1;
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->got.len, 4);
	assert_true(w->ended);
	assert_int_equal(w->lost, 0);
	assert_null(stream_tls_fault(w->stream));
}

static void
loses_who_speaks_no_tls(void **state)
{
	static const char hello[] = "GET / HTTP/1.1\r\n\r\n";
	struct world *w = *state;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_int_equal(write(w->fd, hello, sizeof(hello)), sizeof(hello));
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->lost, EPROTO);
	assert_string_equal(stream_tls_fault(w->stream), "http request");
	hang_up(w);

	/* and who leaves before the end of the handshake */
	meet(w, NULL);
	(void)SSL_do_handshake(w->ssl);
	close(w->fd);
	w->fd = -1;
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_true(w->lost != 0);
	assert_false(w->ended);
}

/* Bytes that no key of ours opens. */
static void
loses_who_breaks_a_record(void **state)
{
	static const uint8_t record[] = { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7,
		8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	struct world *w = *state;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	send_all(w, "x", 1);
	assert_int_equal(write(w->fd, record, sizeof(record)), sizeof(record));
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->lost, EPROTO);
	assert_non_null(stream_tls_fault(w->stream));
}

/* A peer may ask for new keys as often as it reads the answers. */
static void
bounds_what_is_owed_to_a_peer(void **state)
{
	struct world *w = *state;
	size_t most = 0;
	int i;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	for (i = 0; i < TURNS && w->lost == 0; i++) {
		assert_int_equal(SSL_key_update(w->ssl,
				     SSL_KEY_UPDATE_REQUESTED),
		    1);
		(void)SSL_do_handshake(w->ssl);
		turn(w);
		if (stream_queued(w->stream) > most)
			most = stream_queued(w->stream);
	}
	assert_int_equal(w->lost, EMSGSIZE);
	assert_true(most < 128 * 1024);
}

static void
takes_new_keys(void **state)
{
	struct world *w = *state;
	uint8_t back[8];
	int end;

	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	assert_int_equal(SSL_key_update(w->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	send_all(w, "new", 3);
	await_bytes(w, 3);
	stream_write(w->stream, "keys", 4);
	assert_int_equal(receive(w, back, 4, &end), 4);
	assert_memory_equal(back, "keys", 4);
}

/* ------------------------------------------------- contexts */

static const char *
shown_name(struct world *w, const char *name, char *out, size_t room)
{
	GENERAL_NAMES *names;
	X509 *x;

	meet(w, name);
	assert_true(shake(w));
	x = SSL_get1_peer_certificate(w->ssl);
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	(void)snprintf(out, room, "%s",
	    ASN1_STRING_get0_data(sk_GENERAL_NAME_value(names, 0)->d.dNSName));
	GENERAL_NAMES_free(names);
	X509_free(x);
	hang_up(w);
	return out;
}

static void
chooses_by_name(void **state)
{
	static const struct {
		const char *name, *shown;
	} rows[] = {
		{ NULL, "first.example" },
		{ "unknown.example", "first.example" },
		{ "first.example", "first.example" },
		{ "second.example", "second.example" },
		{ "SECOND.Example", "second.example" },
		{ "other.example", "second.example" },
		{ "a.wild.example", "*.wild.example" },
		{ "exact.wild.example", "exact.wild.example" },
		{ "wild.example", "first.example" },
		{ "a.b.wild.example", "first.example" },
	};
	struct world *w = *state;
	struct files f;
	char shown[64];

	files_init(&f);
	add_pair(&f, 0, "DNS:first.example");
	add_pair(&f, 1, "DNS:second.example,DNS:other.example");
	add_pair(&f, 2, "DNS:*.wild.example");
	add_pair(&f, 3, "DNS:exact.wild.example");
	use(w, &f);
	for (size_t i = 0; i < nitems(rows); i++)
		assert_string_equal(shown_name(w, rows[i].name, shown,
					sizeof(shown)),
		    rows[i].shown);
}

static void
speaks_http11_alone(void **state)
{
	static const struct {
		const char *offered;
		size_t len;
		bool taken;
	} rows[] = {
		{ "\x08http/1.1", 9, true },
		{ "\x02h2\x08http/1.1", 12, true },
		{ "\x02h2", 3, false },
		{ "\x02h2\x08http/1.0", 12, false },
	};
	struct world *w = *state;

	use_one(w, "DNS:localhost");
	for (size_t i = 0; i < nitems(rows); i++) {
		const uint8_t *chosen = NULL;
		unsigned len = 0;

		meet(w, NULL);
		assert_int_equal(SSL_set_alpn_protos(w->ssl,
				     (const uint8_t *)rows[i].offered,
				     (unsigned)rows[i].len),
		    0);
		assert_int_equal(shake(w), rows[i].taken);
		SSL_get0_alpn_selected(w->ssl, &chosen, &len);
		if (rows[i].taken) {
			assert_int_equal(len, 8);
			assert_memory_equal(chosen, "http/1.1", 8);
		} else {
			assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
			    SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
			assert_int_equal(w->lost, EPROTO);
		}
		ERR_clear_error();
		hang_up(w);
	}
}

/* Whether a session of the client is resumed; it gets a new one. */
static bool
resumes(struct world *w)
{
	uint8_t byte;
	bool reused;
	int end;

	meet(w, NULL);
	if (w->session != NULL)
		assert_int_equal(SSL_set_session(w->ssl, w->session), 1);
	assert_true(shake(w));
	reused = SSL_session_reused(w->ssl);
	stream_write(w->stream, "x", 1);
	assert_int_equal(receive(w, &byte, 1, &end), 1); /* tickets before it */
	(void)SSL_shutdown(w->ssl); /* else it counts as broken off */
	SSL_SESSION_free(w->session);
	w->session = SSL_get1_session(w->ssl);
	hang_up(w);
	return reused;
}

static void
resumes_by_the_keys_that_are_shared(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	uint8_t keys[2][2 * IPC_TICKET_KEY];
	struct world *w = *state;
	struct tls *other = tls_new(&w->conf), *first = w->tls;

	for (size_t i = 0; i < sizeof(keys[0]); i++) {
		keys[0][i] = (uint8_t)(i + 1);
		keys[1][i] = (uint8_t)(i + 101);
	}
	use_one(w, "DNS:localhost");
	w->tls = other; /* another engine */
	use_one(w, "DNS:localhost");
	for (size_t i = 0; i < nitems(versions); i++) {
		SSL_CTX_set_max_proto_version(w->client, versions[i]);
		SSL_SESSION_free(w->session);
		w->session = NULL;
		w->tls = first;
		tls_set_tickets(first, keys[0], IPC_TICKET_KEY);
		tls_set_tickets(other, keys[0], IPC_TICKET_KEY);
		assert_false(resumes(w));
		assert_true(resumes(w));
		w->tls = other;
		assert_true(resumes(w));
		/* the key has become the one before the newest */
		memcpy(keys[1] + IPC_TICKET_KEY, keys[0], IPC_TICKET_KEY);
		tls_set_tickets(other, keys[1], 2 * IPC_TICKET_KEY);
		assert_true(resumes(w));
		/* and is gone, but its sessions were given newer tickets */
		tls_set_tickets(other, keys[1], IPC_TICKET_KEY);
		assert_true(resumes(w));
		w->tls = first;
		assert_false(resumes(w));
	}
	tls_free(other);
}

struct client_case {
	const char *name;
	bool optional;
	enum { NO_CERT, GOOD, EXPIRED, STRANGER } shows;
	bool let_in;
	const char *verify;
};

static bool
has_var(const struct buf *vars, const char *var)
{
	for (size_t at = 0; at < vars->len;
	     at += strlen((const char *)vars->data + at) + 1)
		if (strncmp((const char *)vars->data + at, var, strlen(var)) ==
		    0)
			return true;
	return false;
}

static void
show_certificate(struct world *w, X509 *x, EVP_PKEY *key)
{
	assert_int_equal(SSL_use_certificate(w->ssl, x), 1);
	assert_int_equal(SSL_use_PrivateKey(w->ssl, key), 1);
}

static void
check_client(struct world *w, const struct client_case *c, X509 *x,
    EVP_PKEY *key)
{
	struct buf vars;
	uint8_t byte;
	int end;
	bool in;

	buf_init(&vars, 65536);
	meet(w, NULL);
	if (x != NULL)
		show_certificate(w, x, key);
	in = shake(w);
	if (in) { /* under 1.3 the client hears of a refusal only now */
		stream_write(w->stream, "x", 1);
		in = receive(w, &byte, 1, &end) == 1;
	}
	if (in != c->let_in)
		fail_msg("%s: let in: %d", c->name, in);
	if (!in)
		assert_int_equal(w->lost, EPROTO);
	if (in) {
		assert_true(tls_put_vars(stream_tls(w->stream), &vars));
		if (!has_var(&vars, c->verify))
			fail_msg("%s: no %s", c->name, c->verify);
		assert_int_equal(has_var(&vars, "SSL_CLIENT_FINGERPRINT="),
		    c->shows != NO_CERT);
		assert_int_equal(has_var(&vars, "SSL_CLIENT_S_DN=CN=client"),
		    c->shows == GOOD);
		assert_int_equal(has_var(&vars, "SSL_CLIENT_I_DN=CN=ca"),
		    c->shows == GOOD);
		assert_int_equal(has_var(&vars, "SSL_CLIENT_M_SERIAL=10"),
		    c->shows == GOOD);
		assert_true(has_var(&vars, "SSL_PROTOCOL=TLSv1.3"));
	}
	buf_clear(&vars);
	hang_up(w);
	ERR_clear_error();
}

static void
judges_clients(void **state)
{
	static const struct client_case cases[] = {
		{ "none", false, NO_CERT, false, NULL },
		{ "good", false, GOOD, true, "SSL_CLIENT_VERIFY=SUCCESS" },
		{ "expired", false, EXPIRED, false, NULL },
		{ "stranger", false, STRANGER, false, NULL },
		{ "none, optional", true, NO_CERT, true,
		    "SSL_CLIENT_VERIFY=NONE" },
		{ "good, optional", true, GOOD, true,
		    "SSL_CLIENT_VERIFY=SUCCESS" },
		{ "expired, optional", true, EXPIRED, true,
		    "SSL_CLIENT_VERIFY=FAILED:certificate has expired" },
		{ "stranger, optional", true, STRANGER, true,
		    "SSL_CLIENT_VERIFY=FAILED:self-signed certificate" },
	};
	struct world *w = *state;
	EVP_PKEY *ca_key = new_key(), *key = new_key();
	X509 *ca = new_cert(ca_key,
	    &(struct wanted){ .name = "ca", .from = -DAY, .until = DAY });
	struct wanted want = { .name = "client",
		.names = "DNS:client",
		.issuer = ca,
		.issuer_key = ca_key,
		.from = -DAY,
		.until = DAY };
	X509 *x[4] = { NULL };
	struct files f;

	x[GOOD] = new_cert(key, &want);
	want.until = -1;
	x[EXPIRED] = new_cert(key, &want);
	x[STRANGER] = cert_for(key, "DNS:stranger");
	for (size_t i = 0; i < nitems(cases); i++) {
		w->conf.ssl_verify = cases[i].optional ? CONF_VERIFY_OPTIONAL
						       : CONF_VERIFY_REQUIRED;
		files_init(&f);
		add_pair(&f, 0, "DNS:localhost");
		add_cert(&f, IPC_FILE_CA, 0, ca);
		use(w, &f);
		check_client(w, &cases[i], x[cases[i].shows], key);
	}
	for (size_t i = 0; i < nitems(x); i++)
		X509_free(x[i]);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

/* Whose certificate has expired shows it each time. */
static void
resumes_no_further_than_a_certificate(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	uint8_t keys[IPC_TICKET_KEY] = { 1 };
	struct world *w = *state;
	EVP_PKEY *key = new_key();
	struct wanted want = { .name = "ca", .from = -DAY, .until = DAY };
	X509 *ca = new_cert(key, &want), *x;
	struct files f;

	w->conf.ssl_verify = CONF_VERIFY_OPTIONAL;
	tls_set_tickets(w->tls, keys, sizeof(keys));
	files_init(&f);
	add_pair(&f, 0, "DNS:localhost");
	add_cert(&f, IPC_FILE_CA, 0, ca);
	use(w, &f);
	want = (struct wanted){ .name = "client",
		.names = "DNS:client",
		.issuer = ca,
		.issuer_key = key,
		.from = -DAY };
	for (size_t i = 0; i < 2 * nitems(versions); i++) {
		bool lasts = i % 2;

		want.until = lasts ? DAY : -1;
		x = new_cert(key, &want);
		SSL_CTX_use_certificate(w->client, x);
		SSL_CTX_use_PrivateKey(w->client, key);
		SSL_CTX_set_max_proto_version(w->client, versions[i / 2]);
		SSL_SESSION_free(w->session);
		w->session = NULL;
		assert_false(resumes(w));
		assert_int_equal(resumes(w), lasts);
		X509_free(x);
	}
	X509_free(ca);
	EVP_PKEY_free(key);
}

/* ------------------------------------------------- verdicts */

static void
assert_verdict(struct world *w, struct files *f, bool good,
    enum ipc_file_kind kind, unsigned index, const char *why)
{
	struct ipc_verdict v;
	struct tls_set *set =
	    tls_set_new(w->tls, f->bytes.data, f->bytes.len, &v);

	assert_int_equal(v.good, good);
	assert_int_equal(set != NULL, good);
	assert_int_equal(v.kind, kind);
	assert_int_equal(v.index, index);
	assert_int_equal(v.why_len, strlen(why));
	assert_memory_equal(v.why, why, v.why_len);
	tls_set_free(set);
	buf_clear(&f->bytes);
}

static void
refuses_keys_that_do_not_fit(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = new_key(), *other = new_key();
	X509 *x = cert_for(key, "DNS:localhost");
	struct files f;

	files_init(&f);
	add_pair(&f, 0, "DNS:localhost");
	add_cert(&f, IPC_FILE_CERT, 1, x);
	add_key(&f, 1, other, NULL);
	assert_verdict(w, &f, false, IPC_FILE_KEY, 1,
	    "the key is not that of the certificate");
	add_cert(&f, IPC_FILE_CERT, 0, x);
	add_key(&f, 0, key, "secret");
	assert_verdict(w, &f, false, IPC_FILE_KEY, 0,
	    "the key is encrypted, and nobody is there to be asked for its "
	    "password");
	add_cert(&f, IPC_FILE_CERT, 0, x);
	add_cert(&f, IPC_FILE_KEY, 0, x);
	assert_verdict(w, &f, false, IPC_FILE_KEY, 0, "no private key in PEM");
	X509_free(x);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void
judges_files(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = new_key();
	X509 *old = new_cert(key,
	    &(struct wanted){ .name = "old",
		.names = "DNS:old",
		.from = -DAY,
		.until = -1 });
	struct files f;

	files_init(&f);
	add_file(&f, IPC_FILE_CERT, 0, "nonsense", 8);
	assert_verdict(w, &f, false, IPC_FILE_CERT, 0, "no certificate in PEM");
	add_pair(&f, 0, "DNS:localhost");
	add_file(&f, IPC_FILE_CA, 0, "nonsense", 8);
	assert_verdict(w, &f, false, IPC_FILE_CA, 0, "no certificate in PEM");
	add_pair(&f, 0, "DNS:localhost");
	add_file(&f, IPC_FILE_OCSP, 0, "nonsense", 8);
	assert_verdict(w, &f, false, IPC_FILE_OCSP, 0,
	    "no OCSP response in DER");
	add_cert(&f, IPC_FILE_CERT, 0, old);
	add_key(&f, 0, key, NULL);
	assert_verdict(w, &f, true, IPC_FILE_CERT, 0,
	    "the certificate has expired");
	add_cert(&f, IPC_FILE_CERT, 0, old);
	assert_verdict(w, &f, false, IPC_FILE_NONE, 0, "no set of files");
	add_pair(&f, 1, "DNS:localhost");
	assert_verdict(w, &f, false, IPC_FILE_NONE, 0, "no set of files");
	assert_verdict(w, &f, false, IPC_FILE_NONE, 0, "no set of files");
	add_pair(&f, 0, "DNS:localhost");
	f.bytes.len--;
	assert_verdict(w, &f, false, IPC_FILE_NONE, 0, "no set of files");
	X509_free(old);
	EVP_PKEY_free(key);
}

static void
judges_ciphers(void **state)
{
	static char none[] = "NO-SUCH", old[] = "AES128-SHA",
		    both[] =
			"TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256";
	struct world *w = *state;
	struct files f;

	files_init(&f);
	w->conf.tls_ciphers = none;
	add_pair(&f, 0, "DNS:localhost");
	assert_verdict(w, &f, false, IPC_FILE_NONE, 0,
	    "--tls-ciphers names no cipher that can be used");
	w->conf.tls_ciphers = both;
	use_one(w, "DNS:localhost");
	meet(w, NULL);
	assert_true(shake(w));
	assert_string_equal(SSL_get_cipher_name(w->ssl),
	    "TLS_AES_128_GCM_SHA256");
	hang_up(w);
	w->conf.tls_ciphers = old;
	use_one(w, "DNS:localhost");
	SSL_CTX_set_max_proto_version(w->client, TLS1_2_VERSION);
	meet(w, NULL);
	assert_false(shake(w)); /* it is for RSA keys alone */
	w->conf.tls_ciphers = NULL;
	ERR_clear_error();
}

/* Connections outlive the set that they began with. */
static void
changes_sets_under_connections(void **state)
{
	struct world *w = *state;
	uint8_t byte;
	int end;

	use_one(w, "DNS:one");
	meet(w, "one");
	turn(w);
	use_one(w, "DNS:two"); /* in the middle of the handshake */
	assert_true(shake(w));
	use_one(w, "DNS:three");
	stream_write(w->stream, "x", 1);
	assert_int_equal(receive(w, &byte, 1, &end), 1);
	send_all(w, "y", 1);
	await_bytes(w, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(carries_bytes_both_ways),
		TEST(takes_records_in_any_pieces),
		TEST(joins_small_pieces_into_few_records),
		TEST(keeps_what_comes_while_paused),
		TEST(writes_early_bytes_behind_the_handshake),
		TEST(takes_an_end_without_a_word_for_a_hang_up),
		TEST(loses_who_speaks_no_tls),
		TEST(loses_who_breaks_a_record),
		TEST(bounds_what_is_owed_to_a_peer),
		TEST(takes_new_keys),
		TEST(chooses_by_name),
		TEST(speaks_http11_alone),
		TEST(resumes_by_the_keys_that_are_shared),
		TEST(judges_clients),
		TEST(resumes_no_further_than_a_certificate),
		TEST(refuses_keys_that_do_not_fit),
		TEST(judges_files),
		TEST(judges_ciphers),
		TEST(changes_sets_under_connections),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
