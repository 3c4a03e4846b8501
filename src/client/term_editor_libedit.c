/*
 * libedit reads keys by waiting for them, and a loop cannot wait. So it is
 * given keys when there are as many as a command needs. What it draws goes
 * into memory and from there to what writes to the terminal, after what
 * was received before it.
 */
#include <sys/ioctl.h>

#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/term_cursor.h"
#include "client/term_editor.h"
#include "client/term_keys.h"
#include "client/term_modes.h"

enum {
	KEYS_MAX = 64 * 1024, /* typed, and not looked at yet */
	REMEMBERED = 1000,
	MORE_KEYS_MS = 1000,
	COLUMNS = 80, /* of a terminal that does not say */
};

struct term_editor {
	const struct term_editor_ops *ops; /* kept */
	void *owner;                       /* kept */
	EditLine *el;                      /* owned */
	History *history;                  /* owned */
	FILE *out;                         /* owned: writes to `drawn` */
	char *drawn;                       /* owned */
	size_t drawn_len;
	char *prompt; /* owned */
	struct buf keys;
	int in;     /* borrowed */
	bool begun; /* a line is being typed: the terminal has our settings */
	bool shown;
	bool left; /* the terminal has its own settings in between */
};

static void
draw(struct term_editor *e)
{
	off_t len = fflush(e->out) == 0 ? ftello(e->out) : 0;

	if (len > 0)
		e->ops->on_draw(e->owner, e->drawn, (size_t)len);
	(void)fseeko(e->out, 0, SEEK_SET);
}

/* ------------------------------------------------- keys */

/* A command wants more keys than we thought: most of those end with ESC. */
static void
wait_for_keys(struct term_editor *e)
{
	struct pollfd p = { .fd = e->in, .events = POLLIN };
	uint8_t in[64];
	ssize_t n = 0;

	draw(e);
	if (poll(&p, 1, MORE_KEYS_MS) == 1)
		n = read(e->in, in, sizeof(in));
	if (n > 0)
		(void)buf_add(&e->keys, in, (size_t)n);
	else
		(void)buf_add_byte(&e->keys, TERM_KEYS_ESC);
}

/* Texts of libedit end at a NUL, so there is no such key: it only beeps. */
static int
editor_on_getc(EditLine *el, wchar_t *out)
{
	struct term_editor *e;
	mbstate_t state = { 0 };
	size_t n;

	if (el_get(el, EL_CLIENTDATA, &e) != 0)
		return -1;
	if (e->keys.len == 0)
		wait_for_keys(e);
	n = mbrtowc(out, (const char *)e->keys.data, e->keys.len, &state);
	if (n == 0) {
		*out = L'\a';
		n = 1;
	} else if (n > e->keys.len) {
		*out = e->keys.data[0];
		n = 1;
	}
	buf_drain(&e->keys, n);
	return 1;
}

/* ------------------------------------------------- where the cursor is */

