#include <stdlib.h>

#include "base/base.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/limits.h"
#include "engine/sessions.h"
#include "flow/session.h"

/* What the engine knows of one besides. */
struct entry {
	struct id_node node;
	struct engine *engine;   /* kept */
	struct session *session; /* owned by itself */
	struct seats seats;      /* owned */
};

static void
sessions_on_free(void *owner, struct session *s)
{
	struct entry *en = owner;
	struct engine *e = en->engine;

	(void)s;
	limits_leave(e, &en->seats.client);
	limits_leave(e, &en->seats.connection);
	ids_remove(engine_sessions(e), &en->node);
	free(en);
	engine_settle(e);
}

static const struct session_ops ops = {
	.on_free = sessions_on_free,
};

struct session *
sessions_begin(struct engine *e, const struct session_start *start,
    const struct seats *seats)
{
	struct entry *en = mem_new(1, sizeof(*en));
	struct session_start with = *start;

	en->engine = e;
	en->seats = *seats;
	with.ops = &ops;
	with.owner = en;
	ids_add(engine_sessions(e), &en->node, start->id);
	return en->session = session_new(&with);
}

void
sessions_list_begin(struct engine *e)
{
	engine_sessions(e)->at = engine_sessions(e)->first;
}

size_t
sessions_list(struct engine *e, size_t n)
{
	struct ids *all = engine_sessions(e);
	size_t listed = 0;

	for (; listed < n && all->at != NULL; listed++) {
		struct entry *en = container_of(all->at, struct entry, node);

		all->at = all->at->next;
		session_list(en->session);
	}
	return listed;
}

void
sessions_stop_all(struct engine *e)
{
	for (struct id_node *n = engine_sessions(e)->first; n != NULL;
	     n = n->next)
		session_stop(container_of(n, struct entry, node)->session);
}
