/*
 * TLS in the client's role: flow/tls_client.c and a stream on one end of a
 * socketpair, OpenSSL's own server on the other.
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
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/base.h"
#include "base/buf.h"
#include "flow/flow.h"
#include "flow/stream.h"
#include "flow/tls_client.h"
#include "flow/tls_words.h"

enum { TURNS = 10000, DAY = 24 * 3600 };

struct world {
	struct event_base *base;
	struct flow flow;
	SSL_CTX *server;
	char pin[TLS_FINGERPRINT_SIZE];
	struct tls_client *client;
	struct stream *stream;
	SSL *ssl; /* of the server */
	int fd;   /* its end */
	struct buf got;
	int lost;
};

static void
on_read(void *owner, uint8_t *data, size_t len)
{
	struct world *w = owner;

	assert_true(buf_add(&w->got, data, len));
}

static void
on_end(void *owner)
{
	(void)owner;
}

static void
on_lost(void *owner, int err)
{
	struct world *w = owner;

	w->lost = err;
}

static const struct stream_ops ops = {
	.on_read = on_read,
	.on_end = on_end,
	.on_lost = on_lost,
};

/* One that nobody has signed, for so many seconds. */
static void
add_certificate(struct world *w, long seconds)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	assert_true(key != NULL && x != NULL && name != NULL);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const uint8_t *)"nobody", -1, -1, 0),
	    1);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(X509_set_subject_name(x, name), 1);
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -DAY));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), seconds));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_cert_and_key(w->server, x, key, NULL, 1),
	    1);
	tls_fingerprint(x, w->pin);
	X509_NAME_free(name);
	X509_free(x);
	EVP_PKEY_free(key);
}

static struct tls_client *
believing(const char *pin)
{
	char *why = NULL;
	struct tls_client *t =
	    tls_client_new(&(struct tls_client_conf){ .pin = &pin, .npins = 1 },
		&why);

	if (t == NULL)
		fail_msg("%s", why);
	return t;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->base = event_base_new()) == NULL)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	flow_init(&w->flow, w->base);
	w->server = SSL_CTX_new(TLS_server_method());
	add_certificate(w, DAY);
	w->client = believing(w->pin);
	w->fd = -1;
	buf_init(&w->got, 65536);
	*state = w;
	return 0;
}

