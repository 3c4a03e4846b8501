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
#include "codec/framing.h"
#include "codec/ws.h"
#include "flow/stdio.h"
#include "flow/stream.h"

struct stdio {
	struct local local;
	const char *name; /* kept: of what is read */
	char **next_file; /* kept: those after it; NULL: standard input */
	struct later next;
	int in_err, out_err; /* errno of what broke; 0: nothing */
};

/* ------------------------------------------------- input */

static void
in_on_read(void *owner, uint8_t *data, size_t len)
{
	struct stdio *s = owner;

	local_give(&s->local, data, len);
}

static void
in_on_end(void *owner)
{
	struct stdio *s = owner;

	local_input_ended(&s->local);
}

static void
in_on_lost(void *owner, int err)
{
	struct stdio *s = owner;

	s->in_err = err;
	local_input_ended(&s->local);
}

static const struct stream_ops in_ops = {
	.on_read = in_on_read,
	.on_end = in_on_end,
	.on_lost = in_on_lost,
};

/* ------------------------------------------------- files as messages */

/*
 * A file is a message of as many pieces as there are reads, so it is given as
 * records of the framing `frames`.
 */
static void
give_record(struct stdio *s, bool last, uint8_t *data, size_t len)
{
	int framing = s->local.client->conf.framing;
	bool text = framing != FRAMING_BINARY && framing != CLIENT_HEX;
	struct piece p = { .text = text, .last = last, .len = len };
	uint8_t head[FRAMING_HEAD_MAX];

	local_give(&s->local, head,
	    framing_head(head, &framing_kinds[FRAMING_FRAMES], &p));
	if (len > 0)
		local_give(&s->local, data, len);
}

static void
file_on_read(void *owner, uint8_t *data, size_t len)
{
	give_record(owner, false, data, len);
}

/* Its stream goes when this has returned. */
static void
file_on_end(void *owner)
{
	struct stdio *s = owner;

	give_record(s, true, NULL, 0);
	later_soon(&s->next);
}

static const struct stream_ops file_ops = {
	.on_read = file_on_read,
	.on_end = file_on_end,
	.on_lost = in_on_lost,
};

static void
open_file(struct stdio *s)
{
	struct local *l = &s->local;

	s->name = *s->next_file++;
	if ((l->in = stdio_open_file(&l->client->flow, s->name)) == NULL) {
		in_on_lost(s, errno);
		return;
	}
	stream_set_owner(l->in, &file_ops, s);
	if (!l->paused)
		stream_resume(l->in);
}

static void
stdio_on_next(void *owner)
{
	struct stdio *s = owner;

	stream_free(s->local.in);
	s->local.in = NULL;
	if (*s->next_file == NULL)
		local_input_ended(&s->local);
	else
		open_file(s);
}

/* ------------------------------------------------- output */

static void
out_on_lost(void *owner, int err)
{
	struct stdio *s = owner;

	s->out_err = err;
	local_lose_output(&s->local, WS_CLOSE_GOING_AWAY,
	    "nobody takes the output");
}

static void
out_on_drain(void *owner)
{
	struct stdio *s = owner;

	local_drained(&s->local);
}

static const struct stream_ops out_ops = {
	.on_lost = out_on_lost,
	.on_drain = out_on_drain,
};

/* ------------------------------------------------- the beginning, the end */

static bool
open_input(struct stdio *s, struct outcome *o)
{
	const struct client_conf *conf = &s->local.client->conf;
	struct local *l = &s->local;

	if (conf->no_input) {
		l->in_ended = true;
		return true;
	}
	if (conf->files != NULL && conf->files[0] != NULL) {
		l->framing = FRAMING_FRAMES;
		s->next_file = conf->files;
		open_file(s);
	} else if ((l->in = stdio_open(&l->client->flow, STDIN_FILENO)) !=
	    NULL) {
		stream_set_owner(l->in, &in_ops, s);
	} else {
		s->in_err = errno;
	}
	if (s->in_err != 0)
		outcome_set(o, OUTCOME_LOCAL, "%s: %s", s->name,
		    strerror(s->in_err));
	return s->in_err == 0;
}

static bool
open_output(struct stdio *s, struct outcome *o)
{
	struct local *l = &s->local;

	l->out = stdio_open(&l->client->flow, STDOUT_FILENO);
	if (l->out == NULL) {
		outcome_set(o, OUTCOME_LOCAL, "standard output: %s",
		    strerror(errno));
		return false;
	}
	stream_set_owner(l->out, &out_ops, s);
	return true;
}

/* A program whose output is not read dies of it, without a word. */
static void
stdio_judge(struct local *l, struct outcome *o)
{
	const struct stdio *s = container_of(l, struct stdio, local);

	if (s->out_err == EPIPE)
		*o = (struct outcome){ .signal = SIGPIPE };
	else if (s->out_err != 0)
		outcome_set(o, OUTCOME_LOCAL, "standard output: %s",
		    strerror(s->out_err));
	else if (s->in_err != 0 && o->status == 0)
		outcome_set(o, OUTCOME_LOCAL, "%s: %s", s->name,
		    strerror(s->in_err));
}

static void
stdio_clear(struct local *l)
{
	struct stdio *s = container_of(l, struct stdio, local);

	later_forget(&s->next);
	free(s);
}

static const struct local_body body = {
	.judge = stdio_judge,
	.clear = stdio_clear,
};

struct local *
local_new_stdio(struct client *client, struct outcome *o)
{
	struct stdio *s = mem_new(1, sizeof(*s));

	local_init(&s->local, &body, client);
	s->name = "standard input";
	later_init(&s->next, client->flow.base, stdio_on_next, s);
	if (open_input(s, o) && open_output(s, o))
		return &s->local;
	local_free(&s->local);
	return NULL;
}
