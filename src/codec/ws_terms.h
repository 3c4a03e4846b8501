/*
 * The terms on which messages are compressed: permessage-deflate (RFC 7692,
 * section 7.1), as the opening handshake settles it.
 *
 * Pure: fields of a head in, terms and a text out. A client offers, a server
 * chooses and answers, the client judges the answer.
 */
#ifndef CODEC_WS_TERMS_H
#define CODEC_WS_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http1_head;

enum {
	WS_TERMS_BITS_MIN = 8,
	WS_TERMS_ASK_MIN = 9, /* that others can be asked for */
	WS_TERMS_BITS_MAX = 15,
	WS_TERMS_TEXT = 160, /* holds any offer and any answer */
};

/* How one side compresses what it sends. */
struct ws_terms_side {
	bool takeover; /* a message may refer to those before it */
	uint8_t bits;  /* of how far back it may refer: 8 to 15 */
};

/* What is wanted, as an upper limit, or what was agreed on. */
struct ws_terms {
	struct ws_terms_side server, client;
};

/* Zero is no compression; negative ends the handshake. */
enum ws_terms_result {
	WS_TERMS_NONE = 0,
	WS_TERMS_AGREED = 1,
	WS_TERMS_ERR_SYNTAX = -1,  /* not a list of extensions at all */
	WS_TERMS_ERR_FOREIGN = -2, /* an answer that was not asked for */
	WS_TERMS_ERR_ANSWER = -3,  /* one that does not fit our offer */
};

/*
 * The server's side: take the first offer in a request (borrowed) that can be
 * taken. What it asks for is kept, and never more agreed on than is wanted.
 * WS_TERMS_AGREED fills *terms and writes the answer; no answer is sent for
 * anything else. Offers of other extensions and those of which something is
 * unknown, said twice or out of range are passed over.
 */
enum ws_terms_result ws_terms_choose(const struct http1_head *,
    const struct ws_terms *wanted, struct ws_terms *terms,
    char answer[WS_TERMS_TEXT]);

/* The client's side: what to offer, as the value of the field. */
void ws_terms_offer(const struct ws_terms *wanted, char offer[WS_TERMS_TEXT]);

/*
 * Judge the answer to that offer; wanted is NULL if there was none. What may
 * not be answered fails the connection: the two would not understand each other.
 */
enum ws_terms_result ws_terms_judge(const struct http1_head *,
    const struct ws_terms *wanted, struct ws_terms *terms);

const char *ws_terms_strresult(enum ws_terms_result);

#endif
