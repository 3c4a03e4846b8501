#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/str.h"
#include "conf/conf.h"
#include "parent/daemon.h"
#include "parent/limits.h"
#include "parent/listen.h"
#include "proc/group.h"

enum {
	STOP_GRACE_MS = 2000, /* beyond what ladder and Closes may take */
	FORCE_MS = 2000,      /* for what was killed to die */
};

/* ------------------------------------------------- stopping */

/* The longest that an orderly end may take. */
static uint64_t
stop_time(const struct daemon *d)
{
	const struct conf_route *r = &d->conf->route;
	uint64_t ms = 2 * r->close_timeout + STOP_GRACE_MS;

	for (size_t i = 0; i < r->kill.n; i++)
		ms += r->kill.rung[i].wait_ms;
	return ms;
}

/* A process that has not gone by then is not waited for. */
static void
daemon_on_forced_by(void *arg)
{
	struct daemon *d = arg;

	d->gave_up = true;
}

static void
force_stop(struct daemon *d)
{
	d->forced = true;
	loop_at(&d->loop, &d->stop, clock_ms() + FORCE_MS, daemon_on_forced_by,
	    d);
	engines_force(&d->engines);
	programs_stop(&d->programs, true);
}

static void
daemon_on_stop_by(void *arg)
{
	force_stop(arg);
}

static void
stop(struct daemon *d)
{
	struct generation *g;

	if (d->stopping)
		return;
	d->stopping = true;
	loop_at(&d->loop, &d->stop, clock_ms() + stop_time(d),
	    daemon_on_stop_by, d);
	mend_stop(&d->mend);
	listen_close(&d->listeners);
	TAILQ_FOREACH (g, &d->generations, entry)
		generation_stop(g);
	programs_stop(&d->programs, false);
}

/* There is no point in going on. */
static void
fail(struct daemon *d)
{
	d->failed = true;
	stop(d);
}

static bool
may_stop(const struct daemon *d)
{
	return d->stopping && !engines_remain(&d->engines) &&
	    !programs_remain(&d->programs);
}

/* What a ladder without KILL has left is killed first. */
static bool
is_over(struct daemon *d)
{
	if (!may_stop(d))
		return d->gave_up;
	if (d->forced || !programs_left_any(&d->programs))
		return true;
	force_stop(d);
	return false;
}

/* ------------------------------------------------- engines */

static pid_t
daemon_on_spawn(struct engine *e, int chan)
{
	struct daemon *d = e->engines->owner;

	return engine_program_spawn(&d->program, e->role, chan);
}

static void
daemon_on_engine_lost(struct engine *e, uint32_t number)
{
	struct daemon *d = e->engines->owner;
	bool serves = e->role == IPC_ROLE_ENGINE;

	programs_disown(&d->programs, number);
	limits_leave_all(d->limits, &e->seats);
	if (!generation_on_lost(e))
		return;
	if (d->conf->inetd && serves)
		fail(d);
	else if (d->programs.once_taken && serves)
		stop(d);
	else
		engine_replace(e);
}

static void
daemon_on_reaped(void *arg, pid_t pid, struct ended end)
{
	struct daemon *d = arg;
	struct engine *e = engines_find_pid(&d->engines, pid);

	if (e == NULL)
		return;
	engine_reaped(e, end);
	mend_look(&d->mend);
}

/* ------------------------------------------------- what engines ask */

static bool
on_ready(struct engine *e, const struct ipc_msg *m)
{
	(void)m;
	return generation_on_ready(e);
}

static bool
on_open(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;

	return programs_on_open(&d->programs, e, m);
}

static bool
on_kill(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;

	return programs_on_kill(&d->programs, e, m);
}

static bool
on_signal(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;

	return programs_on_signal(&d->programs, e, m);
}

static bool
on_done(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;

	return programs_on_done(&d->programs, e, m);
}

static bool
on_admit(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;
	struct ipc_admitted answer;
	uint8_t body[IPC_ADMITTED_BODY];
	struct ipc_admit a;

	if (!ipc_read_admit(m, &a))
		return false;
	limits_admit(d->limits, &e->seats, &a, clock_ms(), &answer);
	engine_tell(e, IPC_ADMITTED, m->session, body,
	    ipc_put_admitted(body, &answer));
	return true;
}

static bool
on_leave(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;
	uint32_t before = e->seats.connections, seat;

	if (!ipc_read_u32(m, &seat) ||
	    !limits_leave(d->limits, &e->seats, seat))
		return false;
	if (d->conf->inetd && e->seats.connections < before)
		stop(d);
	return true;
}

