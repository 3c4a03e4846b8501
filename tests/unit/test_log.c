#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

/* Standard error while a test looks at it: a pipe. */
struct capture {
	int saved;
	int fds[2];
	char text[65536];
};

static struct log_conf used;

static void
log_as(enum log_level level, enum log_format format)
{
	used = (struct log_conf){
		.program = "test",
		.level = level,
		.format = format,
	};
	log_init(&used);
}

static void
capture_into(struct capture *c)
{
	assert_int_not_equal(c->saved = dup(STDERR_FILENO), -1);
	assert_int_not_equal(dup2(c->fds[1], STDERR_FILENO), -1);
	log_init(&used); /* which looks where lines go */
}

static void
capture_start(struct capture *c)
{
	assert_int_equal(fd_pipe(c->fds), 0);
	assert_int_equal(fd_set_nonblock(c->fds[0], true), 0);
	capture_into(c);
}

/* A file, where lines are longer. */
static void
capture_start_file(struct capture *c)
{
	char name[] = "/tmp/test_log-XXXXXX";

	assert_int_not_equal(c->fds[1] = mkstemp(name), -1);
	assert_int_not_equal(c->fds[0] = open(name, O_RDONLY), -1);
	assert_int_equal(unlink(name), 0);
	capture_into(c);
}

/* What was written since, with standard error as it was. */
static const char *
capture_end(struct capture *c)
{
	ssize_t n;

	assert_int_not_equal(dup2(c->saved, STDERR_FILENO), -1);
	n = read(c->fds[0], c->text, sizeof(c->text) - 1);
	c->text[n > 0 ? n : 0] = '\0';
	fd_close2(c->fds);
	fd_close(&c->saved);
	return c->text;
}

static const struct test_case {
	const char *name;
	struct log_field field;
	const char *text; /* behind "name=" */
	const char *json; /* behind "name": */
} cases[] = {
	{ "plain", LOG_STR("v", "/chat"), "/chat", "\"/chat\"" },
	{ "empty", LOG_STR("v", ""), "\"\"", "\"\"" },
	{ "null", LOG_STR("v", NULL), "\"\"", "\"\"" },
	{ "space", LOG_STR("v", "a b"), "\"a b\"", "\"a b\"" },
	{ "equals", LOG_STR("v", "a=b"), "\"a=b\"", "\"a=b\"" },
	{ "quote", LOG_STR("v", "a\"b"), "\"a\\\"b\"", "\"a\\\"b\"" },
	{ "backslash", LOG_STR("v", "a\\b"), "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "newline", LOG_STR("v", "a\nb"), "a\\x0ab", "\"a\\\\x0ab\"" },
	{ "escape", LOG_STR("v", "\x1b[2J"), "\\x1b[2J", "\"\\\\x1b[2J\"" },
	{ "delete", LOG_STR("v", "\x7f"), "\\x7f", "\"\\\\x7f\"" },
	{ "UTF-8", LOG_STR("v", "\xc3\xa4"), "\\xc3\\xa4",
	    "\"\\\\xc3\\\\xa4\"" },
	{ "bytes with NUL", LOG_BYTES("v", "a\0b", 3), "a\\x00b",
	    "\"a\\\\x00b\"" },
	{ "no bytes", LOG_BYTES("v", NULL, 0), "\"\"", "\"\"" },
	{ "uint", LOG_UINT("v", UINT64_MAX), "18446744073709551615",
	    "18446744073709551615" },
	{ "int", LOG_INT("v", -3), "-3", "-3" },
	{ "ms", LOG_MS("v", 1042), "1.042", "1.042" },
	{ "ms, zero", LOG_MS("v", 0), "0.000", "0.000" },
};

/* The time is checked by its shape, the rest word by word. */
static const char *
behind_time(const char *line, const char *start)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	size_t at = strlen(start);

	assert_memory_equal(line, start, at);
	for (size_t i = 0; shape[i] != '\0'; i++, at++) {
		if (shape[i] == 'd')
			assert_in_range(line[at], '0', '9');
		else
			assert_int_equal(line[at], shape[i]);
	}
	return line + at;
}

