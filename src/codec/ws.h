/*
 * WebSocket frames (RFC 6455, section 5).
 *
 * Pure: bytes in, events out. Nothing here allocates, logs or does I/O, and
 * every buffer belongs to the caller. One struct ws_reader serves the
 * receiving half of one connection, in either role.
 *
 * Where permessage-deflate was agreed on (RFC 7692), a message may be deflated:
 * its pieces are given as they came, and ws_check_inflated() applies the limit
 * and the check of text to what they are inflated to.
 */
#ifndef CODEC_WS_H
#define CODEC_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/piece.h"
#include "codec/utf8.h"

/* Whose bytes are read: a server reads masked frames, a client bare ones. */
enum ws_role { WS_SERVER, WS_CLIENT };

/* RFC 6455, section 5.2. */
enum ws_opcode {
	WS_OP_CONTINUATION = 0,
	WS_OP_TEXT = 1,
	WS_OP_BINARY = 2,
	WS_OP_CLOSE = 8,
	WS_OP_PING = 9,
	WS_OP_PONG = 10,
};

enum {
	WS_HEAD_MAX = 14,
	WS_CONTROL_MAX = 125,
	WS_REASON_MAX = 123,
	WS_DEFLATED = 0x40, /* RSV1, in the first byte of a message's head */
};

/* Close codes (RFC 6455, section 7.4.1, and the registry it founded). */
enum ws_close {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_UNSUPPORTED = 1003,
	WS_CLOSE_NO_STATUS = 1005, /* never sent: the peer gave none */
	WS_CLOSE_ABNORMAL = 1006,  /* never sent: the peer was lost */
	WS_CLOSE_INVALID_DATA = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_INTERNAL = 1011,
	WS_CLOSE_RESTART = 1012,
	WS_CLOSE_TRY_LATER = 1013,
	WS_CLOSE_BAD_GATEWAY = 1014,
	WS_CLOSE_PRIVATE = 4000, /* first of the range that is ours to use */
};

/* Zero asks for more, positive is an event, negative ends the connection. */
enum ws_result {
	WS_MORE = 0,
	WS_DATA = 1,          /* a piece of a message */
	WS_CONTROL = 2,       /* a whole control frame */
	WS_ERR_RSV = -1,      /* a reserved bit that means nothing there */
	WS_ERR_OPCODE = -2,   /* an opcode that no RFC defines */
	WS_ERR_MASK = -3,     /* masked or not, whichever our role forbids */
	WS_ERR_LENGTH = -4,   /* not the shortest form, or the top bit set */
	WS_ERR_CONTROL = -5,  /* a control frame in fragments or over 125 */
	WS_ERR_FRAGMENT = -6, /* a continuation of nothing, or none of one */
	WS_ERR_UTF8 = -7,     /* a text message that is not UTF-8 */
	WS_ERR_TOO_BIG = -8,  /* a message over the limit */
	WS_ERR_CLOSE = -9,    /* a Close of one byte or with a forbidden code */
	WS_ERR_DEFLATE = -10, /* a deflated message that is not DEFLATE */
	WS_ERR_MEMORY = -11,  /* there is none to inflate a message with */
};

struct ws_event {
	struct piece piece; /* unmasked; of a control frame its payload */
	bool deflated;      /* WS_DATA: it is still to be inflated */
	uint8_t opcode;     /* WS_CONTROL: which */
};

struct ws_reader {
	uint64_t left;    /* payload of the begun frame still to come */
	uint64_t room;    /* what the begun message may still grow by */
	uint64_t max;     /* of a message; UINT64_MAX: no limit */
	struct utf8 utf8; /* of the begun text message */
	uint8_t role;
	uint8_t message; /* opcode of the begun message, 0: none */
	uint8_t opcode;  /* of the begun frame */
	bool fin;
	bool first;    /* no piece of the message was given yet */
	bool inflates; /* messages may be deflated */
	bool lenient;  /* clients need not mask */
	bool masked;   /* the begun frame is */
	bool bare;     /* a client has sent one that is not */
	bool deflated; /* the begun one is */
	bool in_payload;
	uint8_t head_len;
	uint8_t control_len;
	uint8_t key[4];
	uint8_t key_at; /* phase of the mask */
	uint8_t head[WS_HEAD_MAX];
	uint8_t control[WS_CONTROL_MAX];
};

/* max: the largest message in bytes, summed over fragments; 0: no limit. */
void ws_reader_init(struct ws_reader *, enum ws_role, uint64_t max);

/* Whether nothing is begun: neither a message nor a frame. */
bool ws_reader_is_between(const struct ws_reader *);

/* Deflated messages are allowed from now on. */
void ws_reader_inflate(struct ws_reader *);

/* Frames of clients that are not masked are read as well. */
void ws_reader_accept_unmasked(struct ws_reader *);

/*
 * Read as far as the next event in in[0..len).
 *
 * Sets *used to the bytes consumed, at most len; WS_MORE means all of them.
 * Payload is unmasked in place, so `in` is written to; the piece points
 * into it, or for WS_CONTROL into the reader, and is good until the next call.
 * Pieces come as they arrive: text is checked byte by byte (a message is never
 * completed with half a character, and what cannot become UTF-8 fails at the
 * byte that spoils it), so the limit and the check hold for every byte given.
 * After a negative result the reader must not be used again; ws_close_code()
 * gives the status to close with.
 */
enum ws_result ws_read(struct ws_reader *, uint8_t *in, size_t len,
    size_t *used, struct ws_event *ev);

/*
 * Judge a piece of what the latest message, a deflated one, was inflated to:
 * WS_DATA, WS_ERR_TOO_BIG or WS_ERR_UTF8.
 */
enum ws_result ws_check_inflated(struct ws_reader *, const struct piece *);

/* Whether a message was begun and not completed. */
bool ws_reader_in_message(const struct ws_reader *);

/*
 * Take a Close's payload apart: WS_CONTROL, or WS_ERR_CLOSE or WS_ERR_UTF8.
 * Without a code it is WS_CLOSE_NO_STATUS. *reason points into the payload.
 */
enum ws_result ws_read_close(const uint8_t *payload, size_t len, unsigned *code,
    const uint8_t **reason, size_t *reason_len);

/* Whether an endpoint may send that code (RFC 6455, 7.4; 1000-1003, 1007-1014, 3000-4999). */
bool ws_close_code_ok(unsigned code);

/*
 * Write a frame's head; the length of it. With a key (four bytes, borrowed) the
 * frame is masked and the caller masks the payload with ws_mask(). The first
 * frame of a deflated message gets WS_DEFLATED into its first byte.
 */
size_t ws_put_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode, bool fin,
    uint64_t len, const uint8_t *key);

/*
 * Write a Close's payload; its length. A reason over 123 bytes is cut between
 * two characters; WS_CLOSE_NO_STATUS writes an empty payload.
 */
size_t ws_put_close(uint8_t out[WS_CONTROL_MAX], unsigned code,
    const char *reason);

/* Mask or unmask in place from phase `at` of the key; the phase after it. */
unsigned ws_mask(uint8_t *data, size_t len, const uint8_t key[4], unsigned at);

/* The status to close with after an error, and a reason in words. */
unsigned ws_close_code(enum ws_result);
const char *ws_strresult(enum ws_result);

#endif
