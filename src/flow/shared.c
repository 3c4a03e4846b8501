#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "flow/shared.h"

struct shared *
shared_new(struct buf *bytes)
{
	struct shared *sh = mem_new(1, sizeof(*sh));

	*sh = (struct shared){ .bytes = *bytes, .holders = 1 };
	buf_init(bytes, bytes->max);
	return sh;
}

void
shared_hold(struct shared *sh)
{
	sh->holders++;
}

void
shared_drop(struct shared *sh)
{
	if (--sh->holders > 0)
		return;
	buf_clear(&sh->bytes);
	free(sh);
}
