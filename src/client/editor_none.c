#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/editor.h"

enum { LINE_MAX_TYPED = 64 * 1024 };

struct editor {
	const struct editor_ops *ops; /* kept */
	void *owner;                  /* kept */
	struct buf line;
};

struct editor *
editor_new(int in, int out, const struct editor_ops *ops, void *owner)
{
	struct editor *e = mem_new(1, sizeof(*e));

	(void)in;
	(void)out;
	e->ops = ops;
	e->owner = owner;
	buf_init(&e->line, LINE_MAX_TYPED);
	return e;
}

void
editor_free(struct editor *e)
{
	if (e == NULL)
		return;
	buf_clear(&e->line);
	free(e);
}

void
editor_remember(struct editor *e, const char *line)
{
	(void)e;
	(void)line;
}

static void
end_line(struct editor *e)
{
	const char *line = e->line.len > 0 ? (const char *)e->line.data : "";

	e->ops->on_line(e->owner, line, e->line.len);
	buf_drain(&e->line, e->line.len);
}

void
editor_type(struct editor *e, const uint8_t *data, size_t len)
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
editor_draws(const struct editor *e)
{
	(void)e;
	return false;
}

void
editor_show(struct editor *e, const char *prompt)
{
	(void)e;
	(void)prompt;
}

void
editor_hide(struct editor *e)
{
	(void)e;
}

bool
editor_drop(struct editor *e)
{
	(void)e;
	return false;
}

void
editor_leave(struct editor *e)
{
	(void)e;
}

void
editor_resize(struct editor *e)
{
	(void)e;
}
