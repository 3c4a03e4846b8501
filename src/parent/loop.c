#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "parent/loop.h"

enum { SIGNALS = 128 }; /* numbers of them are below that */

struct loop_signal {
	int sig;
	loop_signal_fn *fn;
	void *arg; /* kept */
};

static volatile sig_atomic_t caught[SIGNALS]; /* since the last call */
static volatile sig_atomic_t any_caught;

void
loop_init(struct loop *l)
{
	*l = (struct loop){ .turn = 1 };
	LIST_INIT(&l->timers);
}

void
loop_clear(struct loop *l)
{
	free(l->set);
	free(l->fd);
	free(l->signals);
	loop_init(l);
}

/* ------------------------------------------------- descriptors */

void
loop_watch(struct loop *l, struct loop_fd *w, int fd, loop_fd_fn *fn, void *arg)
{
	*w = (struct loop_fd){
		.loop = l,
		.place = l->n,
		.fn = fn,
		.arg = arg,
	};
	if (l->n == l->room) {
		l->room = l->room == 0 ? 16 : 2 * l->room;
		l->set = mem_grow(l->set, l->room, sizeof(*l->set));
		l->fd = mem_grow(l->fd, l->room, sizeof(*l->fd));
	}
	l->set[l->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	l->fd[l->n++] = w;
}

void
loop_want(struct loop_fd *w, short events)
{
	if (w->loop != NULL)
		w->loop->set[w->place].events = events;
}

/* The place stays empty until the turn is over. */
void
loop_unwatch(struct loop_fd *w)
{
	struct loop *l = w->loop;

	if (l == NULL)
		return;
	l->set[w->place] = (struct pollfd){ .fd = -1 };
	l->fd[w->place] = NULL;
	w->loop = NULL;
}

/* Those that follow an empty place move up. */
static void
close_ranks(struct loop *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->fd[i] == NULL)
			continue;
		l->fd[i]->place = n;
		l->fd[n] = l->fd[i];
		l->set[n++] = l->set[i];
	}
	l->n = n;
}

/* One that is watched by a call has nothing to tell yet. */
static void
call_for_fds(struct loop *l)
{
	bool any_left = false;

	for (size_t i = 0, n = l->n; i < n; i++) {
		if (l->fd[i] != NULL && l->set[i].revents != 0)
			l->fd[i]->fn(l->fd[i]->arg, l->set[i].revents);
		any_left |= l->fd[i] == NULL;
	}
	if (any_left)
		close_ranks(l);
}

/* ------------------------------------------------- signals */

static void
on_signal(int sig)
{
	caught[sig] = 1;
	any_caught = 1;
}

int
loop_catch(struct loop *l, int sig, loop_signal_fn *fn, void *arg)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigfillset(&sa.sa_mask);
	if (sig >= SIGNALS) {
		errno = EINVAL;
		return -1;
	}
	if (sigaction(sig, &sa, NULL) == -1)
		return -1;
	l->signals = mem_grow(l->signals, l->nsignals + 1, sizeof(*l->signals));
	l->signals[l->nsignals++] = (struct loop_signal){ sig, fn, arg };
	return 0;
}

/* Most turns have none: those that are known are not looked through. */
static void
call_for_signals(struct loop *l)
{
	if (!any_caught)
		return;
	any_caught = 0;
	for (size_t i = 0; i < l->nsignals; i++) {
		const struct loop_signal *s = &l->signals[i];

		if (!caught[s->sig])
			continue;
		caught[s->sig] = 0;
		s->fn(s->arg, s->sig);
	}
}

/* ------------------------------------------------- timers */

void
loop_cancel(struct loop_timer *t)
{
	if (!t->armed)
		return;
	t->armed = false;
	LIST_REMOVE(t, entry);
}

/* There are few at a time: one that is later than all walks past them. */
static void
insert(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *before = NULL, *next;

	LIST_FOREACH (next, &l->timers, entry) {
		if (next->at > t->at)
			break;
		before = next;
	}
	if (before == NULL)
		LIST_INSERT_HEAD(&l->timers, t, entry);
	else
		LIST_INSERT_AFTER(before, t, entry);
}

void
loop_at(struct loop *l, struct loop_timer *t, uint64_t at, loop_timer_fn *fn,
    void *arg)
{
	loop_cancel(t);
	if (at == UINT64_MAX)
		return;
	t->armed = true;
	t->at = at;
	t->turn = l->turn;
	t->fn = fn;
	t->arg = arg;
	insert(l, t);
}

/* The earliest that is due, and was before this turn began. */
static struct loop_timer *
find_due(const struct loop *l, uint64_t now)
{
	struct loop_timer *t;

	LIST_FOREACH (t, &l->timers, entry) {
		if (t->at > now)
			break;
		if (t->turn != l->turn)
			return t;
	}
	return NULL;
}

static void
call_for_timers(struct loop *l)
{
	uint64_t now = clock_ms();
	struct loop_timer *t;

	while ((t = find_due(l, now)) != NULL) {
		loop_cancel(t);
		t->fn(t->arg);
	}
}

/* ------------------------------------------------- a turn */

/* How long poll(2) may wait; NULL: for ever. */
static const struct timespec *
time_left(const struct loop *l, struct timespec *ts)
{
	const struct loop_timer *first = LIST_FIRST(&l->timers);
	uint64_t now = clock_ms(), left;

	if (first == NULL)
		return NULL;
	left = first->at > now ? first->at - now : 0;
	ts->tv_sec = (time_t)(left / 1000);
	ts->tv_nsec = (long)(left % 1000 * 1000000);
	return ts;
}

void
loop_turn(struct loop *l)
{
	struct timespec ts;
	sigset_t none;

	l->turn++;
	sigemptyset(&none);
	if (ppoll(l->set, (nfds_t)l->n, time_left(l, &ts), &none) > 0)
		call_for_fds(l);
	call_for_signals(l);
	call_for_timers(l);
}
