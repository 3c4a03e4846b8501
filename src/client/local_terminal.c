#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/local_body.h"
#include "client/outcome.h"
#include "client/tell.h"
#include "client/term.h"
#include "codec/ws.h"
#include "flow/stdio.h"
#include "flow/stream.h"

struct at_terminal {
	struct local local;
	struct term *terminal; /* owned; NULL: it is left alone again */
	int err;               /* errno of what broke; 0: nothing */
};

/* ------------------------------------------------- its two directions */

static void
in_on_read(void *owner, uint8_t *data, size_t len)
{
	struct at_terminal *a = owner;

	if (a->terminal != NULL)
		term_type(a->terminal, data, len);
}

static void
in_on_end(void *owner)
{
	struct at_terminal *a = owner;

	if (a->terminal != NULL)
		term_end(a->terminal);
}

static void
in_on_lost(void *owner, int err)
{
	struct at_terminal *a = owner;

	a->err = err;
	in_on_end(owner);
}

static const struct stream_ops in_ops = {
	.on_read = in_on_read,
	.on_end = in_on_end,
	.on_lost = in_on_lost,
};

static void
out_on_lost(void *owner, int err)
{
	struct at_terminal *a = owner;

	a->err = err;
	local_lose_output(&a->local, WS_CLOSE_GOING_AWAY,
	    "nobody takes the output");
}

static void
out_on_drain(void *owner)
{
	struct at_terminal *a = owner;

	if (a->terminal != NULL)
		term_drained(a->terminal);
	local_drained(&a->local);
}

static const struct stream_ops out_ops = {
	.on_lost = out_on_lost,
	.on_drain = out_on_drain,
};

/* ------------------------------------------------- the user there */

static void
at_terminal_on_line(void *owner, uint8_t *line, size_t len)
{
	struct at_terminal *a = owner;

	local_give(&a->local, line, len);
}

static void
at_terminal_on_command(void *owner, const struct term_typed *typed)
{
	struct at_terminal *a = owner;

	local_give_typed(&a->local, typed);
}

static void
at_terminal_on_end(void *owner)
{
	struct at_terminal *a = owner;

	stream_pause(a->local.in);
	local_input_ended(&a->local);
}

static const struct term_ops term_ops = {
	.on_line = at_terminal_on_line,
	.on_command = at_terminal_on_command,
	.on_end = at_terminal_on_end,
};

/* ------------------------------------------------- the body */

static bool
at_terminal_start(struct local *l, struct outcome *o)
{
	struct at_terminal *a = container_of(l, struct at_terminal, local);

	(void)o;
	if (a->terminal != NULL && !l->in_ended)
		term_begin(a->terminal);
	return true;
}

static void
at_terminal_show(struct local *l, const void *text, size_t len)
{
	struct at_terminal *a = container_of(l, struct at_terminal, local);

	if (a->terminal != NULL)
		term_show(a->terminal, text, len);
}

static void
at_terminal_tell(void *owner, const void *text, size_t len)
{
	struct at_terminal *a = owner;

	term_show(a->terminal, text, len);
}

static bool
at_terminal_interrupt(struct local *l)
{
	struct at_terminal *a = container_of(l, struct at_terminal, local);

	return a->terminal != NULL && term_interrupt(a->terminal);
}

static void
at_terminal_judge(struct local *l, struct outcome *o)
{
	struct at_terminal *a = container_of(l, struct at_terminal, local);

	if (a->err != 0 && o->status == OUTCOME_OK)
		outcome_set(o, OUTCOME_LOCAL, "the terminal: %s",
		    strerror(a->err));
}

static void
leave(struct at_terminal *a)
{
	tell_through(NULL, NULL);
	term_free(a->terminal);
	a->terminal = NULL;
}

/* What is said about the call does not come behind a prompt. */
static bool
at_terminal_finish(struct local *l)
{
	leave(container_of(l, struct at_terminal, local));
	return false;
}

static void
at_terminal_clear(struct local *l)
{
	struct at_terminal *a = container_of(l, struct at_terminal, local);

	leave(a);
	free(a);
}

static const struct local_body body = {
	.start = at_terminal_start,
	.show = at_terminal_show,
	.interrupt = at_terminal_interrupt,
	.judge = at_terminal_judge,
	.finish = at_terminal_finish,
	.clear = at_terminal_clear,
};

static bool
open_both(struct at_terminal *a)
{
	struct local *l = &a->local;
	struct flow *flow = &l->client->flow;

	if ((l->in = stdio_open(flow, STDIN_FILENO)) == NULL ||
	    (l->out = stdio_open(flow, STDOUT_FILENO)) == NULL) {
		a->err = errno;
		return false;
	}
	stream_set_owner(l->in, &in_ops, a);
	stream_set_owner(l->out, &out_ops, a);
	a->terminal = term_new(&(struct term_start){
	    .flow = flow,
	    .in = l->in,
	    .out = l->out,
	    .hex = l->framing == CLIENT_HEX,
	    .ops = &term_ops,
	    .owner = a,
	});
	if (a->terminal == NULL) {
		a->err = ENOTTY;
		return false;
	}
	if (isatty(STDERR_FILENO))
		tell_through(at_terminal_tell, a);
	return true;
}

struct local *
local_new_terminal(struct client *client, struct outcome *o)
{
	struct at_terminal *a = mem_new(1, sizeof(*a));

	local_init(&a->local, &body, client);
	if (open_both(a))
		return &a->local;
	at_terminal_judge(&a->local, o);
	local_free(&a->local);
	return NULL;
}

bool
local_is_at_terminal(const struct client_conf *conf)
{
	bool other = conf->no_input || conf->ping || conf->listen.n > 0 ||
	    client_conf_has_command(conf) ||
	    (conf->files != NULL && conf->files[0] != NULL);

	return !other && isatty(STDIN_FILENO) == 1 &&
	    isatty(STDOUT_FILENO) == 1;
}
