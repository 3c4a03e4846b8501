#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/greeting.h"
#include "client/login_secret.h"

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
greeting_open(struct greeting *g, const struct client_conf *conf, char **why)
{
	const struct conf_list *list = &conf->send_first;

	*g = (struct greeting){ .v = mem_new(list->n, sizeof(*g->v)) };
	for (; g->n < list->n; g->n++) {
		if (!read_message(&g->v[g->n], list->v[g->n], why)) {
			greeting_close(g);
			return false;
		}
	}
	return true;
}

void
greeting_close(struct greeting *g)
{
	for (size_t i = 0; i < g->n; i++)
		login_secret_clear(&g->v[i]);
	free(g->v);
	*g = (struct greeting){ 0 };
}
