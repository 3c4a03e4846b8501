/*
 * Listeners that a process which shares them has spoilt for all others: they
 * are made anew (parent/listen.h), at once for the first time, and from then on
 * no faster than engines that die are replaced.
 */
#ifndef PARENT_MEND_H
#define PARENT_MEND_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/loop.h"

struct conf;
struct listen_set;

struct mend_ops {
	/*
	 * Those of the numbers of which `which` has the bits are other sockets
	 * now, to be handed over. `again`: not for the first time lately, so
	 * those who had the sockets before should not get these.
	 */
	void (*on_anew)(void *owner, uint64_t which, bool again);
};

struct mend {
	struct loop *loop;          /* kept */
	struct listen_set *set;     /* kept */
	const struct conf *conf;    /* kept */
	const struct mend_ops *ops; /* kept */
	void *owner;                /* kept */
	unsigned times;             /* in a row */
	uint64_t last;              /* when it was last done */
	struct loop_timer wait;     /* for the next time */
};

/* Keeps all it gets; the settings are those that the listeners are from. */
void mend_init(struct mend *, struct loop *, struct listen_set *,
    const struct conf *, const struct mend_ops *, void *owner);

/* One may be spoilt: look at all of them, now or as soon as that is due. */
void mend_look(struct mend *);

/* What is spoilt from now on stays so. */
void mend_stop(struct mend *);

#endif
