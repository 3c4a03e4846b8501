#include <sys/stat.h>

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
#include "base/mem.h"
#include "parent/folder.h"

/* Of files: bit 0100 in the mode; of links: where they lead. */
static const struct item {
	const char *name;
	mode_t mode; /* 0: a link */
	const char *link;
} items[] = {
	{ "so", S_IFDIR | 0700, NULL },
	{ "sock", S_IFDIR | 0700, NULL },
	{ "sock/secret", S_IFREG | 0700, NULL },
	{ "so/run", S_IFREG | 0700, NULL },
	{ "so/text", S_IFREG | 0600, NULL },
	{ "so/sub", S_IFDIR | 0700, NULL },
	{ "so/sub/run", S_IFREG | 0700, NULL },
	{ "so/pipe", S_IFIFO | 0700, NULL },
	{ "so/same", 0, "run" },
	{ "so/down", 0, "sub" },
	{ "so/out", 0, "../sock" },
	{ "so/stolen", 0, "../sock/secret" },
	{ "so/shell", 0, "/bin/sh" },
	{ "so/dead", 0, "nowhere" },
	{ "other", 0, "so/sub" },
};

static char *top;

static char *
in_top(const char *name)
{
	return mem_printf("%s/%s", top, name);
}

static void
make(const struct item *it)
{
	char *path = in_top(it->name);

	if (it->mode == 0)
		assert_int_equal(symlink(it->link, path), 0);
	else if (S_ISDIR(it->mode))
		assert_int_equal(mkdir(path, it->mode & 0777), 0);
	else
		assert_int_equal(mknod(path, it->mode, 0), 0);
	free(path);
}

static int
set_up(void **state)
{
	char made[] = "/tmp/test_folder.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(made));
	top = realpath(made, NULL);
	assert_non_null(top);
	for (size_t i = 0; i < nitems(items); i++)
		make(&items[i]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = nitems(items); i-- > 0;) {
		char *path = in_top(items[i].name);

		assert_int_equal(remove(path), 0);
		free(path);
	}
	assert_int_equal(rmdir(top), 0);
	free(top);
	return 0;
}

static struct folder
open_in_top(const char *name)
{
	char *path = in_top(name), *why;
	struct folder f;

	if (!folder_open(&f, "dir", path, &why))
		fail_msg("%s", why);
	free(path);
	return f;
}

static void
opens_folders_only(void **state)
{
	static const char *const names[] = { "missing", "so/run", "so/pipe" };
	struct folder f;
	char *path, *why;

	(void)state;
	for (size_t i = 0; i < nitems(names); i++) {
		path = in_top(names[i]);
		assert_false(folder_open(&f, "dir", path, &why));
		assert_non_null(strstr(why, names[i]));
		assert_int_equal(f.fd, -1);
		free(path);
		free(why);
	}
	f = open_in_top("other");
	path = in_top("so/sub");
	assert_string_equal(f.path, path);
	free(path);
	folder_close(&f);
}

static void
knows_who_holds_whom(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool holds;
	} rows[] = {
		{ "so", "so", true },
		{ "so", "so/sub", true },
		{ ".", "so/sub", true },
		{ "so", "other", true },
		{ "other", "so/sub", true },
		{ "so/sub", "so", false },
		{ "so", "sock", false },
		{ "sock", "so", false },
		{ "so", ".", false },
	};
	struct folder root;
	char *why;

	(void)state;
	assert_true(folder_open(&root, "dir", "/", &why));
	for (size_t i = 0; i < nitems(rows); i++) {
		struct folder outer = open_in_top(rows[i].outer);
		struct folder inner = open_in_top(rows[i].inner);

		if (folder_holds(&outer, &inner) != rows[i].holds)
			fail_msg("%s and %s", rows[i].outer, rows[i].inner);
		assert_true(folder_holds(&root, &inner));
		assert_false(folder_holds(&inner, &root));
		folder_close(&outer);
		folder_close(&inner);
	}
	assert_true(folder_holds(&root, &root));
	folder_close(&root);
}

/* Two names that no link explains, as a mount would make them. */
static void
knows_a_folder_by_its_identity(void **state)
{
	struct folder outer = open_in_top("so"), inner = open_in_top("so/sub");

	(void)state;
	free(inner.path);
	inner.path = mem_strdup("/elsewhere");
	assert_true(folder_holds(&outer, &inner));
	assert_false(folder_holds(&inner, &outer));
	folder_close(&outer);
	folder_close(&inner);
}

static void
finds_programs(void **state)
{
	static const struct {
		const char *path, *name; /* NULL: none */
	} rows[] = {
		{ "run", "run" },
		{ "run/", "run" },
		{ "run/a/b", "run" },
		{ "run/sub/run", "run" },
		{ "sub/run", "sub/run" },
		{ "sub/run/x", "sub/run" },
		{ "same/x", "same" },
		{ "down/run/x", "down/run" },
		{ "sub", NULL },
		{ "sub/", NULL },
		{ "missing", NULL },
		{ "missing/run", NULL },
		{ "sub/missing/run", NULL },
		{ "text", NULL },
		{ "text/run", NULL },
		{ "pipe", NULL },
		{ "pipe/run", NULL },
		{ "out", NULL },
		{ "out/secret", NULL },
		{ "stolen", NULL },
		{ "shell", NULL },
		{ "dead", NULL },
	};
	struct folder f = open_in_top("so");

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		size_t len = 0,
		       want = rows[i].name == NULL ? 0 : strlen(rows[i].name);
		int fd = -1;
		char *found = folder_find_program(&f, rows[i].path,
		    strlen(rows[i].path), &len, &fd);

		if ((found == NULL) != (rows[i].name == NULL))
			fail_msg("%s: %s", rows[i].path,
			    found == NULL ? strerror(errno) : found);
		if (found == NULL) {
			assert_true(folder_lacks(errno));
			continue;
		}
		assert_int_equal(len, want);
		assert_memory_equal(found, f.path, strlen(f.path));
		assert_string_equal(found + strlen(f.path) + 1, rows[i].name);
		assert_true(fd >= 0);
		close(fd);
		free(found);
	}
	folder_close(&f);
}

static void
runs_nothing_from_a_folder_in_its_place(void **state)
{
	struct folder f = open_in_top("so"), g = open_in_top("so/sub");
	size_t len;
	int fd;

	(void)state;
	free(f.path);
	f.path = mem_strdup(g.path);
	assert_null(folder_find_program(&f, "run", 3, &len, &fd));
	assert_int_equal(errno, ESTALE);
	assert_false(folder_lacks(errno));
	folder_close(&f);
	folder_close(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_folders_only),
		cmocka_unit_test(knows_who_holds_whom),
		cmocka_unit_test(knows_a_folder_by_its_identity),
		cmocka_unit_test(finds_programs),
		cmocka_unit_test(runs_nothing_from_a_folder_in_its_place),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
