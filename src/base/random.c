#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "base/random.h"

enum { POOL = 256 }; /* as much as getentropy(3) gives in a call */

static uint8_t pool[POOL];
static size_t left;

static void
refill(void)
{
	if (getentropy(pool, POOL) == -1)
		bug("the system has no random bytes");
	left = POOL;
}

void
random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		size_t n;

		if (left == 0)
			refill();
		n = len < left ? len : left;
		left -= n;
		memcpy(p, pool + left, n);
		explicit_bzero(pool + left, n);
		p += n;
		len -= n;
	}
}
