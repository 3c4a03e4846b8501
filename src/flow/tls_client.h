/*
 * TLS on the client's side: whom to believe, and who we are.
 *
 * A server is believed if its certificate leads to an authority that we know
 * and is for the name or address that was called. Where there are pins, it is
 * believed if its certificate, or the key in it, is one of them, whatever else
 * the certificate says. And there is believing anybody.
 *
 * TLS 1.2 and 1.3; http/1.1 is all that is asked for. The latest session is
 * resumed when the same host is called again.
 */
#ifndef FLOW_TLS_CLIENT_H
#define FLOW_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct ssl_st;
struct tls_client;

struct tls_client_conf {
	const char *ca;   /* file of authorities; NULL: the system's */
	const char *cert; /* file of our certificate and chain; NULL: none */
	const char *key;  /* file of its key; NULL: that of the certificate */
	const char *const *pin; /* SHA-256 in small hexadecimal digits */
	size_t npins;
	bool insecure; /* believe anybody */
};

/* Borrows the settings. NULL: no such can be had, an owned sentence in *why. */
struct tls_client *tls_client_new(const struct tls_client_conf *, char **why);
void tls_client_free(struct tls_client *); /* NULL is accepted */

/*
 * Gives what stream_start_tls() may take, for a name or an address as it stands
 * in a URL, without brackets (borrowed). The struct outlives it.
 */
struct ssl_st *tls_client_open(struct tls_client *, const char *host);

/* Why the server was not believed, kept with it; NULL: it was not that. */
const char *tls_client_doubt(const struct ssl_st *);

#endif
