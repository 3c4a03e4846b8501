#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "engine/fields.h"

/* The name owns the memory of both. */
static void
add(struct fields *f, const char *text)
{
	char *name = mem_strdup(text), *colon = strchr(name, ':');

	*colon = '\0';
	f->v[f->n++] = (struct http1_out){ name, colon + 2 };
}

void
fields_init(struct fields *f, const struct conf_list *a,
    const struct conf_list *b)
{
	*f = (struct fields){ .v = mem_new(a->n + b->n + 1, sizeof(*f->v)) };
	for (size_t i = 0; i < a->n; i++)
		add(f, a->v[i]);
	for (size_t i = 0; i < b->n; i++)
		add(f, b->v[i]);
}

void
fields_clear(struct fields *f)
{
	while (f->n > 0)
		free((char *)(uintptr_t)f->v[--f->n].name);
	free(f->v);
	f->v = NULL;
}
