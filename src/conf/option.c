#include <string.h>

#include "conf/option.h"

void *
option_about(const struct option_table *t, void *settings,
    const struct option *o)
{
	return (char *)settings + (o->scope == SCOPE_ROUTE ? t->route : 0);
}

const struct option *
option_find(const struct option_table *t, const char *name, size_t len)
{
	const struct option *o;

	for (o = t->rows; o->name != NULL; o++) {
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

const struct option *
option_find_letter(const struct option_table *t, char letter)
{
	const struct option *o;

	for (o = t->rows; o->name != NULL; o++) {
		if (o->letter == letter && letter != '\0')
			return o;
	}
	return NULL;
}

enum { NAME_MAX_LEN = 31 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to put in, leave out or change to make one name of the other. */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[NAME_MAX_LEN + 1], left_above, above;

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		left_above = row[0];
		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1,
			    left_above + (a[i - 1] != b[j - 1]));
			left_above = above;
		}
	}
	return row[blen];
}

struct option_word
option_word(const struct option *o, int i)
{
	if (o->words != NULL)
		return o->words[i];
	return (struct option_word){ .name = o->word(i), .value = i };
}

const char *
option_nearest(const struct option_table *t, const char *name, size_t len)
{
	const struct option *o;
	const char *best = NULL;
	size_t best_distance = 2 < len / 2 ? 2 : len / 2, d, n;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (o = t->rows; o->name != NULL; o++) {
		n = strlen(o->name);
		if (n > len + best_distance || len > n + best_distance)
			continue;
		d = distance(o->name, n, name, len);
		if (d < best_distance || (d == best_distance && best == NULL)) {
			best = o->name;
			best_distance = d;
		}
	}
	return best;
}
