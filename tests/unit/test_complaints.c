/*
 * Standard error on its way to the log (flow/complaints), by a clock that this
 * test moves: how much a program may say at once and in the long run, how much
 * all of them together, and that what is dropped is counted.
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
#include "base/clock.h"
#include "base/log.h"
#include "flow/complaints.h"
#include "loop.h"

enum {
	AT_ONCE = 3000, /* lines of one program */
	STEP = 5,       /* milliseconds, for each in the long run */
	ALL_AT_ONCE = 2500,
	SECOND = 1000,
	PIECE = 3500, /* of one line of the log */
};

/* All of them may say what they like. */
static const struct complaints_share unlimited = { .step = 0, .burst = 1 };

static const struct complainer who = {
	.level = LOG_LVL_INFO,
	.session = 7,
	.pid = 42,
};

static struct fixture {
	struct complaints_share share;
	struct complaints program;
	FILE *log; /* standard error, for the time being */
	int saved;
} f;

/* ------------------------------------------------- the log, as a file */

static int
setup(void **state)
{
	static const struct log_conf conf = {
		.program = "test",
		.level = LOG_LVL_INFO,
		.format = LOG_TEXT,
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	f.share = unlimited;
	clock_replace(loop_clock);
	if ((f.log = tmpfile()) == NULL)
		return -1;
	f.saved = dup(STDERR_FILENO);
	if (f.saved == -1 || dup2(fileno(f.log), STDERR_FILENO) == -1)
		return -1;
	log_init(&conf);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	clock_replace(NULL);
	(void)dup2(f.saved, STDERR_FILENO);
	(void)close(f.saved);
	return fclose(f.log);
}

/* What was logged since the last time, each line from its message on. */
static void
read_log(char *text, size_t size)
{
	char line[8192], *message;
	size_t n = 0;

	text[0] = '\0';
	rewind(f.log);
	while (fgets(line, sizeof(line), f.log) != NULL) {
		message = strstr(line, "standard error dropped");
		if (message == NULL)
			message = strstr(line, "stderr ");
		assert_non_null(message);
		n += (size_t)snprintf(text + n, size - n, "%s", message);
		assert_true(n < size);
	}
	assert_int_equal(ftruncate(fileno(f.log), 0), 0);
	rewind(f.log);
}

static void
assert_logged(const char *want)
{
	char text[16384];

	read_log(text, sizeof(text));
	assert_string_equal(text, want);
}

/* So many lines, and nothing of what was dropped. */
static void
assert_lines(size_t want)
{
	static char text[256 * 1024];
	size_t n = 0;

	read_log(text, sizeof(text));
	assert_null(strstr(text, "dropped"));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, want);
}

/* ------------------------------------------------- what is said */

static void
say_of(struct complaints *c, const char *line)
{
	complaints_take(c, &f.share, &who, (const uint8_t *)line, strlen(line));
}

static void
say(const char *line)
{
	say_of(&f.program, line);
}

static void
say_often(struct complaints *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		say_of(c, "x");
}

static void
say_long(char of, size_t len)
{
	uint8_t *line = malloc(len);

	assert_non_null(line);
	memset(line, of, len);
	complaints_take(&f.program, &f.share, &who, line, len);
	free(line);
}

/* All that it may say at once. */
static void
exhaust(void)
{
	say_often(&f.program, AT_ONCE);
	assert_lines(AT_ONCE);
}

/* ------------------------------------------------- one program */

static void
a_line_is_logged_with_its_program(void **state)
{
	(void)state;
	say("out of ink");
	assert_logged("stderr session=7 pid=42 text=\"out of ink\"\n");
	say("");
	assert_logged("stderr session=7 pid=42 text=\"\"\n");
}

static void
so_many_lines_may_come_at_once(void **state)
{
	(void)state;
	exhaust();
	say("one more");
	assert_logged("");
}

static void
what_was_dropped_is_counted_before_the_next_line(void **state)
{
	(void)state;
	exhaust();
	say("abcd");
	say("");
	say("abcd");
	assert_logged("");
	loop_now += SECOND;
	say("again");
	assert_logged("standard error dropped session=7 pid=42 lines=3 "
		      "bytes=11\n"
		      "stderr session=7 pid=42 text=again\n");
	say("and on");
	assert_logged("stderr session=7 pid=42 text=\"and on\"\n");
}

static void
it_is_silent_for_a_second_after_what_was_dropped_first(void **state)
{
	(void)state;
	exhaust();
	say("dropped");
	loop_now += SECOND / 2;
	say("dropped as well, though a line's time has come");
	loop_now += SECOND / 2 - 1;
	say("and this");
	assert_logged("");
	loop_now += 1;
	say("x");
	assert_logged("standard error dropped session=7 pid=42 lines=3 "
		      "bytes=64\n"
		      "stderr session=7 pid=42 text=x\n");
}

static void
after_that_lines_come_at_an_even_rate(void **state)
{
	(void)state;
	exhaust();
	for (int i = 0; i < 10; i++) {
		loop_now += STEP;
		say("x");
		assert_lines(1);
	}
	loop_now += STEP - 1;
	say("early");
	assert_logged("");
}

static void
a_second_is_worth_so_many_lines(void **state)
{
	(void)state;
	exhaust();
	loop_now += SECOND;
	say_often(&f.program, SECOND / STEP + 1);
	assert_lines(SECOND / STEP);
	assert_int_equal(f.program.lines, 1);
}

