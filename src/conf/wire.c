#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/ladder.h"
#include "conf/options.h"
#include "conf/value.h"
#include "conf/wire.h"

enum { UNWRITTEN = '~' };

static bool
pack_row(struct buf *b, const struct option *o, const char *value)
{
	return buf_add_str(b, o->name) && buf_add_byte(b, '=') &&
	    buf_add(b, value, strlen(value) + 1);
}

static bool
pack_list(struct buf *b, const struct option *o, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!pack_row(b, o, list->v[i]))
			return false;
	}
	return true;
}

static const char *
word_of(const struct option *o, int value)
{
	struct option_word w;

	for (int i = 0; (w = option_word(o, i)).name != NULL; i++) {
		if (w.value == value)
			return w.name;
	}
	bug("option %s: no word for %d", o->name, value);
}

static bool
pack_option(struct buf *b, const struct option *o, const void *field)
{
	char number[32], ladder[LADDER_TEXT];
	const char *text;

	switch (o->type) {
	case OPT_BOOL:
		return pack_row(b, o, *(const bool *)field ? "true" : "false");
	case OPT_ENUM:
		return pack_row(b, o, word_of(o, *(const int *)field));
	case OPT_STRING:
		text = *(char *const *)field;
		return text == NULL || pack_row(b, o, o->secret ? "set" : text);
	case OPT_COMMAS:
	case OPT_LIST:
		return pack_list(b, o, field);
	case OPT_UINT:
	case OPT_SIZE:
		snprintf(number, sizeof(number), "%" PRIu64,
		    *(const uint64_t *)field);
		return pack_row(b, o, number);
	case OPT_DURATION:
		snprintf(number, sizeof(number), "%" PRIu64 "ms",
		    *(const uint64_t *)field);
		return pack_row(b, o, number);
	case OPT_LADDER:
		ladder_write(field, ladder);
		return pack_row(b, o, ladder);
	default:
		bug("option %s is none for the engine", o->name);
	}
}

/* Whether it matters that the value was written, and it is the default. */
static bool
is_unwritten(const void *about, const struct option *o)
{
	return o->given != 0 &&
	    !*(const bool *)((const char *)about + o->given);
}

/* All rows of a scope, of the struct that they are about; then an empty one. */
static bool
pack_scope(struct buf *b, enum option_scope scope, const void *about)
{
	const struct option *o;

	for (o = options; o->name != NULL; o++) {
		if (!o->engine || o->scope != scope)
			continue;
		if (is_unwritten(about, o) && !buf_add_byte(b, UNWRITTEN))
			return false;
		if (!pack_option(b, o, value_field_const(about, o)))
			return false;
	}
	return buf_add_byte(b, '\0');
}

bool
wire_pack(const struct conf *c, struct buf *b)
{
	return pack_scope(b, SCOPE_DAEMON, c) &&
	    pack_scope(b, SCOPE_ROUTE, &c->route);
}

/* The rows not read yet; the last byte of all is a NUL. */
struct rows {
	const char *p, *end;
};

/* The value of the next row if it is this option's, else NULL. */
static const char *
next_value(const struct rows *r, const struct option *o)
{
	size_t len = strlen(o->name);

	if (r->p == r->end || strncmp(r->p, o->name, len) != 0 ||
	    r->p[len] != '=')
		return NULL;
	return r->p + len + 1;
}

static bool
take_unwritten(const struct option *o, struct rows *r)
{
	if (o->given == 0 || r->p == r->end || *r->p != UNWRITTEN)
		return false;
	r->p++;
	return true;
}

/* A scalar has one row, a text one or none, a list any number. */
static bool
unpack_option(void *about, const struct option *o, struct rows *r)
{
	bool list = o->type == OPT_COMMAS || o->type == OPT_LIST;
	bool text = o->type == OPT_STRING;
	bool unwritten = take_unwritten(o, r);
	const char *value;
	char *why;

	while ((value = next_value(r, o)) != NULL) {
		if (!value_set(about, o, value, &why)) {
			free(why);
			return false;
		}
		r->p = value + strlen(value) + 1;
		if (unwritten)
			*value_given(about, o) = false;
		if (!list)
			return true;
	}
	return list || text;
}

static bool
unpack_scope(struct rows *r, enum option_scope scope, void *about)
{
	const struct option *o;

	for (o = options; o->name != NULL; o++)
		if (o->engine && o->scope == scope &&
		    !unpack_option(about, o, r))
			return false;
	return r->p < r->end && *r->p++ == '\0';
}

bool
wire_unpack(struct conf *c, const uint8_t *bytes, size_t len)
{
	const char *p = (const char *)bytes;
	struct rows r = { .p = p, .end = p + len };

	if (len == 0 || bytes[len - 1] != '\0')
		return false;
	conf_init(c);
	if (unpack_scope(&r, SCOPE_DAEMON, c) &&
	    unpack_scope(&r, SCOPE_ROUTE, &c->route) && r.p == r.end)
		return true;
	conf_clear(c);
	return false;
}
