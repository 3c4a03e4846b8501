#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beside.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/wire.h"
#include "parent/daemon.h"
#include "parent/engine.h"
#include "parent/limits.h"
#include "proc/group.h"

enum {
	ENGINES_MAX = 256,
	NUMBERS_EACH = 16,    /* engines that follow each other in a place */
	STOP_GRACE_MS = 2000, /* beyond what ladder and Closes may take */
	FORCE_MS = 2000,      /* for what was killed to die */
};

/* ------------------------------------------------- children */

/* Whose command it is; NULL: that engine has gone. */
static struct engine *
owner_of(const struct daemon *d, const struct child *c)
{
	for (size_t i = 0; c->owner != 0 && i < d->nengines; i++)
		if (d->engines[i].number == c->owner)
			return &d->engines[i];
	return NULL;
}

static void
daemon_on_exit(void *arg, struct child *c, struct ended end, bool kept)
{
	struct daemon *d = arg;
	struct engine *e = owner_of(d, c);

	if (c->pid == d->status_of)
		d->status = (int)ended_status(end);
	if (e != NULL)
		engine_tell_exit(e, c, end, kept || d->conf->once);
}

static void
daemon_on_left_ended(void *arg, struct child *c)
{
	(void)arg;
	LOG(LOG_LVL_INFO, "program has ended after all",
	    LOG_UINT("session", c->session), LOG_INT("pid", c->pid));
}

/* Its session is told, and ends; the place under --maxforks it keeps. */
static void
daemon_on_left(void *arg, struct child *c, pid_t pid)
{
	struct daemon *d = arg;
	struct engine *e = owner_of(d, c);
	char name[64];
	bool forbidden = kill(pid, 0) == -1 && errno == EPERM;

	group_put_name(name, sizeof(name), pid);
	LOG(LOG_LVL_WARN, "program cannot be ended",
	    LOG_UINT("session", c->session), LOG_INT("pid", pid),
	    LOG_STR("command", name),
	    LOG_STR("reason",
		forbidden ? "it may not be signalled"
			  : "it outlives what --kill sends"),
	    LOG_UINT("places", child_count_left(d->children)));
	if (e != NULL)
		engine_tell_exit(e, c, (struct ended){ .signal = ENDED_LIVES },
		    d->conf->once);
}

static void
daemon_on_other(void *arg, pid_t pid, struct ended end)
{
	struct daemon *d = arg;

	for (size_t i = 0; i < d->nengines; i++) {
		if (d->engines[i].pid == pid)
			engine_reaped(&d->engines[i], end);
	}
}

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

/* Who has not gone by then is not waited for. */
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
	for (size_t i = 0; i < d->nengines; i++) {
		engine_clear(&d->engines[i]);
		engine_kill(&d->engines[i]);
	}
	child_stop_all(d->children, true);
}

static void
daemon_on_stop_by(void *arg)
{
	force_stop(arg);
}

void
daemon_stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	loop_at(&d->loop, &d->stop, clock_ms() + stop_time(d),
	    daemon_on_stop_by, d);
	secrets_stop(&d->secrets);
	certs_stop(&d->certs);
	listen_close(&d->listeners);
	for (size_t i = 0; i < d->nengines; i++)
		engine_stop(&d->engines[i]);
	child_stop_all(d->children, false);
}

void
daemon_fail(struct daemon *d)
{
	d->status = EXIT_FAILURE;
	d->status_of = 0;
	daemon_stop(d);
}

/*
 * Commands without a ladder are left to themselves, but not by force. Those
 * that a ladder has left are not waited for.
 */
static bool
commands_remain(const struct daemon *d)
{
	return (d->forced || d->command.ladder.n > 0) &&
	    child_count(d->children) > child_count_left(d->children);
}

static bool
engines_remain(const struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++)
		if (d->engines[i].chan.fd != -1 || d->engines[i].pid != 0)
			return true;
	return false;
}

static bool
may_stop(const struct daemon *d)
{
	return d->stopping && !engines_remain(d) && !commands_remain(d);
}

/* What a ladder without KILL has left is killed first. */
static bool
is_over(struct daemon *d)
{
	if (!may_stop(d))
		return d->gave_up;
	if (d->forced || child_count_left(d->children) == 0)
		return true;
	force_stop(d);
	return false;
}

/* ------------------------------------------------- reading files again */

