#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/ladder.h"
#include "conf/value.h"

void *
value_field(void *about, const struct option *o)
{
	return (char *)about + o->field;
}

const void *
value_field_const(const void *about, const struct option *o)
{
	return (const char *)about + o->field;
}

static bool
refuse(const struct option *o, const char *text, const char *reason, char **why)
{
	*why = mem_printf("--%s=%s: %s", o->name, text, reason);
	return false;
}

static bool
read_bool(const char *text, uint64_t *out)
{
	static const char *const words[][4] = {
		{ "false", "no", "0", "f" },
		{ "true", "yes", "1", "t" },
	};

	for (unsigned int value = 0; value < nitems(words); value++) {
		for (size_t i = 0; i < nitems(words[value]); i++) {
			if (str_ieq(text, words[value][i])) {
				*out = value;
				return true;
			}
		}
	}
	return false;
}

static bool
read_octal(const char *text, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '7' && i < 8; i++)
		v = v * 8 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0')
		return false;
	*out = v;
	return true;
}

static bool
read_uint(const struct option *o, const char *text, uint64_t *out)
{
	if (o->zero != NULL && strcmp(text, o->zero) == 0) {
		*out = 0;
		return true;
	}
	return str_uint(text, UINT64_MAX, out) && (o->zero == NULL || *out > 0);
}

static bool
read_word(const struct option *o, const char *text, uint64_t *out)
{
	struct option_word w;

	for (int i = 0; (w = option_word(o, i)).name != NULL; i++) {
		if (strcmp(text, w.name) == 0) {
			*out = (uint64_t)w.value;
			return true;
		}
	}
	return false;
}

static bool
read_number(const struct option *o, const char *text, uint64_t *out)
{
	switch (o->type) {
	case OPT_BOOL:
		return read_bool(text, out);
	case OPT_UINT:
	case OPT_FD:
		return read_uint(o, text, out);
	case OPT_SIZE:
		return str_size(text, out);
	case OPT_DURATION:
		return str_duration(text, out);
	case OPT_MODE:
		return read_octal(text, out);
	case OPT_ENUM:
		return read_word(o, text, out);
	default:
		bug("option %s is no number", o->name);
	}
}

static bool
refuse_word(const struct option *o, const char *text, char **why)
{
	char *all = mem_strdup("not one of"), *longer;
	const char *between = " ";
	struct option_word w;

	for (int i = 0; (w = option_word(o, i)).name != NULL; i++) {
		if (w.synonym)
			continue;
		longer = mem_printf("%s%s%s", all, between, w.name);
		free(all);
		all = longer;
		between = ", ";
	}
	refuse(o, text, all, why);
	free(all);
	return false;
}

static bool
refuse_number(const struct option *o, const char *text, char **why)
{
	static const char *const reasons[] = {
		[OPT_BOOL] = "neither true nor false",
		[OPT_UINT] = "not a whole number",
		[OPT_FD] = "not the number of a descriptor",
		[OPT_SIZE] = "not a size (examples: 64K, 16M, 4096)",
		[OPT_DURATION] = "not a duration (examples: 30s, 500ms, 2m)",
		[OPT_MODE] = "not an octal mode (example: 0660)",
	};
	char *reason;

	if (o->type == OPT_ENUM)
		return refuse_word(o, text, why);
	if (o->zero == NULL)
		return refuse(o, text, reasons[o->type], why);
	reason = mem_printf("neither a number from 1 nor %s", o->zero);
	refuse(o, text, reason, why);
	free(reason);
	return false;
}

/* A limit as the user would write it. */
static void
put_limit(const struct option *o, uint64_t v, char *out, size_t outsz)
{
	char *s;

	if (o->type == OPT_SIZE) {
		str_put_size(out, outsz, v);
	} else if (o->type == OPT_DURATION) {
		str_put_duration(out, outsz, v);
	} else {
		s = o->type == OPT_MODE ? mem_printf("%04" PRIo64, v)
					: mem_printf("%" PRIu64, v);
		str_copy(out, outsz, s);
		free(s);
	}
}

