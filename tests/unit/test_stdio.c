/*
 * Standard input and output that are not ours to change: flow/stdio.c, and
 * those manners of flow/stream.c that it needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/base.h"
#include "base/fd.h"
#include "flow/flow.h"
#include "flow/stdio.h"
#include "flow/stream.h"

enum { BIG = 1024 * 1024, TURNS = 10000, PATIENCE = 20 /* seconds */ };

struct world {
	struct event_base *base;
	struct flow flow;
	struct stream *stream;
	uint8_t *bytes; /* BIG of them, no two pieces alike */
	uint8_t *got;
	size_t len;
	size_t reads;
	int lost; /* an errno */
	bool ended;
	bool drained;
};

/* ------------------------------------------------- the owner */

static void
on_read(void *owner, uint8_t *data, size_t len)
{
	struct world *w = owner;

	assert_true(w->len + len <= BIG);
	memcpy(w->got + w->len, data, len);
	w->len += len;
	w->reads++;
}

static void
on_end(void *owner)
{
	struct world *w = owner;

	assert_false(w->ended);
	w->ended = true;
}

static void
on_lost(void *owner, int err)
{
	struct world *w = owner;

	assert_int_equal(w->lost, 0);
	w->lost = err;
}

static void
on_drain(void *owner)
{
	struct world *w = owner;

	w->drained = true;
}

static const struct stream_ops ops = {
	.on_read = on_read,
	.on_end = on_end,
	.on_lost = on_lost,
	.on_drain = on_drain,
};

static void
own(struct world *w, struct stream *s)
{
	assert_non_null(s);
	w->stream = s;
	stream_set_owner(s, &ops, w);
}

static void
turn(struct world *w)
{
	assert_int_not_equal(event_base_loop(w->base,
				 EVLOOP_NONBLOCK | EVLOOP_ONCE),
	    -1);
}

/* For what surely comes. */
static void
wait(struct world *w)
{
	(void)alarm(PATIENCE);
	assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
	(void)alarm(0);
}

/* ------------------------------------------------- the standard descriptors */

/* What `fd` is becomes standard descriptor `which` of that world. */
static void
open_as(struct world *w, int which, int fd)
{
	int kept = dup(which);

	assert_int_not_equal(kept, -1);
	assert_int_equal(dup2(fd, which), which);
	own(w, stdio_open(&w->flow, which));
	assert_int_equal(dup2(kept, which), which);
	fd_close(&kept);
}