static void
daemon_on_secret(void *arg, struct secret *changed)
{
	struct daemon *d = arg;

	if (changed == &d->secrets.passwords)
		engine_tell_passwords(d);
	else
		engine_tell_tokens(d);
}

static void
daemon_on_hangup(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	if (!secrets_are_used(&d->secrets) && !conf_has_tls(d->conf))
		log_info("hang-up ignored: there is nothing to reload");
	secrets_reload(&d->secrets);
	certs_reload(&d->certs);
}

/* ------------------------------------------------- certificates */

static void
daemon_on_certs_unusable(void *arg)
{
	daemon_fail(arg);
}

static const struct certs_ops certs_ops = {
	.tell = engine_put,
	.lose = engine_lost,
	.on_unusable = daemon_on_certs_unusable,
};

/* ------------------------------------------------- what else is signalled */

static void
daemon_on_child(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	child_reap(d->children);
}

static void
daemon_on_list(void *arg, int sig)
{
	(void)sig;
	engine_list_sessions(arg);
}

static void
daemon_on_stop(void *arg, int sig)
{
	struct daemon *d = arg;

	(void)sig;
	if (!d->forced)
		log_info(d->stopping ? "stopping at once" : "stopping");
	if (!d->stopping)
		daemon_stop(d);
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

/* ------------------------------------------------- the loop */

/* Whoever reads it sees the end; 2 is the log, and 1 may not become free. */
static void
end_ready_fd(int fd)
{
	int null;

	if (fd == STDOUT_FILENO) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null != -1)
			(void)dup2(null, fd);
		fd_close(&null);
	} else if (fd > STDERR_FILENO) {
		fd_close(&fd);
	}
}

static void
announce(struct daemon *d)
{
	int fd = (int)d->conf->ready_fd;

	for (size_t i = 0; i < d->listeners.n; i++) {
		char *where = listen_describe(&d->listeners.v[i]);

		if (where == NULL)
			continue;
		log_raw("listening on %s", where);
		if (fd != -1)
			(void)dprintf(fd, "standpiped: listening on %s\n",
			    where);
		free(where);
	}
	end_ready_fd(fd);
}

static bool
is_taken(const struct daemon *d, uint32_t number)
{
	for (size_t i = 0; i < d->nengines; i++)
		if (d->engines[i].number == number)
			return true;
	return false;
}

uint32_t
daemon_new_number(struct daemon *d)
{
	for (uint32_t i = 0; i < d->step; i++) {
		d->last_number = d->last_number % d->step + 1;
		if (!is_taken(d, d->last_number))
			return d->last_number;
	}
	return 0;
}

void
daemon_engine_ready(struct daemon *d)
{
	if (d->announced)
		return;
	for (size_t i = 0; i < d->nengines; i++)
		if (!d->engines[i].ready)
			return;
	d->announced = true;
	certs_serve(&d->certs);
	announce(d);
}

static void
daemon_on_ladder(void *arg)
{
	struct daemon *d = arg;

	child_tick(d->children, clock_ms());
}

int
daemon_run(struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++)
		engine_begin(&d->engines[i]);
	while (!is_over(d)) {
		loop_at(&d->loop, &d->ladder, child_next(d->children),
		    daemon_on_ladder, d);
		loop_turn(&d->loop);
	}
	child_reap(d->children); /* orphans that went with the last of them */
	return d->forced && d->status == 0 ? EXIT_FAILURE : d->status;
}

/* ------------------------------------------------- opening */

static size_t
count_cpus(void)
{
#ifdef __linux__
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (size_t)CPU_COUNT(&set);
#endif
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (size_t)n;
}

/* Root's engines run as somebody with nothing. */
static bool
find_engine_user(struct daemon *d, char **why)
{
	static const char *const names[] = { "_standpipe", "nobody" };

	if (geteuid() != 0)
		return true;
	d->engine_has_user = true;
	for (size_t i = 0; i < nitems(names); i++) {
		free(*why);
		*why = NULL;
		if (spawn_user_find(&d->engine_user, names[i], NULL, why))
			return true;
	}
	return false;
}

/*
 * A program that is asked for as a file would show its source, and a file that
 * somebody puts there would be a program.
 */
