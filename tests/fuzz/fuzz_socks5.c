/*
 * What a SOCKS5 proxy answers. The first byte says how the rest is cut and
 * whether we have a user: what comes of it does not depend on the cuts, and the
 * bytes that are used end where the server's begin.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/authority.h"
#include "codec/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct got {
	struct socks5 socks;
	struct buf out;
	enum socks5_result rc;
	size_t used;
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
run(struct got *g, const struct authority *as, const uint8_t *in, size_t len,
    size_t step)
{
	static const struct authority to = { .host = "a.b", .port = 80 };
	size_t used;

	*g = (struct got){ .rc = SOCKS5_MORE };
	buf_init(&g->out, 1024);
	check(socks5_begin(&g->socks, &to, as, &g->out));
	for (size_t at = 0; at < len && g->rc == SOCKS5_MORE; at += step) {
		size_t n = len - at < step ? len - at : step;

		g->rc = socks5_read(&g->socks, in + at, n, &used, &g->out);
		check(used <= n && (g->rc != SOCKS5_MORE || used == n));
		g->used += used;
	}
	check(socks5_strresult(g->rc) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static const struct authority nobody;
	static const struct authority user = { .has_user = true,
		.user = "u",
		.password = "p" };
	struct got whole, cut;

	if (len < 2)
		return 0;
	run(&whole, in[0] & 1 ? &user : &nobody, in + 1, len - 1, len - 1);
	run(&cut, in[0] & 1 ? &user : &nobody, in + 1, len - 1,
	    1 + in[0] / 2 % 8);
	check(whole.rc == cut.rc && whole.used == cut.used);
	check(whole.out.len == cut.out.len &&
	    memcmp(whole.out.data, cut.out.data, cut.out.len) == 0);
	buf_clear(&whole.out);
	buf_clear(&cut.out);
	return 0;
}
