/*
 * Who comes from another program and changes one word: its defaults, and what
 * it reads otherwise than we do.
 *
 * websocketd's defaults are the column of that name in the option table. Its
 * habits: a number that may not be negative is 0 then, port 0 and empty texts
 * are options that were not given, of --origin and --passenv the last one
 * counts, and a subprotocol is written as a header field.
 */
#ifndef CONF_COMPAT_H
#define CONF_COMPAT_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/option.h"

/* Put websocketd's defaults where conf_init() has put ours. */
void compat_preset(struct conf *);

/* After everything was read: the defaults that follow from other options. */
void compat_finish(struct conf *);

/* As value_set(), if c->compat asks for habits in their way. */
bool compat_set(struct conf *c, const struct option *, const char *text,
    char **why);

#endif
