/*
 * The bytes of one connection for load.c and floor.c: as they are, or, where
 * WITH_TLS is defined, through OpenSSL on the socket itself: SSL_read and
 * SSL_write, and nothing else.
 *
 * Results are those of recv(2) and send(2) on a non-blocking socket. Whoever
 * is told by epoll that there is something to read takes all of it: TLS may
 * hold more than one call gives.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef WITH_TLS

#include <openssl/ssl.h>
#include <poll.h>

static SSL_CTX *wire_ctx;

/* A server's if there is a file with certificate and key. */
static bool
wire_init(const char *pem)
{
	wire_ctx = SSL_CTX_new(
	    pem != NULL ? TLS_server_method() : TLS_client_method());
	if (wire_ctx == NULL)
		return false;
	SSL_CTX_set_mode(wire_ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(wire_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	return pem == NULL ||
	    (SSL_CTX_use_certificate_chain_file(wire_ctx, pem) == 1 &&
		SSL_CTX_use_PrivateKey_file(wire_ctx, pem, SSL_FILETYPE_PEM) ==
		    1);
}

static bool
wire_open(void **wire, int fd)
{
	SSL *ssl = SSL_new(wire_ctx);

	*wire = ssl;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		return false;
	if (SSL_is_server(ssl))
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return true;
}

/* The handshake of a client, waited for. */
static bool
wire_greet(void *wire, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (SSL_do_handshake(wire) != 1)
		if (SSL_want(wire) != SSL_READING || poll(&pfd, 1, 5000) != 1)
			return false;
	return true;
}

static void
wire_close(void **wire)
{
	SSL_free(*wire);
	*wire = NULL;
}

static ssize_t
wire_result(SSL *ssl, int rc)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	default:
		errno = EPROTO;
		return -1;
	}
}

static ssize_t
wire_recv(void *wire, int fd, void *p, size_t n)
{
	size_t got = 0;
	int rc;

	(void)fd;
	do {
		rc = SSL_read(wire, (uint8_t *)p + got, (int)(n - got));
		got += rc > 0 ? (size_t)rc : 0;
	} while (rc > 0 && got < n);
	return got > 0 ? (ssize_t)got : wire_result(wire, rc);
}

static ssize_t
wire_send(void *wire, int fd, const void *p, size_t n)
{
	size_t done = 0;
	int rc;

	(void)fd;
	do {
		rc =
		    SSL_write(wire, (const uint8_t *)p + done, (int)(n - done));
		done += rc > 0 ? (size_t)rc : 0;
	} while (rc > 0 && done < n);
	return done > 0 ? (ssize_t)done : wire_result(wire, rc);
}

/* Bytes that epoll knows nothing of. */
static bool
wire_holds(void *wire)
{
	return SSL_pending(wire) > 0;
}

#else

static bool
wire_init(const char *pem)
{
	return pem == NULL;
}

static bool
wire_open(void **wire, int fd)
{
	(void)fd;
	*wire = NULL;
	return true;
}

static bool
wire_greet(void *wire, int fd)
{
	(void)wire;
	(void)fd;
	return true;
}

static void
wire_close(void **wire)
{
	(void)wire;
}

static ssize_t
wire_recv(void *wire, int fd, void *p, size_t n)
{
	(void)wire;
	return recv(fd, p, n, 0);
}

static ssize_t
wire_send(void *wire, int fd, const void *p, size_t n)
{
	(void)wire;
	return send(fd, p, n, MSG_NOSIGNAL);
}

static bool
wire_holds(void *wire)
{
	(void)wire;
	return false;
}

#endif

#endif
