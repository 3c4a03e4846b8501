#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "flow/flow.h"

void
flow_init(struct flow *f, struct event_base *base)
{
	*f = (struct flow){
		.base = base,
		.in = mem_new(1, FLOW_READ_PIPE),
	};
	gather_init(&f->up);
	gather_init(&f->down);
	buf_init(&f->wire, FLOW_WIRE_MAX);
	complaints_share_init(&f->complaints, 1);
}

void
flow_clear(struct flow *f)
{
	gather_clear(&f->up);
	gather_clear(&f->down);
	buf_clear(&f->wire);
	deflaters_clear(&f->deflaters);
	free(f->in);
	f->in = NULL;
}
