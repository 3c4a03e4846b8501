#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/value.h"
#include "ipc/ipc_codec.h"
#include "parent/command.h"

struct world {
	char folder[64];
	struct conf conf;
	struct command command;
	struct command_pipes pipes; /* of the latest that was started */
	enum ipc_refusal why;
	int err;     /* errno of the latest that was not */
	bool saying; /* with a sentence */
};

/* ------------------------------------------------- files and settings */

static char *
in_folder(const struct world *t, const char *name)
{
	return mem_printf("%s/%s", t->folder, name);
}

static void
put_program(const struct world *t, const char *name, const char *text,
    mode_t mode)
{
	char *path = in_folder(t, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void
set(struct world *t, const char *name, const char *value)
{
	const struct option *o = option_find(&daemon_table, name, strlen(name));
	char *why = NULL;

	assert_non_null(o);
	if (!value_set(option_about(&daemon_table, &t->conf, o), o, value,
		&why))
		fail_msg("%s", why);
}

/* The command is a program of the folder, or found in PATH; takes it. */
static void
set_command(struct world *t, char *word)
{
	t->conf.route.argv = mem_new(2, sizeof(*t->conf.route.argv));
	t->conf.route.argv[0] = word;
	t->conf.route.argv[1] = NULL;
}

static void
open_it(struct world *t)
{
	char *why = NULL;

	if (!command_open(&t->command, &t->conf, &t->conf.route, &why))
		fail_msg("%s", why);
}

static int
setup(void **state)
{
	static struct world t;

	t = (struct world){
		.command = { .null = -1, .dir.fd = -1, .cgidir.fd = -1 }
	};
	(void)snprintf(t.folder, sizeof(t.folder), "/tmp/commandXXXXXX");
	assert_non_null(mkdtemp(t.folder));
	log_init(
	    &(struct log_conf){ .program = "test", .level = LOG_LVL_NONE });
	conf_init(&t.conf);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;
	char line[128];

	command_close(&t->command);
	conf_clear(&t->conf);
	(void)snprintf(line, sizeof(line), "rm -r %s", t->folder);
	return system(line);
}

/* ------------------------------------------------- starting */

static struct ipc_open
ask(enum ipc_part part, const char *path)
{
	return (struct ipc_open){
		.part = part,
		.path = path,
		.path_len = strlen(path),
		.vars = "",
	};
}

static pid_t
start(struct world *t, enum ipc_part part, const char *path)
{
	const struct ipc_open op = ask(part, path);
	char *text = NULL;
	pid_t pid = command_start(&t->command, &op, &t->pipes, &t->why, &text);

	t->err = errno;
	t->saying = text != NULL;
	free(text);
	return pid;
}

/* What it prints, and its status. */
static int
finish(struct world *t, pid_t pid, char out[256])
{
	size_t len = 0;
	ssize_t n;
	int status;

	close(t->pipes.fd[0]);
	assert_int_equal(fd_set_nonblock(t->pipes.fd[1], false), 0);
	while ((n = read(t->pipes.fd[1], out + len, 255 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	for (size_t i = 1; i < t->pipes.n; i++)
		close(t->pipes.fd[i]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
runs(void **state)
{
	struct world *t = *state;
	int before = count_fds();
	char out[256];
	pid_t pid;

	set_command(t, mem_strdup("cat"));
	open_it(t);
	pid = start(t, IPC_PART_COMMAND, "");
	assert_true(pid > 0);
	assert_int_equal(t->pipes.n, 3);
	assert_int_equal(write(t->pipes.fd[0], "hello", 5), 5);
	assert_int_equal(finish(t, pid, out), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(count_fds(), before);
}

/* Nobody would read it. */
static void
has_no_pipe_for_lines_that_are_left_out(void **state)
{
	struct world *t = *state;
	char out[256];
	pid_t pid;

	set_command(t, mem_strdup("cat"));
	set(t, "stderr-level", "debug");
	open_it(t);
	pid = start(t, IPC_PART_COMMAND, "");
	assert_true(pid > 0);
	assert_int_equal(t->pipes.n, 2);
	assert_int_equal(finish(t, pid, out), 0);
}

static void
two_have_their_own(void **state)
{
	struct world *t = *state, other = { .command.null = -1 };
	char out[256];
	pid_t pid;

	put_program(t, "one", "#!/bin/sh\necho $WHO; exit 3\n", 0700);
	set_command(t, in_folder(t, "one"));
	set(t, "setenv", "WHO=first");
	open_it(t);
	conf_init(&other.conf);
	set(&other, "setenv", "WHO=second");
	set_command(&other, in_folder(t, "one"));
	open_it(&other);
	pid = start(&other, IPC_PART_COMMAND, "");
	assert_int_equal(finish(&other, pid, out), 3);
	assert_string_equal(out, "second\n");
	pid = start(t, IPC_PART_COMMAND, "");
	assert_int_equal(finish(t, pid, out), 3);
	assert_string_equal(out, "first\n");
	command_close(&other.command);
	conf_clear(&other.conf);
}

/* ------------------------------------------------- steps that fail */

static void
is_spoilt_after_it_was_found(void **state)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		int err;
	} rows[] = {
		{ "no interpreter", "#!/nonexistent/x\n", 0700, ENOENT },
		{ "nothing in it", "", 0700, ENOEXEC },
		{ "not to be run", "#!/bin/sh\n", 0600, EACCES },
	};
	struct world *t = *state;
	int before;

	put_program(t, "run", "#!/bin/sh\n", 0700);
	set_command(t, in_folder(t, "run"));
	open_it(t);
	before = count_fds();
	for (size_t i = 0; i < nitems(rows); i++) {
		put_program(t, "run", rows[i].text, rows[i].mode);
		if (start(t, IPC_PART_COMMAND, "") != -1 ||
		    t->why != IPC_REFUSED_EXEC || t->err != rows[i].err ||
		    !t->saying || count_fds() != before)
			fail_msg("%s: %d, %s", rows[i].name, (int)t->why,
			    strerror(t->err));
	}
}

/* A limit under which there is room for so many descriptors more. */
static int
limit_for(int more)
{
	int limit = 0;

	for (; limit < 256; limit++)
		if (fcntl(limit, F_GETFD) == -1 && more-- == 0)
			break;
	return limit;
}

/* Whichever descriptor it is that there is no more room for. */
static void
finds_no_room_for_pipes(void **state)
{
	struct world *t = *state;
	struct rlimit old, few;
	int before;
	pid_t pid = -1;
	char out[256];

	set_command(t, mem_strdup("cat"));
	open_it(t);
	before = count_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (int more = 0; more < 6; more++) {
		few = old;
		few.rlim_cur = (rlim_t)limit_for(more);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		pid = start(t, IPC_PART_COMMAND, "");
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(pid, -1);
		assert_int_equal(t->err, EMFILE);
		assert_int_equal(t->why, IPC_REFUSED_EXEC);
		assert_int_equal(count_fds(), before);
	}
	pid = start(t, IPC_PART_COMMAND, "");
	assert_true(pid > 0);
	assert_int_equal(finish(t, pid, out), 0);
}

static void
is_not_opened(void **state)
{
	static const struct {
		const char *option, *value, *why;
	} rows[] = {
		{ "gate", "/nonexistent/gate", "--gate: " },
		{ "gate-vars", "LD_PRELOAD", "--gate-vars=LD_PRELOAD" },
		{ "gate-vars", "HTTP_HOST", "--gate-vars=HTTP_HOST" },
		{ "dir", "/nonexistent", "--dir=/nonexistent" },
		{ "cgidir", "/dev/null", "--cgidir=/dev/null" },
		{ "chdir", "/nonexistent", "--chdir=/nonexistent" },
		{ "user", "no such user", "no such user" },
	};
	int before = count_fds();

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct world one = { 0 };
		char *why = NULL;

		conf_init(&one.conf);
		set_command(&one, mem_strdup("cat"));
		set(&one, rows[i].option, rows[i].value);
		if (command_open(&one.command, &one.conf, &one.conf.route,
			&why) ||
		    why == NULL || strstr(why, rows[i].why) == NULL ||
		    count_fds() != before)
			fail_msg("--%s=%s: %s", rows[i].option, rows[i].value,
			    why == NULL ? "it is opened" : why);
		free(why);
		conf_clear(&one.conf);
	}
}

static void
is_not_found(void **state)
{
	struct world *t = *state;
	char *why = NULL;

	set_command(t, mem_strdup("nonexistent-command"));
	assert_false(command_open(&t->command, &t->conf, &t->conf.route, &why));
	assert_string_equal(why, "nonexistent-command: command not found");
	free(why);
}

/* ------------------------------------------------- folders of programs */

static void
finds_programs_of_a_folder(void **state)
{
	struct world *t = *state;
	char out[256], *want;
	pid_t pid;

	put_program(t, "show",
	    "#!/bin/sh\necho $SCRIPT_NAME $PATH_INFO; pwd -P\n", 0700);
	set(t, "cgidir", t->folder);
	open_it(t);
	pid = start(t, IPC_PART_CGI, "show/more");
	assert_true(pid > 0);
	assert_int_equal(finish(t, pid, out), 0);
	want = mem_printf("/show /more\n%s\n", t->folder);
	assert_string_equal(out, want);
	free(want);
}

static void
lacks_a_program(void **state)
{
	static const struct {
		const char *path;
		enum ipc_part part;
	} rows[] = {
		{ "nothing", IPC_PART_DIR },
		{ "text", IPC_PART_DIR }, /* which is none */
		{ "run", IPC_PART_CGI },  /* there is no such folder */
	};
	struct world *t = *state;
	int before;

	put_program(t, "run", "#!/bin/sh\n", 0700);
	put_program(t, "text", "#!/bin/sh\n", 0600);
	set(t, "dir", t->folder);
	open_it(t);
	before = count_fds();
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct ipc_open op = ask(rows[i].part, rows[i].path);

		if (command_has(&t->command, &op) ||
		    start(t, rows[i].part, rows[i].path) != -1 ||
		    t->why != IPC_REFUSED_MISSING || t->saying ||
		    count_fds() != before)
			fail_msg("%s: %d", rows[i].path, (int)t->why);
	}
}

/* ------------------------------------------------- variables */

static void
lets_an_engine_set_what_is_the_requests(void **state)
{
	static const struct {
		const char *vars;
		size_t len;
		enum ipc_part part;
		bool ok;
	} rows[] = {
#define V(s) s, sizeof(s)
		{ V("REMOTE_ADDR=1"), IPC_PART_COMMAND, true },
		{ V("REMOTE_ADDR=1\0HTTP_HOST=a"), IPC_PART_COMMAND, true },
		{ V("LD_PRELOAD=x"), IPC_PART_COMMAND, false },
		{ V("PATH=/tmp"), IPC_PART_COMMAND, false },
		{ V("REMOTE_ADDR"), IPC_PART_COMMAND, false },
		{ V("SCRIPT_NAME=/x"), IPC_PART_COMMAND, true },
		{ V("SCRIPT_NAME=/x"), IPC_PART_DIR, false },
		{ V("PATH_INFO=/x"), IPC_PART_CGI, false },
#undef V
	};
	struct world *t = *state;

	set_command(t, mem_strdup("cat"));
	open_it(t);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct ipc_open op = ask(rows[i].part, "");

		op.vars = rows[i].vars;
		op.vars_len = rows[i].len;
		if (command_vars_ok(&t->command, &op) != rows[i].ok)
			fail_msg("%s, part %d", rows[i].vars,
			    (int)rows[i].part);
	}
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
		T(runs),
		T(has_no_pipe_for_lines_that_are_left_out),
		T(two_have_their_own),
		T(is_spoilt_after_it_was_found),
		T(finds_no_room_for_pipes),
		T(is_not_opened),
		T(is_not_found),
		T(finds_programs_of_a_folder),
		T(lacks_a_program),
		T(lets_an_engine_set_what_is_the_requests),
	};
#undef T

	return cmocka_run_group_tests(tests, begin_spawning, NULL);
}
