/*
 * Standard error on its way to the log, by a clock that this test moves: so much
 * of one program, so much of all, and what was too much is counted there.
 */
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
#include "flow/complaints.h"
#include "loop.h"

enum { OF_ALL = 2500, OF_ONE_A_SECOND = 200 };

struct fixture {
	struct complaints_share share;
	int log, stderr_before;
};

static const struct complainer who = { LOG_LVL_WARN, 7, 99 };

/* Lines go to a file in place of our standard error. */
static void
begin(struct fixture *f, unsigned processes)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	clock_replace(loop_clock);
	complaints_share_init(&f->share, processes);
	f->log = dup(fileno(file));
	(void)fclose(file);
	f->stderr_before = dup(STDERR_FILENO);
	assert_int_equal(dup2(f->log, STDERR_FILENO), STDERR_FILENO);
}

static void
end(struct fixture *f)
{
	(void)dup2(f->stderr_before, STDERR_FILENO);
	fd_close(&f->stderr_before);
	fd_close(&f->log);
	clock_replace(NULL);
}

static void
complain(struct fixture *f, struct complaints *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		complaints_take(c, &f->share, &who, (const uint8_t *)"oh", 2);
}

/* How often the log says that, since the last time; it is emptied. */
static size_t
count(struct fixture *f, const char *what)
{
	static char text[1024 * 1024];
	ssize_t len = pread(f->log, text, sizeof(text) - 1, 0);
	size_t n = 0;

	assert_true(len >= 0 && (size_t)len < sizeof(text) - 1);
	text[len] = '\0';
	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void
empty(struct fixture *f)
{
	assert_int_equal(ftruncate(f->log, 0), 0);
	assert_int_equal(lseek(f->log, 0, SEEK_SET), 0);
}

static void
what_is_too_much_is_counted(void **state)
{
	struct complaints c = { 0 };
	struct fixture f;
	size_t written;

	(void)state;
	begin(&f, 1);
	complain(&f, &c, OF_ALL + 1000);
	written = count(&f, " warn stderr ");
	assert_in_range(written, OF_ALL - 100, OF_ALL + 100);
	assert_int_equal(count(&f, "dropped"), 0);
	empty(&f);
	loop_now += 1001;
	complain(&f, &c, 1);
	assert_int_equal(count(&f, "standard error dropped session=7 pid=99"),
	    1);
	assert_int_equal(count(&f, " stderr "), 1);
	assert_int_equal(c.lines, 0);
	end(&f);
}

/* All within a second, so that what is dropped is dropped in a row. */
static void
it_is_silent_for_a_second(void **state)
{
	struct complaints c = { 0 };
	struct fixture f;

	(void)state;
	begin(&f, 1);
	complain(&f, &c, OF_ALL + 1000);
	empty(&f);
	loop_now += 999;
	complain(&f, &c, 10);
	assert_int_equal(count(&f, "stderr"), 0);
	loop_now += 2;
	complain(&f, &c, 1);
	assert_int_equal(count(&f, " stderr "), 1);
	end(&f);
}

/* Who has been loud for long gets an even rate. */
static void
an_even_rate_of_one(void **state)
{
	struct complaints c = { 0 };
	struct fixture f;

	(void)state;
	begin(&f, 1);
	for (int i = 0; i < 20; i++) {
		complain(&f, &c, 2000);
		loop_now += 1000;
	}
	empty(&f);
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 100; j++) {
			complain(&f, &c, 20);
			loop_now += 10;
		}
	}
	assert_in_range(count(&f, " warn stderr "), 9 * OF_ONE_A_SECOND,
	    11 * OF_ONE_A_SECOND);
	end(&f);
}

/* Processes share what the log takes, and one program leaves some to others. */
static void
shares(void **state)
{
	struct complaints c = { 0 }, other = { 0 };
	struct fixture f;
	size_t written;

	(void)state;
	begin(&f, 5);
	complain(&f, &c, OF_ALL);
	written = count(&f, " warn stderr ");
	assert_in_range(written, OF_ALL / 5 - 50, OF_ALL / 5 + 50);
	empty(&f);
	loop_now += 100;
	complain(&f, &other, 1000);
	written = count(&f, " warn stderr ");
	assert_in_range(written, 10, 100);
	end(&f);
}

/* Whatever was dropped is said at the end at the latest. */
static void
its_last_words(void **state)
{
	struct complaints c = { 0 }, quiet = { 0 };
	struct fixture f;

	(void)state;
	begin(&f, 1);
	complain(&f, &c, OF_ALL + 500);
	empty(&f);
	complaints_end(&c, &who);
	complaints_end(&c, &who);
	complaints_end(&quiet, &who);
	assert_int_equal(count(&f, "dropped"), 1);
	end(&f);
}

/* A long line is as many, and comes in pieces that the log has room for. */
static void
a_long_line(void **state)
{
	static uint8_t line[10000];
	struct complaints c = { 0 };
	struct fixture f;

	(void)state;
	memset(line, 'x', sizeof(line));
	begin(&f, 1);
	complaints_take(&c, &f.share, &who, line, sizeof(line));
	assert_int_equal(count(&f, " warn stderr "), 3);
	empty(&f);
	for (int i = 0; i < 100; i++)
		complaints_take(&c, &f.share, &who, line, sizeof(line));
	assert_true(count(&f, " warn stderr ") < 100);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_too_much_is_counted),
		cmocka_unit_test(it_is_silent_for_a_second),
		cmocka_unit_test(an_even_rate_of_one),
		cmocka_unit_test(shares),
		cmocka_unit_test(its_last_words),
		cmocka_unit_test(a_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
