/*
 * What new TLS connections get: certificates chosen by server name, who may be
 * a client, the keys of session tickets.
 *
 * Certificates and what belongs to them make up a set. A set is made aside, of
 * files that the parent has read, and comes into use as a whole; connections
 * that exist keep what they began with.
 *
 * TLS 1.2 and 1.3; no renegotiation, no compression, no early data; http/1.1 is
 * the only protocol, and a client that offers others alone is refused (RFC
 * 7301, section 3.2). Sessions are resumed from tickets, whose keys all engines
 * share, and never from memory.
 */
#ifndef FLOW_TLS_H
#define FLOW_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct ipc_verdict;
struct ssl_st;
struct tls;
struct tls_set;

/* Nothing to offer yet. Keeps conf: versions, ciphers, the verification. */
struct tls *tls_new(const struct conf *);
void tls_free(struct tls *); /* NULL is accepted */

/*
 * A set of these bytes (borrowed, as ipc_tls.h has them), or NULL; the verdict
 * says why, or what a person should know, in static words.
 */
struct tls_set *tls_set_new(struct tls *, const uint8_t *bytes, size_t len,
    struct ipc_verdict *);
void tls_set_free(struct tls_set *); /* NULL is accepted */

/* From now on new connections use it; takes it, and frees the one before. */
void tls_use(struct tls *, struct tls_set *);

/* Keys of tickets, IPC_TICKET_KEY bytes each, the one for new tickets first. */
void tls_set_tickets(struct tls *, const uint8_t *keys, size_t len);

/* Gives what stream_start_tls() may take; there must be a set. */
struct ssl_st *tls_accept(struct tls *);

/*
 * What OpenSSL has decrypted it wipes once it is read: requests have passwords.
 * That is dear for more than requests, and ends here; NULL is accepted.
 */
void tls_end_wiping(struct ssl_st *);

#endif