static void
writes_text(void **state)
{
	struct capture c;
	char want[256];

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	for (size_t i = 0; i < nitems(cases); i++) {
		const char *got;

		capture_start(&c);
		log_fields(LOG_LVL_WARN, "it happens", &cases[i].field, 1);
		got = behind_time(capture_end(&c), "");
		snprintf(want, sizeof(want), " warn it happens v=%s\n",
		    cases[i].text);
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
	}
}

static void
writes_json(void **state)
{
	struct capture c;
	char want[256];

	(void)state;
	log_as(LOG_LVL_INFO, LOG_JSON);
	for (size_t i = 0; i < nitems(cases); i++) {
		const char *got;

		capture_start(&c);
		log_fields(LOG_LVL_ERROR, "it \"is\"", &cases[i].field, 1);
		got = behind_time(capture_end(&c), "{\"time\":\"");
		snprintf(want, sizeof(want),
		    "\",\"level\":\"error\",\"process\":%d,"
		    "\"msg\":\"it \\\"is\\\"\",\"v\":%s}\n",
		    (int)getpid(), cases[i].json);
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
	}
}

static void
writes_all_fields(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	LOG(LOG_LVL_INFO, "session ends", LOG_UINT("session", 17),
	    LOG_STR("path", "/"), LOG_INT("pid", 5));
	assert_string_equal(behind_time(capture_end(&c), ""),
	    " info session ends session=17 path=/ pid=5\n");
}

/* date(1) would say the same: the calendar is our own. */
/* time(2) may lag behind the clock that the log reads. */
static time_t
seconds_now(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	return ts.tv_sec;
}

static void
knows_the_date(void **state)
{
	struct capture c;
	char before[32], after[32];
	const char *got;
	time_t t = seconds_now();
	struct tm tm;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	strftime(before, sizeof(before), "%Y-%m-%dT%H:%M:%S",
	    gmtime_r(&t, &tm));
	capture_start(&c);
	log_info("now");
	got = capture_end(&c);
	t = seconds_now();
	strftime(after, sizeof(after), "%Y-%m-%dT%H:%M:%S", gmtime_r(&t, &tm));
	assert_true(strncmp(before, got, 19) <= 0);
	assert_true(strncmp(got, after, 19) <= 0);
}

static void
keeps_to_its_level(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_WARN, LOG_TEXT);
	assert_true(log_wants(LOG_LVL_ERROR));
	assert_true(log_wants(LOG_LVL_WARN));
	assert_false(log_wants(LOG_LVL_INFO));
	assert_false(log_wants(LOG_LVL_DEBUG));
	capture_start(&c);
	log_info("no");
	log_debug("no");
	LOG(LOG_LVL_INFO, "no", LOG_INT("v", 1));
	log_fields(LOG_LVL_INFO, "no", NULL, 0);
	assert_string_equal(capture_end(&c), "");
	capture_start(&c);
	log_error("%s-%d", "yes", 1);
	assert_string_equal(behind_time(capture_end(&c), ""), " error yes-1\n");
}

/* A message may quote what came from outside; it stays one line. */
static void
escapes_messages(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	log_warn("bad %s", "a\r\n\x1b");
	assert_string_equal(behind_time(capture_end(&c), ""),
	    " warn bad a\\x0d\\x0a\\x1b\n");
}

static void
cuts_long_values(void **state)
{
	static char value[3 * LOG_VALUE_MAX];
	struct capture c;
	const char *got;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	LOG(LOG_LVL_INFO, "m", LOG_STR("v", value), LOG_INT("w", 1));
	got = capture_end(&c);
	assert_in_range(strlen(got), PIPE_BUF - 8, PIPE_BUF);
	got = strstr(got, "v=");
	assert_non_null(got);
	assert_string_equal(got + 2 + strspn(got + 2, "x"), "\n");
}

/* Every byte escaped, several times: the line is cut and still a line. */
static void
cuts_long_lines(void **state)
{
	static char value[LOG_VALUE_MAX];
	struct capture c;
	const char *got;
	size_t len;

	(void)state;
	memset(value, 1, sizeof(value));
	for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
		log_as(LOG_LVL_INFO, (enum log_format)format);
		capture_start(&c);
		LOG(LOG_LVL_INFO, "m", LOG_BYTES("a", value, sizeof(value)),
		    LOG_BYTES("b", value, sizeof(value)),
		    LOG_BYTES("c", value, sizeof(value)));
		got = capture_end(&c);
		len = strlen(got);
		assert_in_range(len, PIPE_BUF - 16, PIPE_BUF);
		assert_ptr_equal(strchr(got, '\n'), got + len - 1);
		if (format == LOG_JSON)
			assert_string_equal(got + len - 3, "\"}\n");
	}
}

