#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/mem.h"
#include "proc/child.h"
#include "proc/group.h"

enum {
	BUCKETS = 1024,
	LAST_WAIT_MS = 1000, /* what was killed needs a moment to die */
};

struct child_set {
	const struct child_ops *ops;
	void *arg;
	size_t count;
	size_t kept; /* dead and unreaped */
	size_t left; /* by their ladder */
	size_t bare; /* without one */
	struct child *listed;
	struct child *bucket[BUCKETS];
};

/* What is left of a group when its session is over. */
static const struct child_rung leftover[] = {
	{ SIGTERM, 1000 },
	{ SIGKILL, 0 },
};

/* What a child gets that has no owner any more. */
static const struct child_rung at_once[] = {
	{ SIGKILL, 0 },
};

struct child_set *
child_set_new(const struct child_ops *ops, void *arg)
{
	struct child_set *s = mem_new(1, sizeof(*s));

	s->ops = ops;
	s->arg = arg;
	return s;
}

static struct child **
bucket_of(struct child_set *s, pid_t pid)
{
	return &s->bucket[(size_t)pid % BUCKETS];
}

static void
unlist(struct child *c)
{
	if (!c->listed)
		return;
	c->listed = false;
	if ((*c->link_listed = c->next_listed) != NULL)
		c->next_listed->link_listed = c->link_listed;
}

static void
remove_child(struct child_set *s, struct child *c)
{
	struct child **p = bucket_of(s, c->pid);

	unlist(c);
	while (*p != c)
		p = &(*p)->next_in_bucket;
	*p = c->next_in_bucket;
	s->count--;
	s->kept -= c->dead;
	s->left -= c->left;
	s->bare -= c->ladder.n == 0;
	free(c);
}

void
child_set_free(struct child_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (s->bucket[i] != NULL)
			remove_child(s, s->bucket[i]);
	free(s);
}

struct child *
child_add(struct child_set *s, pid_t pid, uint32_t owner, uint32_t session,
    struct child_ladder ladder)
{
	struct child *c = mem_new(1, sizeof(*c));
	struct child **b = bucket_of(s, pid);

	c->pid = pid;
	c->session = session;
	c->owner = owner;
	c->next_in_bucket = *b;
	c->ladder = ladder;
	*b = c;
	s->count++;
	s->bare += c->ladder.n == 0;
	return c;
}

struct child *
child_find(struct child_set *s, pid_t pid)
{
	struct child *c = *bucket_of(s, pid);

	while (c != NULL && c->pid != pid)
		c = c->next_in_bucket;
	return c;
}

size_t
child_count(const struct child_set *s)
{
	return s->count;
}

size_t
child_count_left(const struct child_set *s)
{
	return s->left;
}

size_t
child_count_bare(const struct child_set *s)
{
	return s->bare;
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

/* Nothing more will be signalled: let go of the dead leader and the number. */
static void
reap_kept(struct child_set *s, struct child *c)
{
	reap(c->pid);
	if (c->left && s->ops->on_left_ended != NULL)
		s->ops->on_left_ended(s->arg, c);
	remove_child(s, c);
}

/* A leader may have left its group for another: it does not get away. */
static void
signal_child(const struct child *c, int sig)
{
	group_signal(c->pid, sig);
	if (!c->dead && getpgid(c->pid) != c->pid)
		(void)kill(c->pid, sig);
}

/*
 * The whole ladder was of no avail. A process that is left ends by itself, and
 * is reaped then; where the system cannot tell whether one is left, none is.
 */
static void
give_up(struct child_set *s, struct child *c)
{
	pid_t pid = c->dead ? group_find_member(c->pid) : c->pid;

	if (pid == 0) {
		reap_kept(s, c);
		return;
	}
	c->left = true;
	s->left++;
	c->deadline = UINT64_MAX;
	s->ops->on_left(s->arg, c, pid);
	c->owner = 0;
}

/*
 * Climb until a rung has to be waited for, and after the last one as well. A
 * group without a living process has no use for signals.
 */
static void
climb(struct child_set *s, struct child *c, uint64_t now)
{
	while (c->rung < c->ladder.n) {
		const struct child_rung *r = &c->ladder.rung[c->rung];

		if (c->dead && !group_lives(c->pid))
			break;
		if (r->sig != 0)
			signal_child(c, r->sig);
		if (r->wait_ms > 0) {
			c->deadline = now + r->wait_ms;
			return;
		}
		c->rung++;
	}
	if (c->dead && (c->ladder.n == 0 || !group_lives(c->pid)))
		reap_kept(s, c);
	else if (c->rung == c->ladder.n)
		c->deadline = now + LAST_WAIT_MS;
	else
		give_up(s, c);
}

static void
start_climbing(struct child_set *s, struct child *c, uint64_t ago)
{
	c->listed = true;
	c->rung = 0;
	if ((c->next_listed = s->listed) != NULL)
		s->listed->link_listed = &c->next_listed;
	c->link_listed = &s->listed;
	s->listed = c;
	climb(s, c, clock_ms() - ago);
}

void
child_start_ladder(struct child_set *s, struct child *c, uint64_t ago)
{
	if (!c->listed && c->rung == 0 && c->ladder.n > 0)
		start_climbing(s, c, ago);
}

void
child_release(struct child_set *s, struct child *c)
{
	c->owner = 0;
	if (!c->dead || c->listed)
		return;
	if (c->ladder.n > 0)
		c->ladder = (struct child_ladder){ leftover, nitems(leftover) };
	start_climbing(s, c, 0);
}

void
child_disown(struct child_set *s, uint32_t owner)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct child *c = s->bucket[i], *next; c != NULL;
		     c = next) {
			next = c->next_in_bucket;
			if (c->owner != owner)
				continue;
			c->owner = 0;
			if (c->dead)
				child_release(s, c);
			else
				child_start_ladder(s, c, 0);
		}
	}
}

