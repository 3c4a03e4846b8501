/*
 * The opening handshake of WebSocket (RFC 6455, section 4).
 *
 * Pure: a request head in, a decision and a response head out.
 */
#ifndef CODEC_WS_HELLO_H
#define CODEC_WS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct http1_head;
struct http1_out;

enum {
	WS_HELLO_KEY_LEN = 24,    /* base64 of 16 bytes */
	WS_HELLO_ACCEPT_SIZE = 29 /* base64 of a SHA-1, and a NUL */
};

/* Zero is another kind of request, negative is one to be refused. */
enum ws_hello_result {
	WS_HELLO_NONE = 0,            /* no "Upgrade: websocket" */
	WS_HELLO_OK = 1,              /* *hello is filled */
	WS_HELLO_ERR_METHOD = -1,     /* not GET */
	WS_HELLO_ERR_HTTP = -2,       /* HTTP/1.0 */
	WS_HELLO_ERR_CONNECTION = -3, /* no "Connection: Upgrade" */
	WS_HELLO_ERR_VERSION = -4,    /* Sec-WebSocket-Version is not 13 */
	WS_HELLO_ERR_KEY = -5,        /* not one key of 16 bytes in base64 */
	WS_HELLO_ERR_BODY = -6,       /* a body would follow the head */
};

struct ws_hello {
	const char *key; /* WS_HELLO_KEY_LEN characters inside the head */
};

/* Judge a request head (borrowed). */
enum ws_hello_result ws_hello_read(const struct http1_head *,
    struct ws_hello *);

/*
 * The status to refuse with and why. 405 wants "Allow: GET, HEAD" with it, 426
 * "Sec-WebSocket-Version: 13". WS_HELLO_NONE is 426 too, with
 * "Upgrade: websocket", where nothing but WebSocket is served; WS_HELLO_OK
 * is 101.
 */
unsigned ws_hello_status(enum ws_hello_result);
const char *ws_hello_strresult(enum ws_hello_result);

/* A new Sec-WebSocket-Key of random bytes; out becomes a text. */
void ws_hello_make_key(char out[WS_HELLO_KEY_LEN + 1]);

/* What Sec-WebSocket-Accept answers to a key; out becomes a text. */
void ws_hello_accept(const char key[WS_HELLO_KEY_LEN],
    char out[WS_HELLO_ACCEPT_SIZE]);

enum {
	WS_HELLO_NO_PROTOCOL = -1,  /* none offered, or none in common */
	WS_HELLO_BAD_PROTOCOL = -2, /* the offer is malformed: answer 400 */
};

/*
 * The index in list[0..n) of the first subprotocol that the client offers and
 * the list has (case matters), or one of the two above.
 */
int ws_hello_choose(const struct http1_head *, const char *const *list,
    size_t n);

enum { WS_HELLO_FIELDS_MAX = 65 };

/*
 * Append the 101 response. `protocol` must be one that the client offered and
 * `extensions` an answer to its offer (NULL: none); more[0..n) are other fields,
 * at most WS_HELLO_FIELDS_MAX.
 * False, with the buffer as it was, if it does not fit.
 */
bool ws_hello_put_101(struct buf *, const char *accept, const char *protocol,
    const char *extensions, const struct http1_out *more, size_t n);

/* ------------------------------------------------- the client's side */

struct ws_hello_wish {
	const char *target;           /* path and query */
	const char *host;             /* of the field Host */
	const char *key;              /* of ws_hello_make_key() */
	const char *protocols;        /* with commas between them; NULL: none */
	const char *extensions;       /* NULL: none */
	const struct http1_out *more; /* other fields */
	size_t nmore;                 /* at most WS_HELLO_FIELDS_MAX */
};

/*
 * Append the request (borrowed). False, with the buffer as it was, if it does
 * not fit or something in it cannot be sent.
 */
bool ws_hello_put_request(struct buf *, const struct ws_hello_wish *);

/* What a server says to it (section 4.1); negative: it may not be believed. */
enum ws_hello_answer {
	WS_ANSWER_REFUSED = 0, /* any status but 101 */
	WS_ANSWER_AGREED = 1,
	WS_ANSWER_ERR_UPGRADE = -1,    /* no "Upgrade: websocket" */
	WS_ANSWER_ERR_CONNECTION = -2, /* no "Connection: Upgrade" */
	WS_ANSWER_ERR_ACCEPT = -3,     /* not the answer to our key */
	WS_ANSWER_ERR_PROTOCOL = -4,   /* a subprotocol that was not offered */
	WS_ANSWER_ERR_EXTENSION = -5,  /* so for an extension */
};

/*
 * Judge the answer (borrowed) to that wish, whose key has this accept. Gives in
 * *protocol (not terminated, inside the head) the subprotocol that was chosen,
 * NULL for none. What the extensions say is for others to judge.
 */
enum ws_hello_answer ws_hello_judge(const struct http1_head *,
    const struct ws_hello_wish *, const char *accept, const char **protocol,
    size_t *protocol_len);

const char *ws_hello_stranswer(enum ws_hello_answer);

#endif
