#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/term.h"
#include "client/term_editor.h"
#include "client/term_history.h"
#include "client/term_typed.h"
#include "codec/hex.h"
#include "flow/flow.h"
#include "flow/later.h"
#include "flow/stream.h"
#include "flow/watch.h"

enum { PROMPT_MAX = 512 }; /* more than that without a newline scrolls by */

static const char prompt[] = "> ";

struct term {
	struct stream *in, *out;      /* kept */
	const struct term_ops *ops;   /* kept */
	void *owner;                  /* kept */
	struct term_editor *editor;   /* owned */
	struct term_history *history; /* owned; NULL: nothing is kept */
	struct buf rest;              /* received after the last newline */
	struct later redraw;
	struct event stop, go_on, resize; /* signals */
	bool hex;
	bool begun; /* the user may type */
};

static void
write_out(struct term *t, const void *data, size_t len)
{
	if (len > 0)
		stream_write(t->out, data, len);
}

/* What was held back, and this after it. */
static void
show_lines(struct term *t, const char *text, size_t len)
{
	write_out(t, t->rest.data, t->rest.len);
	buf_drain(&t->rest, t->rest.len);
	write_out(t, text, len);
}

/* ------------------------------------------------- the prompt */

/* It is drawn again when the loop has nothing more to show. */
static void
redraw_soon(struct term *t)
{
	if (t->begun)
		later_in_turn(&t->redraw);
}

static void
term_on_redraw(void *owner)
{
	struct term *t = owner;
	char *text;

	if (!t->begun || stream_queued(t->out) > 0)
		return;
	text = t->rest.len == 0
	    ? mem_strdup(prompt)
	    : mem_strndup((const char *)t->rest.data, t->rest.len);
	term_editor_show(t->editor, text);
	free(text);
	term_editor_type(t->editor, NULL, 0);
}

void
term_drained(struct term *t)
{
	redraw_soon(t);
}

/* ------------------------------------------------- what is shown */

static size_t
up_to_last_newline(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '\n')
		len--;
	return len;
}

/* Where no prompt is drawn nothing is held back to be one. */
static bool
has_prompt(const struct term *t)
{
	return t->begun && term_editor_draws(t->editor);
}

void
term_show(struct term *t, const void *text, size_t len)
{
	size_t lines = has_prompt(t) ? up_to_last_newline(text, len) : len;
	const char *rest = (const char *)text + lines;

	term_editor_hide(t->editor);
	if (lines > 0)
		show_lines(t, text, lines);
	if (len > lines && !buf_add(&t->rest, rest, len - lines)) {
		show_lines(t, rest, len - lines);
		write_out(t, "\n", 1);
	}
	redraw_soon(t);
}

/* What waits to be a prompt stays that. */
void
term_say(struct term *t, const char *line)
{
	term_editor_hide(t->editor);
	write_out(t, line, strlen(line));
	write_out(t, "\n", 1);
	redraw_soon(t);
}

/* ------------------------------------------------- what is typed */

/* Wrong digits are said, and not sent in part. */
static bool
is_hex(struct term *t, const char *line, size_t len)
{
	struct hex hex = { 0 };
	uint8_t *copy = (uint8_t *)mem_strndup(line, len);
	size_t used, out_len;
	bool last;
	enum hex_result rc = hex_read(&hex, copy, len, &used, &out_len, &last);

	free(copy);
	if (rc >= 0)
		rc = hex_end(&hex, &last);
	if (rc < 0)
		term_say(t, hex_strresult(rc));
	return rc >= 0;
}

static void
send_line(struct term *t, const char *text, size_t len)
{
	uint8_t *line;

	if (t->hex && !is_hex(t, text, len))
		return;
	line = mem_new(1, len + 1);
	if (len > 0)
		memcpy(line, text, len);
	line[len] = '\n';
	t->ops->on_line(t->owner, line, len + 1);
	free(line);
}

static void
show_help(struct term *t)
{
	const char *help = term_typed_help();

	term_show(t, help, strlen(help));
}

static void
take_typed(struct term *t, const struct term_typed *typed)
{
	switch (typed->kind) {
	case TERM_TYPED_LINE:
		send_line(t, typed->text, typed->len);
		break;
	case TERM_TYPED_PING:
	case TERM_TYPED_CLOSE:
		t->ops->on_command(t->owner, typed);
		break;
	case TERM_TYPED_HELP:
		show_help(t);
		break;
	}
}

static void
remember(struct term *t, const char *line, size_t len)
{
	char *copy = mem_strndup(line, len);

	if (len > 0)
		term_editor_remember(t->editor, copy);
	(void)term_history_add(t->history, copy);
	free(copy);
}

