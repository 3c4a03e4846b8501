#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/beneath.h"
#include "base/fd.h"

/*
 *  outside/secret
 *  root/file  root/sub/deep/file  root/fifo
 *  root/in -> sub/deep     root/up -> sub/../file   root/own -> file
 *  root/out -> ../outside  root/abs -> /            root/loop -> loop
 *  root/proc -> /proc/self/kept
 *
 * and links by way of folders above: see fault_G3 in the table.
 */
struct tree {
	char top[PATH_MAX];
	char home[PATH_MAX + 8];
	int root;
	int fds; /* that were open before */
};

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
make_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	fd_close(&fd);
}

static int
make_folder(int folder, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(folder, name, 0700), 0);
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	return fd;
}

static void
make_links(int root)
{
	static const char *const links[][2] = {
		{ "in", "sub/deep" },
		{ "up", "sub/../file" },
		{ "own", "file" },
		{ "out", "../outside" },
		{ "abs", "/" },
		{ "loop", "loop" },
		{ "proc", "/proc/self/root" },
		{ "back", "../kept/file" },
		{ "round", "sub/../../kept/sub/deep" },
		{ "past", "../outside/../kept/file" },
		{ "top", ".." },
		{ "loop2", "../kept/loop2/x" },
	};

	for (size_t i = 0; i < nitems(links); i++)
		assert_int_equal(symlinkat(links[i][1], root, links[i][0]), 0);
}

/* What follows the folder's own path, or that of the one above it. */
static const char *const absolute[][2] = {
	{ "a-file", "/kept/file" },
	{ "a-folder", "/kept/sub/deep" },
	{ "a-root", "/kept" },
	{ "a-slashes", "//kept/./sub//deep/" },
	{ "a-bends", "/kept/../kept/sub/../file" },
	{ "a-chain", "/kept/in/file" },
	{ "a-top", "" },
	{ "a-secret", "/outside/secret" },
	{ "a-like", "/keptlike/file" },
	{ "a-part", "/kep" },
	{ "a-turns", "/kept/../outside/secret" },
};

static void
make_absolute_links(const struct tree *t)
{
	char target[PATH_MAX + 64];

	for (size_t i = 0; i < nitems(absolute); i++) {
		(void)snprintf(target, sizeof(target), "%s%s", t->top,
		    absolute[i][1]);
		assert_int_equal(symlinkat(target, t->root, absolute[i][0]), 0);
	}
	(void)snprintf(target, sizeof(target), "../../../../../../../../..%s",
	    t->home);
	assert_int_equal(symlinkat(target, t->root, "climb"), 0);
}

static int
set_up(void **state)
{
	static struct tree t;
	char name[] = "/tmp/test_beneath.XXXXXX";
	int top, sub, deep, outside;

	t.fds = count_fds();
	assert_non_null(mkdtemp(name));
	assert_non_null(realpath(name, t.top));
	(void)snprintf(t.home, sizeof(t.home), "%s/kept", t.top);
	top = open(t.top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(top, -1);
	outside = make_folder(top, "outside");
	make_file(outside, "secret");
	t.root = make_folder(top, "kept");
	make_file(t.root, "file");
	sub = make_folder(t.root, "sub");
	deep = make_folder(sub, "deep");
	make_file(deep, "file");
	assert_int_equal(mkfifoat(t.root, "fifo", 0600), 0);
	make_links(t.root);
	make_absolute_links(&t);
	fd_close(&outside);
	fd_close(&deep);
	fd_close(&sub);
	fd_close(&top);
	*state = &t;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "kept/in", "kept/up", "kept/own",
		"kept/out", "kept/abs", "kept/loop", "kept/proc", "kept/fifo",
		"kept/back", "kept/round", "kept/past", "kept/top",
		"kept/loop2", "kept/climb", "kept/file", "kept/sub/deep/file",
		"kept/sub/deep", "kept/sub", "kept", "outside/secret",
		"outside" };
	struct tree *t = *state;
	int top = open(t->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < nitems(absolute); i++)
		(void)unlinkat(t->root, absolute[i][0], 0);
	fd_close(&t->root);
	for (size_t i = 0; i < nitems(names); i++)
		if (unlinkat(top, names[i], 0) == -1)
			(void)unlinkat(top, names[i], AT_REMOVEDIR);
	fd_close(&top);
	assert_int_equal(rmdir(t->top), 0);
	assert_int_equal(count_fds(), t->fds);
	return 0;
}

