/*
 * Lists of folders: how much is done in one turn, and what is opened for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/buf.h"
#include "base/fd.h"
#include "engine/listing.h"

enum {
	MANY = 1500,
	A_TURN = 64, /* names that are looked at or shown in one */
	LINKS_A_TURN = 8,
	TURNS = 1000, /* in which everything is done */
};

static char top[64];

static int
setup(void **state)
{
	strcpy(top, "/tmp/test_listing.XXXXXX");
	assert_non_null(mkdtemp(top));
	*state = top;
	return 0;
}

static int
teardown(void **state)
{
	char path[400];
	struct dirent *e;
	DIR *d = opendir(top);

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, e->d_name);
		if (unlink(path) == -1)
			(void)rmdir(path);
	}
	(void)closedir(d);
	return rmdir(top);
}

static void
make_links(size_t n)
{
	char path[128];

	while (n-- > 0) {
		(void)snprintf(path, sizeof(path), "%s/%zu", top, n);
		assert_int_equal(symlink("there", path), 0);
	}
}

static void
make_files(size_t n)
{
	char path[128];
	int fd;

	while (n-- > 0) {
		(void)snprintf(path, sizeof(path), "%s/f%zu", top, n);
		fd = open(path, O_CREAT | O_WRONLY, 0644);
		assert_int_not_equal(fd, -1);
		fd_close(&fd);
	}
}

static size_t
count(const struct buf *page, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (size_t i = 0; i + len <= page->len; i++)
		n += memcmp(page->data + i, what, len) == 0;
	return n;
}

/* The turns it takes; none of them shows more than it may. */
static size_t
make_page(struct buf *page, const struct beneath *root, int folder)
{
	struct listing *l = listing_new(root, folder, "", "/", 1);
	enum listing_result rc = LISTING_MORE;
	size_t turns = 0, shown = 0, now;

	assert_non_null(l);
	while (rc == LISTING_MORE && turns++ < TURNS) {
		rc = listing_go_on(l, page);
		now = count(page, "<li>");
		assert_true(now - shown <= A_TURN);
		shown = now;
	}
	assert_int_equal(rc, LISTING_DONE);
	listing_free(l);
	return turns;
}

static void
fault_A9_names_a_turn(void **state)
{
	struct beneath root = { .fd = open(top, O_RDONLY | O_DIRECTORY) };
	struct buf page;

	(void)state;
	make_files(MANY);
	buf_init(&page, LISTING_PAGE_MAX);
	assert_true(make_page(&page, &root, root.fd) >= 2 * (MANY / A_TURN));
	assert_int_equal(count(&page, "<li>"), MANY);
	buf_clear(&page);
	fd_close(&root.fd);
}

static void
fault_A9_links_a_turn(void **state)
{
	struct beneath root = { .fd = open(top, O_RDONLY | O_DIRECTORY) };
	struct buf page;

	(void)state;
	make_files(1);
	make_links(MANY);
	assert_int_equal(renameat(root.fd, "f0", root.fd, "there"), 0);
	buf_init(&page, LISTING_PAGE_MAX);
	assert_true(make_page(&page, &root, root.fd) >= MANY / LINKS_A_TURN);
	assert_int_equal(count(&page, "<li>"), MANY + 1);
	buf_clear(&page);
	fd_close(&root.fd);
}

/* Whether the file system says what an entry is. */
static bool
has_types(void)
{
	DIR *d = opendir(top);
	struct dirent *e;
	bool known = true;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		known = known && e->d_type != DT_UNKNOWN;
	(void)closedir(d);
	return known;
}

/* There is nothing to open them beneath: links alone are missed. */
static void
fault_A9_files_are_not_opened(void **state)
{
	const struct beneath nowhere = { .fd = -1 };
	int folder = open(top, O_RDONLY | O_DIRECTORY);
	struct buf page;

	(void)state;
	make_files(10);
	make_links(10);
	assert_int_equal(mkdirat(folder, "folder", 0755), 0);
	assert_int_equal(mkfifoat(folder, "fifo", 0644), 0);
	buf_init(&page, LISTING_PAGE_MAX);
	if (has_types()) {
		(void)make_page(&page, &nowhere, folder);
		assert_int_equal(count(&page, "<li>"), 11);
		assert_int_equal(count(&page, "./folder/"), 1);
	}
	buf_clear(&page);
	fd_close(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fault_A9_names_a_turn, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(fault_A9_links_a_turn, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(fault_A9_files_are_not_opened,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
