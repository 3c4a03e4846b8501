/*
 * SOCKS5 (RFC 1928) on the side that asks for a connection, with user and
 * password (RFC 1929). Names are handed to the proxy as they are: it looks them
 * up.
 *
 * Pure: bytes in, bytes to be sent out.
 */
#ifndef CODEC_SOCKS5_H
#define CODEC_SOCKS5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authority;
struct buf;

/* Zero asks for more, positive is the end of it, negative is so in bad terms. */
enum socks5_result {
	SOCKS5_MORE = 0,
	SOCKS5_THROUGH = 1,     /* what follows is the server's */
	SOCKS5_ERR_LONG = -1,   /* host, user or password has over 255 bytes */
	SOCKS5_ERR_OTHER = -2,  /* an answer of something else */
	SOCKS5_ERR_METHOD = -3, /* it wants a proof that we do not have */
	SOCKS5_ERR_USER = -4,   /* it does not believe user and password */
	/* What it says itself (RFC 1928, section 6). */
	SOCKS5_ERR_FAILED = -5,
	SOCKS5_ERR_RULES = -6,
	SOCKS5_ERR_NETWORK = -7,
	SOCKS5_ERR_HOST = -8,
	SOCKS5_ERR_REFUSED = -9,
	SOCKS5_ERR_TTL = -10,
	SOCKS5_ERR_COMMAND = -11,
	SOCKS5_ERR_ADDRESS = -12,
};

enum { SOCKS5_ANSWER_MAX = 4 + 1 + 255 + 2 };

struct socks5 {
	const struct authority *to; /* kept: where to; the port is set */
	const struct authority *as; /* kept: as whom */
	uint8_t state;
	size_t have, need; /* bytes of the answer that is awaited */
	uint8_t answer[SOCKS5_ANSWER_MAX];
};

/*
 * Append the first thing to be sent. False: it does not fit. Keeps both, of
 * which `as` may have no user.
 */
bool socks5_begin(struct socks5 *, const struct authority *to,
    const struct authority *as, struct buf *out);

/*
 * Read in[0..len) (borrowed) as far as it belongs to the proxy: *used are the
 * bytes consumed. What is to be sent next, perhaps a password, is appended.
 */
enum socks5_result socks5_read(struct socks5 *, const uint8_t *in, size_t len,
    size_t *used, struct buf *out);

/* A clause for a sentence about the proxy, never NULL. */
const char *socks5_strresult(enum socks5_result);

#endif
