#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
 *  root/proc -> /proc/self/root
 */
struct tree {
	char top[64];
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
	};

	for (size_t i = 0; i < nitems(links); i++)
		assert_int_equal(symlinkat(links[i][1], root, links[i][0]), 0);
}

static int
set_up(void **state)
{
	static struct tree t;
	int top, sub, deep, outside;

	strcpy(t.top, "/tmp/test_beneath.XXXXXX");
	t.fds = count_fds();
	assert_non_null(mkdtemp(t.top));
	top = open(t.top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(top, -1);
	outside = make_folder(top, "outside");
	make_file(outside, "secret");
	t.root = make_folder(top, "root");
	make_file(t.root, "file");
	sub = make_folder(t.root, "sub");
	deep = make_folder(sub, "deep");
	make_file(deep, "file");
	assert_int_equal(mkfifoat(t.root, "fifo", 0600), 0);
	make_links(t.root);
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
	static const char *const names[] = { "root/in", "root/up", "root/own",
		"root/out", "root/abs", "root/loop", "root/proc", "root/fifo",
		"root/file", "root/sub/deep/file", "root/sub/deep", "root/sub",
		"root", "outside/secret", "outside" };
	struct tree *t = *state;
	int top = open(t->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fd_close(&t->root);
	for (size_t i = 0; i < nitems(names); i++)
		if (unlinkat(top, names[i], 0) == -1)
			(void)unlinkat(top, names[i], AT_REMOVEDIR);
	fd_close(&top);
	assert_int_equal(rmdir(t->top), 0);
	assert_int_equal(count_fds(), t->fds);
	return 0;
}

/* What is the result of the one that watches links and of the other. */
static const struct row {
	const char *path;
	bool open, walk;
} rows[] = {
	{ "file", true, true },
	{ "sub", true, true },
	{ "sub/deep/file", true, true },
	{ "fifo", true, true },
	{ "in/file", true, false },
	{ "up", true, false },
	{ "own", true, false },
	{ "", false, false },
	{ "/", false, false },
	{ "/etc/passwd", false, false },
	{ "..", false, false },
	{ "../root/file", false, false },
	{ "../outside/secret", false, false },
	{ "sub/../../outside/secret", false, false },
	{ "out", false, false },
	{ "out/secret", false, false },
	{ "abs", false, false },
	{ "abs/etc/passwd", false, false },
	{ "loop", false, false },
	{ "proc/etc/passwd", false, false },
	{ "file/file", false, false },
	{ "missing", false, false },
	{ "missing/file", false, false },
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

/* Where openat2 is missing, both are the same. */
static bool
watches_links(int root)
{
	int fd = beneath_open(root, "own", O_RDONLY | O_NONBLOCK);
	bool watches = fd != -1;

	fd_close(&fd);
	return watches;
}

static void
opens_what_is_inside(void **state)
{
	const int flags[] = {
		O_RDONLY | O_NONBLOCK,
#ifdef O_PATH
		O_PATH,
#endif
	};
	const struct tree *t = *state;
	bool watches = watches_links(t->root);

	for (size_t i = 0; i < nitems(rows); i++) {
		const struct row *r = &rows[i];

		for (size_t k = 0; k < nitems(flags); k++) {
			check(r, beneath_open(t->root, r->path, flags[k]),
			    watches ? r->open : r->walk);
			check(r, beneath_walk(t->root, r->path, flags[k]),
			    r->walk);
		}
	}
	assert_int_equal(count_fds(), t->fds + 1);
}

static void
says_why(void **state)
{
	char name[512];
	const struct tree *t = *state;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(beneath_walk(t->root, name, O_RDONLY), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(beneath_walk(t->root, "..", O_RDONLY), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(beneath_walk(t->root, "own", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(beneath_open(t->root, "missing", O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(beneath_open(t->root, "file/x", O_RDONLY), -1);
	assert_int_equal(errno, ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_is_inside),
		cmocka_unit_test(says_why),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
