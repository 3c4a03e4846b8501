#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/value.h"
#include "parent/generation.h"
#include "parent/limits.h"
#include "parent/programs.h"
#include "parent_world.h"
#include "proc/spawn.h"
#include "sock/listen_set.h"

#define X16 "0123456789abcdef"

/* A daemon without signals: it serves one generation or more. */
struct world {
	struct parent_world w;
	struct conf conf, other; /* settings, and of another route */
	struct listen_set listeners;
	struct limits *limits;
	struct programs programs;
	struct generation *g[3];
	unsigned ready, failed, over;
	char folder[64];
};

/* The command; the settings own it. */
static void
set_command(struct conf *c, const char *word)
{
	c->route.argv = mem_new(2, sizeof(*c->route.argv));
	c->route.argv[0] = mem_strdup(word);
	c->route.argv[1] = NULL;
}

static void
set(struct conf *c, const char *name, const char *value)
{
	const struct option *o = option_find(&daemon_table, name, strlen(name));
	char *why = NULL;

	assert_non_null(o);
	if (!value_set(option_about(&daemon_table, c, o), o, value, &why))
		fail_msg("%s", why);
}

/* ------------------------------------------------- what a daemon does */

static bool
on_msg(struct engine *e, const struct ipc_msg *m)
{
	struct world *t = e->engines->owner;

	switch (m->type) {
	case IPC_READY:
		return generation_on_ready(e);
	case IPC_OPEN:
		return programs_on_open(&t->programs, e, m);
	case IPC_SIGNAL:
		return programs_on_signal(&t->programs, e, m);
	case IPC_KILL:
		return programs_on_kill(&t->programs, e, m);
	case IPC_DONE:
		return programs_on_done(&t->programs, e, m);
	default:
		return false;
	}
}

static void
on_lost(struct engine *e, uint32_t number)
{
	struct world *t = e->engines->owner;

	programs_disown(&t->programs, number);
	limits_leave_all(t->limits, &e->seats);
	if (generation_on_lost(e))
		engine_replace(e);
}

static const struct engine_ops engine_ops = {
	.spawn = world_spawn,
	.on_begin = generation_on_begin,
	.on_failed = generation_on_failed,
	.on_msg = on_msg,
	.on_lost = on_lost,
};

static void
on_ready(void *arg, struct generation *g)
{
	struct world *t = arg;

	(void)g;
	t->ready++;
}

static void
on_generation_failed(void *arg, struct generation *g)
{
	struct world *t = arg;

	t->failed++;
	generation_stop(g);
}

static const struct generation_ops generation_ops = {
	.on_ready = on_ready,
	.on_failed = on_generation_failed,
};

static void
on_once_over(void *arg)
{
	struct world *t = arg;

	t->over++;
}

static void
on_other(void *arg, pid_t pid, struct ended end)
{
	(void)arg;
	(void)pid;
	(void)end;
}

static const struct programs_ops programs_ops = {
	.on_once_over = on_once_over,
	.on_other = on_other,
};

/* ------------------------------------------------- the world */

static int
setup(void **state)
{
	static struct world t;

	t = (struct world){ 0 };
	world_open(&t.w, &engine_ops, &t);
	conf_init(&t.conf);
	conf_init(&t.other);
	set_command(&t.conf, "cat");
	set_command(&t.other, "head");
	t.limits = limits_new(&t.conf);
	programs_init(&t.programs, &t.conf, &t.w.engines, &programs_ops, &t);
	(void)snprintf(t.folder, sizeof(t.folder), "/tmp/generationXXXXXX");
	assert_non_null(mkdtemp(t.folder));
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;
	char line[128];

	for (size_t i = 0; i < nitems(t->g); i++)
		generation_free(t->g[i]);
	programs_stop(&t->programs, true);
	while (programs_remain(&t->programs))
		programs_reap(&t->programs);
	programs_clear(&t->programs);
	limits_free(t->limits);
	conf_clear(&t->conf);
	conf_clear(&t->other);
	world_close(&t->w);
	(void)snprintf(line, sizeof(line), "rm -r %s", t->folder);
	return system(line);
}