/* What it says is looked at: it may be the one that did it, or lie. */
static bool
on_spoilt(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;

	mend_look(&d->mend);
	return m->session < d->listeners.n || d->stopping;
}

/* What address failed too often all engines know, so that none asks. */
static bool
on_failed_login(struct engine *e, const struct ipc_msg *m)
{
	struct daemon *d = e->engines->owner;
	uint8_t body[IPC_BLOCKED_BODY];
	struct addr a;
	uint32_t ms;

	if (!ipc_read_addr(m, &a))
		return false;
	ms = limits_failed_login(d->limits, &a, clock_ms());
	if (ms > 0)
		engines_tell(&d->engines, IPC_BLOCKED, body,
		    ipc_put_blocked(body, &a, ms));
	return true;
}

/* Sizes and senders were checked by ipc_read(); a false answer is the end. */
static bool
daemon_on_msg(struct engine *e, const struct ipc_msg *m)
{
	static bool (*const requests[IPC_TYPES])(struct engine *,
	    const struct ipc_msg *) = {
		[IPC_READY] = on_ready,
		[IPC_OPEN] = on_open,
		[IPC_KILL] = on_kill,
		[IPC_SIGNAL] = on_signal,
		[IPC_DONE] = on_done,
		[IPC_ADMIT] = on_admit,
		[IPC_LEAVE] = on_leave,
		[IPC_TLS_VERDICT] = generation_on_verdict,
		[IPC_FAILED_LOGIN] = on_failed_login,
		[IPC_SPOILT] = on_spoilt,
	};

	/* a worker has nothing else to ask for */
	if (e->role != IPC_ROLE_ENGINE && m->type != IPC_READY)
		return false;
	return requests[m->type](e, m);
}

/* ------------------------------------------------- signals */

static void
daemon_on_child(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	programs_reap(&d->programs);
}

static void
daemon_on_hangup(void *arg, int sig)
{
	struct daemon *d = arg;
	struct generation *g;

	(void)sig;
	if (!generation_may_reload(d->serving))
		log_info("hang-up ignored: there is nothing to reload");
	TAILQ_FOREACH (g, &d->generations, entry)
		generation_reload(g);
}

/* Every engine says in the log what sessions it has. */
static void
daemon_on_list(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	engines_tell(&d->engines, IPC_LIST, NULL, 0);
}

static void
daemon_on_stop(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	if (!d->forced)
		log_info(d->stopping ? "stopping at once" : "stopping");
	if (!d->stopping)
		stop(d);
	else if (!d->forced)
		force_stop(d);
}

static void
daemon_on_other_signal(void *arg, int sig)
{
	(void)arg;
	log_info("signal ignored: %s", strsignal(sig));
}

static loop_signal_fn *
answer_to(int sig)
{
	switch (sig) {
	case SIGCHLD:
		return daemon_on_child;
	case SIGHUP:
		return daemon_on_hangup;
	case SIGUSR1:
		return daemon_on_list;
	case SIGTERM:
	case SIGINT:
		return daemon_on_stop;
	default:
		return daemon_on_other_signal;
	}
}

/* None that would end us goes by without a word. */
static int
catch_signals(struct daemon *d)
{
	for (size_t i = 0; i < signals_to_all_n; i++) {
		int sig = signals_to_all[i];

		if (loop_catch(&d->loop, sig, answer_to(sig), d) == -1)
			return -1;
	}
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		(void)loop_catch(&d->loop, sig, daemon_on_other_signal, d);
	return 0;
}

/* ------------------------------------------------- generations */

/* The first is what people wait for; the one before another accepts no more. */
static void
daemon_on_generation_ready(void *arg, struct generation *g)
{
	struct daemon *d = arg;

	if (g == d->coming) {
		generation_retire(d->serving);
		d->serving = g;
		d->coming = NULL;
		log_info("engines are replaced");
		return;
	}
	listen_announce(&d->listeners, (int)d->conf->ready_fd);
}

/* The engines that should have been replaced have to do with what there is. */
static void
daemon_on_generation_failed(void *arg, struct generation *g)
{
	struct daemon *d = arg;

	if (g != d->coming) {
		fail(d);
		return;
	}
	d->coming = NULL;
	generation_stop(g);
	log_error("engines cannot be replaced");
	for (size_t i = 0; i < d->listeners.n; i++)
		generation_tell_listener(d->serving, i);
}

static struct generation *
new_generation(struct daemon *d, char **why)
{
	static const struct generation_ops ops = {
		.on_ready = daemon_on_generation_ready,
		.on_failed = daemon_on_generation_failed,
	};
	struct generation *g = generation_new(
	    &(struct generation_start){
		.conf = d->conf,
		.all = &d->engines,
		.listeners = &d->listeners,
		.limits = d->limits,
		.ops = &ops,
		.owner = d,
	    },
	    why);

	if (g != NULL)
		TAILQ_INSERT_TAIL(&d->generations, g, entry);
	return g;
}

