#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { FIRST_CAP = 64 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_clear(b);
}

/* Twice what there is, at least what is wanted, at most the ceiling. */
static size_t
next_cap(const struct buf *b, size_t want)
{
	size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;

	if (cap < FIRST_CAP)
		cap = FIRST_CAP;
	if (cap > b->max)
		cap = b->max;
	return cap < want ? want : cap;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	size_t want, cap;
	uint8_t *data;

	if (len > b->max - b->len) {
		b->starved = false;
		return NULL;
	}
	want = b->len + len;
	if (want > b->cap || b->data == NULL) {
		cap = next_cap(b, want);
		if ((data = realloc(b->data, cap == 0 ? 1 : cap)) == NULL) {
			b->starved = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_commit(struct buf *b, size_t len)
{
	b->len += len;
}

bool
buf_add(struct buf *b, const void *data, size_t len)
{
	uint8_t *room;

	if (len == 0)
		return true;
	if ((room = buf_reserve(b, len)) == NULL)
		return false;
	memcpy(room, data, len);
	buf_commit(b, len);
	return true;
}

bool
buf_add_byte(struct buf *b, uint8_t byte)
{
	return buf_add(b, &byte, 1);
}

bool
buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

void
buf_drain(struct buf *b, size_t len)
{
	if (len >= b->len) {
		b->len = 0;
		return;
	}
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}
