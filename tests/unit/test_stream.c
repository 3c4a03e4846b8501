/*
 * How flow/stream.c reads, in the plain: sockets and pipes whose other end the
 * test holds.
 *
 * Most of it is scripts. Each step is a character, and so is each thing that the
 * owner of the stream hears of it:
 *
 *	a b c ...  the other end writes that byte     the owner read it
 *	P R        the owner pauses, resumes
 *	F C        the other end shuts its sending side, closes
 *	X          it is reset
 *	E          we end
 *	W          we want to know whether anybody reads
 *	.          a turn of the loop
 *	,          a moment of silence
 *	|  ^  !  ~                       end, hang-up, lost, drained
 *
 * Of a Unix socket all of these arrive at once, so no step waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>

#include "stream_world.h"

enum { READS = 4 }; /* of a socket in a turn */

/* ------------------------------------------------- scripts */

/* What the other end does not read, it is reset for. */
static void
reset(struct world *w)
{
	assert_int_equal(write(stream_fd(w->stream), "?", 1), 1);
	fd_close(&w->fd);
}

static void
step(struct world *w, char c)
{
	switch (c) {
	case 'P':
		stream_pause(w->stream);
		break;
	case 'R':
		stream_resume(w->stream);
		break;
	case 'F':
		assert_int_equal(shutdown(w->fd, SHUT_WR), 0);
		break;
	case 'C':
		fd_close(&w->fd);
		break;
	case 'X':
		reset(w);
		break;
	case 'E':
		stream_end(w->stream);
		break;
	case 'W':
		stream_watch_reader(w->stream);
		break;
	case '.':
		turn(w);
		break;
	case ',':
		loop_be_silent(&w->loop);
		break;
	default:
		assert_int_equal(write(w->fd, &c, 1), 1);
		break;
	}
}

