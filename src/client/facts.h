/*
 * What is known about a call, for --verbose, --json and what goes on from
 * there: each step fills in its own part as it comes to it.
 */
#ifndef CLIENT_FACTS_H
#define CLIENT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/ws.h"
#include "codec/ws_terms.h"

enum {
	FACTS_TEXT = 256,            /* cut if it is longer */
	FACTS_ANSWER_MAX = 8 * 1024, /* of a refusal: what is shown of it */
};

struct facts {
	/* clock_ms(); 0: it did not come to that */
	uint64_t began;
	uint64_t connected; /* with all that comes before our request */
	uint64_t opened;    /* the server agreed to WebSocket */
	uint64_t over;

	char host[FACTS_TEXT]; /* who was called, by name */
	char peer[FACTS_TEXT]; /* its address; empty: unknown */

	/* TLS; texts are empty without it */
	char tls[FACTS_TEXT];         /* version and cipher */
	char subject[FACTS_TEXT];     /* of the server's certificate */
	char issuer[FACTS_TEXT];      /* who has signed it */
	char expires[FACTS_TEXT];     /* the end of its time */
	char fingerprint[FACTS_TEXT]; /* its SHA-256, as --pin has it */

	/* the opening handshake */
	unsigned status;      /* of the server's answer; 0: none came */
	char *location;       /* owned: where it sends us; NULL: nowhere */
	struct buf answer;    /* of a refusal, as lines */
	uint64_t retry_after; /* ms until we may come back; 0: not said */
	char protocol[FACTS_TEXT];
	bool v1; /* it is standpipe.v1, and meant */
	char extensions[FACTS_TEXT];
	bool compressed; /* on these: */
	struct ws_terms terms;

	/* the session */
	unsigned code; /* of the first Close; 0: none came */
	char reason[WS_REASON_MAX + 1];
	bool closed_by_us;
	uint64_t sent, sent_bytes; /* messages, and bytes in them */
	uint64_t received, received_bytes;
	uint64_t sent_wire,
	    received_wire; /* of compressed: as they travelled */
};

void facts_init(struct facts *);
void facts_clear(struct facts *);

/*
 * The call begins once more, elsewhere: only the time of its beginning stays.
 */
void facts_begin_again(struct facts *);

/* The address of the peer of a socket, as `peer` has it. */
void facts_set_peer(struct facts *, int fd);

/* Copy len bytes that somebody else wrote, and cut what is too long. */
void facts_set_text(char out[FACTS_TEXT], const char *text, size_t len);

#endif