static void
a_rest_gives_all_of_it_back_and_no_more(void **state)
{
	(void)state;
	exhaust();
	loop_now += (uint64_t)2 * AT_ONCE * STEP;
	say_often(&f.program, AT_ONCE + 1);
	assert_lines(AT_ONCE);
	assert_int_equal(f.program.lines, 1);
}

/* ------------------------------------------------- long lines */

static void
a_long_line_is_as_several(void **state)
{
	(void)state;
	exhaust();
	loop_now += STEP;
	say_long('x', 4 * 128); /* as five */
	assert_lines(1);
	loop_now += 4 * STEP;
	say("early");
	assert_logged("");
	loop_now += SECOND;
	say("x");
	assert_logged("standard error dropped session=7 pid=42 lines=1 "
		      "bytes=6\n"
		      "stderr session=7 pid=42 text=x\n");
}

static void
a_line_too_long_for_the_log_is_given_in_pieces(void **state)
{
	(void)state;
	say_long('x', PIECE);
	assert_lines(1);
	say_long('x', PIECE + 1);
	assert_lines(2);
	say_long('"', PIECE / 2 + 1); /* each is escaped by another */
	assert_lines(2);
	say_long('\1', PIECE / 5 + 1);
	assert_lines(2);
}

static void
no_byte_of_a_line_in_pieces_is_lost(void **state)
{
	char text[16384];
	size_t n = 0;

	(void)state;
	say_long('z', 2 * PIECE + 17);
	read_log(text, sizeof(text));
	for (const char *p = text; *p != '\0'; p++)
		n += *p == 'z';
	assert_int_equal(n, 2 * PIECE + 17);
}

/* ------------------------------------------------- all programs */

static void
all_programs_share_what_the_log_takes(void **state)
{
	struct complaints other = { .till = 0 };

	(void)state;
	complaints_share_init(&f.share, 1);
	say_often(&f.program, ALL_AT_ONCE);
	assert_lines(ALL_AT_ONCE);
	say_of(&other, "nobody hears it");
	assert_logged("");
	loop_now += SECOND;
	say("x");
	assert_logged("stderr session=7 pid=42 text=x\n");
	say_of(&other, "y");
	assert_logged("standard error dropped session=7 pid=42 lines=1 "
		      "bytes=16\n"
		      "stderr session=7 pid=42 text=y\n");
}

static void
what_is_dropped_costs_nobody_anything(void **state)
{
	struct complaints other = { .till = 0 };

	(void)state;
	complaints_share_init(&f.share, 1);
	say_often(&f.program, ALL_AT_ONCE);
	assert_lines(ALL_AT_ONCE);
	say_often(&f.program, 10 * ALL_AT_ONCE);
	assert_logged("");
	loop_now += SECOND;
	say_often(&other, ALL_AT_ONCE + 1);
	assert_lines(ALL_AT_ONCE);
}

static void
processes_divide_it_among_them(void **state)
{
	(void)state;
	complaints_share_init(&f.share, 4);
	say_often(&f.program, ALL_AT_ONCE);
	assert_lines(ALL_AT_ONCE / 4);
	loop_now += SECOND;
	complaints_end(&f.program, &who);
	assert_logged("standard error dropped session=7 pid=42 lines=1875 "
		      "bytes=3750\n");
}

static void
last_words_have_room_among_many_processes(void **state)
{
	(void)state;
	complaints_share_init(&f.share, 1000);
	say_often(&f.program, 101);
	assert_lines(100);
	assert_int_equal(f.program.lines, 1);
}

/* ------------------------------------------------- its end, its level */

static void
the_end_tells_what_was_dropped_once(void **state)
{
	(void)state;
	exhaust();
	say("abc");
	complaints_end(&f.program, &who);
	assert_logged("standard error dropped session=7 pid=42 lines=1 "
		      "bytes=4\n");
	complaints_end(&f.program, &who);
	assert_logged("");
}

static void
the_end_of_one_that_was_heard_tells_nothing(void **state)
{
	(void)state;
	say("x");
	assert_lines(1);
	complaints_end(&f.program, &who);
	assert_logged("");
}

static void
what_the_log_does_not_want_costs_and_counts_nothing(void **state)
{
	struct complainer quiet = who;

	(void)state;
	quiet.level = LOG_LVL_DEBUG;
	for (int i = 0; i < 2 * AT_ONCE; i++)
		complaints_take(&f.program, &f.share, &quiet,
		    (const uint8_t *)"x", 1);
	complaints_end(&f.program, &quiet);
	assert_logged("");
	exhaust();
}

#define log_test(f_) cmocka_unit_test_setup_teardown(f_, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(a_line_is_logged_with_its_program),
		log_test(so_many_lines_may_come_at_once),
		log_test(what_was_dropped_is_counted_before_the_next_line),
		log_test(
		    it_is_silent_for_a_second_after_what_was_dropped_first),
		log_test(after_that_lines_come_at_an_even_rate),
		log_test(a_second_is_worth_so_many_lines),
		log_test(a_rest_gives_all_of_it_back_and_no_more),
		log_test(a_long_line_is_as_several),
		log_test(a_line_too_long_for_the_log_is_given_in_pieces),
		log_test(no_byte_of_a_line_in_pieces_is_lost),
		log_test(all_programs_share_what_the_log_takes),
		log_test(what_is_dropped_costs_nobody_anything),
		log_test(processes_divide_it_among_them),
		log_test(last_words_have_room_among_many_processes),
		log_test(the_end_tells_what_was_dropped_once),
		log_test(the_end_of_one_that_was_heard_tells_nothing),
		log_test(what_the_log_does_not_want_costs_and_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