static const struct script {
	const char *name;
	enum stream_kind kind;
	const char *steps;
	const char *said;
	size_t takes;
} scripts[] = {
	/* sockets */
	{ "nothing", STREAM_SOCKET, "..", "", 0 },
	{ "bytes as they come", STREAM_SOCKET, "a.bc.", "abc", 0 },
	{ "the end after bytes", STREAM_SOCKET, "abF..", "ab|", 0 },
	{ "the end alone", STREAM_SOCKET, "F..", "|", 0 },
	{ "the end is told once", STREAM_SOCKET, "F.PR.C..", "|", 0 },
	{ "closed", STREAM_SOCKET, "abC..", "ab|", 0 },
	{ "reset", STREAM_SOCKET, "X..", "!", 0 },
	{ "reset after bytes", STREAM_SOCKET, "abX.,.", "ab!", 0 },
	{ "reset after bytes that were read", STREAM_SOCKET, "ab.X..", "ab!",
	    0 },
	{ "paused", STREAM_SOCKET, "Pab...", "", 0 },
	{ "resumed", STREAM_SOCKET, "Pab.R.", "ab", 0 },
	{ "resumed with nothing there", STREAM_SOCKET, "P.R.a.", "a", 0 },
	{ "paused and resumed at once", STREAM_SOCKET, "aPR.", "a", 0 },
	{ "resumed and paused at once", STREAM_SOCKET, "Pa.RP..", "", 0 },
	{ "hang-up while paused", STREAM_SOCKET, "PabF..", "^", 0 },
	{ "its end follows", STREAM_SOCKET, "PabF.R..", "^ab|", 0 },
	{ "hang-up, then paused", STREAM_SOCKET, "paF..", "p^", 0 },
	{ "closed while paused", STREAM_SOCKET, "PC.R..", "^|", 0 },
	{ "reset while paused", STREAM_SOCKET, "PabX..", "!", 0 },
	{ "nothing follows what is lost", STREAM_SOCKET, "PabX.R..", "!", 0 },
	{ "pause from inside", STREAM_SOCKET, "apbc..", "ap", 0 },
	{ "resume after it", STREAM_SOCKET, "apbc..R..", "apbc", 0 },
	{ "a rest before what is new", STREAM_SOCKET, "apb.c.R..", "apbc", 0 },
	{ "a rest before the end", STREAM_SOCKET, "apbF.R..", "ap^b|", 0 },
	{ "one at a time", STREAM_SOCKET, "abc.", "a", 1 },
	{ "one in a turn", STREAM_SOCKET, "abc..", "ab", 1 },
	{ "all in the end", STREAM_SOCKET, "abcF.....", "abc|", 1 },
	{ "what is new behind the rest", STREAM_SOCKET, "ab.cd....", "abcd",
	    1 },
	{ "a rest of a rest", STREAM_SOCKET, "abcde...", "abcde", 2 },
	{ "a rest and a reset", STREAM_SOCKET, "abcX...,", "abc!", 1 },
	{ "we have ended", STREAM_SOCKET, "E.ab.F..", "ab|", 0 },
	{ "both have ended", STREAM_SOCKET, "F.E.C..", "|", 0 },

	/* sources: paused at first, and there is no hang-up */
	{ "a pipe is not read", STREAM_SOURCE, "ab..", "", 0 },
	{ "bytes of a pipe", STREAM_SOURCE, "Ra.bc.", "abc", 0 },
	{ "a pipe's end", STREAM_SOURCE, "RabC..", "ab|", 0 },
	{ "a pipe's end while paused", STREAM_SOURCE, "abC..R..", "ab|", 0 },
	{ "a pipe's end is told once", STREAM_SOURCE, "RC.PR..", "|", 0 },
	{ "pause of a pipe", STREAM_SOURCE, "Ra.Pb..", "a", 0 },
	{ "pause of a pipe from inside", STREAM_SOURCE, "Rapb..", "ap", 0 },
	{ "its rest", STREAM_SOURCE, "Rapb..R..", "apb", 0 },
	{ "its rest before what is new", STREAM_SOURCE, "Rapb.c.R..", "apbc",
	    0 },
	{ "a pipe's lines", STREAM_SOURCE, "Rabcd.", "ab", 2 },
	{ "all of them", STREAM_SOURCE, "RabcdC....", "abcd|", 2 },

	/* who reads what we write */
	{ "a sink says nothing", STREAM_SINK, "C..", "", 0 },
	{ "nobody reads", STREAM_SINK, "WC..", "!", 0 },
	{ "nobody read", STREAM_SINK, "CW..", "!", 0 },
	{ "we had ended", STREAM_SINK, "EWC..", "", 0 },
	{ "nobody reads the socket", STREAM_SOCKET, "WF..C..", "|!", 0 },
	{ "only the end was told", STREAM_SOCKET, "WaF..", "a|", 0 },
	{ "both are done", STREAM_SOCKET, "WF.EC..", "|", 0 },
};

static void
run(struct world *w, const struct script *sc)
{
	open_kind(w, sc->kind, 0);
	w->takes = sc->takes;
	for (const char *c = sc->steps; *c != '\0'; c++)
		step(w, *c);
	if (strcmp(w->said, sc->said) != 0)
		fail_msg("%s: %s said \"%s\", not \"%s\"", sc->name, sc->steps,
		    w->said, sc->said);
	close_all(w);
}

static void
as_the_scripts_say(void **state)
{
	for (size_t i = 0; i < nitems(scripts); i++)
		run(*state, &scripts[i]);
}

/* ------------------------------------------------- in every order */

enum { STEPS = 5 };