static struct generation *
make(struct world *t, size_t which, size_t nengines)
{
	char *why = NULL;
	struct generation *g;

	t->conf.engines = nengines;
	g = generation_new(
	    &(struct generation_start){
		.conf = &t->conf,
		.all = &t->w.engines,
		.listeners = &t->listeners,
		.limits = t->limits,
		.ops = &generation_ops,
		.owner = t,
	    },
	    &why);

	if (g == NULL)
		fail_msg("%s", why);
	t->g[which] = g;
	return g;
}

/* All that it started work; gives the first of them. */
static struct fake *
serve(struct world *t, size_t which, size_t nengines)
{
	struct generation *g =
	    t->g[which] != NULL ? t->g[which] : make(t, which, nengines);
	size_t first = t->w.n;

	generation_begin(g);
	world_turn(&t->w);
	for (size_t i = first; i < t->w.n; i++)
		fake_is_ready(&t->w, &t->w.fake[i]);
	assert_int_equal(g->state, GENERATION_SERVING);
	return &t->w.fake[first];
}

static struct ipc_start
start_of(const struct fake *f)
{
	struct ipc_msg m = {
		.type = IPC_START,
		.body = f->body[IPC_START],
		.len = IPC_START_BODY,
	};
	struct ipc_start s;

	assert_int_equal(f->told[IPC_START], 1);
	assert_true(ipc_read_start(&m, &s));
	return s;
}

/* An engine asks for the command of a route. */
static void
asks(struct world *t, struct fake *f, uint32_t route, uint32_t session)
{
	const struct ipc_open op = {
		.route = route,
		.part = IPC_PART_COMMAND,
		.path = "",
		.vars = "",
	};
	uint8_t body[IPC_OPEN_MAX];

	fake_says(&t->w, f, IPC_OPEN, session, body, ipc_put_open(body, &op));
}

static pid_t
opened(const struct fake *f)
{
	uint32_t pid;

	memcpy(&pid, f->body[IPC_OPENED], sizeof(pid));
	return (pid_t)pid;
}

static void
runs(pid_t pid, const char *what)
{
	char link[64], path[4096];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	assert_string_equal(strrchr(path, '/') + 1, what);
}

/* ------------------------------------------------- one generation */

static void
is_ready_when_all_work(void **state)
{
	struct world *t = *state;
	struct generation *g;

	set(&t->conf, "reverselookup", "yes");
	g = make(t, 0, 2);
	generation_begin(g);
	world_turn(&t->w);
	assert_int_equal(t->w.n, 3);
	for (size_t i = 0; i < 3; i++) {
		struct fake *f = &t->w.fake[i];

		assert_in_range(f->told[IPC_CONF], 1, 10);
		assert_int_equal(start_of(f).number, f->engine->number);
		assert_int_equal(start_of(f).step, 64);
		assert_int_equal(start_of(f).engines, 2);
		assert_int_equal(t->ready, 0);
		fake_is_ready(&t->w, f);
	}
	assert_int_equal(t->ready, 1);
	assert_int_equal(t->w.fake[0].told[IPC_LINK], 1);
	assert_int_equal(t->w.fake[1].told[IPC_LINK], 1);
	assert_int_equal(t->w.fake[2].told[IPC_LINK], 2);
}

static void
fails_if_one_ends_before(void **state)
{
	struct world *t = *state;
	struct generation *g = make(t, 0, 2);

	generation_begin(g);
	fake_is_ready(&t->w, &t->w.fake[0]);
	fake_is_reaped(&t->w, &t->w.fake[1]);
	assert_int_equal(t->failed, 1);
	assert_int_equal(t->ready, 0);
	assert_int_equal(t->w.fake[0].told[IPC_STOP], 1);
	assert_false(generation_is_over(g));
	fake_is_reaped(&t->w, &t->w.fake[0]);
	assert_true(generation_is_over(g));
	world_pass(&t->w, 60000);
	assert_int_equal(t->w.n, 2);
}