static bool
lies_apart(const struct folder *files, const struct folder *programs,
    const char *option, char **why)
{
	if (programs->fd == -1 ||
	    (!folder_holds(files, programs) && !folder_holds(programs, files)))
		return true;
	*why = mem_printf("--%s=%s and --staticdir=%s lie in each other: "
			  "programs would be served as files",
	    option, programs->path, files->path);
	return false;
}

/* Engines read what is in them, and need no way there of their own. */
static bool
open_folders(struct daemon *d, char **why)
{
	const struct conf_route *r = &d->conf->route;
	struct folder *files = &d->folder[IPC_FOLDER_STATIC];

	if (r->errordir != NULL &&
	    !folder_open(&d->folder[IPC_FOLDER_ERRORS], "errordir", r->errordir,
		why))
		return false;
	if (r->staticdir == NULL)
		return true;
	if (!folder_open(files, "staticdir", r->staticdir, why))
		return false;
	d->command.root = files->path;
	return lies_apart(files, &d->command.dir, "dir", why) &&
	    lies_apart(files, &d->command.cgidir, "cgidir", why);
}

static void
add_engine(struct daemon *d, enum ipc_role role)
{
	engine_init(&d->engines[d->nengines], d, role, (uint16_t)d->nengines);
	d->nengines++;
}

static void
make_engines(struct daemon *d)
{
	size_t n = d->conf->inetd  ? 1
	    : d->conf->engines > 0 ? (size_t)d->conf->engines
				   : count_cpus();

	if (n > ENGINES_MAX)
		n = ENGINES_MAX;
	d->engines = mem_new(n + IPC_ROLES, sizeof(*d->engines));
	while (d->nengines < n)
		add_engine(d, IPC_ROLE_ENGINE);
	if (secret_is_used(&d->secrets.passwords))
		add_engine(d, IPC_ROLE_AUTH);
	if (d->conf->reverselookup)
		add_engine(d, IPC_ROLE_NAMES);
	/* a power of two: numbers stay apart when they begin anew, too */
	for (d->step = 1; d->step < NUMBERS_EACH * d->nengines;)
		d->step *= 2;
}

/* Engines learn where the folder really is: its links may say so. */
static bool
pack_conf(struct daemon *d)
{
	struct conf told = *d->conf;

	told.route.staticdir = d->folder[IPC_FOLDER_STATIC].path;
	return wire_pack(&told, &d->packed);
}

bool
daemon_open(struct daemon *d, const struct conf *conf, char **why)
{
	static const struct child_ops ops = {
		.on_exit = daemon_on_exit,
		.on_left = daemon_on_left,
		.on_left_ended = daemon_on_left_ended,
		.on_other = daemon_on_other,
	};

	*d = (struct daemon){ .conf = conf };
	loop_init(&d->loop);
	buf_init(&d->packed, IPC_CONF_MAX);
	for (size_t i = 0; i < nitems(d->folder); i++)
		d->folder[i].fd = -1;
	if (!command_open(&d->command, conf, why) ||
	    (d->engine_path = beside_find("standpiped-engine", why)) == NULL ||
	    !find_engine_user(d, why) || !open_folders(d, why) ||
	    !secrets_open(&d->secrets, &d->loop, conf, daemon_on_secret, d,
		why) ||
	    !certs_open(&d->certs, &d->loop, conf, &certs_ops, d, why) ||
	    !listen_open(&d->listeners, conf, why))
		goto fail;
	if (!pack_conf(d)) {
		*why = mem_strdup("the settings are too large");
		goto fail;
	}
	if (spawn_init(signals_to_all, signals_to_all_n) == -1 ||
	    catch_signals(d) == -1) {
		*why = mem_strdup(strerror(errno));
		goto fail;
	}
	group_adopt_orphans();
	d->children = child_set_new(&ops, d);
	d->limits = limits_new(conf);
	make_engines(d);
	return true;
fail:
	daemon_close(d);
	return false;
}

void
daemon_close(struct daemon *d)
{
	for (size_t i = 0; i < d->nengines; i++)
		engine_clear(&d->engines[i]);
	free(d->engines);
	limits_free(d->limits);
	child_set_free(d->children);
	listen_close(&d->listeners);
	certs_close(&d->certs);
	command_close(&d->command);
	for (size_t i = 0; i < nitems(d->folder); i++)
		folder_close(&d->folder[i]);
	buf_clear(&d->packed);
	secrets_close(&d->secrets);
	free(d->engine_path);
	loop_clear(&d->loop);
	*d = (struct daemon){ 0 };
}