/* ------------------------------------------------- spoilt listeners */

/*
 * Engines with the same settings take the place of all, of which one may not be
 * itself any more. One time is enough: if they have not all gone yet and it
 * happens again, it was none of them.
 */
static bool
replace_engines(struct daemon *d)
{
	char *why = NULL;

	if (d->stopping || d->conf->once ||
	    d->serving->state != GENERATION_SERVING ||
	    TAILQ_NEXT(TAILQ_FIRST(&d->generations), entry) != NULL)
		return false;
	if ((d->coming = new_generation(d, &why)) == NULL) {
		LOG(LOG_LVL_ERROR, "engines cannot be replaced",
		    LOG_STR("reason", why));
		free(why);
		return false;
	}
	generation_begin(d->coming);
	return true;
}

/* Those that are to be replaced get no other socket, which they could spoil. */
static void
daemon_on_anew(void *arg, uint64_t which, bool again)
{
	struct daemon *d = arg;

	if (again && replace_engines(d))
		return;
	for (size_t i = 0; i < d->listeners.n; i++)
		if (which >> i & 1)
			generation_tell_listener(d->coming != NULL ? d->coming
								   : d->serving,
			    i);
}

static const struct mend_ops mend_ops = {
	.on_anew = daemon_on_anew,
};

/* ------------------------------------------------- the loop */

static void
daemon_on_ladder(void *arg)
{
	struct daemon *d = arg;

	programs_tick(&d->programs);
}

/* Not from a call of theirs. */
static void
free_old_generations(struct daemon *d)
{
	struct generation *g, *next;

	for (g = TAILQ_FIRST(&d->generations); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (g == d->serving || !generation_is_over(g))
			continue;
		TAILQ_REMOVE(&d->generations, g, entry);
		generation_free(g);
	}
}

static int
status_of(const struct daemon *d)
{
	if (d->failed || (d->forced && d->programs.status == 0))
		return EXIT_FAILURE;
	return d->programs.status;
}

int
daemon_run(struct daemon *d)
{
	generation_begin(d->serving);
	while (!is_over(d)) {
		loop_at(&d->loop, &d->ladder, programs_next(&d->programs),
		    daemon_on_ladder, d);
		loop_turn(&d->loop);
		free_old_generations(d);
	}
	programs_reap(&d->programs); /* orphans that went with the last */
	return status_of(d);
}

/* ------------------------------------------------- opening */

static void
daemon_on_once_over(void *arg)
{
	stop(arg);
}

static const struct programs_ops programs_ops = {
	.on_once_over = daemon_on_once_over,
	.on_other = daemon_on_reaped,
};

static const struct engine_ops engine_ops = {
	.spawn = daemon_on_spawn,
	.on_begin = generation_on_begin,
	.on_failed = generation_on_failed,
	.on_msg = daemon_on_msg,
	.on_lost = daemon_on_engine_lost,
};

static bool
open_signals(struct daemon *d, char **why)
{
	if (spawn_init(signals_to_all, signals_to_all_n) == 0 &&
	    catch_signals(d) == 0)
		return true;
	*why = mem_strdup(strerror(errno));
	return false;
}

bool
daemon_open(struct daemon *d, const struct conf *conf, char **why)
{
	*d = (struct daemon){ .conf = conf };
	TAILQ_INIT(&d->generations);
	loop_init(&d->loop);
	engines_init(&d->engines, &d->loop, &engine_ops, d);
	programs_init(&d->programs, conf, &d->engines, &programs_ops, d);
	mend_init(&d->mend, &d->loop, &d->listeners, conf, &mend_ops, d);
	d->limits = limits_new(conf);
	if (!engine_program_open(&d->program, why) ||
	    (d->serving = new_generation(d, why)) == NULL ||
	    !listen_open(&d->listeners, conf, why) || !open_signals(d, why)) {
		daemon_close(d);
		return false;
	}
	group_adopt_orphans();
	return true;
}

void
daemon_close(struct daemon *d)
{
	struct generation *g;

	while ((g = TAILQ_FIRST(&d->generations)) != NULL) {
		TAILQ_REMOVE(&d->generations, g, entry);
		generation_free(g);
	}
	limits_free(d->limits);
	programs_clear(&d->programs);
	listen_close(&d->listeners);
	engine_program_close(&d->program);
	loop_clear(&d->loop);
	*d = (struct daemon){ 0 };
}