static void
fails_if_one_cannot_be_started(void **state)
{
	struct world *t = *state;
	struct generation *g = make(t, 0, 2);

	t->w.spawn_errno = EAGAIN;
	generation_begin(g);
	assert_int_equal(t->failed, 1);
	world_pass(&t->w, 60000);
	assert_true(generation_is_over(g));
	assert_int_equal(t->w.n, 0);
}

static void
starts_no_more_when_one_could_not_be_started(void **state)
{
	struct world *t = *state;
	struct generation *g = make(t, 0, 3);

	t->w.spawn_errno = EAGAIN;
	t->w.fails_once = true;
	generation_begin(g);
	assert_int_equal(t->failed, 1);
	world_pass(&t->w, 60000);
	assert_int_equal(t->w.n, 0);
	assert_true(generation_is_over(g));
}

static void
replaces_one_that_dies(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 2), *next;

	fake_is_reaped(&t->w, f);
	assert_int_equal(t->w.n, 3);
	next = &t->w.fake[2];
	assert_ptr_equal(next->engine, f->engine);
	assert_int_not_equal(start_of(next).number, start_of(f).number);
	fake_is_ready(&t->w, next);
	assert_int_equal(t->ready, 1);
	assert_int_equal(t->failed, 0);
}

static void
says_ready_once(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 1);

	fake_is_ready(&t->w, f);
	assert_true(fake_was_killed(f));
}

/* ------------------------------------------------- two of them */

/* Each session is where its engine is, whichever serves. */
static void
one_is_retired_while_another_serves(void **state)
{
	struct world *t = *state;
	struct fake *old, *new;
	siginfo_t si;
	pid_t pid;

	set(&t->conf, "reverselookup", "yes");
	old = serve(t, 0, 1);
	asks(t, old, 0, 17);
	assert_int_equal(old->told[IPC_OPENED], 1);
	pid = opened(old);
	new = serve(t, 1, 1);
	assert_int_equal(t->ready, 2);
	assert_int_not_equal(start_of(old).number, start_of(new).number);
	assert_int_equal(start_of(old).step, start_of(new).step);

	generation_retire(t->g[0]);
	world_turn(&t->w);
	assert_int_equal(old->told[IPC_RETIRE], 1);
	assert_int_equal(new->told[IPC_RETIRE], 0);
	assert_int_equal(old[1].told[IPC_STOP], 0); /* its worker works */
	assert_false(generation_is_over(t->g[0]));

	asks(t, new, 0, 17);
	assert_int_equal(new->told[IPC_OPENED], 1);
	close(old->passed[IPC_OPENED]);
	old->passed[IPC_OPENED] = -1;
	(void)kill(pid, SIGTERM);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	programs_reap(&t->programs);
	world_turn(&t->w);
	assert_int_equal(old->told[IPC_EXITED], 1);
	assert_int_equal(old->session[IPC_EXITED], 17);
	assert_int_equal(new->told[IPC_EXITED], 0);

	fake_is_reaped(&t->w, old);
	assert_int_equal(old[1].told[IPC_STOP], 1);
	assert_false(generation_is_over(t->g[0]));
	fake_is_reaped(&t->w, &old[1]);
	assert_true(generation_is_over(t->g[0]));
	generation_free(t->g[0]);
	t->g[0] = NULL;
	asks(t, new, 0, 18);
	assert_int_equal(new->told[IPC_OPENED], 2);
	assert_int_equal(t->failed, 0);
}

static void
ends_at_once_without_sessions(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 2);

	generation_retire(t->g[0]);
	generation_retire(t->g[0]);
	world_turn(&t->w);
	assert_int_equal(f->told[IPC_RETIRE], 1);
	fake_hangs_up(&t->w, &f[0]);
	fake_hangs_up(&t->w, &f[1]);
	assert_false(generation_is_over(t->g[0])); /* zombies yet */
	fake_is_reaped(&t->w, &f[0]);
	fake_is_reaped(&t->w, &f[1]);
	assert_true(generation_is_over(t->g[0]));
}