static void
term_on_line(void *owner, const char *line, size_t len)
{
	struct term *t = owner;
	struct term_typed typed;
	char *why;

	/* What the program asked for is answered; it stands above. */
	buf_drain(&t->rest, t->rest.len);
	remember(t, line, len);
	if (term_typed_read(&typed, line, len, &why)) {
		take_typed(t, &typed);
	} else {
		term_say(t, why);
		free(why);
	}
	redraw_soon(t);
}

static void
term_on_end(void *owner)
{
	term_end(owner);
}

static void
term_on_draw(void *owner, const void *data, size_t len)
{
	write_out(owner, data, len);
}

static const struct term_editor_ops term_editor_ops = {
	.on_line = term_on_line,
	.on_end = term_on_end,
	.on_draw = term_on_draw,
};

void
term_type(struct term *t, const uint8_t *data, size_t len)
{
	term_editor_type(t->editor, data, len);
}

/* The prompt goes, but not what the program asked. */
void
term_end(struct term *t)
{
	if (!t->begun)
		return;
	t->begun = false;
	term_editor_hide(t->editor);
	show_lines(t, NULL, 0);
	term_editor_leave(t->editor);
	t->ops->on_end(t->owner);
}

bool
term_interrupt(struct term *t)
{
	if (!term_editor_drop(t->editor))
		return false;
	redraw_soon(t);
	return true;
}

void
term_begin(struct term *t)
{
	t->begun = true;
	redraw_soon(t);
}

/* ------------------------------------------------- signals */

/* As the default would do it, with the terminal as it was. */
static void
take_default(int sig)
{
	struct sigaction was, sa = { .sa_handler = SIG_DFL };

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(sig, &sa, &was);
	(void)kill(getpid(), sig);
	(void)sigaction(sig, &was, NULL);
}

/* Unless we are in the background, where it belongs to others. */
static void
take_back(struct term *t)
{
	pid_t group = tcgetpgrp(stream_fd(t->in));

	if (group != -1 && group != getpgrp())
		return;
	term_editor_leave(t->editor);
	redraw_soon(t);
}

/* A process that could not be continued does not stop: all goes on at once. */
static void
term_on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct term *t = arg;

	(void)what;
	term_editor_leave(t->editor);
	take_default((int)sig);
	take_back(t);
}

static void
term_on_continue(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	take_back(arg);
}

static void
term_on_resize(evutil_socket_t sig, short what, void *arg)
{
	struct term *t = arg;

	(void)sig;
	(void)what;
	term_editor_resize(t->editor);
}

static void
watch(struct term *t, struct event *ev, int sig, event_callback_fn on,
    struct event_base *base)
{
	(void)evsignal_assign(ev, base, sig, on, t);
	watch_need(ev, NULL);
}

static void
watch_signals(struct term *t, struct event_base *base)
{
	watch(t, &t->stop, SIGTSTP, term_on_stop, base);
	watch(t, &t->go_on, SIGCONT, term_on_continue, base);
	watch(t, &t->resize, SIGWINCH, term_on_resize, base);
}

/* ------------------------------------------------- the beginning, the end */

static void
take_old_line(void *arg, const char *line)
{
	struct term *t = arg;

	term_editor_remember(t->editor, line);
}

static void
open_recall(struct term *t)
{
	char *path = term_history_path();

	if (path != NULL)
		t->history = term_history_open(path, take_old_line, t);
	free(path);
}

struct term *
term_new(const struct term_start *start)
{
	struct term *t = mem_new(1, sizeof(*t));
	struct event_base *base = start->flow->base;

	*t = (struct term){
		.in = start->in,
		.out = start->out,
		.hex = start->hex,
		.ops = start->ops,
		.owner = start->owner,
	};
	t->editor = term_editor_new(stream_fd(t->in), stream_fd(t->out),
	    &term_editor_ops, t);
	if (t->editor == NULL) {
		free(t);
		return NULL;
	}
	buf_init(&t->rest, PROMPT_MAX);
	later_init(&t->redraw, base, term_on_redraw, t);
	watch_signals(t, base);
	open_recall(t);
	return t;
}

void
term_free(struct term *t)
{
	if (t == NULL)
		return;
	later_forget(&t->redraw);
	(void)event_del(&t->stop);
	(void)event_del(&t->go_on);
	(void)event_del(&t->resize);
	term_editor_hide(t->editor);
	show_lines(t, NULL, 0);
	term_editor_free(t->editor);
	term_history_close(t->history);
	buf_clear(&t->rest);
	free(t);
}
