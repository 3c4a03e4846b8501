/*
 * One listener as people write it: how clients speak there, and where it is.
 *
 *   [proxy:][tls:|auto:]WHERE
 *
 *   ADDRESS:PORT   127.0.0.1:80, [::1]:80, localhost:80; *:80 is every address
 *   unix:PATH      a Unix socket
 *   fd:NAME        sockets that were left open for us, by the name in
 *                  LISTEN_FDNAMES, or by number
 *
 * Prefixes come in any order, each once; tls: and auto: exclude each other.
 *
 * Pure.
 */
#ifndef CONF_LISTEN_SPEC_H
#define CONF_LISTEN_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum listen_kind { LISTEN_TCP, LISTEN_UNIX, LISTEN_FD };

enum listen_tls {
	LISTEN_PLAIN,
	LISTEN_TLS,
	LISTEN_AUTO, /* whichever the client's first byte shows */
};

struct listen_spec {
	enum listen_kind kind;
	enum listen_tls tls;
	bool proxy;        /* a PROXY header comes first */
	const char *where; /* borrowed: host without brackets, path or name */
	size_t where_len;
	unsigned port; /* of LISTEN_TCP; 0: any */
};

/* Take a text apart (borrowed, *spec points into it); false if it is none. */
bool listen_spec_read(struct listen_spec *spec, const char *text);

/* For the option table: gives the text with its prefixes in order, or NULL. */
char *listen_spec_item(const char *text);

#endif