static void
replaces_the_workers_of_one_that_is_retired(void **state)
{
	struct world *t = *state;
	struct fake *f;

	set(&t->conf, "reverselookup", "yes");
	f = serve(t, 0, 2);
	generation_retire(t->g[0]);
	fake_is_reaped(&t->w, &f[0]); /* it died: nobody follows */
	assert_int_equal(t->w.n, 3);
	fake_is_reaped(&t->w, &f[2]);
	assert_int_equal(t->w.n, 4);
	assert_int_equal(t->w.fake[3].engine->role, IPC_ROLE_NAMES);
	assert_int_equal(f[1].told[IPC_LINK], 2);
	fake_is_reaped(&t->w, &f[1]);
	assert_int_equal(t->w.fake[3].told[IPC_STOP], 1);
}

static void
is_stopped_while_it_is_retired(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 1);

	generation_retire(t->g[0]);
	generation_stop(t->g[0]);
	generation_retire(t->g[0]);
	world_turn(&t->w);
	assert_int_equal(f->told[IPC_RETIRE], 1);
	assert_int_equal(f->told[IPC_STOP], 1);
	fake_is_reaped(&t->w, f);
	assert_true(generation_is_over(t->g[0]));
}

static void
may_fail_beside_one_that_serves(void **state)
{
	struct world *t = *state;
	struct fake *old = serve(t, 0, 1);

	generation_begin(make(t, 1, 1));
	fake_is_reaped(&t->w, &t->w.fake[1]);
	assert_int_equal(t->failed, 1);
	assert_true(generation_is_over(t->g[1]));
	assert_int_equal(old->told[IPC_STOP], 0);
	asks(t, old, 0, 1);
	assert_int_equal(old->told[IPC_OPENED], 1);
}

/* ------------------------------------------------- two routes */

static void
add_second_route(struct world *t)
{
	char *why = NULL;

	if (!generation_add_route(make(t, 0, 1), &t->other.route, &why))
		fail_msg("%s", why);
}

static void
each_route_has_its_command(void **state)
{
	struct world *t = *state;
	struct fake *f;

	add_second_route(t);
	f = serve(t, 0, 1);
	asks(t, f, 1, 5);
	assert_int_equal(f->told[IPC_OPENED], 1);
	runs(opened(f), "head");
	asks(t, f, 0, 6);
	assert_int_equal(f->told[IPC_OPENED], 2);
	assert_int_equal(f->session[IPC_OPENED], 6);
	runs(opened(f), "cat");
	asks(t, f, 2, 7); /* there is none */
	assert_true(fake_was_killed(f));
}