static const struct ceiling_case {
	const char *name;
	void (*start)(struct capture *);
	enum log_format format;
	size_t max; /* bytes of a line with its newline */
} ceiling_cases[] = {
	{ "pipe, text", capture_start, LOG_TEXT, PIPE_BUF },
	{ "pipe, JSON", capture_start, LOG_JSON, PIPE_BUF },
	{ "file, text", capture_start_file, LOG_TEXT, 32 * 1024 },
	{ "file, JSON", capture_start_file, LOG_JSON, 32 * 1024 },
};

/* Quoted values up to the ceiling at every byte of it, and more behind them. */
static void
fault_A2_nothing_passes_the_ceiling(void **state)
{
	static char value[LOG_VALUE_MAX];
	struct log_field fields[14];
	struct capture c;
	const char *got;
	size_t len;

	(void)state;
	memset(value, ' ', sizeof(value));
	for (size_t i = 0; i < nitems(ceiling_cases); i++) {
		const struct ceiling_case *t = &ceiling_cases[i];

		log_as(LOG_LVL_INFO, t->format);
		for (size_t n = LOG_VALUE_MAX / 2; n < LOG_VALUE_MAX; n++) {
			for (size_t k = 0; k < nitems(fields); k++)
				fields[k] = (struct log_field)LOG_BYTES("v",
				    value, n + k % 2 * 8);
			t->start(&c);
			log_fields(LOG_LVL_INFO, "m", fields, nitems(fields));
			got = capture_end(&c);
			len = strlen(got);
			if (len > t->max || strchr(got, '\n') != got + len - 1)
				fail_msg("%s: %zu bytes", t->name, len);
		}
	}
}

/* A reader that has stopped reading costs lines and no time. */
static void
never_blocks(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	for (int i = 0; i < 5000; i++)
		log_info("a line of about forty bytes with its time");
	assert_true(strlen(capture_end(&c)) > 4096);
}

static void
fault_A2_counts_what_was_not_written(void **state)
{
	struct capture c;
	const char *got;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	for (int i = 0; i < 5000; i++)
		log_info("a line of about forty bytes with its time");
	(void)capture_end(&c);
	capture_start(&c);
	log_info("read again");
	got = behind_time(capture_end(&c), "");
	assert_memory_equal(got, " warn log was not read lines=", 29);
	assert_non_null(strstr(got, " info read again\n"));
}

/* Every look at it is half a second later. */
static uint64_t
clock_hurries(void)
{
	static uint64_t ms;

	return ms += 500;
}

static int faster = -1; /* what another process has of standard error */

/* What log.c calls: as soon as it is told of room, the other one has it. */
int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	const struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};
	static const char page[4096];
	int rc = ppoll(fds, n, &t, NULL);

	while (faster != -1 && write(faster, page, sizeof(page)) > 0)
		continue;
	return rc;
}

/* Whether the system has an answer to that. */
static bool
knows_nowait(void)
{
#ifdef RWF_NOWAIT
	char byte = '\n';
	const struct iovec v = { .iov_base = &byte, .iov_len = 1 };

	return pwritev2(STDERR_FILENO, &v, 1, -1, RWF_NOWAIT) == 1;
#else
	return false;
#endif
}

static void
fault_A2_another_one_is_faster(void **state)
{
	struct capture c;
	bool known;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	faster = open("/dev/stderr", O_WRONLY | O_NONBLOCK);
	known = faster != -1 && knows_nowait();
	alarm(60);
	for (int i = 0; known && i < 1000; i++)
		log_info("%0200d", i);
	alarm(0);
	fd_close(&faster);
	(void)capture_end(&c);
}

static void
keeps_errno(void **state)
{
	struct capture c;
	int got;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	fd_close(&c.fds[0]);
	signal(SIGPIPE, SIG_IGN);
	errno = ENOENT;
	log_info("into a broken pipe");
	got = errno;
	capture_end(&c);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(got, ENOENT);
}