static void
assert_blocking(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

static int
new_file(struct world *w, size_t len)
{
	char name[] = "/tmp/test_stdio.XXXXXX";
	int fd = mkstemp(name);

	assert_int_not_equal(fd, -1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(write(fd, w->bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void
read_to_end(struct world *w)
{
	stream_resume(w->stream);
	for (int i = 0; i < TURNS && !w->ended && w->lost == 0; i++)
		turn(w);
	assert_true(w->ended);
	assert_int_equal(w->lost, 0);
}

/* ------------------------------------------------- input */

static void
reads_a_file(void **state)
{
	struct world *w = *state;
	int fd = new_file(w, BIG);

	open_as(w, STDIN_FILENO, fd);
	read_to_end(w);
	assert_int_equal(w->len, BIG);
	assert_memory_equal(w->got, w->bytes, BIG);
	assert_int_equal(lseek(fd, 0, SEEK_CUR),
	    BIG); /* the offset is shared */
	fd_close(&fd);
}

/* Somebody else's event, each time it is looked for. */
static void
count_writable(evutil_socket_t fd, short what, void *arg)
{
	size_t *n = arg;

	(void)fd;
	(void)what;
	++*n;
}

static void
a_file_starves_nobody(void **state)
{
	struct world *w = *state;
	int fd = new_file(w, BIG);
	size_t served = 0;
	struct event *ev;
	int pair[2];

	assert_int_equal(fd_pipe(pair), 0);
	ev = event_new(w->base, pair[1], EV_WRITE | EV_PERSIST, count_writable,
	    &served);
	assert_int_equal(event_add(ev, NULL), 0);
	open_as(w, STDIN_FILENO, fd);
	read_to_end(w);
	assert_true(w->reads > 2);
	assert_true(served >= w->reads);
	event_free(ev);
	fd_close2(pair);
	fd_close(&fd);
}

static void
a_paused_file_is_left_alone(void **state)
{
	struct world *w = *state;
	int fd = new_file(w, BIG);

	open_as(w, STDIN_FILENO, fd);
	stream_resume(w->stream);
	turn(w);
	assert_int_equal(w->reads, 1);
	stream_pause(w->stream);
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->reads, 1);
	read_to_end(w);
	assert_int_equal(w->len, BIG);
	fd_close(&fd);
}

static void
reads_nothing(void **state)
{
	struct world *w = *state;
	int fd = open("/dev/null", O_RDONLY);

	open_as(w, STDIN_FILENO, fd);
	read_to_end(w);
	assert_int_equal(w->len, 0);
	fd_close(&fd);
}

/* The loop waits for input without being held by it. */
static void
read_piecewise(struct world *w, int from, int to)
{
	open_as(w, STDIN_FILENO, from);
	assert_blocking(from);
	stream_resume(w->stream);
	turn(w);
	assert_int_equal(w->len, 0);
	for (size_t at = 0; at < BIG; at += 4096) {
		assert_int_equal(write(to, w->bytes + at, 4096), 4096);
		turn(w);
		assert_int_equal(w->len, at + 4096);
	}
	turn(w);
	assert_memory_equal(w->got, w->bytes, BIG);
	fd_close(&to);
	read_to_end(w);
	assert_blocking(from);
}

static void
reads_a_pipe(void **state)
{
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	read_piecewise(*state, fd[0], fd[1]);
	fd_close(&fd[0]);
}

static void
reads_a_socket(void **state)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	read_piecewise(*state, fd[0], fd[1]);
	fd_close(&fd[0]);
}

/* Somebody was quicker: there is nothing left, and nobody waits for more. */
static void
reads_what_another_has_taken(void **state)
{
	struct world *w = *state;
	uint8_t byte;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	own(w, stream_new_shared(&w->flow, STREAM_SOURCE, fd[0], STREAM_READY));
	stream_resume(w->stream);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	stream_read_now(w->stream);
	assert_int_equal(w->len, 0);
	assert_int_equal(write(fd[1], "y", 1), 1);
	turn(w);
	assert_int_equal(w->len, 1);
	fd_close(&fd[1]);
	read_to_end(w);
}

/* A named pipe whose writer has come and gone. */
static void
reads_a_named_pipe_to_its_end(void **state)
{
	struct world *w = *state;
	char folder[] = "/tmp/test_stdio.XXXXXX";
	char name[PATH_MAX];
	int fd[2];

	assert_non_null(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "%s/pipe", folder);
	assert_int_equal(mkfifo(name, 0600), 0);
	fd[0] = open(name, O_RDONLY | O_NONBLOCK);
	fd[1] = open(name, O_WRONLY);
	assert_int_equal(fd_set_nonblock(fd[0], false), 0);
	assert_int_equal(write(fd[1], "last", 4), 4);
	fd_close(&fd[1]);
	open_as(w, STDIN_FILENO, fd[0]);
	read_to_end(w);
	assert_int_equal(w->len, 4);
	fd_close(&fd[0]);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void
cannot_read_a_folder(void **state)
{
	struct world *w = *state;
	int fd = open("/", O_RDONLY), kept = dup(STDIN_FILENO);

	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	assert_null(stdio_open(&w->flow, STDIN_FILENO));
	assert_int_equal(errno, EISDIR);
	assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
	fd_close(&kept);
	fd_close(&fd);
}

static void
lets_go_of_standard_input(void **state)
{
	struct world *w = *state;
	int fd[2], kept = dup(STDIN_FILENO);

	assert_int_equal(fd_pipe(fd), 0);
	assert_int_equal(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
	fd_close(&fd[0]);
	own(w, stdio_open(&w->flow, STDIN_FILENO));
	assert_int_equal(write(fd[1], "x", 1), 1);
	stream_free(w->stream);
	w->stream = NULL;
	assert_int_equal(write(fd[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
	fd_close(&kept);
	fd_close(&fd[1]);
}

static void
reads_a_file_by_name(void **state)
{
	struct world *w = *state;

	assert_null(stdio_open_file(&w->flow, "/nowhere/at/all"));
	assert_int_equal(errno, ENOENT);
	own(w, stdio_open_file(&w->flow, "/dev/null"));
	read_to_end(w);
}

/* ------------------------------------------------- output */

static void
writes_a_file(void **state)
{
	struct world *w = *state;
	int fd = new_file(w, 3);

	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	open_as(w, STDOUT_FILENO, fd);
	stream_write(w->stream, w->bytes, BIG - 3);
	assert_int_equal(stream_queued(w->stream), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), BIG);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK),
	    O_APPEND);
	fd_close(&fd);
}

static void
is_told_of_a_full_disk(void **state)
{
	struct world *w = *state;
	int fd = open("/dev/full", O_WRONLY);

	assert_int_not_equal(fd, -1);
	open_as(w, STDOUT_FILENO, fd);
	stream_write(w->stream, "x", 1);
	turn(w);
	assert_int_equal(w->lost, ENOSPC);
	fd_close(&fd);
}

static void
read_some(struct world *w, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE * 1000), 1);
	if ((n = read(fd, w->got + w->len, BIG - w->len)) > 0)
		w->len += (size_t)n;
}

/* More than fits is written, and nobody is held up. */
static void
write_through(struct world *w, int to, int from)
{
	assert_int_equal(fd_set_nonblock(from, true), 0);
	stream_write(w->stream, w->bytes, BIG);
	assert_blocking(to);
	assert_true(stream_queued(w->stream) > 0);
	for (int i = 0; i < TURNS && w->len < BIG; i++) {
		turn(w);
		read_some(w, from);
	}
	assert_int_equal(w->len, BIG);
	assert_memory_equal(w->got, w->bytes, BIG);
	for (int i = 0; i < 10 && !w->drained; i++)
		turn(w);
	assert_true(w->drained);
	assert_blocking(to);
}

static void
writes_a_pipe(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	write_through(w, fd[1], fd[0]);
	fd_close2(fd);
}

static void
writes_a_socket(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	write_through(w, fd[1], fd[0]);
	fd_close2(fd);
}

/* Where nothing can be opened again. */
static void
writes_a_pipe_piece_by_piece(void **state)
{
	struct world *w = *state;
	int fd[2], shared;

	assert_int_equal(fd_pipe(fd), 0);
	shared = dup(fd[1]);
	own(w, stream_new_shared(&w->flow, STREAM_SINK, shared, STREAM_READY));
	write_through(w, fd[1], fd[0]);
	fd_close2(fd);
}

static void
ends_output(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	fd_close(&fd[1]);
	stream_write(w->stream, "last", 4);
	stream_end(w->stream);
	read_some(w, fd[0]);
	assert_int_equal(w->len, 4);
	assert_int_equal(read(fd[0], w->got, 1), 0);
	fd_close(&fd[0]);
}

/* ------------------------------------------------- its reader goes (S6) */

static void
assert_lost(struct world *w, int *reader)
{
	turn(w);
	assert_int_equal(w->lost, 0);
	fd_close(reader);
	for (int i = 0; i < 10 && w->lost == 0; i++)
		turn(w);
	assert_int_equal(w->lost, EPIPE);
}

static void
notices_that_nobody_reads_a_pipe(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	assert_lost(w, &fd[0]);
	fd_close(&fd[1]);
}

static void
notices_that_nobody_reads_a_full_pipe(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	stream_write(w->stream, w->bytes, BIG);
	assert_lost(w, &fd[0]);
	fd_close(&fd[1]);
}

static void
notices_that_nobody_reads_a_socket(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	open_as(w, STDOUT_FILENO, fd[1]);
	assert_int_equal(write(fd[0], "not for it", 10), 10);
	assert_lost(w, &fd[0]);
	fd_close(&fd[1]);
}

static void
notices_that_nobody_read_from_the_start(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(fd_pipe(fd), 0);
	fd_close(&fd[0]);
	open_as(w, STDOUT_FILENO, fd[1]);
	for (int i = 0; i < 10 && w->lost == 0; i++)
		turn(w);
	assert_int_equal(w->lost, EPIPE);
	fd_close(&fd[1]);
}

/* ------------------------------------------------- terminals (C7) */

/* Raw, so that bytes pass as they are. */
static void
new_terminal(int *master, int *slave)
{
	struct termios tio;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_int_not_equal(*master, -1);
	assert_int_equal(grantpt(*master), 0);
	assert_int_equal(unlockpt(*master), 0);
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
	assert_int_not_equal(*slave, -1);
	assert_int_equal(tcgetattr(*slave, &tio), 0);
	cfmakeraw(&tio);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &tio), 0);
}

static void
C7_a_terminal_stays_blocking(void **state)
{
	struct world *w = *state;
	int master, slave;

	new_terminal(&master, &slave);
	open_as(w, STDIN_FILENO, slave);
	assert_int_not_equal(stream_fd(w->stream), slave);
	stream_resume(w->stream);
	assert_int_equal(write(master, "typed", 5), 5);
	while (w->len < 5)
		wait(w);
	assert_memory_equal(w->got, "typed", 5);
	assert_blocking(slave);
	stream_free(w->stream);
	w->stream = NULL;
	assert_blocking(slave);
	fd_close(&slave);
	fd_close(&master);
}

static void
C7_a_terminal_that_takes_nothing_holds_nobody_up(void **state)
{
	struct world *w = *state;
	int master, slave;

	new_terminal(&master, &slave);
	open_as(w, STDOUT_FILENO, slave);
	write_through(w, slave, master);
	fd_close(&slave);
	fd_close(&master);
}

/* The other end of a terminal must not become one more terminal. */
static void
C7_a_master_is_what_it_was(void **state)
{
	struct world *w = *state;
	int master, slave;

	new_terminal(&master, &slave);
	open_as(w, STDIN_FILENO, master);
	stream_resume(w->stream);
	assert_int_equal(write(slave, "said", 4), 4);
	while (w->len < 4)
		wait(w);
	assert_int_equal(w->len, 4);
	assert_blocking(master);
	fd_close(&slave);
	fd_close(&master);
}

/* ------------------------------------------------- */

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	flow_init(&w->flow, w->base);
	w->bytes = malloc(BIG);
	w->got = malloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		w->bytes[i] = (uint8_t)(i * 7 + i / 251);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	stream_free(w->stream);
	flow_clear(&w->flow);
	event_base_free(w->base);
	free(w->bytes);
	free(w->got);
	free(w);
	return 0;
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reads_a_file),
		TEST(a_file_starves_nobody),
		TEST(a_paused_file_is_left_alone),
		TEST(reads_nothing),
		TEST(reads_a_pipe),
		TEST(reads_a_socket),
		TEST(reads_what_another_has_taken),
		TEST(reads_a_named_pipe_to_its_end),
		TEST(cannot_read_a_folder),
		TEST(lets_go_of_standard_input),
		TEST(reads_a_file_by_name),
		TEST(writes_a_file),
		TEST(is_told_of_a_full_disk),
		TEST(writes_a_pipe),
		TEST(writes_a_socket),
		TEST(writes_a_pipe_piece_by_piece),
		TEST(ends_output),
		TEST(notices_that_nobody_reads_a_pipe),
		TEST(notices_that_nobody_reads_a_full_pipe),
		TEST(notices_that_nobody_reads_a_socket),
		TEST(notices_that_nobody_read_from_the_start),
		TEST(C7_a_terminal_stays_blocking),
		TEST(C7_a_terminal_that_takes_nothing_holds_nobody_up),
		TEST(C7_a_master_is_what_it_was),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
