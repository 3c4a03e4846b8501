/*
 * An answer that refuses: what is shown of it is bounded and does not depend
 * on how its body was cut. The first byte of the input says where.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "client/hello_refusal.h"
#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { SHOWN_MAX = 64 * 1024 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Show it with the body in two pieces; whether its end was seen. */
static bool
show(struct buf *out, const struct http1_head *head, const uint8_t *body,
    size_t len, size_t cut)
{
	struct hello_refusal r;

	buf_init(out, SHOWN_MAX);
	return hello_refusal_begin(&r, head, out) ||
	    hello_refusal_read(&r, body, cut) ||
	    hello_refusal_read(&r, body + cut, len - cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct http1_head head;
	struct buf whole, cut;
	size_t scanned = 0, used, at;
	bool ended;

	if (len == 0)
		return 0;
	at = *in++;
	len--;
	if (http1_read_response(&head, in, len, &scanned, &used) != HTTP1_HEAD)
		return 0;
	in += used;
	len -= used;
	ended = show(&whole, &head, in, len, len);
	check(ended == show(&cut, &head, in, len, at < len ? at : len));
	check(whole.len == cut.len);
	check(whole.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0);
	check(whole.len <= HTTP1_MAX_HEAD + HELLO_REFUSAL_BODY_MAX + 256);
	buf_clear(&whole);
	buf_clear(&cut);
	return 0;
}
