/*
 * The line that is being typed at a terminal.
 *
 * Two bodies. term_editor_libedit.c draws it behind a prompt and lets it be
 * edited; term_editor_none.c leaves that to the terminal itself, and there is
 * nothing to hide, to draw or to drop.
 */
#ifndef CLIENT_TERM_EDITOR_H
#define CLIENT_TERM_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct term_editor;

struct term_editor_ops {
	/* A line was typed (borrowed), without its newline. */
	void (*on_line)(void *owner, const char *line, size_t len);
	/* There will be no more of them. */
	void (*on_end)(void *owner);
	/* For the terminal (borrowed): what draws the line. */
	void (*on_draw)(void *owner, const void *data, size_t len);
};

/*
 * Borrows the terminal's two descriptors, keeps ops and owner. The settings of
 * the terminal are changed while a line is shown.
 */
struct term_editor *term_editor_new(int in, int out,
    const struct term_editor_ops *, void *owner);
void term_editor_free(struct term_editor *); /* NULL is accepted */

/* A line that can be recalled (borrowed), newer than those before. */
void term_editor_remember(struct term_editor *, const char *line);

/*
 * Bytes that were typed (borrowed). Those that come while nothing is shown, or
 * after a line, wait for the next call with what is shown again; it may bring
 * none.
 */
void term_editor_type(struct term_editor *, const uint8_t *data, size_t len);

/* Whether it draws a prompt. */
bool term_editor_draws(const struct term_editor *);

/* Draw the prompt (borrowed) and the line, or make both vanish. */
void term_editor_show(struct term_editor *, const char *prompt);
void term_editor_hide(struct term_editor *);

/* Ctrl-C: drop what was typed, and say so. False: nothing was. */
bool term_editor_drop(struct term_editor *);

/*
 * Others have the terminal for a while: nothing is shown, and its settings are
 * as they were. term_editor_show() takes it back.
 */
void term_editor_leave(struct term_editor *);

/* The terminal has another size. */
void term_editor_resize(struct term_editor *);

#endif