static void
raw_lines_ignore_level_and_format(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_ERROR, LOG_JSON);
	capture_start(&c);
	log_error("what was not written is said before");
	(void)capture_end(&c);
	capture_start(&c);
	log_raw("listening on %s", "http://127.0.0.1:1/");
	assert_string_equal(capture_end(&c),
	    "test: listening on http://127.0.0.1:1/\n");
}

/* What is in the pipe, read by somebody who takes a while to begin. */
static pid_t
read_later(struct capture *c, int *copy)
{
	static char buf[256 * 1024];
	int out[2];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(fd_pipe(out), 0);
	if ((pid = fork()) != 0) {
		fd_close(&out[1]);
		fd_close(&c->fds[0]);
		*copy = out[0];
		return pid;
	}
	fd_close(&c->fds[1]);
	fd_close(&out[0]);
	dup2(c->saved, STDERR_FILENO);
	fd_set_nonblock(c->fds[0], false);
	ppoll(NULL, 0, &(struct timespec){ .tv_nsec = 200000000 }, NULL);
	while (len < sizeof(buf) &&
	    (n = read(c->fds[0], buf + len, sizeof(buf) - len)) > 0)
		len += (size_t)n;
	/* the end of it fits a pipe */
	n = write(out[1], buf + (len > 4096 ? len - 4096 : 0),
	    len > 4096 ? 4096 : len);
	_exit(n == -1);
}

/* A description of our own does not block, and is full. */
static void
fault_A2_raw_lines_wait_for_their_turn(void **state)
{
	struct capture c;
	char end[4097];
	int copy, status;
	ssize_t n;
	pid_t pid;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	log_own_stderr();
	for (int i = 0; i < 2000; i++)
		log_info("%0200d", i);
	pid = read_later(&c, &copy);
	log_raw("listening on %s", "http://127.0.0.1:1/");
	(void)capture_end(&c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = read(copy, end, sizeof(end) - 1);
	assert_in_range(n, 1, sizeof(end) - 1);
	end[n] = '\0';
	fd_close(&copy);
	assert_non_null(strstr(end, " warn log was not read lines="));
	assert_non_null(
	    strstr(end, "\ntest: listening on http://127.0.0.1:1/\n"));
}

/* Nobody reads: it is told of with what was not written. */
static void
fault_A2_raw_lines_do_not_wait_for_ever(void **state)
{
	struct capture c;

	(void)state;
	log_as(LOG_LVL_INFO, LOG_TEXT);
	capture_start(&c);
	log_own_stderr();
	for (int i = 0; i < 2000; i++)
		log_info("%0200d", i);
	clock_replace(clock_hurries);
	alarm(60);
	for (int i = 0; i < 64; i++)
		log_raw("listening on %d", i);
	alarm(0);
	clock_replace(NULL);
	assert_null(strstr(capture_end(&c), "listening"));
	capture_start(&c);
	log_raw("listening at last");
	assert_non_null(strstr(capture_end(&c), "\ntest: listening at last\n"));
}

static void
bug_aborts(void **state)
{
	struct capture c;
	int status;
	pid_t pid;

	(void)state;
	log_as(LOG_LVL_ERROR, LOG_TEXT);
	capture_start(&c);
	log_error("what was not written is said before");
	(void)capture_end(&c);
	capture_start(&c);
	if ((pid = fork()) == 0) {
		signal(SIGABRT, SIG_DFL);
		bug("half %d", 7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(behind_time(capture_end(&c), ""),
	    " error half 7\n");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_text),
		cmocka_unit_test(writes_json),
		cmocka_unit_test(writes_all_fields),
		cmocka_unit_test(knows_the_date),
		cmocka_unit_test(keeps_to_its_level),
		cmocka_unit_test(escapes_messages),
		cmocka_unit_test(cuts_long_values),
		cmocka_unit_test(cuts_long_lines),
		cmocka_unit_test(fault_A2_nothing_passes_the_ceiling),
		cmocka_unit_test(never_blocks),
		cmocka_unit_test(fault_A2_counts_what_was_not_written),
		cmocka_unit_test(fault_A2_another_one_is_faster),
		cmocka_unit_test(keeps_errno),
		cmocka_unit_test(raw_lines_ignore_level_and_format),
		cmocka_unit_test(fault_A2_raw_lines_wait_for_their_turn),
		cmocka_unit_test(fault_A2_raw_lines_do_not_wait_for_ever),
		cmocka_unit_test(bug_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