static void
put_file(const struct world *t, const char *name, const char *text,
    char path[128])
{
	FILE *f;

	(void)snprintf(path, 128, "%s/%s", t->folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
each_route_has_its_folders_and_tokens(void **state)
{
	struct world *t = *state;
	struct ipc_folder folder;
	struct ipc_piece piece;
	struct fake *f;
	char path[128];

	put_file(t, "tokens", "one:" X16 X16 X16 X16 "\n", path);
	set(&t->other, "staticdir", t->folder);
	set(&t->other, "token-file", path);
	add_second_route(t);
	f = serve(t, 0, 1);
	assert_int_equal(f->told[IPC_FOLDER], 1);
	assert_true(ipc_read_folder(
	    &(struct ipc_msg){
		.body = f->body[IPC_FOLDER],
		.len = IPC_FOLDER_BODY,
	    },
	    &folder));
	assert_int_equal(folder.route, 1);
	assert_int_equal(folder.which, IPC_FOLDER_STATIC);
	assert_int_equal(f->told[IPC_TOKENS], 1);
	generation_reload(t->g[0]);
	world_turn(&t->w);
	assert_int_equal(f->told[IPC_TOKENS], 2);
	assert_true(ipc_read_piece(
	    &(struct ipc_msg){
		.body = f->body[IPC_TOKENS],
		.len = IPC_PIECE_HEAD + 4,
	    },
	    &piece));
	assert_int_equal(piece.route, 1);
}

static void
signals(struct world *t, struct fake *f, uint32_t session, int sig)
{
	uint8_t body[8];

	fake_says(&t->w, f, IPC_SIGNAL, session, body,
	    ipc_put_signal(body, (uint32_t)opened(f), sig));
}

static void
each_route_has_its_signals(void **state)
{
	struct world *t = *state;
	struct fake *f;

	set(&t->other, "client-signals", "USR1");
	add_second_route(t);
	f = serve(t, 0, 1);
	asks(t, f, 1, 5);
	signals(t, f, 5, SIGUSR1);
	assert_true(fake_lives(f));
	asks(t, f, 0, 6);
	signals(t, f, 6, SIGUSR1);
	assert_true(fake_was_killed(f));
}

/* ------------------------------------------------- programs */

static void
a_program_is_of_the_engine_that_asked(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 2);
	uint8_t body[8];

	asks(t, &f[0], 0, 5);
	/* another names it: nothing happens, and nothing is wrong with that */
	fake_says(&t->w, &f[1], IPC_KILL, 5, body,
	    ipc_put_kill(body, (uint32_t)opened(&f[0]), 0));
	assert_int_equal(programs_next(&t->programs), UINT64_MAX);
	assert_true(fake_lives(&f[1]));
	/* and its own engine claims that it has ended */
	fake_says(&t->w, &f[0], IPC_DONE, 5, body,
	    ipc_put_u32(body, (uint32_t)opened(&f[0])));
	assert_true(fake_was_killed(&f[0]));
	assert_int_not_equal(programs_next(&t->programs), UINT64_MAX);
}

/* It has ended, and its engine may know. */
static void
ends(struct world *t, pid_t pid)
{
	siginfo_t si;

	(void)kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	programs_reap(&t->programs);
	world_turn(&t->w);
}

static void
kills(struct world *t, struct fake *f, uint32_t session, pid_t pid)
{
	uint8_t body[8];

	fake_says(&t->w, f, IPC_KILL, session, body,
	    ipc_put_kill(body, (uint32_t)pid, 0));
}

static void
done(struct world *t, struct fake *f, uint32_t session, pid_t pid)
{
	uint8_t body[4];

	fake_says(&t->w, f, IPC_DONE, session, body,
	    ipc_put_u32(body, (uint32_t)pid));
}

/* The command does, and hears of no end of input. */
static void
wait_for_signals(struct world *t)
{
	char path[128];

	put_file(t, "command", "#!/bin/sh\nexec sleep 60\n", path);
	assert_int_equal(chmod(path, 0700), 0);
	free(t->conf.route.argv[0]);
	t->conf.route.argv[0] = mem_strdup(path);
}

static void
they_end_in_any_order(void **state)
{
	struct world *t = *state;
	struct fake *f;
	pid_t pid[3];

	wait_for_signals(t);
	f = serve(t, 0, 1);
	for (uint32_t i = 0; i < 3; i++) {
		asks(t, f, 0, i + 1);
		pid[i] = opened(f);
	}
	kills(t, f, 3, pid[2]); /* the ladder is on its way */
	ends(t, pid[1]);
	assert_int_equal(f->session[IPC_EXITED], 2);
	ends(t, pid[2]);
	assert_int_equal(f->session[IPC_EXITED], 3);
	kills(t, f, 3, pid[2]); /* it could not know */
	done(t, f, 3, pid[2]);
	kills(t, f, 1, pid[0]);
	kills(t, f, 1, pid[0]);
	ends(t, pid[0]);
	assert_int_equal(f->session[IPC_EXITED], 1);
	assert_int_equal(f->told[IPC_EXITED], 3);
	assert_false(programs_remain(&t->programs));
	assert_true(fake_lives(f));
}

/* The ladder goes on when what it was read from is no more. */
static void
they_outlive_their_settings(void **state)
{
	struct world *t = *state;
	struct fake *f;
	siginfo_t si;
	pid_t pid[2];

	set(&t->conf, "kill", "EOF:1s,TERM:1s,KILL");
	wait_for_signals(t);
	f = serve(t, 0, 1);
	for (uint32_t i = 0; i < 2; i++) {
		asks(t, f, 0, i);
		pid[i] = opened(f);
	}
	generation_retire(t->g[0]);
	fake_is_reaped(&t->w, f);
	generation_free(t->g[0]);
	t->g[0] = NULL;
	t->w.now = programs_next(&t->programs);
	programs_tick(&t->programs);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(waitid(P_PID, (id_t)pid[i], &si,
				     WEXITED | WNOWAIT),
		    0);
		assert_int_equal(si.si_status, SIGTERM);
	}
	programs_reap(&t->programs);
	assert_false(programs_remain(&t->programs));
}

