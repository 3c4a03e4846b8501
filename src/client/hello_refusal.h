/*
 * What a user is shown of an answer that refuses: the fields that help, and the
 * first part of the body if it is text.
 *
 * Pure.
 */
#ifndef CLIENT_HELLO_REFUSAL_H
#define CLIENT_HELLO_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/http1_body.h"

struct buf;
struct http1_head;

enum { HELLO_REFUSAL_BODY_MAX = 2048 }; /* bytes that are shown of it */

struct hello_refusal {
	struct buf *out; /* kept: lines, as they came */
	struct http1_body body;
	size_t left; /* bytes of the body that may still be shown */
};

/* Begin with the head (borrowed); true: nothing of the body is to be shown. */
bool hello_refusal_begin(struct hello_refusal *, const struct http1_head *,
    struct buf *out);

/* The next bytes of the body (borrowed); true: there is enough of it. */
bool hello_refusal_read(struct hello_refusal *, const uint8_t *in, size_t len);

#endif