/* Its owner has gone as well. */
static void
kill_now(struct child_set *s, struct child *c)
{
	c->owner = 0;
	s->left -= c->left;
	c->left = false;
	unlist(c);
	s->bare -= c->ladder.n == 0;
	c->ladder = (struct child_ladder){ at_once, nitems(at_once) };
	start_climbing(s, c, 0);
}

void
child_stop_all(struct child_set *s, bool force)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct child *c = s->bucket[i], *next; c != NULL;
		     c = next) {
			next = c->next_in_bucket;
			if (force)
				kill_now(s, c);
			else
				child_start_ladder(s, c, 0);
		}
	}
}

/* Zero si_pid: no child has ended. One that has stays a zombie. */
static bool
find_dead(idtype_t type, pid_t id, siginfo_t *si)
{
	*si = (siginfo_t){ 0 };
	return waitid(type, (id_t)id, si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    si->si_pid != 0;
}

static struct ended
end_of(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED)
		return (struct ended){ .status = (uint8_t)si->si_status };
	return (struct ended){ .signal = (uint8_t)si->si_status };
}

/*
 * The leader is a zombie; it stays one while others of its group live, and
 * until its owner has been told, which may release it there and then.
 */
static void
died(struct child_set *s, struct child *c, const siginfo_t *si)
{
	pid_t pid = c->pid;
	bool kept = group_lives(pid);

	c->dead = true;
	s->kept++;
	s->ops->on_exit(s->arg, c, end_of(si), kept);
	if (child_find(s, pid) != c)
		return;
	if (!kept)
		reap_kept(s, c);
	else if (c->owner == 0)
		child_release(s, c);
}

static void
reap_other(struct child_set *s, const siginfo_t *si)
{
	reap(si->si_pid);
	s->ops->on_other(s->arg, si->si_pid, end_of(si));
}

/* The callback may remove others of the bucket, so it is begun again. */
static void
reap_bucket(struct child_set *s, size_t i)
{
	struct child *c = s->bucket[i];
	siginfo_t si;

	while (c != NULL) {
		if (!c->dead && find_dead(P_PID, c->pid, &si)) {
			died(s, c, &si);
			c = s->bucket[i];
		} else {
			c = c->next_in_bucket;
		}
	}
}

/* Those that are no children of the set. */
static void
reap_strangers(struct child_set *s)
{
	pid_t *pid = group_list_children();
	siginfo_t si;

	for (size_t i = 0; pid != NULL && pid[i] != 0; i++)
		if (child_find(s, pid[i]) == NULL &&
		    find_dead(P_PID, pid[i], &si))
			reap_other(s, &si);
	free(pid);
}

/* A kept leader hides those after it, so each child is asked for itself. */
static void
reap_one_by_one(struct child_set *s)
{
	for (size_t i = 0; i < BUCKETS; i++)
		reap_bucket(s, i);
	reap_strangers(s);
}

/* Up to the first that is kept, and then whatever can be found. */
static void
reap_all(struct child_set *s)
{
	siginfo_t si;

	while (find_dead(P_ALL, 0, &si)) {
		struct child *c = child_find(s, si.si_pid);

		if (c == NULL) {
			reap_other(s, &si);
		} else if (!c->dead) {
			died(s, c, &si);
		} else {
			reap_one_by_one(s);
			break;
		}
	}
}

/* Groups that emptied themselves need no further rung: whether any had. */
static bool
settle_kept(struct child_set *s)
{
	bool any = false;

	for (struct child *c = s->listed, *next; c != NULL; c = next) {
		next = c->next_listed;
		if (c->dead && !group_lives(c->pid)) {
			reap_kept(s, c);
			any = true;
		}
	}
	return any;
}

/* A leader that goes may uncover others. */
void
child_reap(struct child_set *s)
{
	do
		reap_all(s);
	while (s->kept > 0 && settle_kept(s));
}

uint64_t
child_next(const struct child_set *s)
{
	uint64_t next = UINT64_MAX;

	for (const struct child *c = s->listed; c != NULL; c = c->next_listed)
		if (c->deadline < next)
			next = c->deadline;
	return next;
}

void
child_tick(struct child_set *s, uint64_t now)
{
	for (struct child *c = s->listed, *next; c != NULL; c = next) {
		next = c->next_listed;
		if (c->deadline > now)
			continue;
		c->rung++;
		climb(s, c, now);
	}
}