static bool
check_limits(const struct option *o, const char *text, uint64_t v, char **why)
{
	bool low = v < o->min;
	char limit[32], reason[64];

	if (!low && (o->max == 0 || v <= o->max))
		return true;
	put_limit(o, low ? o->min : o->max, limit, sizeof(limit));
	str_copy(reason, sizeof(reason), low ? "at least " : "at most ");
	str_copy(reason + strlen(reason), sizeof(reason) - strlen(reason),
	    limit);
	return refuse(o, text, reason, why);
}

static void
store_number(void *about, const struct option *o, uint64_t v)
{
	void *field = value_field(about, o);

	if (o->apply != NULL)
		o->apply(about, v);
	else if (o->type == OPT_BOOL)
		*(bool *)field = v != 0;
	else if (o->type == OPT_ENUM)
		*(int *)field = (int)v;
	else if (o->type == OPT_FD)
		*(int64_t *)field = (int64_t)v;
	else
		*(uint64_t *)field = v;
}

static bool
set_number(void *about, const struct option *o, const char *text, char **why)
{
	uint64_t v;

	if (!read_number(o, text, &v))
		return refuse_number(o, text, why);
	if (!check_limits(o, text, v, why))
		return false;
	store_number(about, o, v);
	return true;
}

static bool
set_string(void *about, const struct option *o, const char *text, char **why)
{
	char **field = value_field(about, o), *s;

	if ((s = o->item(text)) == NULL)
		return refuse(o, text, o->wanted, why);
	free(*field);
	*field = s;
	return true;
}

void
value_clear_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct conf_list){ 0 };
}

static bool
add_item(void *about, const struct option *o, const char *text, char **why)
{
	struct conf_list *list = value_field(about, o);
	char *s;

	if ((s = o->item(text)) == NULL)
		return refuse(o, text, o->wanted, why);
	if (list->preset)
		value_clear_list(list);
	list->v = mem_grow(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = s;
	return true;
}

static bool
add_items(void *about, const struct option *o, const char *text, char **why)
{
	char *item;
	size_t len;
	bool ok;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		item = mem_strndup(text, len);
		ok = add_item(about, o, item, why);
		free(item);
		if (!ok || text[len] == '\0')
			return ok;
	}
}

static bool
set_ladder(void *about, const struct option *o, const char *text, char **why)
{
	const char *reason;

	return ladder_read(text, value_field(about, o), &reason) ||
	    refuse(o, text, reason, why);
}

static bool
set(void *about, const struct option *o, const char *text, char **why)
{
	switch (o->type) {
	case OPT_STRING:
		return set_string(about, o, text, why);
	case OPT_LIST:
		return add_item(about, o, text, why);
	case OPT_COMMAS:
		return add_items(about, o, text, why);
	case OPT_LADDER:
		return set_ladder(about, o, text, why);
	default:
		return set_number(about, o, text, why);
	}
}

bool *
value_given(void *about, const struct option *o)
{
	return (bool *)((char *)about + o->given);
}

bool
value_set(void *about, const struct option *o, const char *text, char **why)
{
	if (!set(about, o, text, why))
		return false;
	if (o->given != 0)
		*value_given(about, o) = true;
	return true;
}

void
value_set_defaults(void *settings, const struct option_table *t)
{
	const struct option *o;
	char *why;

	for (o = t->rows; o->name != NULL; o++) {
		void *about = option_about(t, settings, o);

		if (o->type == OPT_FD)
			*(int64_t *)value_field(about, o) = -1;
		if (o->dflt != NULL && !value_set(about, o, o->dflt, &why))
			bug("default: %s", why);
		if (o->type == OPT_LIST || o->type == OPT_COMMAS)
			((struct conf_list *)value_field(about, o))->preset =
			    o->dflt != NULL;
		if (o->given != 0)
			*value_given(about, o) = false;
	}
}

void
value_clear_all(void *settings, const struct option_table *t)
{
	const struct option *o;
	char **text;

	for (o = t->rows; o->name != NULL; o++) {
		void *about = option_about(t, settings, o);

		if (o->type == OPT_STRING) {
			text = value_field(about, o);
			free(*text);
			*text = NULL;
		} else if (o->type == OPT_LIST || o->type == OPT_COMMAS) {
			value_clear_list(value_field(about, o));
		}
	}
}
