#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "client/term_history.h"

enum { ROOM = 512 * 1024 };

static char folder[] = "/tmp/test_recall.XXXXXX";
static char lines[ROOM];

static void
take(void *arg, const char *line)
{
	size_t *count = arg;

	(*count)++;
	if (strlen(lines) + strlen(line) + 2 <= ROOM) {
		strcat(lines, line);
		strcat(lines, "|");
	}
}

/* Open it, and close it again: its lines, each with a | behind it. */
static const char *
content(const char *path, size_t *count)
{
	struct term_history *r;

	*count = 0;
	lines[0] = '\0';
	r = term_history_open(path, take, count);
	assert_non_null(r);
	term_history_close(r);
	return lines;
}

static void
remembers(void **state)
{
	char path[64];
	struct term_history *r;
	struct stat st;
	size_t count;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/a/b/history", folder);
	assert_string_equal(content(path, &count), "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	r = term_history_open(path, take, &count);
	assert_true(term_history_add(r, "one"));
	assert_false(term_history_add(r, "one"));
	assert_false(term_history_add(r, ""));
	assert_false(term_history_add(r, " a secret"));
	assert_true(term_history_add(r, "zw\xc3\xb6lf \t2"));
	assert_string_equal(content(path, &count), "one|zw\xc3\xb6lf \t2|");
	assert_true(term_history_add(r, "one"));
	term_history_close(r);

	r = term_history_open(path, take, &count);
	assert_false(term_history_add(r, "one"));
	term_history_close(r);
	assert_string_equal(content(path, &count), "one|zw\xc3\xb6lf \t2|one|");
}

static void
stays_bounded(void **state)
{
	static char line[TERM_HISTORY_LINE_MAX + 2];
	char path[64];
	struct term_history *r;
	struct stat st;
	size_t count, before;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/long", folder);
	r = term_history_open(path, take, &count);
	memset(line, 'x', TERM_HISTORY_LINE_MAX + 1);
	assert_false(term_history_add(r, line));
	for (int i = 0; i < 70; i++) {
		(void)snprintf(line, sizeof(line), "%04d%4000d", i, i);
		assert_true(term_history_add(r, line));
	}
	term_history_close(r);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > TERM_HISTORY_FILE_MAX);

	(void)content(path, &before);
	assert_true(before < 40);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= TERM_HISTORY_FILE_MAX / 2);
	assert_int_equal(st.st_mode & 07777, 0600);
	(void)content(path, &count);
	assert_int_equal(count, before);
}

static void
writes_to_its_own_file_only(void **state)
{
	char path[64], other[64];
	size_t count = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/link", folder);
	(void)snprintf(other, sizeof(other), "%s/target", folder);
	assert_int_equal(symlink(other, path), 0);
	assert_null(term_history_open(path, take, &count));
	assert_int_equal(access(other, F_OK), -1);

	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(term_history_open(path, take, &count));
	assert_null(term_history_open(folder, take, &count));
	assert_null(term_history_open("", take, &count));
	assert_false(term_history_add(NULL, "line"));
}

static const struct test_path {
	const char *file, *state, *home;
	const char *path; /* NULL: none */
} paths[] = {
	{ NULL, NULL, "/h", "/h/.local/state/standpipe/history" },
	{ NULL, "/s", "/h", "/s/standpipe/history" },
	{ NULL, "relative", "/h", "/h/.local/state/standpipe/history" },
	{ NULL, "", NULL, NULL },
	{ NULL, NULL, "", NULL },
	{ NULL, NULL, "relative", NULL },
	{ "", "/s", "/h", NULL },
	{ "file", "/s", "/h", "file" },
};

static void
set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static void
the_name_of_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(paths); i++) {
		char *path;

		set("STANDPIPE_HISTORY", paths[i].file);
		set("XDG_STATE_HOME", paths[i].state);
		set("HOME", paths[i].home);
		path = term_history_path();
		if (paths[i].path == NULL) {
			assert_null(path);
		} else {
			assert_non_null(path);
			assert_string_equal(path, paths[i].path);
		}
		free(path);
	}
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = { "a/b/history", "a/b", "a", "long",
		"link", "fifo", "" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < nitems(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (remove(path) == -1)
			return -1;
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers),
		cmocka_unit_test(stays_bounded),
		cmocka_unit_test(writes_to_its_own_file_only),
		cmocka_unit_test(the_name_of_the_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
