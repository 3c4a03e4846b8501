/*
 * Our side of a call: where the bytes come from that are sent, and where those
 * go that were received. It is one of
 *
 *   local_stdio    standard input, or files; and standard output
 *   local_terminal a user who types there, and reads
 *   local_exec     a command, which starts when the connection is open
 *   local_socket   a connection that --listen has accepted
 *
 * It outlives a call, so that the next one can go on with it.
 */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct client_conf;
struct flow;
struct local;
struct outcome;
struct stream;
struct term_typed;

struct local_ops {
	/* Bytes to send, as they came; written to, good for the call. */
	void (*on_input)(void *owner, uint8_t *data, size_t len);
	/*
	 * A command was typed, TERM_TYPED_PING or TERM_TYPED_CLOSE. May be
	 * NULL.
	 */
	void (*on_command)(void *owner, const struct term_typed *);
	/* There will be no more of them. Once, also from local_resume(). */
	void (*on_input_end)(void *owner);
	/* What was queued for output has been taken. */
	void (*on_output_drain)(void *owner);
	/* Nobody takes our output any more: what to close with. Once. */
	void (*on_output_lost)(void *owner, unsigned code, const char *reason);
};

/*
 * What the settings ask for, --listen aside; keeps client. Input is paused.
 * NULL, with the reason in *outcome.
 */
struct local *local_new(struct client *, struct outcome *);

/* Whether somebody is to type, and to read, at a terminal. */
bool local_is_at_terminal(const struct client_conf *);

/* Takes fd, a connection; keeps client. */
struct local *local_new_socket(struct client *, int fd);

void local_free(struct local *); /* NULL is accepted */

/* Keeps both; NULL: nobody listens, and input is paused. */
void local_set_owner(struct local *, const struct local_ops *, void *owner);

/*
 * The connection is open: what has to be started is. False, with the reason in
 * *outcome.
 */
bool local_start(struct local *, struct outcome *);

/* How its input is to be read: enum framing_number, or CLIENT_HEX. */
int local_framing(const struct local *);

void local_pause(struct local *);
void local_resume(struct local *);

/*
 * How long silence is borne after the end of input, in milliseconds, where
 * it cannot be known whether our output is still read; 0: for ever.
 */
uint64_t local_patience(const struct local *);

/* Where output is written to, borrowed; NULL when it was lost. */
struct stream *local_output(struct local *);

/* Whether a terminal shows what is written there. */
bool local_is_shown(const struct local *);

/* Whether somebody types what is sent, who may be done with it at any time. */
bool local_is_typed(const struct local *);

/*
 * The descriptor of the terminal somebody types at, borrowed; -1: there is
 * none.
 */
int local_terminal(const struct local *);

/* Ctrl-C was pressed: true, if it was about what is being typed. */
bool local_interrupt(struct local *);

/*
 * Show text (borrowed) between what was received before and after it, if our
 * side shows it in a manner of its own. False: it goes to local_output().
 */
bool local_show(struct local *, const void *text, size_t len);

/* There will be no more output; what is queued goes out. */
void local_end_output(struct local *);

/* Whether nobody takes our output any more, on which on_output_lost follows. */
bool local_is_lost(const struct local *);

/* Bytes that wait to be taken; how often all of them have been. */
size_t local_queued(const struct local *);
unsigned local_drains(const struct local *);

/* Tell what went wrong here, or how the command ended, if all is well so far. */
void local_judge(struct local *, struct outcome *);

/*
 * The last call is over, the owner not set any more. What has to end by itself,
 * a command or a connection, is given its time; then on_finished (kept) comes
 * from the loop, once. False: there is nothing to wait for, and it does not.
 */
bool local_finish(struct local *, void (*on_finished)(void *owner),
    void *owner);

/*
 * The call failed: the other side of a connection is to see it broken
 * and not ended. Before local_finish().
 */
void local_fail(struct local *);

/* That takes too long: what can be hurried is killed. */
void local_hurry(struct local *);

#endif
