/*
 * Bytes on their way to a terminal. The first one says how the rest is cut.
 * What comes out does not depend on the cuts, is UTF-8 without any control
 * character but newline and tab, and passes a second time as it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/escape.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct got {
	uint8_t *out;
	size_t len;
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static struct got
run(const uint8_t *in, size_t len, size_t step)
{
	struct escape e = { 0 };
	struct got g = { .out = malloc(ESCAPE_GROWTH * len + ESCAPE_EXTRA) };

	check(g.out != NULL);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		size_t got = escape_put(&e, in + at, n, g.out + g.len);

		check(got <= ESCAPE_GROWTH * n + ESCAPE_EXTRA);
		g.len += got;
	}
	g.len += escape_end(&e, g.out + g.len);
	return g;
}

static void
check_harmless(const struct got *g)
{
	struct utf8 u = { 0 };

	check(utf8_check(&u, g->out, g->len) == g->len && utf8_complete(&u));
	for (size_t i = 0; i < g->len; i++) {
		uint8_t c = g->out[i];

		check(c >= 0x20 || c == '\n' || c == '\t');
		check(c != 0x7f);
		check(i == 0 || g->out[i - 1] != 0xc2 || c >= 0xa0);
	}
}

static void
check_same(const struct got *a, const struct got *b)
{
	check(a->len == b->len && memcmp(a->out, b->out, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct got whole, cut, again;
	size_t step;

	if (len < 2)
		return 0;
	step = 1 + data[0] % 8;
	data++;
	len--;
	whole = run(data, len, len);
	cut = run(data, len, step);
	check_same(&whole, &cut);
	check_harmless(&whole);
	again = run(whole.out, whole.len, step);
	check_same(&whole, &again);
	free(whole.out);
	free(cut.out);
	free(again.out);
	return 0;
}
