#include <stddef.h>

#include "base/clock.h"
#include "parent/listen.h"
#include "parent/mend.h"

enum {
	STABLE_MS = 60000, /* a time after which the next is a first one */
	BACKOFF_MS = 100,
	BACKOFF_MAX = 5000,
};

void
mend_init(struct mend *m, struct loop *loop, struct listen_set *set,
    const struct conf *conf, const struct mend_ops *ops, void *owner)
{
	*m = (struct mend){
		.loop = loop,
		.set = set,
		.conf = conf,
		.ops = ops,
		.owner = owner,
	};
}

/* When the next time may be. */
static uint64_t
due(const struct mend *m)
{
	uint64_t wait;

	if (m->times == 0)
		return 0;
	wait = (uint64_t)BACKOFF_MS << (m->times < 8 ? m->times : 8);
	return m->last + (wait < BACKOFF_MAX ? wait : BACKOFF_MAX);
}

static uint64_t
make_anew(const struct mend *m)
{
	uint64_t which = 0;

	for (size_t i = 0; i < m->set->n; i++)
		if (listen_mend(&m->set->v[i], m->conf))
			which |= (uint64_t)1 << i;
	return which;
}

static void
mend_on_wait(void *arg)
{
	mend_look(arg);
}

void
mend_look(struct mend *m)
{
	uint64_t now = clock_ms(), which;

	if (now < due(m)) {
		loop_at(m->loop, &m->wait, due(m), mend_on_wait, m);
		return;
	}
	loop_cancel(&m->wait);
	if ((which = make_anew(m)) == 0)
		return;
	m->times = now - m->last > STABLE_MS ? 1 : m->times + 1;
	m->last = now;
	m->ops->on_anew(m->owner, which, m->times > 1);
}

void
mend_stop(struct mend *m)
{
	loop_cancel(&m->wait);
}