static const struct row {
	const char *path;
	bool open;
} rows[] = {
	{ "file", true },
	{ "sub", true },
	{ ".", true },
	{ "sub/deep/file", true },
	{ "fifo", true },
	{ "in/file", true },
	{ "up", true },
	{ "own", true },
	{ "back", true },
	{ "round/file", true },
	{ "climb/file", true },
	{ "a-file", true },
	{ "a-folder/file", true },
	{ "a-root", true },
	{ "a-root/a-root/a-root/file", true },
	{ "a-slashes/file", true },
	{ "a-bends", true },
	{ "a-chain", true },
	{ "a-top", false },
	{ "a-top/outside/secret", false },
	{ "a-secret", false },
	{ "a-like", false },
	{ "a-part", false },
	{ "a-turns", false },
	{ "top", false },
	{ "top/outside/secret", false },
	{ "past", false },
	{ "loop2", false },
	{ "", false },
	{ "/", false },
	{ "/etc/passwd", false },
	{ "..", false },
	{ "../kept/file", false },
	{ "../outside/secret", false },
	{ "sub/../../outside/secret", false },
	{ "out", false },
	{ "out/secret", false },
	{ "abs", false },
	{ "abs/etc/passwd", false },
	{ "loop", false },
	{ "proc/etc/passwd", false },
	{ "file/file", false },
	{ "missing", false },
	{ "missing/file", false },
};

static void
check(const struct row *r, int fd, bool want)
{
	struct stat st;

	if ((fd != -1) != want)
		fail_msg("%s: %s", r->path,
		    fd == -1 ? strerror(errno) : "was opened");
	if (fd == -1)
		return;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_false(S_ISLNK(st.st_mode));
	fd_close(&fd);
}

static void
fault_G3_links_that_stay_inside(void **state)
{
	const int flags[] = {
		O_RDONLY | O_NONBLOCK,
#ifdef O_PATH
		O_PATH,
#endif
	};
	const struct tree *t = *state;
	const struct beneath in = { .fd = t->root, .home = t->home };

	for (size_t i = 0; i < nitems(rows); i++) {
		const struct row *r = &rows[i];

		for (size_t k = 0; k < nitems(flags); k++) {
			check(r, beneath_open(&in, r->path, flags[k]), r->open);
			check(r, beneath_walk(&in, r->path, flags[k]), r->open);
		}
	}
	assert_int_equal(count_fds(), t->fds + 1);
}

/* Then absolute links, and those by way of a folder above, lead nowhere. */
static void
needs_to_know_its_home(void **state)
{
	const struct tree *t = *state;
	const struct beneath in = { .fd = t->root };
	int fd = beneath_walk(&in, "in/file", O_RDONLY);

	assert_int_not_equal(fd, -1);
	fd_close(&fd);
	assert_int_equal(beneath_open(&in, "a-file", O_RDONLY), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(beneath_open(&in, "back", O_RDONLY), -1);
	assert_int_equal(errno, EXDEV);
}

static void
says_why(void **state)
{
	static const struct {
		const char *path;
		int err;
	} why[] = {
		{ "..", EXDEV },
		{ "a-secret", EXDEV },
		{ "past", EXDEV },
		{ "loop", ELOOP },
		{ "loop2", ELOOP },
		{ "missing", ENOENT },
		{ "file/x", ENOTDIR },
	};
	char name[512];
	const struct tree *t = *state;
	const struct beneath in = { .fd = t->root, .home = t->home };

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(beneath_walk(&in, name, O_RDONLY), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	for (size_t i = 0; i < nitems(why); i++) {
		assert_int_equal(beneath_walk(&in, why[i].path, O_RDONLY), -1);
		assert_int_equal(errno, why[i].err);
		assert_int_equal(beneath_open(&in, why[i].path, O_RDONLY), -1);
		assert_int_equal(errno, why[i].err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_G3_links_that_stay_inside),
		cmocka_unit_test(needs_to_know_its_home),
		cmocka_unit_test(says_why),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
