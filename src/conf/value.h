/*
 * Settings from texts, as the rows of an option table say. The settings are the
 * struct that the table is about; what a row is about is option_about() of them.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/option.h"

/*
 * Set what the row describes from a text (borrowed): scalars replace, lists
 * grow. False and an owned sentence in *why if the text is no such value; then
 * it is as it was, or, where one item of several is wrong, has
 * got the items before it.
 */
bool value_set(void *about, const struct option *, const char *text,
    char **why);

/*
 * All defaults of a table into settings that are zero; nothing of that counts
 * as given. And everything released that its rows own.
 */
void value_set_defaults(void *settings, const struct option_table *);
void value_clear_all(void *settings, const struct option_table *);

/* The field of the row, inside what it is about. */
void *value_field(void *about, const struct option *);
const void *value_field_const(const void *about, const struct option *);

/* Whether it was written, or is the default; of a row that notes it. */
bool *value_given(void *about, const struct option *);

void value_clear_list(struct conf_list *);

#endif
