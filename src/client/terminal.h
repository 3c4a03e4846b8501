/*
 * Somebody at a terminal: the lines that are typed, commands among them, the
 * prompt, and what was received, which does not tear the line being typed.
 *
 * What was received up to its last newline scrolls by above the prompt; the
 * rest is the prompt, as if the program had asked for something.
 */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct stream;
struct terminal;
struct typed;

struct terminal_ops {
	/* A line for the server, with its newline; written to. */
	void (*on_line)(void *owner, uint8_t *line, size_t len);
	/* A command: TYPED_PING or TYPED_CLOSE (borrowed). */
	void (*on_command)(void *owner, const struct typed *);
	/* There will be no more of them. */
	void (*on_end)(void *owner);
};

struct terminal_start {
	struct flow *flow;       /* kept */
	struct stream *in, *out; /* kept: the terminal, both ways */
	bool hex;                /* lines are checked before they are sent */
	const struct terminal_ops *ops; /* kept */
	void *owner;                    /* kept */
};

/* Nothing is shown yet. NULL: this terminal cannot be used. */
struct terminal *terminal_new(const struct terminal_start *);

/* The terminal is as it was found. NULL is accepted. */
void terminal_free(struct terminal *);

/* Somebody may type from now on: there is a prompt. */
void terminal_begin(struct terminal *);

/* Bytes that were typed (borrowed), and their end. */
void terminal_type(struct terminal *, const uint8_t *data, size_t len);
void terminal_end(struct terminal *);

/* Ctrl-C: what is typed is dropped. False: nothing was, so it means others. */
bool terminal_interrupt(struct terminal *);

/* Text that was received (borrowed), fit to be shown. */
void terminal_show(struct terminal *, const void *text, size_t len);

/* A line of our own. */
void terminal_say(struct terminal *, const char *line);

/* What was written to the terminal has been taken. */
void terminal_drained(struct terminal *);

#endif
