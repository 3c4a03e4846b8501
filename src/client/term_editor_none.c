#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/term_editor.h"

enum { LINE_MAX_TYPED = 64 * 1024 };

struct term_editor {
	const struct term_editor_ops *ops; /* kept */
	void *owner;                       /* kept */
	struct buf line;
};

struct term_editor *
term_editor_new(int in, int out, const struct term_editor_ops *ops, void *owner)
{
	struct term_editor *e = mem_new(1, sizeof(*e));

	(void)in;
	(void)out;
	e->ops = ops;
	e->owner = owner;
	buf_init(&e->line, LINE_MAX_TYPED);
	return e;
}

void
term_editor_free(struct term_editor *e)
{
	if (e == NULL)
		return;
	buf_clear(&e->line);
	free(e);
}

void
term_editor_remember(struct term_editor *e, const char *line)
{
	(void)e;
	(void)line;
}

static void
end_line(struct term_editor *e)
{
	const char *line = e->line.len > 0 ? (const char *)e->line.data : "";

	e->ops->on_line(e->owner, line, e->line.len);
	buf_drain(&e->line, e->line.len);
}

void
term_editor_type(struct term_editor *e, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			end_line(e);
		} else if (!buf_add_byte(&e->line, data[i])) {
			/* No terminal gives as much; it becomes two lines. */
			end_line(e);
			(void)buf_add_byte(&e->line, data[i]);
		}
	}
}

bool
term_editor_draws(const struct term_editor *e)
{
	(void)e;
	return false;
}

void
term_editor_show(struct term_editor *e, const char *prompt)
{
	(void)e;
	(void)prompt;
}

void
term_editor_hide(struct term_editor *e)
{
	(void)e;
}

bool
term_editor_drop(struct term_editor *e)
{
	(void)e;
	return false;
}

void
term_editor_leave(struct term_editor *e)
{
	(void)e;
}

void
term_editor_resize(struct term_editor *e)
{
	(void)e;
}
