/*
 * One setting from a text, as its row of the option table says.
 *
 * Used by: conf/compat.c, conf/conf.c, conf/wire.c.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/options.h"

/*
 * Set what the row describes from a text (borrowed): scalars replace, lists
 * grow. False and an owned sentence in *why if the text is no such value; then
 * the conf is as it was, or, where one item of several is wrong, has got the
 * items before it.
 */
bool value_set(struct conf *, const struct option *, const char *text,
    char **why);

/* The field of the row, inside the conf. */
void *value_field(struct conf *, const struct option *);
const void *value_field_const(const struct conf *, const struct option *);

void value_clear_list(struct conf_list *);

#endif
