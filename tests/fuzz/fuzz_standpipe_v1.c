/*
 * standpipe.v1: a message for each length byte, cut in the middle. How it is
 * cut must not matter, and what an event points to must be there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dialect/standpipe_v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
use(const struct v1_event *ev)
{
	char name[V1_SIGNAL_MAX + 1];
	const char *n, *v;
	size_t at = 0, nlen, vlen;
	unsigned a, b;
	uint8_t status;

	if (ev->type == V1_WINDOW)
		v1_read_window(ev, &a, &b);
	else if (ev->type == V1_SIGNAL)
		v1_read_signal(ev, name);
	else if (ev->type == V1_EXIT)
		v1_read_exit(ev, &status, name);
	else if (ev->type == V1_ACK)
		(void)v1_read_ack(ev);
	else if (ev->type == V1_HELLO)
		while (v1_read_hello(ev, &at, &n, &nlen, &v, &vlen))
			check(nlen + vlen <= ev->piece.len);
}

/* The sum of what one message gives. */
static enum v1_result
read_message(struct v1_reader *r, const uint8_t *in, size_t len, size_t cut,
    bool text, uint32_t *sum)
{
	enum v1_result rc = V1_NOTHING;

	for (int part = cut == 0 ? 1 : 0; part < 2 && rc >= 0; part++) {
		struct piece p = {
			.text = text,
			.last = part == 1,
			.data = part == 0 ? in : in + cut,
			.len = part == 0 ? cut : len - cut,
		};
		struct v1_event ev;

		rc = v1_read(r, &p, &ev);
		if (rc <= 0)
			continue;
		if (ev.piece.first)
			*sum = *sum * 31 + ev.type;
		for (size_t i = 0; i < ev.piece.len; i++)
			*sum = *sum * 31 + ev.piece.data[i];
		if (rc == V1_CONTROL)
			use(&ev);
	}
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct v1_reader whole, cut;
	enum v1_result a = V1_NOTHING, b;
	uint32_t sum_a = 0, sum_b = 0;

	v1_reader_init(&whole);
	v1_reader_init(&cut);
	while (len > 0 && a >= 0) {
		bool text = in[0] & 0x80;
		size_t n = in[0] & 0x7f;

		in++;
		len--;
		if (n > len)
			n = len;
		a = read_message(&whole, in, n, 0, text, &sum_a);
		b = read_message(&cut, in, n, n / 2, text, &sum_b);
		check((a < 0) == (b < 0));
		check(a < 0 || sum_a == sum_b);
		in += n;
		len -= n;
	}
	check(a < 0 || whole.received == cut.received);
	return 0;
}