static void
they_outlive_their_engine(void **state)
{
	struct world *t = *state;
	struct fake *f, *next;
	pid_t pid;

	wait_for_signals(t);
	f = serve(t, 0, 1);
	asks(t, f, 0, 1);
	pid = opened(f);
	fake_is_reaped(&t->w, f);
	next = &t->w.fake[1];
	assert_true(programs_remain(&t->programs));
	assert_int_not_equal(programs_next(&t->programs), UINT64_MAX);
	kills(t, next, 1, pid); /* not its own */
	ends(t, pid);
	assert_int_equal(next->told[IPC_EXITED], 0);
	assert_false(programs_remain(&t->programs));
}

static void
the_one_of_once_is_over_when_its_engine_says_so(void **state)
{
	struct world *t = *state;
	struct fake *f;
	pid_t pid;

	t->conf.once = true;
	wait_for_signals(t);
	f = serve(t, 0, 1);
	asks(t, f, 0, 1);
	pid = opened(f);
	asks(t, f, 0, 2);
	assert_int_equal(f->told[IPC_OPENED], 1);
	assert_int_equal(f->session[IPC_REFUSED], 2);
	ends(t, pid);
	assert_int_equal(f->told[IPC_EXITED], 1);
	assert_int_equal(t->over, 0);
	done(t, f, 1, pid);
	assert_int_equal(t->over, 1);
	assert_int_equal(t->programs.status, 128 + SIGKILL);
}

static void
too_many_are_refused(void **state)
{
	struct world *t = *state;
	struct fake *f;

	t->conf.maxforks = 1;
	f = serve(t, 0, 2);
	asks(t, &f[0], 0, 1);
	asks(t, &f[1], 0, 2);
	assert_int_equal(f[0].told[IPC_OPENED], 1);
	assert_int_equal(f[1].told[IPC_REFUSED], 1);
	assert_int_equal(f[1].session[IPC_REFUSED], 2);
}

static void
none_is_started_any_more(void **state)
{
	struct world *t = *state;
	struct fake *f = serve(t, 0, 1);

	programs_stop(&t->programs, false);
	asks(t, f, 0, 1);
	assert_int_equal(f->told[IPC_OPENED], 0);
	assert_int_equal(f->told[IPC_REFUSED], 1);
}

static int
begin_spawning(void **state)
{
	static const int none[1];

	(void)state;
	return spawn_init(none, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(is_ready_when_all_work),
		T(fails_if_one_ends_before),
		T(fails_if_one_cannot_be_started),
		T(starts_no_more_when_one_could_not_be_started),
		T(replaces_one_that_dies),
		T(says_ready_once),
		T(one_is_retired_while_another_serves),
		T(ends_at_once_without_sessions),
		T(replaces_the_workers_of_one_that_is_retired),
		T(is_stopped_while_it_is_retired),
		T(may_fail_beside_one_that_serves),
		T(each_route_has_its_command),
		T(each_route_has_its_folders_and_tokens),
		T(each_route_has_its_signals),
		T(a_program_is_of_the_engine_that_asked),
		T(they_end_in_any_order),
		T(they_outlive_their_settings),
		T(they_outlive_their_engine),
		T(the_one_of_once_is_over_when_its_engine_says_so),
		T(too_many_are_refused),
		T(none_is_started_any_more),
	};
#undef T

	return cmocka_run_group_tests(tests, begin_spawning, NULL);
}
