/*
 * One TLS connection as a filter: bytes of the wire on one side, bytes of the
 * owner on the other. It has no descriptor and waits for nothing. OpenSSL reads
 * from what it is given here and writes behind flow->wire, so that all records
 * that one call makes leave in one write, and nothing that could be decrypted
 * ever stays behind: what is kept is less than a record.
 */
#ifndef FLOW_SEAL_H
#define FLOW_SEAL_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct seal;
struct ssl_st;

/*
 * Takes ssl, on which nothing was said yet; its context says which side we are.
 * Keeps flow.
 */
struct seal *seal_new(struct flow *, struct ssl_st *ssl);
void seal_free(struct seal *); /* NULL is accepted */

/* A client has the first word: it begins without having received anything. */
bool seal_is_client(const struct seal *);

/*
 * Whether these are the first bytes for a server, and text, with which nothing
 * of TLS begins. OpenSSL must not have seen them.
 */
bool seal_is_text(const struct seal *, const uint8_t *in, size_t len);

enum seal_result {
	SEAL_MORE = 0,    /* all was taken; wait for more */
	SEAL_UP = 1,      /* the handshake is complete */
	SEAL_END = 2,     /* the peer said that nothing follows */
	SEAL_BROKEN = -1, /* seal_fault() says why */
};

/*
 * Go on with the handshake. SEAL_UP, SEAL_MORE or SEAL_BROKEN; *used is how
 * many of the bytes (borrowed) belonged to it.
 */
enum seal_result seal_shake(struct seal *, const uint8_t *in, size_t len,
    size_t *used);
bool seal_is_up(const struct seal *);

/*
 * Decrypt all of in (borrowed) to out, which has room for SEAL_ROOM bytes more
 * than len. *n bytes were written, whatever the result. Never SEAL_UP.
 */
enum { SEAL_ROOM = 17 * 1024 };
enum seal_result seal_read(struct seal *, const uint8_t *in, size_t len,
    uint8_t *out, size_t *n);

/* Whether the peer said that nothing follows: then nothing may be read. */
bool seal_has_ended(const struct seal *);

/* The pieces that are left of a write (borrowed). */
struct seal_pieces {
	const struct iovec *iov;
	size_t n;
	size_t off; /* into the first */
};

/*
 * Encrypt a part of them: small pieces put together into one record, or whole
 * records of a large one. SEAL_MORE: call again; SEAL_END: none are left.
 */
enum seal_result seal_write(struct seal *, struct seal_pieces *);

/* Say that nothing follows from us; once, whatever the number of calls. */
void seal_end(struct seal *);

/* What broke it, static; NULL: nothing. */
const char *seal_fault(const struct seal *);

struct ssl_st *seal_ssl(const struct seal *); /* borrowed */

#endif