static unsigned
columns(const struct term_editor *e)
{
	struct winsize size;

	if (ioctl(e->in, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

/* Of the cursor, or of the line's end, seen from where the prompt begins. */
static struct term_cursor
place(struct term_editor *e, bool of_end)
{
	const LineInfo *line = el_line(e->el);
	const char *end = of_end ? line->lastchar : line->cursor;
	struct term_cursor at = { 0 };

	term_cursor_advance(&at, e->prompt, strlen(e->prompt), columns(e));
	term_cursor_advance(&at, line->buffer, (size_t)(end - line->buffer),
	    columns(e));
	return at;
}

/* ------------------------------------------------- what is shown */

static char *
editor_on_prompt(EditLine *el)
{
	static char none[] = "";
	struct term_editor *e;

	return el_get(el, EL_CLIENTDATA, &e) == 0 && e->prompt != NULL
	    ? e->prompt
	    : none;
}

bool
term_editor_draws(const struct term_editor *e)
{
	(void)e;
	return true;
}

void
term_editor_show(struct term_editor *e, const char *prompt)
{
	if (e->shown)
		return;
	free(e->prompt);
	e->prompt = mem_strdup(prompt);
	if (e->left)
		(void)el_set(e->el, EL_PREP_TERM, 1);
	if (e->begun)
		(void)el_set(e->el, EL_REFRESH);
	else
		(void)el_set(e->el, EL_UNBUFFERED, 1);
	e->left = false;
	e->begun = true;
	e->shown = true;
	draw(e);
}

/*
 * A terminal that cannot go up keeps what it shows; those that can all do it in
 * the same words by now.
 */
static bool
can_move(struct term_editor *e)
{
	char *up = NULL, *erase = NULL;

	return el_get(e->el, EL_GETTC, "up", &up) == 0 && up != NULL &&
	    el_get(e->el, EL_GETTC, "cd", &erase) == 0 && erase != NULL;
}

void
term_editor_hide(struct term_editor *e)
{
	unsigned up;

	if (!e->shown)
		return;
	e->shown = false;
	if (can_move(e)) {
		if ((up = place(e, false).row) > 0)
			(void)fprintf(e->out, "\033[%uA", up);
		(void)fputs("\r\033[J", e->out);
	} else {
		(void)fputs("\r\n", e->out);
	}
	draw(e);
}

/* The line is done with. */
static void
end_line(struct term_editor *e)
{
	e->shown = false;
	if (!e->begun)
		return;
	e->begun = false;
	e->left = false;
	(void)el_set(e->el, EL_UNBUFFERED, 0);
	draw(e);
}

/* Behind the line, wherever in it the cursor is. */
static void
say_dropped(struct term_editor *e)
{
	struct term_cursor end = place(e, true);

	for (unsigned row = place(e, false).row; row < end.row; row++)
		(void)fputc('\n', e->out);
	(void)fputc('\r', e->out);
	if (end.column > 0 && can_move(e))
		(void)fprintf(e->out, "\033[%uC", end.column);
	(void)fputs("^C\r\n", e->out);
}

bool
term_editor_drop(struct term_editor *e)
{
	const LineInfo *line = el_line(e->el);

	if (!e->begun || line->lastchar == line->buffer)
		return false;
	if (e->shown)
		say_dropped(e);
	end_line(e);
	return true;
}

void
term_editor_leave(struct term_editor *e)
{
	term_editor_hide(e);
	if (e->begun)
		(void)el_set(e->el, EL_PREP_TERM, 0);
	term_modes_restore();
	e->left = true;
}

void
term_editor_resize(struct term_editor *e)
{
	el_resize(e->el);
	draw(e);
}

/* ------------------------------------------------- typing */

static void
give_line(struct term_editor *e, const char *text, size_t len)
{
	char *line = mem_strndup(text, len);

	end_line(e);
	e->ops->on_line(e->owner, line, len);
	free(line);
}

/* One command of the editor. */
static void
take_key(struct term_editor *e)
{
	int len = 0;
	const char *text = el_gets(e->el, &len);

	draw(e);
	if (text == NULL || len <= 0)
		return;
	if (text[len - 1] == '\n') {
		give_line(e, text, (size_t)len - 1);
	} else if (len == 1 && text[0] == TERM_KEYS_END) {
		term_editor_hide(e);
		end_line(e);
		e->ops->on_end(e->owner);
	}
}

void
term_editor_type(struct term_editor *e, const uint8_t *data, size_t len)
{
	if (len > 0)
		(void)buf_add(&e->keys, data, len);
	while (e->shown && term_keys_ready(e->keys.data, e->keys.len) > 0)
		take_key(e);
}

void
term_editor_remember(struct term_editor *e, const char *line)
{
	HistEvent ev;

	(void)history(e->history, &ev, H_ENTER, line);
}

/* ------------------------------------------------- the beginning, the end */

/* Where nothing says otherwise a terminal has UTF-8. */
static void
set_locale(void)
{
	if (setlocale(LC_CTYPE, "") == NULL ||
	    strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/*
 * libedit puts the terminal's settings back after each line. What is typed
 * ahead would be echoed and lose its ^D then, so what it goes back to is not
 * what we found; that is put back when we leave.
 */
static void
stay_in_charge(struct term_editor *e)
{
	term_modes_keep(e->in);
	(void)el_set(e->el, EL_SETTY, "-x", "-icanon", "-echo", "-iexten",
	    NULL);
}

static void
set_up(struct term_editor *e)
{
	HistEvent ev;

	(void)history(e->history, &ev, H_SETSIZE, REMEMBERED);
	(void)el_set(e->el, EL_CLIENTDATA, e);
	(void)el_set(e->el, EL_GETCFN, editor_on_getc);
	(void)el_set(e->el, EL_PROMPT, editor_on_prompt);
	(void)el_set(e->el, EL_HIST, history, e->history);
	(void)el_set(e->el, EL_SIGNAL, 0);
	(void)el_set(e->el, EL_EDITOR, "emacs");
	/* These look for what was typed so far, and ask for nothing. */
	(void)el_set(e->el, EL_BIND, "^R", "ed-search-prev-history", NULL);
	(void)el_set(e->el, EL_BIND, "^S", "ed-search-next-history", NULL);
	(void)el_source(e->el, NULL);
	stay_in_charge(e);
}

struct term_editor *
term_editor_new(int in, int out, const struct term_editor_ops *ops, void *owner)
{
	struct term_editor *e = mem_new(1, sizeof(*e));

	set_locale();
	e->ops = ops;
	e->owner = owner;
	e->in = in;
	e->prompt = mem_strdup("");
	buf_init(&e->keys, KEYS_MAX);
	e->out = open_memstream(&e->drawn, &e->drawn_len);
	e->history = history_init();
	if (e->out != NULL && e->history != NULL)
		e->el = el_init_fd("standpipe", stdin, e->out, e->out, in, out,
		    out);
	if (e->el == NULL) {
		term_editor_free(e);
		return NULL;
	}
	set_up(e);
	return e;
}

void
term_editor_free(struct term_editor *e)
{
	if (e == NULL)
		return;
	if (e->el != NULL) {
		term_editor_hide(e);
		end_line(e);
		/* What was typed ahead is for the program that comes next. */
		(void)el_set(e->el, EL_EDITMODE, 0);
		el_end(e->el);
		term_modes_restore();
	}
	if (e->history != NULL)
		history_end(e->history);
	if (e->out != NULL)
		(void)fclose(e->out);
	free(e->drawn);
	free(e->prompt);
	buf_clear(&e->keys);
	free(e);
}
