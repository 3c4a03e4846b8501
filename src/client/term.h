/*
 * A user at a terminal: the lines that are typed, commands among them, the
 * prompt, and what was received, which does not tear the line being typed.
 *
 * What was received up to its last newline scrolls by above the prompt; the
 * rest is the prompt, as if the program had asked for something.
 */
#ifndef CLIENT_TERM_H
#define CLIENT_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct stream;
struct term;
struct term_typed;

struct term_ops {
	/* A line for the server, with its newline; written to. */
	void (*on_line)(void *owner, uint8_t *line, size_t len);
	/* A command: TERM_TYPED_PING or TERM_TYPED_CLOSE (borrowed). */
	void (*on_command)(void *owner, const struct term_typed *);
	/* There will be no more of them. */
	void (*on_end)(void *owner);
};

struct term_start {
	struct flow *flow;          /* kept */
	struct stream *in, *out;    /* kept: the terminal, both ways */
	bool hex;                   /* lines are checked before they are sent */
	const struct term_ops *ops; /* kept */
	void *owner;                /* kept */
};

/* Nothing is shown yet. NULL: this terminal cannot be used. */
struct term *term_new(const struct term_start *);

/* The terminal is as it was found. NULL is accepted. */
void term_free(struct term *);

/* The user may type from now on: there is a prompt. */
void term_begin(struct term *);

/* Bytes that were typed (borrowed), and their end. */
void term_type(struct term *, const uint8_t *data, size_t len);
void term_end(struct term *);

/* Ctrl-C: what is typed is dropped. False: nothing was, so it means others. */
bool term_interrupt(struct term *);

/* Text that was received (borrowed), fit to be shown. */
void term_show(struct term *, const void *text, size_t len);

/* A line of our own. */
void term_say(struct term *, const char *line);

/* What was written to the terminal has been taken. */
void term_drained(struct term *);

#endif
