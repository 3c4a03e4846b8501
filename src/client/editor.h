/*
 * The line that is being typed at a terminal.
 *
 * Two bodies. editor_libedit.c draws it behind a prompt and lets it be edited;
 * editor_none.c leaves that to the terminal itself, and there is nothing to
 * hide, to draw or to drop.
 */
#ifndef CLIENT_EDITOR_H
#define CLIENT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct editor;

struct editor_ops {
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
struct editor *editor_new(int in, int out, const struct editor_ops *,
    void *owner);
void editor_free(struct editor *); /* NULL is accepted */

/* A line that can be recalled (borrowed), newer than those before. */
void editor_remember(struct editor *, const char *line);

/*
 * Bytes that were typed (borrowed). Those that come while nothing is shown, or
 * behind a line, wait for the next call with what is shown again; it may bring
 * none.
 */
void editor_type(struct editor *, const uint8_t *data, size_t len);

/* Whether it draws a prompt. */
bool editor_draws(const struct editor *);

/* Draw the prompt (borrowed) and the line, or make both vanish. */
void editor_show(struct editor *, const char *prompt);
void editor_hide(struct editor *);

/* Ctrl-C: drop what was typed, and say so. False: nothing was. */
bool editor_drop(struct editor *);

/*
 * Others have the terminal for a while: nothing is shown, and its settings are
 * as they were. editor_show() takes it back.
 */
void editor_leave(struct editor *);

/* The terminal has another size. */
void editor_resize(struct editor *);

#endif