/* What must be true of what was said, whatever the order. */
static void
check_order(const char *steps, const char *wrote, bool is_reset,
    const char *said)
{
	char bytes[SAID_MAX] = "";
	const char *end = strchr(said, '|'), *lost = strchr(said, '!');
	size_t n = 0;

	for (const char *c = said; *c != '\0'; c++)
		if (isalpha((unsigned char)*c))
			bytes[n++] = *c;
	if (strchr(said, '^') != strrchr(said, '^') ||
	    strchr(said, '|') != strrchr(said, '|'))
		fail_msg("%s: twice in %s", steps, said);
	if (is_reset ? lost == NULL || lost[1] != '\0'
		     : end == NULL || end[1] != '\0' || lost != NULL)
		fail_msg("%s: does not end well: %s", steps, said);
	if (is_reset ? strncmp(bytes, wrote, n) != 0
		     : strcmp(bytes, wrote) != 0)
		fail_msg("%s: wrote %s, read %s", steps, wrote, bytes);
}

/* A turn behind each of the steps whose bit is set; nobody writes when closed. */
static void
run_order(struct world *w, enum stream_kind kind, const char *order,
    unsigned turns, size_t takes)
{
	char wrote[STEPS + 1] = "";
	bool ended = false, is_reset = false;
	size_t n = 0;

	open_kind(w, kind, 0);
	w->takes = takes;
	for (size_t i = 0; i < STEPS; i++) {
		bool byte = islower((unsigned char)order[i]) != 0;

		if (byte && !ended)
			wrote[n++] = order[i];
		if (!byte || !ended)
			step(w, order[i]);
		ended |= strchr("FCX", order[i]) != NULL;
		is_reset |= order[i] == 'X';
		if (turns & 1u << i)
			turn(w);
	}
	for (size_t i = 0; i < STEPS; i++) {
		step(w, 'R');
		turn(w);
	}
	step(w, ',');
	check_order(order, wrote, is_reset, w->said);
	close_all(w);
}

static void
run_orders(struct world *w, enum stream_kind kind, char *order, size_t from)
{
	for (unsigned turns = 0; from == STEPS && turns < 1u << STEPS; turns++)
		for (size_t takes = 0; takes < 2; takes++)
			run_order(w, kind, order, turns, takes);
	for (size_t i = from; i < STEPS; i++) {
		char first = order[from];

		order[from] = order[i];
		order[i] = first;
		run_orders(w, kind, order, from + 1);
		order[i] = order[from];
		order[from] = first;
	}
}

static void
in_every_order(void **state)
{
	static const struct {
		enum stream_kind kind;
		char steps[STEPS + 1];
	} row[] = {
		{ STREAM_SOCKET, "abPRF" },
		{ STREAM_SOCKET, "abPRC" },
		{ STREAM_SOCKET, "abPRX" },
		{ STREAM_SOCKET, "apbRF" },
		{ STREAM_SOURCE, "abPRC" },
		{ STREAM_SOURCE, "apRRC" },
	};

	for (size_t i = 0; i < nitems(row); i++) {
		char order[STEPS + 1];

		memcpy(order, row[i].steps, sizeof(order));
		run_orders(*state, row[i].kind, order, 0);
	}
}

/* ------------------------------------------------- reading */

static void
greedy_on_read(void *owner, uint8_t *data, size_t len)
{
	struct world *w = owner;

	(void)data;
	(void)len;
	w->reads++;
	(void)fill_other(w);
}

/* However much comes, others get their turn. */
static void
some_reads_a_turn(void **state)
{
	static const struct stream_ops greedy = { .on_read = greedy_on_read };
	struct world *w = *state;

	open_kind(w, STREAM_SOCKET, 0);
	stream_set_owner(w->stream, &greedy, w);
	(void)fill_other(w);
	for (size_t i = 1; i < 10; i++) {
		turn(w);
		assert_in_range(w->reads, 1, i * READS);
	}
	assert_in_range(w->reads, 10, SIZE_MAX);
}

