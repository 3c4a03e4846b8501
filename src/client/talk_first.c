#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/login_secret.h"
#include "client/talk_first.h"

/* A file's last line end is the editor's, not the message's. */
static bool
read_message(struct login_secret *s, const char *text, char **why)
{
	if (text[0] != '@') {
		login_secret_set(s, text);
		return true;
	}
	if (!login_secret_read(s, NULL, text + 1, why))
		return false;
	if (s->len > 0 && s->text[s->len - 1] == '\n')
		s->text[--s->len] = '\0';
	return true;
}

bool
talk_first_open(struct talk_first *f, const struct client_conf *conf,
    char **why)
{
	const struct conf_list *list = &conf->send_first;

	*f = (struct talk_first){ .v = mem_new(list->n, sizeof(*f->v)) };
	for (; f->n < list->n; f->n++) {
		if (!read_message(&f->v[f->n], list->v[f->n], why)) {
			talk_first_close(f);
			return false;
		}
	}
	return true;
}

void
talk_first_close(struct talk_first *f)
{
	for (size_t i = 0; i < f->n; i++)
		login_secret_clear(&f->v[i]);
	free(f->v);
	*f = (struct talk_first){ 0 };
}
