/*
 * Settings from texts, as the rows of an option table say; the settings are the
 * struct that the table is about.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/option.h"

/*
 * Set what the row describes from a text (borrowed): scalars replace, lists
 * grow. False and an owned sentence in *why if the text is no such value; then
 * the settings are as they were, or, where one item of several is wrong, have
 * got the items before it.
 */
bool value_set(void *settings, const struct option *, const char *text,
    char **why);

/*
 * All defaults of a table into settings that are zero; nothing of that counts
 * as given. And everything released that its rows own.
 */
void value_set_defaults(void *settings, const struct option_table *);
void value_clear_all(void *settings, const struct option_table *);

/* The field of the row, inside the settings. */
void *value_field(void *settings, const struct option *);
const void *value_field_const(const void *settings, const struct option *);

/* Whether somebody has written it; of a row that notes it. */
bool *value_given(void *settings, const struct option *);

void value_clear_list(struct conf_list *);

#endif