static void
hang_up(struct world *w)
{
	stream_free(w->stream);
	w->stream = NULL;
	/* One that ended without a word is not resumed. */
	if (w->ssl != NULL)
		SSL_set_shutdown(w->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(w->ssl);
	w->ssl = NULL;
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	buf_clear(&w->got);
	w->lost = 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	hang_up(w);
	tls_client_free(w->client);
	SSL_CTX_free(w->server);
	flow_clear(&w->flow);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* A plain connection. */
static void
meet(struct world *w)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	w->stream = stream_new(&w->flow, STREAM_SOCKET, fd[0], 0);
	stream_set_owner(w->stream, &ops, w);
	w->fd = fd[1];
}

/* And under TLS; the server's half is made. */
static void
begin(struct world *w, const char *host)
{
	stream_start_tls(w->stream, tls_client_open(w->client, host));
	w->ssl = SSL_new(w->server);
	assert_int_equal(SSL_set_fd(w->ssl, w->fd), 1);
	SSL_set_accept_state(w->ssl);
}

static void
turn(struct world *w)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* Whether both sides think that it is up. */
static bool
shake(struct world *w)
{
	int rc = 0;

	for (int i = 0; i < TURNS && w->lost == 0; i++) {
		if (rc != 1)
			rc = SSL_do_handshake(w->ssl);
		turn(w);
		if (rc == 1 && stream_tls_up(w->stream))
			return true;
	}
	return false;
}

static void
send_and_await(struct world *w, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(SSL_write(w->ssl, text, (int)len), (int)len);
	for (int i = 0; i < TURNS && w->got.len < len; i++)
		turn(w);
	assert_int_equal(w->got.len, len);
	assert_memory_equal(w->got.data, text, len);
}

static void
call(struct world *w, const char *host)
{
	meet(w);
	begin(w, host);
	assert_true(shake(w));
	send_and_await(w, "hello");
}

/* What is written before the handshake is over waits for it. */
static void
carries_bytes_both_ways(void **state)
{
	struct world *w = *state;
	char text[16];

	meet(w);
	begin(w, "host.example");
	stream_write(w->stream, "early", 5);
	assert_true(shake(w));
	for (int i = 0; i < TURNS && SSL_pending(w->ssl) == 0 &&
	     SSL_peek(w->ssl, text, 1) != 1;
	     i++)
		turn(w);
	assert_int_equal(SSL_read(w->ssl, text, sizeof(text)), 5);
	assert_memory_equal(text, "early", 5);
	send_and_await(w, "answer");
}

/* As behind a proxy. */
static void
begins_behind_plain_bytes(void **state)
{
	struct world *w = *state;
	char text[16];

	meet(w);
	stream_write(w->stream, "open", 4);
	assert_int_equal(read(w->fd, text, sizeof(text)), 4);
	assert_int_equal(write(w->fd, "opened", 6), 6);
	for (int i = 0; i < TURNS && w->got.len < 6; i++)
		turn(w);
	assert_memory_equal(w->got.data, "opened", 6);
	buf_clear(&w->got);
	stream_pause(w->stream);
	begin(w, "host.example");
	assert_true(shake(w));
	stream_resume(w->stream);
	send_and_await(w, "hello");
}

static void
believes_nobody_else(void **state)
{
	static const char other[] = "0123456789abcdef0123456789abcdef"
				    "0123456789abcdef0123456789abcdef";
	struct world *w = *state;

	tls_client_free(w->client);
	w->client = believing(other);
	meet(w);
	begin(w, "host.example");
	assert_false(shake(w));
	assert_int_equal(w->lost, EPROTO);
	assert_non_null(
	    strstr(tls_client_doubt(stream_tls(w->stream)), w->pin));
}

static void
resumes_with_the_same_host_alone(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct world *w = *state;

	for (size_t i = 0; i < nitems(versions); i++) {
		SSL_CTX_set_max_proto_version(w->server, versions[i]);
		call(w, "one.example");
		assert_false(SSL_session_reused(w->ssl));
		hang_up(w);
		call(w, "one.example");
		assert_true(SSL_session_reused(w->ssl));
		hang_up(w);
		call(w, "two.example");
		assert_false(SSL_session_reused(w->ssl));
		hang_up(w);
	}
}

/* It was not asked for its age, but it is too old to go on without it. */
static void
resumes_no_longer_than_the_certificate(void **state)
{
	struct world *w = *state;

	add_certificate(w, -1);
	tls_client_free(w->client);
	w->client = believing(w->pin);
	for (int i = 0; i < 2; i++) {
		call(w, "one.example");
		assert_false(SSL_session_reused(w->ssl));
		hang_up(w);
	}
}

static void
names_the_host(void **state)
{
	static const struct {
		const char *host;
		const char *name; /* NULL: none */
	} rows[] = {
		{ "a.example", "a.example" },
		{ "a.example.", "a.example" },
		{ "192.0.2.1", NULL },
		{ "2001:db8::1", NULL },
		{ "fe80::1%eth0", NULL },
	};
	struct world *w = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		const char *name;

		call(w, rows[i].host);
		name = SSL_get_servername(w->ssl, TLSEXT_NAMETYPE_host_name);
		if (rows[i].name == NULL)
			assert_null(name);
		else
			assert_string_equal(name, rows[i].name);
		hang_up(w);
	}
}

static void
sees_what_there_is(void **state)
{
	struct world *w = *state;
	struct tls_seen seen;

	SSL_CTX_set_max_proto_version(w->server, TLS1_3_VERSION);
	call(w, "host.example");
	tls_words_seen(stream_tls(w->stream), &seen);
	assert_non_null(strstr(seen.version, "TLSv1.3, TLS_"));
	assert_string_equal(seen.subject, "CN = nobody");
	assert_string_equal(seen.issuer, "CN = nobody");
	assert_string_equal(seen.fingerprint, w->pin);
	assert_non_null(strstr(seen.expires, " UTC"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(carries_bytes_both_ways),
		TEST(begins_behind_plain_bytes),
		TEST(believes_nobody_else),
		TEST(resumes_with_the_same_host_alone),
		TEST(resumes_no_longer_than_the_certificate),
		TEST(names_the_host),
		TEST(sees_what_there_is),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
