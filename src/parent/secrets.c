#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ipc/ipc_chan.h"
#include "parent/secrets.h"

enum { PIECE = 32 * 1024 };

static void
wipe(struct buf *b)
{
	if (b->len > 0)
		explicit_bzero(b->data, b->len);
	buf_clear(b);
}

/* Read the file and judge it; false with an owned sentence in *why. */
static bool
read_secret(struct secret *s, const char *path, struct buf *out, char **why)
{
	struct userfile_error e;
	struct userfile f;

	buf_init(out, USERFILE_MAX + 1);
	if (!watch_read(&s->watch, path, out, why))
		return false;
	if (userfile_read(&f, s->kind,
		out->len == 0 ? "" : (const char *)out->data, out->len, &e)) {
		if (f.n == 0)
			log_warn("%s: it is empty, so nobody is let in", path);
		watch_warn_open(&s->watch);
		userfile_clear(&f);
		return true;
	}
	*why = mem_printf("%s:%u: %s", path, e.line, e.why);
	wipe(out);
	return false;
}

static bool
open_secret(struct secret *s, const char *option, const char *path, char **why)
{
	char *fault;

	if (path == NULL || read_secret(s, path, &s->text, &fault))
		return true;
	*why = mem_printf("%s: %s", option, fault);
	free(fault);
	return false;
}

bool
secret_is_used(const struct secret *s)
{
	return s->watch.path != NULL;
}

/* False, after a word to the log, if the old one stays. */
static bool
take_anew(struct secret *s)
{
	struct buf text;
	char *why;

	if (!read_secret(s, s->watch.path, &text, &why)) {
		LOG(LOG_LVL_ERROR, "file not taken, the old one stays",
		    LOG_STR("reason", why));
		free(why);
		return false;
	}
	wipe(&s->text);
	s->text = text;
	LOG(LOG_LVL_INFO, "file taken anew", LOG_STR("file", s->watch.path));
	return true;
}

bool
secrets_are_used(const struct secrets *s)
{
	return secret_is_used(&s->passwords) || secret_is_used(&s->tokens);
}

/* One that has changed, or any because that was asked for. */
static void
look_at(struct secrets *s, struct secret *one, bool anyway)
{
	if (secret_is_used(one) && (watch_changed(&one->watch) || anyway) &&
	    take_anew(one))
		s->fn(s->arg, one);
}

static void secrets_on_look(void *arg);

static void
look(struct secrets *s, bool anyway)
{
	loop_at(s->loop, &s->look, clock_ms() + WATCH_MS, secrets_on_look, s);
	look_at(s, &s->passwords, anyway);
	look_at(s, &s->tokens, anyway);
}

static void
secrets_on_look(void *arg)
{
	look(arg, false);
}

void
secrets_reload(struct secrets *s)
{
	if (secrets_are_used(s))
		look(s, true);
}

bool
secrets_open(struct secrets *s, const struct secrets_start *st, char **why)
{
	*s = (struct secrets){
		.loop = st->loop,
		.fn = st->fn,
		.arg = st->arg,
		.passwords = { .kind = USERFILE_PASSWORDS,
		    .piece = IPC_PASSWORDS,
		    .route = st->route },
		.tokens = { .kind = USERFILE_TOKENS,
		    .piece = IPC_TOKENS,
		    .route = st->route },
	};
	if (open_secret(&s->passwords, "--auth-file", st->conf->auth_file,
		why) &&
	    open_secret(&s->tokens, "--token-file", st->conf->token_file,
		why)) {
		if (secrets_are_used(s))
			loop_at(s->loop, &s->look, clock_ms() + WATCH_MS,
			    secrets_on_look, s);
		return true;
	}
	secrets_close(s);
	return false;
}

void
secrets_stop(struct secrets *s)
{
	loop_cancel(&s->look);
}

void
secrets_close(struct secrets *s)
{
	secrets_stop(s);
	wipe(&s->passwords.text);
	wipe(&s->tokens.text);
	*s = (struct secrets){ 0 };
}

bool
secret_tell(const struct secret *s, struct ipc_chan *chan)
{
	size_t at = 0, n;
	uint8_t head[IPC_PIECE_HEAD];

	if (!secret_is_used(s))
		return true;
	do {
		n = s->text.len - at < PIECE ? s->text.len - at : PIECE;
		ipc_put_piece_head(head, s->route, at + n == s->text.len);
		if (!ipc_chan_send(chan, s->piece, 0, head, sizeof(head),
			n == 0 ? NULL : s->text.data + at, n, NULL, 0))
			return false;
		at += n;
	} while (at < s->text.len);
	return true;
}