static void
a_little_of_a_pipe(void **state)
{
	struct world *w = *state;

	open_kind(w, STREAM_SOURCE, 0);
	stream_read_little(w->stream, 3);
	assert_int_equal(write(w->fd, "abcdefgh", 8), 8);
	stream_read_now(w->stream); /* it is paused */
	assert_string_equal(w->said, "");
	stream_resume(w->stream);
	stream_read_now(w->stream);
	assert_string_equal(w->said, "abc");
	turn(w);
	assert_string_equal(w->said, "abcdef");
}

static void
now_comes_the_rest_first(void **state)
{
	struct world *w = *state;

	open_kind(w, STREAM_SOURCE, 0);
	stream_resume(w->stream);
	w->takes = 1;
	assert_int_equal(write(w->fd, "ab", 2), 2);
	stream_read_now(w->stream);
	assert_int_equal(write(w->fd, "c", 1), 1);
	stream_read_now(w->stream);
	assert_string_equal(w->said, "ab");
	stream_read_now(w->stream);
	assert_string_equal(w->said, "abc");
}

/* Paused or not, until there is no more; then it has nothing to say. */
static void
the_last_of_a_pipe(void **state)
{
	struct world *w = *state;

	open_kind(w, STREAM_SOURCE, 0);
	w->takes = 2;
	assert_int_equal(write(w->fd, "abc", 3), 3);
	fd_close(&w->fd);
	assert_true(stream_read_last(w->stream));
	assert_string_equal(w->said, "ab");
	while (stream_read_last(w->stream))
		assert_in_range(w->reads, 1, 3);
	assert_string_equal(w->said, "abc|");
	assert_false(stream_read_last(w->stream));
}

/* ------------------------------------------------- its life */

static void
a_new_owner_hears_the_rest(void **state)
{
	struct world *w = *state, other = { 0 };

	open_kind(w, STREAM_SOCKET, 0);
	other.stream = w->stream;
	w->takes = 1;
	assert_int_equal(write(w->fd, "abc", 3), 3);
	turn(w);
	stream_set_owner(w->stream, &ops, &other);
	fd_close(&w->fd);
	loop_turns(&w->loop, 3);
	assert_string_equal(w->said, "a");
	assert_string_equal(other.said, "bc|");
}

/* Whatever was to come from the loop. */
static void
nothing_comes_when_it_is_free(void **state)
{
	static const char *const steps[] = { "abc.", "X", "paX.R", "F",
		"aF.P" };
	struct world *w = *state;

	stream_free(NULL);
	for (size_t i = 0; i < nitems(steps); i++) {
		open_kind(w, STREAM_SOCKET, 0);
		w->takes = 1;
		for (const char *c = steps[i]; *c != '\0'; c++)
			step(w, *c);
		close_all(w);
		loop_turns(&w->loop, 3);
		loop_be_silent(&w->loop);
		assert_string_equal(w->said, "");
	}
}

/* What the owner does not want to hear is left out, and nothing else. */
static void
some_need_not_be_heard(void **state)
{
	static const struct stream_ops few = {
		.on_read = on_read,
		.on_lost = on_lost,
	};
	struct world *w = *state;
	uint8_t *bytes = new_bytes();
	struct buf got;

	buf_init(&got, BIG);
	open_kind(w, STREAM_SOCKET, 0);
	stream_set_owner(w->stream, &few, w);
	stream_write(w->stream, bytes, BIG);
	read_everything(w, &got);
	for (const char *c = "PaF.R.."; *c != '\0'; c++)
		step(w, *c);
	assert_string_equal(w->said, "a");
	buf_clear(&got);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(as_the_scripts_say),
		stream_test(in_every_order),
		stream_test(some_reads_a_turn),
		stream_test(a_little_of_a_pipe),
		stream_test(now_comes_the_rest_first),
		stream_test(the_last_of_a_pipe),
		stream_test(a_new_owner_hears_the_rest),
		stream_test(nothing_comes_when_it_is_free),
		stream_test(some_need_not_be_heard),
	};

	return cmocka_run_group_tests(tests, setup_memory, NULL);
}
