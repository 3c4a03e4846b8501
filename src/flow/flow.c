#include <stdlib.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "flow/stream.h"

/* Whoever called libevent has the error, and says what comes of it. */
static void
flow_on_complaint(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

void
flow_init(struct flow *f, struct event_base *base)
{
	*f = (struct flow){
		.base = base,
		.in = mem_new(1, FLOW_READ_PIPE),
	};
	event_set_log_callback(flow_on_complaint);
	timers_init(&f->timers, base);
	gather_init(&f->to_endpoint);
	gather_init(&f->to_peer);
	buf_init(&f->wire, FLOW_WIRE_MAX);
	doubts_init(&f->doubts, base, stream_on_silence);
	complaints_share_init(&f->complaints, 1);
}

void
flow_clear(struct flow *f)
{
	timers_clear(&f->timers);
	gather_clear(&f->to_endpoint);
	gather_clear(&f->to_peer);
	buf_clear(&f->wire);
	doubts_clear(&f->doubts);
	zpool_clear(&f->zpool);
	free(f->in);
	f->in = NULL;
}
